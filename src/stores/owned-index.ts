import type { SecretSummary } from '../core/target/secret-summary.ts';

/** Secrets by the ExternalSecret that has made them, so that one under a name it no longer has is found. */
export class OwnedIndex {
  readonly #byMaker = new Map<string, Map<string, SecretSummary>>();

  update(before: SecretSummary | undefined, after: SecretSummary | undefined): void {
    if (before?.createdBy !== undefined) {
      const made = this.#byMaker.get(before.createdBy);
      made?.delete(before.name);
      if (made?.size === 0) this.#byMaker.delete(before.createdBy);
    }
    if (after?.createdBy === undefined) return;
    const made = this.#byMaker.get(after.createdBy) ?? new Map<string, SecretSummary>();
    this.#byMaker.set(after.createdBy, made.set(after.name, after));
  }

  /** @param createdBy label of a Secret that says who made it; namespace and name are in its hash. */
  madeBy(createdBy: string): readonly SecretSummary[] {
    return [...(this.#byMaker.get(createdBy)?.values() ?? [])];
  }
}
