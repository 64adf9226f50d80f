import * as z from 'zod/mini';
import { LatchkeyError } from '../../src/core/errors.ts';
import { authorities } from '../shared/authorities.ts';
import { secretKeySelector, serviceAccountSelector, text } from '../shared/selectors.ts';

/** Where the section stands in a store, for messages. */
export const VAULT_PATH = 'spec.provider.vault';

const mount = z.optional(z.string());
const account = z.strictObject({ path: mount, username: text, secretRef: secretKeySelector });

/** What of `spec.provider.vault` this version acts on. `auth.iam` and `auth.gcp` are not among it. */
export const vaultSection = z.strictObject({
  server: text,
  path: z.optional(z.string()),
  version: z.optional(z.enum(['v1', 'v2'])),
  namespace: z.optional(z.string()),
  headers: z.optional(z.record(z.string(), z.string())),
  readYourWrites: z.optional(z.boolean()),
  forwardInconsistent: z.optional(z.boolean()),
  /** For writing secrets, which nothing here does. */
  checkAndSet: z.optional(z.strictObject({ required: z.optional(z.boolean()) })),
  ...authorities,
  tls: z.optional(
    z.strictObject({ certSecretRef: z.optional(secretKeySelector), keySecretRef: z.optional(secretKeySelector) }),
  ),
  auth: z.optional(
    z.strictObject({
      namespace: z.optional(z.string()),
      tokenSecretRef: z.optional(secretKeySelector),
      appRole: z.optional(
        z.strictObject({
          path: mount,
          roleId: z.optional(z.string()),
          roleRef: z.optional(secretKeySelector),
          secretRef: secretKeySelector,
        }),
      ),
      kubernetes: z.optional(
        z.strictObject({
          mountPath: mount,
          role: text,
          serviceAccountRef: z.optional(serviceAccountSelector),
          secretRef: z.optional(secretKeySelector),
        }),
      ),
      ldap: z.optional(account),
      userPass: z.optional(account),
      jwt: z.optional(
        z.strictObject({
          path: mount,
          role: z.optional(z.string()),
          secretRef: z.optional(secretKeySelector),
          kubernetesServiceAccountToken: z.optional(
            z.strictObject({
              serviceAccountRef: serviceAccountSelector,
              audiences: z.optional(z.array(z.string())),
              expirationSeconds: z.optional(z.int()),
            }),
          ),
        }),
      ),
      cert: z.optional(
        z.strictObject({
          path: mount,
          vaultRole: z.optional(z.string()),
          clientCert: secretKeySelector,
          secretRef: secretKeySelector,
        }),
      ),
    }),
  ),
});

export type VaultSection = z.infer<typeof vaultSection>;
export type AuthSection = NonNullable<VaultSection['auth']>;

/** A selector, with the path at which the store has it. */
export interface Ref {
  readonly selector: z.infer<typeof secretKeySelector>;
  readonly field: string;
}

/** @param defaultKey where the selector names none, if the field has a default. */
export function refTo(selector: Ref['selector'], field: string, defaultKey = ''): Ref {
  return { selector: { ...selector, key: selector.key || defaultKey }, field: `${VAULT_PATH}.${field}` };
}

export function invalid(words: string): LatchkeyError {
  return new LatchkeyError('InvalidProviderConfig', `${VAULT_PATH}.${words}`);
}
