import { isDeepStrictEqual } from 'node:util';
import type { ExternalSecret } from '../api/external-secrets.ts';
import type { Secret } from '../api/kubernetes.ts';
import { secrets } from '../api/resources.ts';
import { LatchkeyError } from '../core/errors.ts';
import { targetName } from '../core/external-secret/target-name.ts';
import { printable } from '../core/names.ts';
import type { Unwritten } from '../core/refresh/freshness.ts';
import { assertTargetAllowed, buildSecret, fieldManagerOf } from '../core/target/build-secret.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Resolved } from './resolve.ts';

export interface MaterialiseOptions {
  /** True when the cache has no Secret of that name: then the first try is a create, without a read before it. */
  readonly isBelievedAbsent: boolean;
  /** Does somebody wait for the Secret that creation policy None makes only then? */
  readonly isAskedFor: boolean;
  /** ExternalSecrets that add to the same Secret after this one. */
  readonly later: readonly ExternalSecret[];
  readonly fetch: () => Promise<Resolved>;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
}

export interface Materialised {
  /** The Secret as it is now; `undefined`: there is none. */
  readonly secret: Secret | undefined;
  /** `gone`: deletion policy Delete, and there was nothing of ours to delete. */
  readonly done: 'created' | 'updated' | 'unchanged' | 'deleted' | 'gone' | Unwritten;
  /** uid of the Secret that was deleted. */
  readonly removedUid?: string;
  /** When the fetch began whose value the Secret now holds. */
  readonly fetchStartedAtMs: number;
  /** See {@link Resolved.missing}. */
  readonly missing: readonly string[];
}

const MOST_ATTEMPTS = 5;

/**
 * Brings the target Secret to what a fetch gives, as compare-and-swap: read the version, fetch, write against that
 * version. Whoever loses the race reads and fetches again, so that a value fetched before somebody else's write never
 * replaces what they wrote. Nothing is written when nothing changes.
 *
 * A fetch that gives nothing: deletion policy Delete deletes the Secret that this ExternalSecret owns, Retain leaves it,
 * Merge takes the keys away.
 *
 * @throws LatchkeyError `TargetForbidden` before any fetch when the target may not be written; else what fetch throws.
 */
export async function materialise(
  cluster: Cluster,
  externalSecret: ExternalSecret,
  options: MaterialiseOptions,
): Promise<Materialised> {
  const key = { namespace: externalSecret.metadata.namespace ?? '', name: targetName(externalSecret) };
  const { creationPolicy = 'Owner', deletionPolicy = 'Retain' } = externalSecret.spec.target ?? {};
  const mayCreate = creationPolicy !== 'Merge' && (creationPolicy !== 'None' || options.isAskedFor);
  const { clock, signal } = options;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const mayCreateBlind = attempt === 1 && options.isBelievedAbsent && mayCreate;
    const current = mayCreateBlind ? undefined : await cluster.get(secrets, key, { signal });
    assertTargetAllowed(externalSecret, current);
    const fetchStartedAtMs = clock.now();
    if (current === undefined && creationPolicy === 'Merge') {
      return { secret: undefined, done: 'no-target', fetchStartedAtMs, missing: [] };
    }
    const { values, missing } = await options.fetch();
    const outcome = { fetchStartedAtMs, missing };
    if (current === undefined && !mayCreate) return { secret: undefined, done: 'not-wanted', ...outcome };
    if (values.size === 0 && deletionPolicy !== 'Merge') {
      const present = mayCreateBlind ? await cluster.get(secrets, key, { signal }) : current;
      if (deletionPolicy === 'Retain') return { secret: present, done: 'retained', ...outcome };
      assertTargetAllowed(externalSecret, present);
      if (!isRemovable(externalSecret, present)) return { secret: undefined, done: 'gone', ...outcome };
      if ((await cluster.delete(secrets, present, { signal })) === 'conflict') continue;
      options.metrics.secretWrite('delete');
      return { secret: undefined, done: 'deleted', removedUid: present.metadata.uid ?? '', ...outcome };
    }
    const desired = buildSecret(externalSecret, values, current, options.later);
    assertChangeable(desired, current);
    if (current !== undefined && isDeepStrictEqual(desired, current)) {
      return { secret: current, done: 'unchanged', ...outcome };
    }
    const written = await write(cluster, externalSecret, desired, current, options);
    if (written !== undefined) {
      return { secret: written, done: current === undefined ? 'created' : 'updated', ...outcome };
    }
  }
  throw new LatchkeyError(
    'ClusterUnavailable',
    `Secret "${printable(key.name)}" was changed by others ${MOST_ATTEMPTS} times while it was being written`,
  );
}

/** @returns undefined when somebody else was faster. */
async function write(
  cluster: Cluster,
  { metadata }: ExternalSecret,
  desired: Secret,
  current: Secret | undefined,
  { metrics, signal }: MaterialiseOptions,
): Promise<Secret | undefined> {
  const writing = { fieldManager: fieldManagerOf(metadata.name), signal };
  const written =
    current === undefined
      ? await cluster.create(secrets, desired, writing)
      : await cluster.update(secrets, desired, writing);
  if (written.outcome === 'conflict') return undefined;
  metrics.secretWrite(current === undefined ? 'create' : 'update');
  return written.object;
}

/** Is there a Secret that this ExternalSecret has made? @throws LatchkeyError `InvalidExternalSecret` when it may delete none. */
function isRemovable(externalSecret: ExternalSecret, present: Secret | undefined): present is Secret {
  if ((externalSecret.spec.target?.creationPolicy ?? 'Owner') !== 'Owner') {
    throw new LatchkeyError(
      'InvalidExternalSecret',
      'spec.target.deletionPolicy Delete would delete a Secret that it does not own: it needs creationPolicy Owner',
    );
  }
  const controller = present?.metadata.ownerReferences?.find((owner) => owner.controller === true);
  return controller !== undefined && controller.uid === externalSecret.metadata.uid;
}

/** @throws LatchkeyError `TargetForbidden` when the API server would refuse the change of data. */
function assertChangeable(desired: Secret, current: Secret | undefined): void {
  if (current?.immutable !== true || isDeepStrictEqual(desired.data, current.data)) return;
  throw new LatchkeyError(
    'TargetForbidden',
    `Secret "${printable(current.metadata.name)}" is immutable and would get other data: delete the Secret`,
  );
}
