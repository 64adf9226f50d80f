import * as z from 'zod/mini';
import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import type { ClientContext } from '../../src/ports/provider.ts';

export const text = z.string().check(z.minLength(1));

/** A key of a Secret, as every provider's section names one. */
export const secretKeySelector = z.strictObject({
  name: text,
  namespace: z.exactOptional(z.string()),
  key: z.exactOptional(z.string()),
});

export const serviceAccountSelector = z.strictObject({
  name: text,
  namespace: z.exactOptional(z.string()),
  audiences: z.exactOptional(z.array(z.string())),
});

/**
 * Whether a selector stays within its store's reach, as far as can be said without reading anything.
 * @param field path of the selector, for messages.
 * @throws LatchkeyError `InvalidProviderConfig` when a SecretStore names a namespace that is not its own.
 */
export function assertWithinReach(
  { namespace }: { readonly namespace?: string },
  field: string,
  { kind, namespace: own }: ClientContext['store'],
): void {
  if (kind !== 'SecretStore' || namespace === undefined || namespace === own) return;
  throw new LatchkeyError(
    'InvalidProviderConfig',
    `${field}.namespace is "${printable(namespace)}", but a SecretStore reads its own namespace only`,
  );
}
