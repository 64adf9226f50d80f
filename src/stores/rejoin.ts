import type { ExternalSecret } from '../api/external-secrets.ts';
import { secrets } from '../api/resources.ts';
import { targetName } from '../core/external-secret/target-name.ts';
import type { SyncRecord } from '../core/refresh/freshness.ts';
import {
  assertTargetAllowed,
  createdByOf,
  fieldManagerOf,
  isExternalSecret,
  ownerReference,
} from '../core/target/build-secret.ts';
import { syncedResourceVersion } from '../core/target/object-hash.ts';
import { summarise } from '../core/target/secret-summary.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Views } from './views.ts';

/**
 * After a restore a Secret names an owner by the uid it had before, and the garbage collector takes it away under the pods
 * that run with it; and a status that was lost would have everything fetched anew. The Secret is given its owner back, and
 * tells when it was made.
 *
 * @returns what the status is to say; `undefined` when the Secret is not what the cache said, or has just been changed.
 */
export async function rejoin(
  cluster: Cluster,
  views: Views,
  externalSecret: ExternalSecret,
  metrics: Metrics,
  signal: AbortSignal,
): Promise<SyncRecord | undefined> {
  const { namespace = '', name, uid } = externalSecret.metadata;
  const key = { namespace, name: targetName(externalSecret) };
  const current = await cluster.get(secrets, key, { signal });
  if (current === undefined) return undefined;
  const { isIntact, createdBy, controllerUid, writtenAtMs, createdAtMs } = summarise(current);
  if (!isIntact || createdBy !== createdByOf(externalSecret)) return undefined;
  // Its old owner is to be an ExternalSecret: a label can be written by anyone.
  const owner = current.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner !== undefined && !isExternalSecret(owner)) return undefined;
  assertTargetAllowed(externalSecret, { ...current, metadata: { ...current.metadata, ownerReferences: [] } });
  if (controllerUid !== uid) {
    const others = (current.metadata.ownerReferences ?? []).filter(({ controller }) => controller !== true);
    const metadata = { ...current.metadata, ownerReferences: [...others, ownerReference(externalSecret)] };
    const writing = { fieldManager: fieldManagerOf(name), signal };
    const written = await cluster.update(secrets, { ...current, metadata }, writing);
    if (written.outcome === 'conflict') return undefined;
    metrics.secretWrite('update');
    views.secrets.observe(written.object);
  }
  const recordedMs = Date.parse(externalSecret.status?.refreshTime ?? '');
  return {
    syncedResourceVersion: syncedResourceVersion(externalSecret.metadata),
    fetchStartedAtMs: Number.isNaN(recordedMs) ? (writtenAtMs ?? createdAtMs ?? 0) : recordedMs,
  };
}
