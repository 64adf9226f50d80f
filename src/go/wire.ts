/**
 * How requests and responses are written in the module's memory: numbers of 32 bits, little end first, and bytes behind
 * their length. src/go/module/wire.go is the other side.
 */

type Part = number | Uint8Array;

/** Puts a request together. The bytes are copied once, in {@link RequestWriter.finish}. */
export class RequestWriter {
  readonly #parts: Part[] = [];
  #sizeBytes = 0;

  number(value: number): this {
    this.#parts.push(value);
    this.#sizeBytes += 4;
    return this;
  }

  flag(value: boolean): this {
    return this.number(value ? 1 : 0);
  }

  bytes(value: Uint8Array): this {
    this.#parts.push(value.length, value);
    this.#sizeBytes += 4 + value.length;
    return this;
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value, 'utf8'));
  }

  /** The number of items, and each as `write` says. */
  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.number(items.length);
    items.forEach(write);
    return this;
  }

  /** In a buffer of its own, so that it can be handed to another thread. */
  finish(): Uint8Array<ArrayBuffer> {
    const request = new Uint8Array(this.#sizeBytes);
    const view = new DataView(request.buffer);
    let at = 0;
    for (const part of this.#parts) {
      if (typeof part === 'number') {
        view.setUint32(at, part, true);
        at += 4;
      } else {
        request.set(part, at);
        at += part.length;
      }
    }
    return request;
  }
}

/** Takes a response apart, from its beginning on. */
export class ResponseReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  number(): number {
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  flag(): boolean {
    return this.number() === 1;
  }

  bytes(): Buffer {
    const size = this.number();
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  text(): string {
    return this.bytes().toString('utf8');
  }
}
