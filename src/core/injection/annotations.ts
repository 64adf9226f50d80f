import {
  CONTAINERS_ANNOTATION,
  ENV_ANNOTATION,
  ENV_FROM_ANNOTATION,
  LEGACY_VOLUMES_ANNOTATION,
  VOLUMES_ANNOTATION,
} from '../../api/keys.ts';
import type { ObjectMeta, SecretItem } from '../../api/kubernetes.ts';
import { printable } from '../names.ts';
import {
  assertContainerName,
  assertEnvName,
  assertEnvPrefix,
  assertFilePath,
  assertMountPath,
  assertName,
  assertSecretKeyName,
  normalisedPath,
} from './checks.ts';
import { Fields, invalid, itemsOf, type RawItem } from './grammar.ts';

interface Item {
  readonly externalSecret: string;
  readonly isOptional: boolean;
  /** For messages: `annotation latchkey.dev/env of the pod, item 2`. */
  readonly where: string;
}

export interface EnvFromItem extends Item {
  readonly prefix: string;
}

export interface EnvItem extends Item {
  readonly name: string;
  readonly key: string;
}

export interface VolumeItem extends Item {
  readonly mountPath: string;
  readonly items: readonly SecretItem[] | undefined;
  readonly defaultMode: number;
}

/** An `emptyDir` of the pod that becomes a Secret's volume. */
export interface VolumeReplacement extends Item {
  readonly volume: string;
}

/** What the annotations of a pod and its namespace ask for. */
export interface Injection {
  readonly envFrom: readonly EnvFromItem[];
  readonly env: readonly EnvItem[];
  readonly volumes: readonly VolumeItem[];
  readonly replacements: readonly VolumeReplacement[];
  /** Containers by name; undefined = all. */
  readonly containers:
    { readonly names: ReadonlySet<string>; readonly isOfPod: boolean; readonly where: string } | undefined;
}

type Annotations = ObjectMeta['annotations'];

/** Kubernetes' own default for the files of a Secret's volume. */
export const DEFAULT_MODE = 0o644;

/**
 * Reads the injecting annotations; one on the pod replaces the namespace's of the same key, and an empty one means none.
 *
 * @param isWindows mount paths begin with a drive letter there.
 * @returns undefined when nothing is asked for.
 * @throws LatchkeyError `InvalidAnnotation` naming whose annotation, its key and the item.
 */
export async function injectionOf(
  pod: Annotations,
  namespace: Annotations,
  isWindows: boolean,
): Promise<Injection | undefined> {
  const read = (key: string): { readonly text: string; readonly isOfPod: boolean; readonly where: string } => {
    const isOfPod = pod !== undefined && pod !== null && Object.hasOwn(pod, key);
    const text = (isOfPod ? pod[key] : namespace?.[key]) ?? '';
    return { text, isOfPod, where: `annotation ${key} of the ${isOfPod ? 'pod' : 'namespace'}` };
  };
  const items = async <T>(
    key: string,
    parse: (item: RawItem) => T,
    identity: (item: T) => string,
  ): Promise<readonly T[]> => {
    const { text, where } = read(key);
    const parsed = (await itemsOf(text, where)).map(parse);
    const seen = new Set<string>();
    parsed.forEach((item, index) => {
      const id = identity(item);
      if (seen.has(id)) throw invalid(`${where}, item ${index + 1}`, `names ${printable(id, 80)} a second time`);
      seen.add(id);
    });
    return parsed;
  };
  const injection = {
    envFrom: await items(ENV_FROM_ANNOTATION, envFromItem, (item) =>
      item.prefix === '' ? `"${item.externalSecret}"` : `"${item.externalSecret}" with prefix "${item.prefix}"`,
    ),
    env: await items(ENV_ANNOTATION, envItem, ({ name }) => `env ${name}`),
    volumes: await items(
      VOLUMES_ANNOTATION,
      (item) => volumeItem(item, isWindows),
      ({ mountPath }) => `the path ${normalisedPath(mountPath)}`,
    ),
    replacements: await items(LEGACY_VOLUMES_ANNOTATION, replacementItem, ({ volume }) => `volume "${volume}"`),
  };
  if (Object.values(injection).every((list) => list.length === 0)) return undefined;
  const { where, isOfPod } = read(CONTAINERS_ANNOTATION);
  const names = await items(CONTAINERS_ANNOTATION, containerItem, (name) => `container "${name}"`);
  return { ...injection, containers: names.length === 0 ? undefined : { names: new Set(names), isOfPod, where } };
}

/** `db`, or `{externalSecret, prefix, optional}`. */
function envFromItem({ value, where }: RawItem): EnvFromItem {
  if (typeof value === 'string')
    return { externalSecret: assertName(value, where), prefix: '', isOptional: false, where };
  const fields = new Fields(value, where);
  const item = { ...itemOf(fields, where), prefix: assertEnvPrefix(fields.text('prefix') ?? '', where) };
  fields.assertNoMore();
  return item;
}

/** `DB_PASSWORD=db#password`, or `{name, externalSecret, key, optional}`. */
function envItem({ value, where }: RawItem): EnvItem {
  if (typeof value === 'string') {
    const [, name, externalSecret, key] = /^([^=]*)=([^#]*)#(.*)$/.exec(value) ?? [];
    if (name === undefined || externalSecret === undefined || key === undefined) {
      throw invalid(where, 'is not of the form NAME=externalsecret#key');
    }
    return {
      name: assertEnvName(name.trim(), where),
      externalSecret: assertName(externalSecret.trim(), where),
      key: assertSecretKeyName(key.trim(), where),
      isOptional: false,
      where,
    };
  }
  const fields = new Fields(value, where);
  const item = {
    ...itemOf(fields, where),
    name: assertEnvName(fields.text('name') ?? '', where),
    key: assertSecretKeyName(fields.text('key') ?? '', where),
  };
  fields.assertNoMore();
  return item;
}

/** `db=/etc/secrets/db`, or `{externalSecret, mountPath, items, defaultMode, optional}`. */
function volumeItem({ value, where }: RawItem, isWindows: boolean): VolumeItem {
  if (typeof value === 'string') {
    const [, externalSecret, mountPath] = /^([^=]*)=(.*)$/.exec(value) ?? [];
    if (externalSecret === undefined || mountPath === undefined) {
      throw invalid(where, 'is not of the form externalsecret=/mount/path');
    }
    return {
      externalSecret: assertName(externalSecret.trim(), where),
      mountPath: assertMountPath(mountPath.trim(), where, isWindows),
      items: undefined,
      defaultMode: DEFAULT_MODE,
      isOptional: false,
      where,
    };
  }
  const fields = new Fields(value, where);
  const item = {
    ...itemOf(fields, where),
    mountPath: assertMountPath(fields.text('mountPath') ?? '', where, isWindows),
    items: fields.list('items')?.map((entry, index) => secretItem(entry, `${where}, items[${index}]`)),
    defaultMode: fields.mode('defaultMode') ?? DEFAULT_MODE,
  };
  fields.assertNoMore();
  return item;
}

function secretItem(value: unknown, where: string): SecretItem {
  const fields = new Fields(value, where);
  const key = assertSecretKeyName(fields.text('key') ?? '', where);
  const path = assertFilePath(fields.text('path') ?? key, where);
  const mode = fields.mode('mode');
  fields.assertNoMore();
  return { key, path, ...(mode === undefined ? {} : { mode }) };
}

/** `{name, externalSecretName}` or `{name, externalSecret: {externalSecretName}}`: kubernetes-external-secrets' api.md shows both. */
function replacementItem({ value, where }: RawItem): VolumeReplacement {
  const fields = new Fields(value, where);
  const nested = fields.map('externalSecret');
  const flat = fields.text('externalSecretName');
  const externalSecret = assertName(nested?.text('externalSecretName') ?? flat ?? '', where);
  const volume = fields.text('name') ?? '';
  if (volume === '') throw invalid(where, 'has no field name, the volume');
  if (nested !== undefined && flat !== undefined) throw invalid(where, 'names its ExternalSecret twice');
  nested?.assertNoMore();
  fields.assertNoMore();
  return { volume, externalSecret, isOptional: false, where };
}

function containerItem({ value, where }: RawItem): string {
  if (typeof value !== 'string') throw invalid(where, 'is no container’s name');
  return assertContainerName(value, where);
}

function itemOf(fields: Fields, where: string): Item {
  return {
    externalSecret: assertName(fields.text('externalSecret') ?? '', where),
    isOptional: fields.flag('optional'),
    where,
  };
}
