import { ageLimitMs } from './core/refresh/freshness.ts';
import type { Readings } from './ports/metrics.ts';
import { storeIn } from './stores/views.ts';
import type { Wiring } from './wiring.ts';

/** What the caches say of ExternalSecrets and stores at this moment. */
export function readingsOf(
  { views, successes }: Pick<Wiring, 'views' | 'successes'>,
  nowMs: number,
): Pick<Readings, 'conditions' | 'oldestSecretAgeMs' | 'stores'> {
  const conditions: { namespace: string; name: string; isReady: boolean }[] = [];
  let oldestSecretAgeMs = 0;
  for (const externalSecret of views.externalSecrets.values()) {
    const { metadata, status } = externalSecret;
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    const isReady = ready?.status === 'True';
    if (ready !== undefined) conditions.push({ namespace: metadata.namespace ?? '', name: metadata.name, isReady });
    const refreshedAtMs = Date.parse(status?.refreshTime ?? '');
    if (ageLimitMs(externalSecret, undefined) === Infinity || Number.isNaN(refreshedAtMs)) continue;
    oldestSecretAgeMs = Math.max(oldestSecretAgeMs, nowMs - refreshedAtMs);
  }
  const stores = [...successes.values()]
    .filter(({ store }) => storeIn(views, store) !== undefined)
    .map(({ store: { kind, namespace = '', name }, atMs }) => ({
      kind,
      namespace,
      name,
      sinceSuccessMs: nowMs - atMs,
    }));
  return { conditions, oldestSecretAgeMs, stores };
}
