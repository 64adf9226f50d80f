import { CREATED_BY_LABEL, DATA_HASH_ANNOTATION, EXTERNAL_SECRETS_VERSION, MANAGED_LABEL } from '../../api/keys.ts';
import type { ExternalSecret } from '../../api/external-secrets.ts';
import type { OwnerReference, Secret } from '../../api/kubernetes.ts';
import { LatchkeyError } from '../errors.ts';
import { targetName } from '../external-secret/target-name.ts';
import { printable } from '../names.ts';
import type { SecretValue } from '../secret-value.ts';
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

/** Who writes a target Secret, as upstream names it; the API server allows 128 characters. */
export function fieldManagerOf(externalSecretName: string): string {
  const plain = `externalsecrets.external-secrets.io/${externalSecretName}`;
  if (plain.length <= 63) return plain;
  return `externalsecrets.external-secrets.io/sha3/${objectHash(externalSecretName)}`;
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
  if (controller !== undefined && controller.uid !== externalSecret.metadata.uid) {
    throw new LatchkeyError(
      'TargetForbidden',
      `Secret "${name}" belongs to ${printable(controller.kind)} "${printable(controller.name)}"`,
    );
  }
}

/**
 * The target Secret as upstream writes it (labels, annotations, owner, hash), built over what is there now so that
 * fields of others survive. Creation policies Owner, Orphan and None: the data is replaced.
 */
export function buildSecret(
  externalSecret: ExternalSecret,
  data: ReadonlyMap<string, SecretValue>,
  current: Secret | undefined,
): Secret {
  const { metadata, spec } = externalSecret;
  const { labels, annotations } = copiedMetadata(externalSecret);
  const isOwner = spec.target?.creationPolicy !== 'Orphan';
  const { [CREATED_BY_LABEL]: _createdBy, ...currentLabels } = current?.metadata.labels ?? {};
  const createdBy = isOwner ? { [CREATED_BY_LABEL]: objectHash(`${metadata.namespace}/${metadata.name}`) } : {};
  const { ownerReferences: currentOwners = [], ...currentMetadata } = current?.metadata ?? {};
  const others = currentOwners.filter(({ uid }) => uid !== metadata.uid);
  const ownerReferences = isOwner ? [...others, ownerReference(externalSecret)] : others;
  const bytes = [...data].map(([key, value]) => [key, value.reveal()] as const);
  const type = spec.target?.template?.type ?? current?.type;
  return {
    ...(current ?? { apiVersion: 'v1', kind: 'Secret' }),
    ...(type === undefined ? {} : { type }),
    ...(spec.target?.immutable === true ? { immutable: true } : {}),
    metadata: {
      ...currentMetadata,
      name: targetName(externalSecret),
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels: { ...currentLabels, ...labels, ...createdBy, [MANAGED_LABEL]: 'true' },
      annotations: { ...current?.metadata.annotations, ...annotations, [DATA_HASH_ANNOTATION]: dataHash(bytes) },
      ...(ownerReferences.length === 0 ? {} : { ownerReferences }),
    },
    data: Object.fromEntries(bytes.map(([key, value]) => [key, value.toString('base64')])),
  };
}

function copiedMetadata({ metadata, spec }: ExternalSecret): {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
} {
  const template = spec.target?.template;
  const source = template === undefined ? metadata : (template.metadata ?? {});
  const keep = (map: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !NOT_COPIED.test(key)));
  return { labels: keep(source.labels), annotations: keep(source.annotations) };
}

function ownerReference({ metadata }: ExternalSecret): OwnerReference {
  return {
    apiVersion: EXTERNAL_SECRETS_VERSION,
    kind: 'ExternalSecret',
    name: metadata.name,
    uid: metadata.uid ?? '',
    blockOwnerDeletion: true,
    controller: true,
  };
}
