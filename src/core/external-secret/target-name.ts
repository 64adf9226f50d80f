import type { ExternalSecret } from '../../api/external-secrets.ts';

/** Name of the Secret that an ExternalSecret makes. */
export function targetName(externalSecret: ExternalSecret): string {
  const name = externalSecret.spec.target?.name;
  return name === undefined || name === '' ? externalSecret.metadata.name : name;
}

/**
 * Of several ExternalSecrets that claim one Secret, the one that may have it: the Secret's controller owner, else the
 * older, else the first by name. Those being deleted count as absent.
 */
export function rightfulClaimant(
  claimants: readonly ExternalSecret[],
  controllerUid: string | undefined,
): ExternalSecret | undefined {
  const alive = claimants.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const owner = alive.find(({ metadata }) => metadata.uid !== undefined && metadata.uid === controllerUid);
  return owner ?? alive.toSorted(bySeniority)[0];
}

function bySeniority({ metadata: a }: ExternalSecret, { metadata: b }: ExternalSecret): number {
  const byAge = (a.creationTimestamp ?? '').localeCompare(b.creationTimestamp ?? '');
  return byAge === 0 ? a.name.localeCompare(b.name) : byAge;
}
