import type { ExternalSecret } from '../../api/external-secrets.ts';
import { isGenerated, isGeneratedName } from '../inline/generated.ts';

const LONGEST_NAME_CHARACTERS = 253;

/**
 * Name of the Secret that an ExternalSecret makes. With creation policy None nothing is made under the target's name, but
 * pods that name the ExternalSecret get a Secret of its own (upstream: "future use with injector").
 */
export function targetName({ metadata, spec }: ExternalSecret): string {
  const { name = '', creationPolicy } = spec.target ?? {};
  if (creationPolicy === 'None')
    return `latchkey-${metadata.name}`.slice(0, LONGEST_NAME_CHARACTERS).replace(/[.-]+$/, '');
  return name === '' ? metadata.name : name;
}

/** Creation policy Merge adds keys to a Secret that somebody else makes; every other one claims it. */
export function isClaim({ spec }: ExternalSecret): boolean {
  return spec.target?.creationPolicy !== 'Merge';
}

/**
 * Of several ExternalSecrets that claim one Secret, the one that may have it: the one that stands for an inline reference,
 * else the Secret's controller owner, else the older, else the first by name. Those being deleted count as absent.
 */
export function rightfulClaimant(
  claimants: readonly ExternalSecret[],
  controllerUid: string | undefined,
): ExternalSecret | undefined {
  const alive = claimants.filter((each) => isClaim(each) && each.metadata.deletionTimestamp === undefined);
  // Nobody else can mean a Secret of such a name, whoever was there first.
  const generated = alive.find(standsForInline);
  if (generated !== undefined) return generated;
  const owner = alive.find(({ metadata }) => metadata.uid !== undefined && metadata.uid === controllerUid);
  return owner ?? alive.toSorted(bySeniority)[0];
}

/** Those that add keys to a Secret, in the order in which they do. */
export function mergersOf(externalSecrets: readonly ExternalSecret[]): readonly ExternalSecret[] {
  return externalSecrets
    .filter((each) => !isClaim(each) && each.metadata.deletionTimestamp === undefined)
    .toSorted(({ metadata: a }, { metadata: b }) => a.name.localeCompare(b.name));
}

function standsForInline(externalSecret: ExternalSecret): boolean {
  const { name } = externalSecret.metadata;
  return isGenerated(externalSecret) && isGeneratedName(name) && targetName(externalSecret) === name;
}

function bySeniority({ metadata: a }: ExternalSecret, { metadata: b }: ExternalSecret): number {
  const byAge = (a.creationTimestamp ?? '').localeCompare(b.creationTimestamp ?? '');
  return byAge === 0 ? a.name.localeCompare(b.name) : byAge;
}
