import { isDeepStrictEqual } from 'node:util';
import type { ExternalSecret } from '../api/external-secrets.ts';
import type { Secret } from '../api/kubernetes.ts';
import { secrets } from '../api/resources.ts';
import { LatchkeyError } from '../core/errors.ts';
import { targetName } from '../core/external-secret/target-name.ts';
import { printable } from '../core/names.ts';
import type { SecretValue } from '../core/secret-value.ts';
import { assertTargetAllowed, buildSecret, fieldManagerOf } from '../core/target/build-secret.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Metrics } from '../ports/metrics.ts';

export interface MaterialiseOptions {
  /** True when the cache has no Secret of that name: then the first try is a create, without a read before it. */
  readonly isBelievedAbsent: boolean;
  readonly fetch: () => Promise<ReadonlyMap<string, SecretValue>>;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
}

export interface Materialised {
  /** `undefined`: deletion policy Delete wants none. */
  readonly secret: Secret | undefined;
  /** uid of the Secret that was deleted. */
  readonly removedUid?: string;
  /** When the fetch began whose value the Secret now holds. */
  readonly fetchStartedAtMs: number;
}

const MOST_ATTEMPTS = 5;

/**
 * Brings the target Secret to what a fetch gives, as compare-and-swap: read the version, fetch, write against that
 * version. Whoever loses the race reads and fetches again, so that a value fetched before somebody else's write never
 * replaces what they wrote. Nothing is written when nothing changes.
 *
 * With deletion policy Delete, a fetch that gives nothing deletes the Secret that this ExternalSecret owns.
 *
 * @throws LatchkeyError `TargetForbidden` before any fetch when the target may not be written; else what fetch throws.
 */
export async function materialise(
  cluster: Cluster,
  externalSecret: ExternalSecret,
  { isBelievedAbsent, fetch, clock, metrics, signal }: MaterialiseOptions,
): Promise<Materialised> {
  const key = { namespace: externalSecret.metadata.namespace ?? '', name: targetName(externalSecret) };
  const fieldManager = fieldManagerOf(externalSecret.metadata.name);
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const mayCreateBlind = attempt === 1 && isBelievedAbsent;
    const current = mayCreateBlind ? undefined : await cluster.get(secrets, key, { signal });
    assertTargetAllowed(externalSecret, current);
    const fetchStartedAtMs = clock.now();
    const data = await fetch();
    if (data.size === 0 && externalSecret.spec.target?.deletionPolicy === 'Delete') {
      const present = mayCreateBlind ? await cluster.get(secrets, key, { signal }) : current;
      if (!isRemovable(externalSecret, present)) return { secret: undefined, fetchStartedAtMs };
      if ((await cluster.delete(secrets, present, { signal })) === 'conflict') continue;
      metrics.secretWrite('delete');
      return { secret: undefined, removedUid: present.metadata.uid ?? '', fetchStartedAtMs };
    }
    const desired = buildSecret(externalSecret, data, current);
    assertChangeable(desired, current);
    if (current !== undefined && isDeepStrictEqual(desired, current)) return { secret: current, fetchStartedAtMs };
    const written =
      current === undefined
        ? await cluster.create(secrets, desired, { fieldManager, signal })
        : await cluster.update(secrets, desired, { fieldManager, signal });
    if (written.outcome === 'written') {
      metrics.secretWrite(current === undefined ? 'create' : 'update');
      return { secret: written.object, fetchStartedAtMs };
    }
  }
  throw new LatchkeyError(
    'ClusterUnavailable',
    `Secret "${printable(key.name)}" was changed by others ${MOST_ATTEMPTS} times while it was being written`,
  );
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
