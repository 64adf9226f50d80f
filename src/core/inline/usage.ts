import type { ExternalSecret } from '../../api/external-secrets.ts';
import type { Pod } from '../../api/kubernetes.ts';
import { findReferences } from '../admission/references.ts';
import { isGenerated, isGeneratedName } from './generated.ts';

/** How long a generated ExternalSecret outlives the last pod that used it, so that a rollback finds it. */
const KEPT_FOR_MS = 24 * 60 * 60_000;

/** The generated ExternalSecrets that a pod uses; each makes a Secret of its own name. */
export function generatedNamesUsedBy(pod: Pod): readonly string[] {
  const names = findReferences(pod).map(({ secretName }) => secretName);
  return [...new Set(names.filter(isGeneratedName))];
}

/**
 * Which generated ExternalSecrets of one namespace nobody has used for a day.
 *
 * @param lastUsedAtMs by name, when a pod was last known to use it; what is missing was last used when it was made.
 */
export function unusedGenerated(
  externalSecrets: readonly ExternalSecret[],
  lastUsedAtMs: ReadonlyMap<string, number>,
  nowMs: number,
): readonly ExternalSecret[] {
  return externalSecrets.filter((externalSecret) => {
    const { name, creationTimestamp } = externalSecret.metadata;
    if (!isGenerated(externalSecret)) return false;
    const createdAtMs = Date.parse(creationTimestamp ?? '');
    const usedAtMs = Math.max(lastUsedAtMs.get(name) ?? 0, Number.isNaN(createdAtMs) ? nowMs : createdAtMs);
    return nowMs - usedAtMs > KEPT_FOR_MS;
  });
}
