/**
 * Bytes that must not be seen. Every way of printing it (JSON, String(), a template literal, util.inspect, console.log)
 * gives `[redacted]`; the bytes come out only through {@link SecretValue.reveal}, which a search of the code can find.
 */
export class SecretValue {
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  static fromText(text: string): SecretValue {
    return new SecretValue(Buffer.from(text, 'utf8'));
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  /** The bytes themselves. Never log, throw or answer with what this returns. */
  reveal(): Buffer {
    return this.#bytes;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [Symbol.toPrimitive](): string {
    return '[redacted]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[redacted]';
  }
}
