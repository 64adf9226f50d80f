import { isAlias, isCollection, isMap, isSeq, visit, type Document } from 'yaml';
import type { PatchOperation } from '../api/admission.ts';
import type { ManifestDocument } from '../cluster/folder/manifests.ts';
import { printDocument, printLike } from '../cluster/folder/yaml.ts';
import { applyOperations } from '../core/admission/patch.ts';

/**
 * The text of a document before and after a patch, both printed alike. Comments, the order of keys and the way scalars are
 * written stay; of a document with aliases only the content does, since a change to one place would be one to all. Without
 * operations it is the very text that was read.
 */
export function printPatched(
  { document, source }: ManifestDocument,
  operations: readonly PatchOperation[],
): readonly [before: string, after: string] {
  if (operations.length === 0) return [source, source];
  const isJson = source.trimStart().startsWith('{');
  if (isJson || hasAliases(document)) {
    const print = isJson ? (value: object) => `${JSON.stringify(value, undefined, 2)}\n` : printDocument;
    const before = document.toJS() as object;
    return [print(before), print(applyOperations(before, operations))];
  }
  const copy = document.clone();
  for (const operation of operations) apply(copy, operation);
  return [printLike(document, source), printLike(copy, source)];
}

function hasAliases(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

function apply(document: Document, operation: PatchOperation): void {
  const path = operation.path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = path.at(-1) ?? '';
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isAlias(parent) || !isCollection(parent)) throw new Error(`there is no collection at ${operation.path}`);
  if (operation.op === 'remove') {
    parent.delete(isSeq(parent) ? Number(last) : last);
  } else if (isMap(parent)) {
    parent.set(last, document.createNode(operation.value));
  } else if (isSeq(parent)) {
    const position = last === '-' ? parent.items.length : Number(last);
    parent.items.splice(position, operation.op === 'replace' ? 1 : 0, document.createNode(operation.value));
  }
}
