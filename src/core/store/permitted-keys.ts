import { PERMITTED_KEY_NAME_ANNOTATION, PERMITTED_ROLES_ANNOTATION } from '../../api/keys.ts';
import type { SecretStore } from '../../api/external-secrets.ts';
import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';
import { patternOf, WHAT_A_PATTERN_IS } from '../patterns.ts';

interface AnnotatedNamespace {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Which remote keys a namespace may read: its annotation `externalsecrets.kubernetes-client.io/permitted-key-name` is a
 * regular expression (RE2) for the whole key. Without it all are permitted.
 *
 * Source: kubernetes-external-secrets, which matched its expression anywhere in the key and only in `data`; here it is
 * anchored and holds for every way to a key.
 *
 * @returns undefined when nothing is restricted.
 * @throws LatchkeyError `StoreForbidden` when the expression cannot be read: a restriction never opens by mistake.
 */
export async function permittedKeys(namespace: AnnotatedNamespace): Promise<((key: string) => boolean) | undefined> {
  const matches = await restriction(namespace, PERMITTED_KEY_NAME_ANNOTATION);
  // A backend may read `a/../b` or `a//b` as a key that was not meant.
  return matches && ((key) => matches(key) && !/(^|\/)\.{1,2}(\/|$)|\/\/|[\p{Cc}]/u.test(key));
}

/**
 * @param keysOf asked only where the namespace restricts anything.
 * @throws LatchkeyError `StoreForbidden` for the first key that the namespace may not read.
 */
export async function assertKeysPermitted(
  namespace: AnnotatedNamespace,
  keysOf: () => readonly string[],
): Promise<void> {
  const isPermitted = await permittedKeys(namespace);
  const refused = isPermitted && keysOf().find((key) => !isPermitted(key));
  if (refused !== undefined)
    throw forbidden(namespace, PERMITTED_KEY_NAME_ANNOTATION, `the key "${printable(refused, 120)}"`);
}

/**
 * Which AWS roles a store may assume for a namespace: annotation `iam.amazonaws.com/permitted`, an expression for the
 * whole ARN.
 * @throws LatchkeyError `StoreForbidden`
 */
export async function assertRolesPermitted(namespace: AnnotatedNamespace, { spec }: SecretStore): Promise<void> {
  const matches = await restriction(namespace, PERMITTED_ROLES_ANNOTATION);
  const refused = matches && rolesOf(spec.provider?.['aws']).find((role) => !matches(role));
  if (refused !== undefined)
    throw forbidden(namespace, PERMITTED_ROLES_ANNOTATION, `the role "${printable(refused, 120)}"`);
}

async function restriction(
  { name, annotations }: AnnotatedNamespace,
  annotation: string,
): Promise<((text: string) => boolean) | undefined> {
  const expression = annotations[annotation];
  if (expression === undefined) return undefined;
  const pattern = await patternOf(annotations, expression);
  if (pattern !== undefined) return (text) => pattern.matches(text);
  throw new LatchkeyError(
    'StoreForbidden',
    `annotation ${annotation} of namespace "${printable(name)}" is not ${WHAT_A_PATTERN_IS}`,
  );
}

function rolesOf(section: unknown): readonly string[] {
  if (typeof section !== 'object' || section === null) return [];
  const { role, additionalRoles } = section as { readonly role?: unknown; readonly additionalRoles?: unknown };
  return [role, ...(Array.isArray(additionalRoles) ? (additionalRoles as unknown[]) : [])].filter(
    (each): each is string => typeof each === 'string' && each !== '',
  );
}

function forbidden({ name }: AnnotatedNamespace, annotation: string, what: string): LatchkeyError {
  return new LatchkeyError(
    'StoreForbidden',
    `annotation ${annotation} of namespace "${printable(name)}" does not permit ${what}`,
  );
}
