import type { ObjectMeta } from '../../api/kubernetes.ts';
import { parseDurationMs } from '../duration.ts';
import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';

/** How one pod wants its Secrets judged: from its annotations, else its namespace's, else the operator's defaults. */
export interface FreshnessPolicy {
  /** A Secret older than this is refreshed first; `undefined` = the ExternalSecret's own refreshInterval. */
  readonly maxAgeMs: number | undefined;
  /** Does the pod itself say so, and not only its namespace? */
  readonly isMaxAgeOwn: boolean;
  /** How far past its limit an older value may still serve when no new one is to be had. */
  readonly staleIfErrorMs: number;
  readonly onFailure: 'deny' | 'allow';
}

type Annotations = ObjectMeta['annotations'];

/**
 * @throws LatchkeyError `InvalidAnnotation` when a value cannot be read, naming key and object.
 */
export function freshnessPolicy(
  pod: Annotations,
  namespace: Annotations,
  defaults: { readonly staleIfErrorMs: number },
): FreshnessPolicy {
  const read = (key: string): string | undefined => {
    const text = pod?.[key] ?? namespace?.[key];
    return text === '' ? undefined : text;
  };
  const duration = (key: string): number | undefined => {
    const text = read(key);
    if (text === undefined) return undefined;
    const durationMs = parseDurationMs(text.trim());
    if (durationMs === undefined || durationMs < 0) {
      throw invalid(key, text, 'a duration such as 30s, 5m or 0s');
    }
    return durationMs;
  };
  const onFailure = read('latchkey.dev/on-failure') ?? 'deny';
  if (onFailure !== 'deny' && onFailure !== 'allow') {
    throw invalid('latchkey.dev/on-failure', onFailure, '"deny" or "allow"');
  }
  return {
    maxAgeMs: duration('latchkey.dev/max-age'),
    isMaxAgeOwn: (pod?.['latchkey.dev/max-age'] ?? '') !== '',
    staleIfErrorMs: duration('latchkey.dev/stale-if-error') ?? defaults.staleIfErrorMs,
    onFailure,
  };
}

function invalid(key: string, text: string, wanted: string): LatchkeyError {
  return new LatchkeyError(
    'InvalidAnnotation',
    `annotation ${key} is "${printable(text, 40)}", which is not ${wanted}`,
  );
}
