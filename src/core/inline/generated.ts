import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { EXTERNAL_SECRETS_VERSION, INLINE_LABEL } from '../../api/keys.ts';
import type { ExternalSecret } from '../../api/external-secrets.ts';
import type { InlineReference } from './reference.ts';

/** The one key of the Secret that an inline reference's value stands in. */
export const INLINE_DATA_KEY = 'value';

/**
 * The ExternalSecret that stands for an inline reference. Its name says store, key, property and version, so everyone who
 * refers to the same shares it. It has no owner: a pod has no uid at admission, and a ReplicaSet's changes with each rollout.
 */
export function generatedExternalSecret(
  { storeKind, storeName, key, property, version }: InlineReference,
  storeUid: string,
  namespace: string,
): ExternalSecret {
  const identity = JSON.stringify([storeKind, storeName, storeUid, key, property, version]);
  const name = `latchkey-${base32(createHash('sha256').update(identity).digest()).slice(0, 26)}`;
  return {
    apiVersion: EXTERNAL_SECRETS_VERSION,
    kind: 'ExternalSecret',
    metadata: { name, namespace, labels: { [INLINE_LABEL]: 'true' } },
    spec: {
      secretStoreRef: { kind: storeKind, name: storeName },
      target: { name, creationPolicy: 'Owner' },
      data: [
        {
          secretKey: INLINE_DATA_KEY,
          remoteRef: { key, ...(property === '' ? {} : { property }), ...(version === '' ? {} : { version }) },
        },
      ],
    },
  };
}

export function isGenerated({ metadata }: Pick<ExternalSecret, 'metadata'>): boolean {
  return metadata.labels?.[INLINE_LABEL] === 'true';
}

export function isGeneratedName(name: string): boolean {
  return /^latchkey-[a-z2-7]{26}$/.test(name);
}

/** What a CRD writes into a spec that says nothing about it, ours or upstream's of any version. */
const INERT_DEFAULTS: Readonly<Record<string, unknown>> = {
  refreshPolicy: 'Periodic',
  refreshInterval: '1h0m0s',
  deletionPolicy: 'Retain',
  conversionStrategy: 'Default',
  decodingStrategy: 'None',
  metadataPolicy: 'None',
  nullBytePolicy: 'Ignore',
};

/** Is an object that has the name of a generated one that very one, and not something made to be taken for it? */
export function isSameGenerated(existing: ExternalSecret, expected: ExternalSecret): boolean {
  return isGenerated(existing) && isDeepStrictEqual(withoutDefaults(existing.spec), expected.spec);
}

function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([field, child]) =>
          child !== undefined && !(Object.hasOwn(INERT_DEFAULTS, field) && INERT_DEFAULTS[field] === child),
      )
      .map(([field, child]) => [field, withoutDefaults(child)]),
  );
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648, small letters, no padding. */
function base32(bytes: Uint8Array): string {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  return (bits.match(/.{1,5}/g) ?? []).map((group) => ALPHABET[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
}
