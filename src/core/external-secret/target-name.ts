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

/**
 * Of all that name one Secret, those that add keys to it after this one: to what an ExternalSecret makes all of them, to
 * what another one has added those that follow it by name.
 */
export function laterMergers(
  externalSecret: ExternalSecret,
  externalSecrets: readonly ExternalSecret[],
): readonly ExternalSecret[] {
  const mergers = mergersOf(externalSecrets);
  const own = mergers.findIndex(({ metadata }) => metadata.uid === externalSecret.metadata.uid);
  return mergers.slice(own + 1);
}

/** Those that add keys to a Secret, in the order in which they do. */
export function mergersOf(externalSecrets: readonly ExternalSecret[]): readonly ExternalSecret[] {
  return externalSecrets
    .filter((each) => !isClaim(each) && each.metadata.deletionTimestamp === undefined)
    .toSorted(({ metadata: a }, { metadata: b }) => inOrder(a.name, b.name));
}

function standsForInline(externalSecret: ExternalSecret): boolean {
  const { name } = externalSecret.metadata;
  return isGenerated(externalSecret) && isGeneratedName(name) && targetName(externalSecret) === name;
}

function bySeniority({ metadata: a }: ExternalSecret, { metadata: b }: ExternalSecret): number {
  return inOrder(a.creationTimestamp ?? '', b.creationTimestamp ?? '') || inOrder(a.name, b.name);
}

/** By character code: every replica must come to the same order, whatever its locale. */
function inOrder(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
