import { mutatingWebhookConfigurations, type Resource } from '../src/api/resources.ts';
import type { Cluster } from '../src/ports/cluster.ts';
import type { Logger } from '../src/ports/logger.ts';
import { CONFIGURATION_NAME, type MutatingWebhookConfiguration, type Trust } from './mutating-webhook.ts';
import { applyPolicies, applyWebhook, isRegistered, type Registration } from './register.ts';
import { DEFAULT_PACE, type Pace, type RepairLoop, startRepairLoop } from './repair-loop.ts';

export interface KeepOptions {
  readonly registration: Registration;
  /**
   * The trust of this moment, read from where it is kept: another replica may have rotated the certificates and
   * registered them before this one noticed.
   */
  readonly currentTrust: (signal: AbortSignal) => Promise<Trust>;
  /** Called whenever the API server has been seen to hold `trust`. */
  readonly onPublished: (trust: Trust, signal: AbortSignal) => Promise<void>;
  readonly logger: Logger;
  readonly pace?: Pace;
}

const configurations = mutatingWebhookConfigurations as Resource<MutatingWebhookConfiguration>;
/** One look with all that it repairs. */
const lookLimitMs = 30_000;

/**
 * Follows the registered webhook and repairs it when somebody changes or deletes it, until `signal` aborts. Against a writer
 * who insists, repairs come ever more slowly. Policies are applied along with each look; their parameters never, so an operator
 * who deletes or edits those has the last word until the next start.
 *
 * @returns a handle whose `refresh` is to be called when the certificates have changed.
 */
export function keepRegistered(cluster: Cluster, options: KeepOptions, signal: AbortSignal): RepairLoop {
  const { logger, pace = DEFAULT_PACE } = options;
  const loop = startRepairLoop(
    async () => {
      try {
        return await look(cluster, options, AbortSignal.any([signal, AbortSignal.timeout(lookLimitMs)]));
      } catch (error) {
        if (!signal.aborted) logger.warn('The webhook’s registration cannot be kept up', {}, error);
        return 'failed';
      }
    },
    pace,
    signal,
  );
  const informer = cluster.informer(configurations, { reduce: (object) => object.metadata.name });
  informer.onChange((before, after) => {
    if ((after ?? before) === CONFIGURATION_NAME) loop.refresh();
  });
  informer.start(signal).catch((error: unknown) => {
    if (!signal.aborted) logger.warn('The webhook’s registration cannot be watched, only polled', {}, error);
  });
  return loop;
}

async function look(cluster: Cluster, options: KeepOptions, signal: AbortSignal): Promise<'intact' | 'repaired'> {
  const { registration, logger } = options;
  const trust = await options.currentTrust(signal);
  const present = await cluster.get(configurations, { name: CONFIGURATION_NAME }, { signal });
  const isIntact = isRegistered(present, registration, trust);
  if (!isIntact) {
    await applyWebhook(cluster, registration, trust, signal);
    logger.info('The webhook’s registration was put right', { wasMissing: present === undefined });
  }
  await applyPolicies(cluster, registration, signal);
  await options.onPublished(trust, signal);
  return isIntact ? 'intact' : 'repaired';
}
