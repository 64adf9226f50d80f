import { LRUCache } from 'lru-cache';
import type { ExternalSecret } from '../api/external-secrets.ts';
import { externalSecrets } from '../api/resources.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Views } from './views.ts';

const SHARED_FOR_MS = 1_000;
const LIST_TIMEOUT_MS = 5_000;
const NAMESPACES_REMEMBERED = 1_000;

/**
 * The look past the cache for names it does not know: an ExternalSecret applied a moment before its pod may not have
 * come through the watch. One LIST of the namespace, shared by everyone who asks, at most one a second per namespace.
 */
export class LiveLook {
  readonly #cluster: Cluster;
  readonly #views: Views;
  readonly #clock: Clock;
  readonly #lists = new LRUCache<string, { startedAtMs: number; list: Promise<readonly ExternalSecret[]> }>({
    max: NAMESPACES_REMEMBERED,
  });

  constructor(cluster: Cluster, views: Views, clock: Clock) {
    this.#cluster = cluster;
    this.#views = views;
    this.#clock = clock;
  }

  /** Lists the namespace's ExternalSecrets, unless that was done within the last second, and feeds the cache. */
  async refresh(namespace: string): Promise<void> {
    const nowMs = this.#clock.now();
    const last = this.#lists.get(namespace);
    if (last !== undefined && nowMs - last.startedAtMs < SHARED_FOR_MS) {
      await last.list;
      return;
    }
    const list = this.#cluster.list(externalSecrets, { namespace, signal: AbortSignal.timeout(LIST_TIMEOUT_MS) });
    this.#lists.set(namespace, { startedAtMs: nowMs, list });
    try {
      for (const externalSecret of await list) this.#views.externalSecrets.observe(externalSecret);
    } catch (error) {
      // A failed look answers nobody after this one.
      this.#lists.delete(namespace);
      throw error;
    }
  }
}
