import type { ExternalSecret } from '../api/external-secrets.ts';
import { secrets } from '../api/resources.ts';
import { targetName } from '../core/external-secret/target-name.ts';
import { createdByOf } from '../core/target/build-secret.ts';
import { summarise } from '../core/target/secret-summary.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Views } from './views.ts';

export interface RemovalOptions {
  readonly cluster: Cluster;
  readonly views: Views;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
}

/** Deletes what an ExternalSecret has made under a name that its target no longer has. */
export async function removeFormerTargets(externalSecret: ExternalSecret, options: RemovalOptions): Promise<void> {
  const current = targetName(externalSecret);
  await removeOwned(externalSecret, (name) => name !== current, options);
}

/**
 * Deletes of the Secrets that an ExternalSecret has made those that are not wanted. Only what still says so itself and belongs
 * to this very object: a label alone can be written by anyone.
 */
export async function removeOwned(
  externalSecret: ExternalSecret,
  isUnwanted: (name: string) => boolean,
  { cluster, views, metrics, signal }: RemovalOptions,
): Promise<void> {
  const createdBy = createdByOf(externalSecret);
  const { namespace = '', uid } = externalSecret.metadata;
  const unwanted = views.owned
    .madeBy(createdBy)
    .filter(({ name, namespace: where }) => isUnwanted(name) && where === namespace);
  for (const { name } of unwanted) {
    const secret = await cluster.get(secrets, { namespace, name }, { signal });
    if (secret === undefined) continue;
    const { controllerUid, createdBy: maker } = summarise(secret);
    if (maker !== createdBy || controllerUid === undefined || controllerUid !== uid) continue;
    // Whoever changes it at the same moment keeps it until the next sync.
    if ((await cluster.delete(secrets, secret, { signal })) === 'deleted') metrics.secretWrite('delete');
  }
}
