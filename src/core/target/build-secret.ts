import {
  CREATED_BY_LABEL,
  DATA_HASH_ANNOTATION,
  EXTERNAL_SECRETS_GROUP,
  EXTERNAL_SECRETS_VERSION,
  FIELD_MANAGER_PREFIX,
  MANAGED_LABEL,
} from '../../api/keys.ts';
import type { ExternalSecret } from '../../api/external-secrets.ts';
import type { OwnerReference, Secret } from '../../api/kubernetes.ts';
import { LatchkeyError } from '../errors.ts';
import { targetName } from '../external-secret/target-name.ts';
import { printable } from '../names.ts';
import type { SecretValue } from '../secret-value.ts';
import { fieldsWrittenBy, type WrittenFields } from './managed-fields.ts';
import { dataHash, objectHash } from './object-hash.ts';

type StringMap = Readonly<Record<string, string>>;

/** What is written of a Secret's metadata beside our own marks. */
export interface SecretMetadata {
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly finalizers: readonly string[];
}

/** Secrets of these types open the cluster itself; an ExternalSecret never makes or adopts one. */
const PROTECTED_TYPES: readonly string[] = [
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
  'helm.sh/release.v1',
];

/** Annotations that make GitOps tools adopt, and then prune, what they stand on: not copied (a divergence from upstream). */
const NOT_COPIED =
  /^(kubectl\.kubernetes\.io\/last-applied-configuration$|argocd\.argoproj\.io\/|([^/]+\.)?toolkit\.fluxcd\.io\/|meta\.helm\.sh\/|velero\.io\/)/;

/** What upstream has copied before stays where it is: a Secret that changes hands is not written for it. */
function isCopied(annotation: string): boolean {
  return !NOT_COPIED.test(annotation);
}

/** Who writes a target Secret, as upstream names it; the API server allows 128 characters. */
export function fieldManagerOf(externalSecretName: string): string {
  const plain = `${FIELD_MANAGER_PREFIX}${externalSecretName}`;
  if (plain.length <= 63) return plain;
  return `${FIELD_MANAGER_PREFIX}sha3/${objectHash(externalSecretName)}`;
}

/** What the API server allows for all values of a Secret together. */
const LARGEST_SECRET_BYTES = 1_048_576;

/** Does this ExternalSecret add its keys to what is there, instead of replacing it? */
export function isMerging({ spec }: ExternalSecret): boolean {
  return spec.target?.creationPolicy === 'Merge' || spec.target?.creationPolicy === 'CreateOrMerge';
}

/** Is the Secret to belong to the ExternalSecret and to go with it? */
export function isOwning({ spec }: ExternalSecret): boolean {
  return ['Owner', 'None'].includes(spec.target?.creationPolicy ?? 'Owner');
}

/** Empty means unset, as it does upstream. */
function wantedType({ spec }: ExternalSecret): string | undefined {
  const type = spec.target?.template?.type;
  return type === '' ? undefined : type;
}

/**
 * Whether this ExternalSecret may write its target, judged on what is there now.
 * @throws LatchkeyError `TargetForbidden`
 */
export function assertTargetAllowed(externalSecret: ExternalSecret, current: Secret | undefined): void {
  const name = printable(targetName(externalSecret));
  const type = wantedType(externalSecret) ?? current?.type ?? 'Opaque';
  const forbidden = [type, current?.type].find((each) => each !== undefined && PROTECTED_TYPES.includes(each));
  if (forbidden !== undefined) {
    throw new LatchkeyError('TargetForbidden', `Secret "${name}" is of type ${forbidden}, which is never written`);
  }
  if (current === undefined) return;
  if (current.type !== undefined && current.type !== type) {
    throw new LatchkeyError(
      'TargetForbidden',
      `Secret "${name}" is of type ${printable(current.type)} and a type cannot be changed to ${printable(type)}: delete the Secret`,
    );
  }
  const controller = current.metadata.ownerReferences?.find((owner) => owner.controller === true);
  if (controller === undefined || controller.uid === externalSecret.metadata.uid) return;
  // Policy Merge is for adding keys to what another ExternalSecret makes.
  if (externalSecret.spec.target?.creationPolicy === 'Merge' && isExternalSecret(controller)) return;
  throw new LatchkeyError(
    'TargetForbidden',
    `Secret "${name}" belongs to ${printable(controller.kind)} "${printable(controller.name)}"`,
  );
}

export function isExternalSecret({ apiVersion, kind }: OwnerReference): boolean {
  return kind === 'ExternalSecret' && apiVersion.startsWith(`${EXTERNAL_SECRETS_GROUP}/`);
}

/**
 * The target Secret as upstream writes it (labels, annotations, owner, hash), built over what is there now so that
 * fields of others survive. The data is replaced, or with creation policies Merge and CreateOrMerge added to; what this
 * ExternalSecret has written before and does not write any more goes.
 *
 * @param later ExternalSecrets that add to the same Secret after this one: what they have written stays.
 * @param wanted What the template says of metadata; without one they are those of the ExternalSecret.
 * @throws LatchkeyError `InvalidData` for more than a Secret can hold.
 */
export function buildSecret(
  externalSecret: ExternalSecret,
  values: ReadonlyMap<string, SecretValue>,
  current: Secret | undefined,
  later: readonly ExternalSecret[] = [],
  wanted: SecretMetadata = copiedMetadata(externalSecret),
): Secret {
  const { metadata, spec } = externalSecret;
  const { labels, annotations } = wanted;
  const { labels: currentLabels = {}, annotations: currentAnnotations = {} } = current?.metadata ?? {};
  const own = writtenBy([externalSecret], current);
  const theirs = writtenBy(later, current);
  const maker = makerOf(externalSecret, currentLabels[CREATED_BY_LABEL]);
  const type = wantedType(externalSecret) ?? current?.type;
  const data = dataOf(externalSecret, values, current, later);
  const bytes = Object.entries(data).map(([key, base64]) => [key, Buffer.from(base64, 'base64')] as const);
  assertSize(bytes.map(([, value]) => value));
  const ownerReferences = ownersOf(externalSecret, current);
  const finalizers = [...new Set([...(current?.metadata.finalizers ?? []), ...wanted.finalizers])];
  const hasTemplate = spec.target?.template !== undefined;
  const { data: _replaced, ...rest } = current ?? { apiVersion: 'v1', kind: 'Secret' };
  const { ownerReferences: _rewritten, ...currentMetadata } = current?.metadata ?? {};
  return {
    ...rest,
    ...(type === undefined ? {} : { type }),
    ...(spec.target?.immutable === true ? { immutable: true } : {}),
    metadata: {
      ...currentMetadata,
      name: targetName(externalSecret),
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels: {
        ...without(currentLabels, new Set([...own.labels, CREATED_BY_LABEL])),
        ...labels,
        ...only(currentLabels, theirs.labels),
        ...(maker === undefined ? {} : { [CREATED_BY_LABEL]: maker }),
        [MANAGED_LABEL]: 'true',
      },
      annotations: {
        ...without(currentAnnotations, new Set([...own.annotations].filter(hasTemplate ? () => true : isCopied))),
        ...annotations,
        ...only(currentAnnotations, theirs.annotations),
        [DATA_HASH_ANNOTATION]: dataHash(bytes),
      },
      ...(ownerReferences.length === 0 ? {} : { ownerReferences }),
      ...(finalizers.length === 0 ? {} : { finalizers }),
    },
    // The API server keeps no empty map: a Secret that differs only in that is not to be written.
    ...(bytes.length === 0 ? {} : { data }),
  };
}

/** Label of the Secrets that an ExternalSecret owns. */
export function createdByOf({ metadata }: ExternalSecret): string {
  return objectHash(`${metadata.namespace}/${metadata.name}`);
}

/** What the label says afterwards; policy Merge adds to a Secret without becoming its maker. */
function makerOf(externalSecret: ExternalSecret, current: string | undefined): string | undefined {
  const own = createdByOf(externalSecret);
  if (isOwning(externalSecret)) return own;
  const isSomebodyElses = externalSecret.spec.target?.creationPolicy === 'Merge' && current !== own;
  return isSomebodyElses ? current : undefined;
}

/** Base64 by key. */
function dataOf(
  externalSecret: ExternalSecret,
  values: ReadonlyMap<string, SecretValue>,
  current: Secret | undefined,
  later: readonly ExternalSecret[],
): StringMap {
  const there = current?.data ?? {};
  return {
    ...(isMerging(externalSecret) ? without(there, writtenBy([externalSecret], current).data) : {}),
    ...Object.fromEntries([...values].map(([key, value]) => [key, value.reveal().toString('base64')])),
    ...only(there, writtenBy(later, current).data),
  };
}

function ownersOf(externalSecret: ExternalSecret, current: Secret | undefined): readonly OwnerReference[] {
  const owners = current?.metadata.ownerReferences ?? [];
  const isUs = ({ uid }: OwnerReference): boolean => uid === externalSecret.metadata.uid;
  if (!isOwning(externalSecret)) return owners.filter((owner) => !isUs(owner));
  const us = ownerReference(externalSecret);
  // In its place, so that a Secret with several owners is not written for their order.
  return owners.some(isUs) ? owners.map((owner) => (isUs(owner) ? us : owner)) : [...owners, us];
}

/** What these have set on the Secret. */
function writtenBy(externalSecrets: readonly ExternalSecret[], current: Secret | undefined): WrittenFields {
  const managers = externalSecrets.map(({ metadata }) => fieldManagerOf(metadata.name));
  return fieldsWrittenBy(managers, current?.metadata.managedFields);
}

function without(map: StringMap, names: ReadonlySet<string>): StringMap {
  return Object.fromEntries(Object.entries(map).filter(([name]) => !names.has(name)));
}

function only(map: StringMap, names: ReadonlySet<string>): StringMap {
  return Object.fromEntries(Object.entries(map).filter(([name]) => names.has(name)));
}

function assertSize(values: Iterable<Buffer>): void {
  let sizeBytes = 0;
  for (const { length } of values) sizeBytes += length;
  if (sizeBytes <= LARGEST_SECRET_BYTES) return;
  throw new LatchkeyError(
    'InvalidData',
    `the values have ${sizeBytes} bytes together, and a Secret holds ${LARGEST_SECRET_BYTES} at most`,
  );
}

/** What the target gets from an ExternalSecret without a template. */
export function copiedMetadata({ metadata }: ExternalSecret): SecretMetadata {
  const keep = (map: StringMap = {}): StringMap =>
    Object.fromEntries(Object.entries(map).filter(([key]) => isCopied(key)));
  return { labels: keep(metadata.labels), annotations: keep(metadata.annotations), finalizers: [] };
}

/** What makes the Secret the ExternalSecret's, for the garbage collector and everyone else. */
export function ownerReference({ metadata }: ExternalSecret): OwnerReference {
  return {
    apiVersion: EXTERNAL_SECRETS_VERSION,
    kind: 'ExternalSecret',
    name: metadata.name,
    uid: metadata.uid ?? '',
    blockOwnerDeletion: true,
    controller: true,
  };
}
