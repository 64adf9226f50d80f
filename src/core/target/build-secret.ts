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
import { fieldsWrittenBy } from './managed-fields.ts';
import { dataHash, objectHash } from './object-hash.ts';

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

/**
 * Whether this ExternalSecret may write its target, judged on what is there now.
 * @throws LatchkeyError `TargetForbidden`
 */
export function assertTargetAllowed(externalSecret: ExternalSecret, current: Secret | undefined): void {
  const name = printable(targetName(externalSecret));
  const wantedType = externalSecret.spec.target?.template?.type ?? current?.type ?? 'Opaque';
  const forbidden = [wantedType, current?.type].find((type) => type !== undefined && PROTECTED_TYPES.includes(type));
  if (forbidden !== undefined) {
    throw new LatchkeyError('TargetForbidden', `Secret "${name}" is of type ${forbidden}, which is never written`);
  }
  if (current === undefined) return;
  if (current.type !== undefined && current.type !== wantedType) {
    throw new LatchkeyError(
      'TargetForbidden',
      `Secret "${name}" is of type ${printable(current.type)} and a type cannot be changed to ${printable(wantedType)}: delete the Secret`,
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

function isExternalSecret({ apiVersion, kind }: OwnerReference): boolean {
  return kind === 'ExternalSecret' && apiVersion.startsWith(`${EXTERNAL_SECRETS_GROUP}/`);
}

/**
 * The target Secret as upstream writes it (labels, annotations, owner, hash), built over what is there now so that
 * fields of others survive. The data is replaced, or with creation policies Merge and CreateOrMerge added to; what this
 * ExternalSecret has written before and does not write any more goes.
 *
 * @param mergers ExternalSecrets that add keys to the same Secret: those stay.
 * @throws LatchkeyError `InvalidData` for more than a Secret can hold.
 */
export function buildSecret(
  externalSecret: ExternalSecret,
  data: ReadonlyMap<string, SecretValue>,
  current: Secret | undefined,
  mergers: readonly ExternalSecret[] = [],
): Secret {
  const { metadata, spec } = externalSecret;
  const { labels, annotations } = copiedMetadata(externalSecret);
  const written = current && fieldsWrittenBy(fieldManagerOf(metadata.name), current);
  const without = (map: Readonly<Record<string, string>> = {}, names: ReadonlySet<string> = new Set()): object =>
    Object.fromEntries(Object.entries(map).filter(([name]) => !names.has(name)));
  const { [CREATED_BY_LABEL]: _createdBy, ...currentLabels } = current?.metadata.labels ?? {};
  const isOwner = isOwning(externalSecret);
  const createdBy = isOwner ? { [CREATED_BY_LABEL]: createdByOf(externalSecret) } : {};
  const { ownerReferences: currentOwners = [], ...currentMetadata } = current?.metadata ?? {};
  const others = currentOwners.filter(({ uid }) => uid !== metadata.uid);
  const ownerReferences = isOwner ? [...others, ownerReference(externalSecret)] : others;
  const bytes = [
    ...keptData(externalSecret, current, mergers),
    ...[...data].map(([key, value]) => [key, value.reveal()] as const),
  ];
  const all = new Map(bytes);
  assertSize(all.values());
  const type = spec.target?.template?.type ?? current?.type;
  return {
    ...(current ?? { apiVersion: 'v1', kind: 'Secret' }),
    ...(type === undefined ? {} : { type }),
    ...(spec.target?.immutable === true ? { immutable: true } : {}),
    metadata: {
      ...currentMetadata,
      name: targetName(externalSecret),
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels: { ...without(currentLabels, written?.labels), ...labels, ...createdBy, [MANAGED_LABEL]: 'true' },
      annotations: {
        ...without(current?.metadata.annotations, new Set([...(written?.annotations ?? [])].filter(isCopied))),
        ...annotations,
        [DATA_HASH_ANNOTATION]: dataHash(all),
      },
      ...(ownerReferences.length === 0 ? {} : { ownerReferences }),
    },
    data: Object.fromEntries([...all].map(([key, value]) => [key, value.toString('base64')])),
  };
}

/** Label of the Secrets that an ExternalSecret owns. */
export function createdByOf({ metadata }: ExternalSecret): string {
  return objectHash(`${metadata.namespace}/${metadata.name}`);
}

/** What stays of the data that is there. */
function keptData(
  externalSecret: ExternalSecret,
  current: Secret | undefined,
  mergers: readonly ExternalSecret[],
): readonly (readonly [string, Buffer])[] {
  if (current === undefined) return [];
  const writtenBy = ({ metadata }: ExternalSecret): ReadonlySet<string> =>
    fieldsWrittenBy(fieldManagerOf(metadata.name), current).data;
  const own = writtenBy(externalSecret);
  const theirs = mergers.map(writtenBy);
  const isMerge = isMerging(externalSecret);
  return Object.entries(current.data ?? {})
    .filter(([key]) => (isMerge ? !own.has(key) : theirs.some((keys) => keys.has(key))))
    .map(([key, base64]) => [key, Buffer.from(base64, 'base64')] as const);
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

function copiedMetadata({ metadata, spec }: ExternalSecret): {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
} {
  const template = spec.target?.template;
  const source = template === undefined ? metadata : (template.metadata ?? {});
  const keep = (map: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => isCopied(key)));
  return { labels: keep(source.labels), annotations: keep(source.annotations) };
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
