import * as z from 'zod/mini';
import type { Json } from '../../src/api/kubernetes.ts';
import { parseProviderConfig, unsupportedField } from '../shared/config.ts';

/** Where the section stands in a store, for messages. */
export const AWS_PATH = 'spec.provider.aws';

/** Regions become part of a host name, so nothing but a region may pass. */
const REGION = /^[a-z0-9]+(-[a-z0-9]+)*$/;

const text = z.string().check(z.minLength(1));
const selector = z.strictObject({
  name: text,
  namespace: z.exactOptional(z.string()),
  key: z.exactOptional(z.string()),
});
const secretRef = z.strictObject({
  accessKeyIDSecretRef: selector,
  secretAccessKeySecretRef: selector,
  sessionTokenSecretRef: z.optional(selector),
});

const awsConfig = z.strictObject({
  service: z.enum(['SecretsManager', 'ParameterStore', 'CertificateManager']),
  region: z.string().check(z.regex(REGION), z.maxLength(63)),
  role: z.optional(z.string()),
  externalID: z.optional(z.string()),
  prefix: z.optional(z.string()),
  sessionTagsPolicy: z.optional(z.enum(['None', 'Simple', 'Custom'])),
  auth: z.optional(z.strictObject({ secretRef: z.optional(secretRef) })),
});

/** `spec.provider.aws`, as far as this version acts on it. */
export type AwsConfig = z.infer<typeof awsConfig>;

/** @throws LatchkeyError `InvalidProviderConfig`, or `Unsupported` with the path of the field that is not acted on. */
export function parseAwsConfig(config: Json): AwsConfig {
  const parsed = parseProviderConfig(awsConfig, config, AWS_PATH);
  if (parsed.service !== 'SecretsManager') throw unsupportedField(`${AWS_PATH}.service: ${parsed.service}`);
  if (parsed.sessionTagsPolicy === 'Simple' || parsed.sessionTagsPolicy === 'Custom') {
    throw unsupportedField(`${AWS_PATH}.sessionTagsPolicy: ${parsed.sessionTagsPolicy}`);
  }
  return parsed;
}
