import type { Json, ManagedFields } from '../../api/kubernetes.ts';

/** Names of what one writer has set on a Secret. */
export interface WrittenFields {
  readonly data: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
  readonly annotations: ReadonlySet<string>;
}

/**
 * What field managers have set, out of `metadata.managedFields`: that is how upstream knows which keys of a shared Secret
 * are its own.
 */
export function fieldsWrittenBy(
  managers: readonly string[],
  managedFields: readonly ManagedFields[] = [],
): WrittenFields {
  const entries = managedFields.filter(({ manager, subresource }) => managers.includes(manager ?? '') && !subresource);
  const at = (...path: readonly string[]): ReadonlySet<string> =>
    new Set(entries.flatMap(({ fieldsV1 }) => namesIn(path.reduce<Json | undefined>(member, fieldsV1))));
  return {
    data: at('f:data'),
    labels: at('f:metadata', 'f:labels'),
    annotations: at('f:metadata', 'f:annotations'),
  };
}

function member(value: Json | undefined, name: string): Json | undefined {
  return isRecord(value) ? value[name] : undefined;
}

function namesIn(value: Json | undefined): readonly string[] {
  if (!isRecord(value)) return [];
  return Object.keys(value).flatMap((name) => (name.startsWith('f:') ? [name.slice(2)] : []));
}

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
