import type { ExternalSecret } from '../api/external-secrets.ts';
import { secrets } from '../api/resources.ts';
import { targetName } from '../core/external-secret/target-name.ts';
import { createdByOf } from '../core/target/build-secret.ts';
import { summarise } from '../core/target/secret-summary.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Views } from './views.ts';

/**
 * Deletes what an ExternalSecret has made under a name that its target no longer has. Only what still says so itself and
 * belongs to this very object: a label alone can be written by anyone.
 */
export async function removeFormerTargets(
  cluster: Cluster,
  views: Views,
  externalSecret: ExternalSecret,
  metrics: Metrics,
  signal: AbortSignal,
): Promise<void> {
  const createdBy = createdByOf(externalSecret);
  const { namespace = '', uid } = externalSecret.metadata;
  const current = targetName(externalSecret);
  const former = views.owned
    .madeBy(createdBy)
    .filter(({ name, namespace: where }) => name !== current && where === namespace);
  for (const { name } of former) {
    const secret = await cluster.get(secrets, { namespace, name }, { signal });
    if (secret === undefined) continue;
    const { controllerUid, createdBy: maker } = summarise(secret);
    if (maker !== createdBy || controllerUid === undefined || controllerUid !== uid) continue;
    // Whoever changes it at the same moment keeps it until the next sync.
    if ((await cluster.delete(secrets, secret, { signal })) === 'deleted') metrics.secretWrite('delete');
  }
}
