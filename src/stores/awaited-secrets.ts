import { LRUCache } from 'lru-cache';

const NAMES_REMEMBERED = 10_000;
const REMEMBERED_FOR_MS = 3_600_000;

/**
 * Secrets that admitted pods wait for and nobody makes so far: with Helm and Argo CD an ExternalSecret may come after its
 * pods, and goes to the head of the queue then.
 */
export class AwaitedSecrets {
  readonly #names = new LRUCache<string, true>({ max: NAMES_REMEMBERED, ttl: REMEMBERED_FOR_MS });

  note(namespace: string, secretName: string): void {
    this.#names.set(`${namespace}/${secretName}`, true);
  }

  has(namespace: string, secretName: string): boolean {
    return this.#names.has(`${namespace}/${secretName}`);
  }
}
