import type { CertificateSource, ServingCredentials } from '../src/ports/certificate-source.ts';
import { type Clock, systemClock } from '../src/ports/clock.ts';
import type { Logger } from '../src/ports/logger.ts';
import { type CertificateSet, servingCredentials } from './certificate-set.ts';
import type { CertificateStore } from './certificate-store.ts';
import { issueInWorker } from './issue.ts';
import type { Issue } from './issuing.ts';
import { notePublished, upToDateSet, type Upkeep } from './managed-set.ts';
import type { ServingNames } from './rotation.ts';
import { createWakeUp } from './wake-up.ts';

export interface CertificateSourceOptions {
  /** Names and addresses under which the API server calls the webhook. */
  readonly names: ServingNames;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** How often the store is read again; 10 s unless told. */
  readonly pollMs?: number;
  readonly issue?: Issue;
}

/** A source that makes its own CA and therefore has to hear when the API server trusts it. */
export interface RotatingCertificateSource extends CertificateSource {
  /**
   * To be called whenever the registered CA bundle was read back from the API server: a leaf under a new CA is served
   * only a minute after that. A bundle that was noted before costs one read.
   */
  bundlePublished(caBundlePem: string, signal: AbortSignal): Promise<void>;
}

/** One look at the store, renewal included, takes no longer. */
const lookLimitMs = 30_000;

/** Serving credentials out of a store: issued on first use, renewed at a third of their life, one set for all replicas. */
export function createCertificateSource(
  store: CertificateStore,
  options: CertificateSourceOptions,
): RotatingCertificateSource {
  const { names, logger, clock = systemClock, pollMs = 10_000, issue = issueInWorker } = options;
  const upkeep: Upkeep = { store, names, logger, clock, issue, renewal: { notBeforeMs: 0 } };
  /** What whoever follows has: the first load, then what the listener was given. Later loads by others do not count. */
  let followed: string | undefined;

  async function load(signal: AbortSignal): Promise<ServingCredentials> {
    const set = await upToDateSet(upkeep, signal);
    followed ??= identity(set);
    return servingCredentials(set);
  }

  async function look(listener: (credentials: ServingCredentials) => void, signal: AbortSignal): Promise<void> {
    const set = await upToDateSet(upkeep, AbortSignal.any([signal, AbortSignal.timeout(lookLimitMs)]));
    if (signal.aborted || identity(set) === followed) return;
    followed = identity(set);
    listener(servingCredentials(set));
  }

  async function followUntilAborted(
    listener: (credentials: ServingCredentials) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const alarm = createWakeUp();
    store.watch?.(alarm.wake, signal);
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      if (!isFirst) await alarm.sleep(pollMs, signal);
      try {
        if (!signal.aborted) await look(listener, signal);
      } catch (error) {
        if (!signal.aborted)
          logger.warn('Certificates cannot be read, the ones at hand stay', { store: store.name }, error);
      }
    }
  }

  return {
    load,
    follow: (listener, signal) => void followUntilAborted(listener, signal),
    bundlePublished: (caBundlePem, signal) => notePublished(upkeep, caBundlePem, signal),
  };
}

/** What the listener would get; entries that only steer a rotation do not count. */
function identity(set: CertificateSet): string {
  return JSON.stringify(servingCredentials(set));
}
