import { LatchkeyError } from '../src/core/errors.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { Logger } from '../src/ports/logger.ts';
import { type CertificateSet, type Entries, parseCertificateSet } from './certificate-set.ts';
import type { CertificateStore, StoredEntries } from './certificate-store.ts';
import type { Issue } from './issuing.ts';
import { newEntries, rotatedEntries } from './rotate.ts';
import { isServable, nextStep, type RotationStep, type ServingNames } from './rotation.ts';

export interface Upkeep {
  readonly store: CertificateStore;
  readonly names: ServingNames;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly issue: Issue;
  /** After a renewal that failed, none is tried before this time. Kept here between looks. */
  readonly renewal: { notBeforeMs: number };
}

/** Each round either ends or means that another process wrote in between; that many in a row is no race any more. */
const roundLimit = 20;
/** There are months left: no need to try at every look. */
const renewalPauseMs = 5 * 60_000;

/**
 * Reads the stored set, makes it when there is none, and brings it up to date. Safe to run anywhere at the same time.
 * A set that is still good is returned even when it could not be renewed.
 *
 * @throws LatchkeyError the store's own, `InvalidData` when what is stored cannot be used, `Internal` when issuing fails.
 */
export async function upToDateSet(upkeep: Upkeep, signal: AbortSignal): Promise<CertificateSet> {
  for (let round = 0; round < roundLimit; round++) {
    signal.throwIfAborted();
    const stored = await upkeep.store.read(signal);
    if (stored === undefined) {
      await createSet(upkeep, signal);
      continue;
    }
    const set = parseCertificateSet(stored.entries);
    const step = nextStep(set, upkeep.names, upkeep.clock.now());
    if (step === 'none') return set;
    if (!(await tryStep(upkeep, { set, step, stored }, signal))) return set;
  }
  throw new LatchkeyError(
    'ClusterUnavailable',
    `the certificates in ${upkeep.store.name} change faster than they are read`,
  );
}

/**
 * Notes that the API server has been seen to trust a bundle. That starts the wait after which a new CA is used.
 * Does nothing when no CA is being introduced, when it was noted before, or when the bundle lacks one of ours.
 */
export async function notePublished(upkeep: Upkeep, caBundlePem: string, signal: AbortSignal): Promise<void> {
  for (let round = 0; round < roundLimit; round++) {
    signal.throwIfAborted();
    const stored = await upkeep.store.read(signal);
    if (stored === undefined) return;
    const set = parseCertificateSet(stored.entries);
    const isKnown = !set.hasNextCa || set.nextCaPublishedMs !== undefined;
    if (isKnown || !set.bundle.every((pem) => caBundlePem.includes(pem.trim()))) return;
    const entries: Entries = { ...set.entries, 'next-ca-published': new Date(upkeep.clock.now()).toISOString() };
    if (await upkeep.store.replace(entries, stored.revision, signal)) return;
  }
}

interface DueStep {
  readonly set: CertificateSet;
  readonly step: Exclude<RotationStep, 'none'>;
  readonly stored: StoredEntries;
}

async function createSet(upkeep: Upkeep, signal: AbortSignal): Promise<void> {
  const entries = await newEntries(maker(upkeep), signal);
  if (await upkeep.store.create(entries, signal)) upkeep.logger.info('Certificates made', { store: upkeep.store.name });
}

/** False when the step failed and the set at hand will do for now. */
async function tryStep(upkeep: Upkeep, due: DueStep, signal: AbortSignal): Promise<boolean> {
  const fields = { store: upkeep.store.name, step: due.step };
  const canWait = isServable(due.set, upkeep.clock.now());
  if (canWait && upkeep.clock.now() < upkeep.renewal.notBeforeMs) return false;
  try {
    const entries = await rotatedEntries(due.set, due.step, maker(upkeep), signal);
    const isOurs = await upkeep.store.replace(entries, due.stored.revision, signal);
    if (isOurs) upkeep.logger.info('Certificates rotated', fields);
    return true;
  } catch (error) {
    if (signal.aborted || !canWait) throw error;
    upkeep.renewal.notBeforeMs = upkeep.clock.now() + renewalPauseMs;
    upkeep.logger.warn('Certificates cannot be renewed yet', fields, error);
    return false;
  }
}

function maker(upkeep: Upkeep): { issue: Issue; names: ServingNames; nowMs: number } {
  return { issue: upkeep.issue, names: upkeep.names, nowMs: upkeep.clock.now() };
}
