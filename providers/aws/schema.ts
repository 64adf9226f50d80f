import * as z from 'zod/mini';
import type { Json } from '../../src/api/kubernetes.ts';
import { LatchkeyError } from '../../src/core/errors.ts';
import { parseProviderConfig, unsupportedField } from '../shared/config.ts';
import { secretKeySelector, serviceAccountSelector, text } from '../shared/selectors.ts';

/** Where the section stands in a store, for messages. */
export const AWS_PATH = 'spec.provider.aws';

/** Regions become part of a host name, so nothing but a region may pass. */
const REGION = /^[a-z0-9]+(-[a-z0-9]+)*$/;
/** Session tags that upstream makes itself, from who is asking. */
const OWN_TAGS: readonly string[] = ['esoNamespace', 'esoStoreName', 'esoStoreKind'];

const secretRef = z.strictObject({
  accessKeyIDSecretRef: secretKeySelector,
  secretAccessKeySecretRef: secretKeySelector,
  sessionTokenSecretRef: z.optional(secretKeySelector),
});

const awsSection = z.strictObject({
  service: z.enum(['SecretsManager', 'ParameterStore', 'CertificateManager']),
  region: z.string().check(z.regex(REGION), z.maxLength(63)),
  role: z.optional(z.string()),
  additionalRoles: z.optional(z.array(text)),
  externalID: z.optional(z.string()),
  sessionTags: z.optional(z.array(z.strictObject({ key: text, value: z.string() }))),
  transitiveTagKeys: z.optional(z.array(text)),
  sessionTagsPolicy: z.optional(z.enum(['None', 'Simple', 'Custom'])),
  customSessionTags: z.optional(z.record(z.string(), z.string())),
  prefix: z.optional(z.string()),
  /** About deleting secrets, which Latchkey never does. */
  secretsManager: z.optional(
    z.strictObject({
      forceDeleteWithoutRecovery: z.optional(z.boolean()),
      recoveryWindowInDays: z.optional(z.number()),
    }),
  ),
  auth: z.optional(
    z.strictObject({
      secretRef: z.optional(secretRef),
      jwt: z.optional(z.strictObject({ serviceAccountRef: serviceAccountSelector })),
    }),
  ),
});

/** `spec.provider.aws`. */
export type AwsConfig = Omit<z.infer<typeof awsSection>, 'service'> & {
  readonly service: 'SecretsManager' | 'ParameterStore';
};

/** @throws LatchkeyError `InvalidProviderConfig`, or `Unsupported` with the path of the field that is not acted on. */
export function parseAwsConfig(config: Json): AwsConfig {
  const { service, ...parsed } = parseProviderConfig(awsSection, config, AWS_PATH);
  if (service === 'CertificateManager') throw unsupportedField(`${AWS_PATH}.service: ${service}`);
  const reserved = OWN_TAGS.find((tag) => Object.hasOwn(parsed.customSessionTags ?? {}, tag));
  if (reserved !== undefined) {
    const field = `${AWS_PATH}.customSessionTags`;
    throw new LatchkeyError(
      'InvalidProviderConfig',
      `${field} must not name ${reserved}, which is made for each store`,
    );
  }
  return { ...parsed, service };
}
