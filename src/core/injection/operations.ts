import type { PatchOperation } from '../../api/admission.ts';
import type { Json } from '../../api/kubernetes.ts';

type List = readonly unknown[] | undefined;

/** Puts entries before those of a list, which need not be there yet. */
export function prepend(pointer: string, list: List, entries: readonly object[]): readonly PatchOperation[] {
  return insert(pointer, list, entries, String);
}

/** Puts entries behind those of a list, which need not be there yet. */
export function append(pointer: string, list: List, entries: readonly object[]): readonly PatchOperation[] {
  return insert(pointer, list, entries, () => '-');
}

function insert(
  pointer: string,
  list: List,
  entries: readonly object[],
  positionOf: (index: number) => string,
): readonly PatchOperation[] {
  if (entries.length === 0) return [];
  if (!Array.isArray(list)) return [{ op: 'add', path: pointer, value: entries as readonly Json[] }];
  return entries.map((entry, index) => ({ op: 'add', path: `${pointer}/${positionOf(index)}`, value: entry as Json }));
}
