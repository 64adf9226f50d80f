import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';
import type { Timer } from '../ports/timer.ts';
import { areCurrent, type ObjectVersion } from '../stores/object-versions.ts';
import { pause } from './pause.ts';

export interface SourceWatchOptions {
  readonly cluster: Cluster;
  /** For the log: what the objects are. */
  readonly what: string;
  /** What was made of which objects. */
  readonly inUse: () => Iterable<readonly [id: string, sources: readonly ObjectVersion[]]>;
  readonly isLeading: () => boolean;
  /** What was made under these names would be made otherwise now. */
  readonly onChanged: (ids: ReadonlySet<string>) => void;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly logger: Logger;
}

/** What something was made of, and whether that has been superseded. */
interface Look {
  readonly versions: string;
  readonly isStale: boolean;
}

const ROUND_EVERY_MS = 30_000;
/** So that a cluster with very many credentials takes longer to notice instead of asking faster. */
const SPACING_MS = 100;
const CALL_TIMEOUT_MS = 5_000;

/**
 * Notices that a Secret, ConfigMap or service account has changed that a store's client was made of, the CA bundle included, or
 * that a template stands in. They are asked for by name, each once in 30 s: they are a handful of objects, while following them
 * would take a watch on every Secret and ConfigMap of the cluster, of which most are neither.
 */
export class SourceWatch {
  readonly #options: SourceWatchOptions;
  /** What each was made of when it was last looked at. */
  #known: ReadonlyMap<string, Look> = new Map();

  constructor(options: SourceWatchOptions) {
    this.#options = options;
  }

  async lead(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(this.#options.timer, ROUND_EVERY_MS, signal);
      if (!signal.aborted && this.#options.isLeading()) await this.round(signal);
    }
    this.#known = new Map();
  }

  /** Looks at each object in use once. */
  async round(signal: AbortSignal): Promise<void> {
    const { cluster, what, onChanged, logger } = this.#options;
    const inUse = [...this.#options.inUse()];
    const isCurrent = new Map<string, boolean>();
    for (const source of inUse.flatMap(([, sources]) => sources)) {
      const id = idOf(source);
      if (isCurrent.has(id)) continue;
      if (isCurrent.size > 0) await pause(this.#options.timer, SPACING_MS, signal);
      if (signal.aborted) return;
      try {
        const bounded = AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
        isCurrent.set(id, await areCurrent(cluster, [source], bounded));
      } catch (error) {
        // What could not be asked is no change.
        isCurrent.set(id, true);
        logger.warn('an object could not be looked at', { what, kind: source.resource.kind }, error);
      }
    }
    const next = new Map<string, Look>();
    for (const [name, sources] of inUse) {
      const versions = sources.map(idOf).join();
      next.set(name, { versions, isStale: sources.some((each) => isCurrent.get(idOf(each)) === false) });
    }
    const changed = [...next].filter(([name, now]) => hasChanged(this.#known.get(name), now));
    this.#known = next;
    if (changed.length > 0) onChanged(new Set(changed.map(([name]) => name)));
  }
}

/** Each change is told of once: when it is seen, or when a client was made of newer ones before anybody saw it. */
function hasChanged(before: Look | undefined, now: Look): boolean {
  const isSame = before?.versions === now.versions;
  if (now.isStale) return !isSame || !before.isStale;
  return before !== undefined && !isSame && !before.isStale;
}

function idOf({ resource, namespace, name, version }: ObjectVersion): string {
  return `${resource.kind}/${namespace}/${name}@${version}`;
}
