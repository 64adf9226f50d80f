import { LRUCache } from 'lru-cache';
import { namespaces } from '../api/resources.ts';
import { isLabelName } from '../core/names.ts';
import type { Cluster } from '../ports/cluster.ts';
import { summariseNamespace, type NamespaceSummary, type Views } from './views.ts';

/** A name that is nowhere is asked for again after this. */
const ABSENT_FOR_MS = 5_000;
const NAMES_REMEMBERED = 1_000;

/** Namespaces from the cache, with one GET for a name that the cache does not know yet. */
export class NamespaceLookup {
  readonly #cluster: Cluster;
  readonly #views: Views;
  readonly #absent = new LRUCache<string, true>({ max: NAMES_REMEMBERED, ttl: ABSENT_FOR_MS });

  constructor(cluster: Cluster, views: Views) {
    this.#cluster = cluster;
    this.#views = views;
  }

  /** As far as the cache knows it. */
  known(name: string): NamespaceSummary | undefined {
    return this.#views.namespaces.get({ name });
  }

  async find(name: string, signal: AbortSignal): Promise<NamespaceSummary | undefined> {
    const known = this.known(name);
    // Whoever reaches the port may write anything there; what is no name is asked of nobody.
    if (known !== undefined || !isLabelName(name) || this.#absent.has(name)) return known;
    const namespace = await this.#cluster.get(namespaces, { name }, { signal });
    if (namespace === undefined) {
      this.#absent.set(name, true);
      return undefined;
    }
    this.#views.namespaces.observe(namespace);
    return summariseNamespace(namespace);
  }
}
