import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Document } from 'yaml';
import { EXTERNAL_SECRETS_GROUP } from '../../api/keys.ts';
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

export async function readManifestDocuments(file: string): Promise<readonly ManifestDocument[]> {
  return parseManifestDocuments(await reading(file, readFile(file, 'utf8')), file);
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

/** One document of a text, and the objects in it. */
export interface ManifestDocument {
  readonly document: Document;
  /** The text between the document before and the one after. */
  readonly source: string;
  readonly objects: readonly ManifestObject[];
}

export interface ManifestObject {
  readonly object: KubernetesObject;
  /** JSON pointer to it in its document: empty, or that of a List's item. */
  readonly pointer: string;
}

/** The objects of a multi-document YAML or JSON text, Lists unfolded. @throws as {@link parseManifestDocuments}. */
export function parseManifests(text: string, file: string): readonly KubernetesObject[] {
  return parseManifestDocuments(text, file).flatMap(({ objects }) => objects.map(({ object }) => object));
}

/**
 * The documents of a YAML or JSON text; put together, their sources are the text.
 * @throws LatchkeyError `ClusterRejected` naming the file and the line, never the text around a mistake.
 */
export function parseManifestDocuments(text: string, file: string): readonly ManifestDocument[] {
  let start = 0;
  const documents = parseDocuments(text);
  return documents.map((document, index) => {
    const where = `${file}: document ${index + 1}`;
    const [error] = document.errors;
    if (error !== undefined) {
      const line = error.linePos?.[0].line;
      throw rejected(`${where} is not YAML${line === undefined ? '' : ` (line ${line})`}`);
    }
    const end = index === documents.length - 1 ? text.length : (document.range?.[2] ?? start);
    const source = text.slice(start, end);
    start = end;
    const object = toObject(document, where);
    return { document, source, objects: object === null || object === undefined ? [] : unfold(object, '', where) };
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

function unfold(object: unknown, pointer: string, where: string): readonly ManifestObject[] {
  if (typeof object !== 'object' || object === null) throw rejected(`${where} is no Kubernetes object`);
  const { apiVersion, kind, metadata, items } = object as Partial<KubernetesObject> & { readonly items?: unknown };
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    throw rejected(`${where} has no apiVersion or no kind, so it is no Kubernetes object`);
  }
  if (kind.endsWith('List') && Array.isArray(items)) {
    return items.flatMap((item, index) => unfold(item, `${pointer}/items/${index}`, `${where}, item ${index + 1}`));
  }
  if (typeof metadata !== 'object' || metadata === null) {
    throw rejected(`${where} (${printable(kind)}) has no metadata`);
  }
  if (apiVersion.startsWith(`${EXTERNAL_SECRETS_GROUP}/`)) assertOurs(object as KubernetesObject, where);
  return [{ object: object as KubernetesObject, pointer }];
}

/** What an API server would not let pass, and everything that reads these kinds relies on. */
function assertOurs(object: KubernetesObject & { readonly spec?: unknown }, where: string): void {
  const { kind, metadata, spec } = object;
  if (typeof metadata.name !== 'string' || metadata.name === '') {
    throw rejected(`${where} (${printable(kind)}) has no metadata.name that is a text`);
  }
  if (typeof spec !== 'object' || spec === null) {
    throw rejected(`${where} (${printable(kind)} "${printable(metadata.name)}") has no spec`);
  }
  for (const field of ['data', 'dataFrom']) {
    const entries: unknown = (spec as Readonly<Record<string, unknown>>)[field] ?? [];
    if (Array.isArray(entries) && entries.every((entry) => typeof entry === 'object' && entry !== null)) continue;
    throw rejected(
      `${where} (${printable(kind)} "${printable(metadata.name)}") has a spec.${field} that is no list of objects`,
    );
  }
}

function rejected(message: string): LatchkeyError {
  return new LatchkeyError('ClusterRejected', message);
}
