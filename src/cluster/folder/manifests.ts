import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Document } from 'yaml';
import type { KubernetesObject } from '../../api/kubernetes.ts';
import { LatchkeyError } from '../../core/errors.ts';
import { printable } from '../../core/names.ts';
import { MOST_ALIASES, parseDocuments } from './yaml.ts';

const MANIFEST_EXTENSIONS: readonly string[] = ['.yaml', '.yml', '.json'];

/** Every file below a folder that holds manifests, links followed, sorted; a file stands for itself. */
export async function manifestFiles(path: string): Promise<readonly string[]> {
  if (!(await reading(path, stat(path))).isDirectory()) return [path];
  const names = await reading(path, readdir(path, { recursive: true }));
  const candidates = names
    .filter((name) => MANIFEST_EXTENSIONS.includes(extname(name)))
    .map((name) => join(path, name));
  const isFile = await Promise.all(candidates.map(async (file) => (await reading(file, stat(file))).isFile()));
  return candidates.filter((_, index) => isFile[index] === true).sort();
}

export async function readManifests(file: string): Promise<readonly KubernetesObject[]> {
  return parseManifests(await reading(file, readFile(file, 'utf8')), file);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'it may not be read',
  ELOOP: 'its links lead in a circle',
};

async function reading<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new LatchkeyError('ClusterRejected', `${path} cannot be read: ${REASONS[code] ?? code}`, { cause: error });
  }
}

/**
 * The objects of a multi-document YAML or JSON text, Lists unfolded.
 * @throws LatchkeyError `ClusterRejected` naming the file and the line, never the text around a mistake.
 */
export function parseManifests(text: string, file: string): readonly KubernetesObject[] {
  return parseDocuments(text).flatMap((document, index) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const line = error.linePos?.[0].line;
      throw rejected(`${file}: document ${index + 1} is not YAML${line === undefined ? '' : ` (line ${line})`}`);
    }
    const object = toObject(document, `${file}: document ${index + 1}`);
    return object === null || object === undefined ? [] : unfold(object, `${file}: document ${index + 1}`);
  });
}

function toObject(document: Document, where: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    throw new LatchkeyError('ClusterRejected', `${where} has aliases that do not resolve or expand too far`, {
      cause: error,
    });
  }
}

function unfold(object: unknown, where: string): readonly KubernetesObject[] {
  if (typeof object !== 'object' || object === null) throw rejected(`${where} is no Kubernetes object`);
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
