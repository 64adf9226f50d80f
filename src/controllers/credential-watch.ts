import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';
import type { Timer } from '../ports/timer.ts';
import type { ClientCache } from '../stores/client-cache.ts';
import { areCurrent, type CredentialVersion } from '../stores/credentials.ts';
import { pause } from './pause.ts';

export interface CredentialWatchOptions {
  readonly cluster: Cluster;
  readonly clients: Pick<ClientCache, 'credentialsInUse'>;
  readonly isLeading: () => boolean;
  /** Whoever asks as one of these identities has other credentials now. */
  readonly onChanged: (identities: ReadonlySet<string>) => void;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly logger: Logger;
}

/** What a client was made of, and whether that has been superseded. */
interface Look {
  readonly versions: string;
  readonly isStale: boolean;
}

const ROUND_EVERY_MS = 30_000;
/** So that a cluster with very many credentials takes longer to notice instead of asking faster. */
const SPACING_MS = 100;
const CALL_TIMEOUT_MS = 5_000;

/**
 * Notices that a Secret, ConfigMap or service account that a store's client was made of has changed, the CA bundle included.
 * They are asked for by name, each once in 30 s: what stores use is a handful of objects, while following them would take a
 * watch on every Secret of the cluster, of which most are nobody's credentials.
 */
export class CredentialWatch {
  readonly #options: CredentialWatchOptions;
  /** What each identity was made of when it was last looked at. */
  #known: ReadonlyMap<string, Look> = new Map();

  constructor(options: CredentialWatchOptions) {
    this.#options = options;
  }

  async lead(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(this.#options.timer, ROUND_EVERY_MS, signal);
      if (!signal.aborted && this.#options.isLeading()) await this.round(signal);
    }
    this.#known = new Map();
  }

  /** Looks at each credential in use once. */
  async round(signal: AbortSignal): Promise<void> {
    const { cluster, clients, onChanged, logger } = this.#options;
    const inUse = [...clients.credentialsInUse()];
    const isCurrent = new Map<string, boolean>();
    for (const credential of inUse.flatMap(([, credentials]) => credentials)) {
      const id = idOf(credential);
      if (isCurrent.has(id)) continue;
      if (isCurrent.size > 0) await pause(this.#options.timer, SPACING_MS, signal);
      if (signal.aborted) return;
      try {
        const bounded = AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
        isCurrent.set(id, await areCurrent(cluster, [credential], bounded));
      } catch (error) {
        // What could not be asked is no change.
        isCurrent.set(id, true);
        logger.warn('a credential of a store could not be looked at', { kind: credential.resource.kind }, error);
      }
    }
    const next = new Map<string, Look>();
    for (const [identity, credentials] of inUse) {
      const versions = credentials.map(idOf).join();
      next.set(identity, { versions, isStale: credentials.some((each) => isCurrent.get(idOf(each)) === false) });
    }
    const changed = [...next].filter(([identity, now]) => hasChanged(this.#known.get(identity), now));
    this.#known = next;
    if (changed.length > 0) onChanged(new Set(changed.map(([identity]) => identity)));
  }
}

/** Each change is told of once: when it is seen, or when a client was made of newer ones before anybody saw it. */
function hasChanged(before: Look | undefined, now: Look): boolean {
  const isSame = before?.versions === now.versions;
  if (now.isStale) return !isSame || !before.isStale;
  return before !== undefined && !isSame && !before.isStale;
}

function idOf({ resource, namespace, name, version }: CredentialVersion): string {
  return `${resource.kind}/${namespace}/${name}@${version}`;
}
