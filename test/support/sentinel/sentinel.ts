import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

/** Shapes in which a value may leak: as it is, in base64 (any alignment), in hex, JSON-escaped or URL-encoded. */
function disguises(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const alignments = [0, 1, 2].map((shift) => {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '');
    // The first and last characters depend on what stands beside the value.
    return padded.slice(shift === 0 ? 0 : 4, -3);
  });
  return [value, ...alignments, bytes.toString('hex'), encodeURIComponent(value)];
}

/** Values that must be seen nowhere, and everything that was said where they might be. */
export class SentinelCollector {
  readonly #values: string[] = [];
  readonly #texts: { readonly source: string; readonly text: string }[] = [];

  /** A new value that cannot occur by chance. */
  mint(): string {
    const value = `sentinel-${randomBytes(12).toString('hex')}-fake`;
    this.#values.push(value);
    return value;
  }

  collect(source: string, text: string): void {
    this.#texts.push({ source, text });
  }

  /** Does a text hold none of the values, in any shape? */
  isClean(text: string): boolean {
    return !this.#values.some((value) => disguises(value).some((disguise) => text.includes(disguise)));
  }

  /** Fails naming where a value was seen, without repeating it. */
  assertUnseen(): void {
    assert.ok(this.#values.length > 0 && this.#texts.length > 0, 'nothing was collected, so nothing is proven');
    const seen = this.#texts.filter(({ text }) => !this.isClean(text));
    assert.deepEqual(
      seen.map(({ source }) => source),
      [],
      'secret values were seen',
    );
  }
}
