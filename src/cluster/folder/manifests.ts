import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../api/kubernetes.ts';
import { LatchkeyError } from '../../core/errors.ts';
import { printable } from '../../core/names.ts';

const MANIFEST_EXTENSIONS: readonly string[] = ['.yaml', '.yml', '.json'];
/** Aliases that expand to more than this are an attack, not a manifest. */
const MOST_ALIASES = 100;

/** Every file below a folder that holds manifests, sorted; a file stands for itself. */
export async function manifestFiles(path: string): Promise<readonly string[]> {
  const info = await stat(path).catch((error: unknown) => {
    throw new LatchkeyError('ClusterRejected', `${path} cannot be read: there is no such file or folder`, {
      cause: error,
    });
  });
  if (!info.isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && MANIFEST_EXTENSIONS.includes(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

export async function readManifests(file: string): Promise<readonly KubernetesObject[]> {
  return parseManifests(await readFile(file, 'utf8'), file);
}

/**
 * The objects of a multi-document YAML or JSON text, Lists unfolded.
 * @throws LatchkeyError `ClusterRejected` naming the file and the line, never the text around a mistake.
 */
export function parseManifests(text: string, file: string): readonly KubernetesObject[] {
  const documents = parseAllDocuments(text, { maxAliasCount: MOST_ALIASES } as object);
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document, index) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const line = error.linePos?.[0].line;
      throw rejected(`${file}: document ${index + 1} is not YAML${line === undefined ? '' : ` (line ${line})`}`);
    }
    const object = toObject(document, `${file}: document ${index + 1}`);
    return object === null || object === undefined ? [] : unfold(object, `${file}: document ${index + 1}`);
  });
}

function toObject(document: ReturnType<typeof parseAllDocuments>[number], where: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    throw new LatchkeyError('ClusterRejected', `${where} has aliases that do not resolve or expand too far`, {
      cause: error,
    });
  }
}

function unfold(object: unknown, where: string): readonly KubernetesObject[] {
  const { apiVersion, kind, metadata, items } = object as Partial<KubernetesObject> & { readonly items?: unknown };
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    throw rejected(`${where} has no apiVersion or no kind, so it is no Kubernetes object`);
  }
  if (kind.endsWith('List') && Array.isArray(items)) {
    return items.flatMap((item, index) => unfold(item, `${where}, item ${index + 1}`));
  }
  if (typeof metadata !== 'object' || metadata === null) {
    throw rejected(`${where} (${printable(kind)}) has no metadata`);
  }
  return [object as KubernetesObject];
}

function rejected(message: string): LatchkeyError {
  return new LatchkeyError('ClusterRejected', message);
}
