/** The cases of test/fixtures/injection and how a pod is put into their words. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../../../src/api/kubernetes.ts';
import { findReferences } from '../../../../src/core/admission/references.ts';
import type { Pod } from '../../../../src/api/kubernetes.ts';

const directory = join(import.meta.dirname, '../../../fixtures/injection');

type Gets = Readonly<Record<string, readonly string[]>>;

export interface Case {
  readonly case: string;
  readonly pod?: Readonly<Record<string, string>>;
  readonly namespace?: Readonly<Record<string, string>>;
  readonly app?: object;
  readonly spec?: object;
  readonly metadata?: object;
  readonly gets?: Gets;
  /** Where the keys of a Secret decide and offline nobody knows them. */
  readonly offline?: Gets;
  readonly volumes?: readonly string[];
  readonly needs?: readonly string[];
  readonly warns?: readonly string[];
  readonly denied?: string;
}

export interface Theme {
  readonly name: string;
  readonly cases: readonly Case[];
}

export function readThemes(): readonly Theme[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml') && file !== 'context.yaml');
  return files.toSorted().map((file) => ({
    name: basename(file, '.yaml'),
    cases: parse(readFileSync(join(directory, file), 'utf8')) as readonly Case[],
  }));
}

/** What stands in context.yaml, in this namespace. */
export function contextIn(namespace: string): readonly KubernetesObject[] {
  const documents = parseAllDocuments(readFileSync(join(directory, 'context.yaml'), 'utf8'));
  return (Array.isArray(documents) ? documents : []).map((document) => {
    const object = document.toJS() as KubernetesObject;
    const isClusterWide = object.kind.startsWith('Cluster');
    return { ...object, metadata: { ...object.metadata, ...(isClusterWide ? {} : { namespace }) } };
  });
}

export function namespaceOf({ namespace: annotations = {} }: Case, name: string): KubernetesObject {
  const labels = { 'latchkey.dev/injection': 'enabled' };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, annotations } };
}

export function podOf(
  { pod: annotations, app = {}, spec = {}, metadata = {} }: Case,
  namespace: string,
): KubernetesObject & Pod {
  const named = { name: 'web', namespace, ...(annotations && { annotations }), ...metadata };
  const containers = [{ name: 'app', image: 'registry.example/app:1', ...app }];
  const filled = Object.entries(named).filter(([, value]) => value !== null);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: Object.fromEntries(filled) as unknown as KubernetesObject['metadata'],
    spec: { containers, ...spec },
  };
}

interface LooseContainer {
  readonly name: string;
  readonly env?: readonly Loose[];
  readonly envFrom?: readonly Loose[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}
interface Loose {
  readonly name?: string;
  readonly value?: string;
  readonly prefix?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { name: string; key: string; optional?: boolean } };
  readonly secretRef?: { name: string; optional?: boolean };
  readonly configMapRef?: { name: string };
}
interface LooseVolume {
  readonly name: string;
  readonly secret?: {
    readonly secretName: string;
    readonly defaultMode?: number;
    readonly optional?: boolean;
    readonly items?: readonly { readonly key: string; readonly path: string; readonly mode?: number }[];
  };
}

/** What each container has, in the words of README.md; containers with nothing are left out. */
export function getsOf(pod: Pod): Gets {
  const spec = pod.spec as { initContainers?: readonly LooseContainer[]; containers?: readonly LooseContainer[] };
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const described = containers.map((container) => [
    container.name,
    [
      ...(container.envFrom ?? []).map(sourceInWords),
      ...(container.env ?? []).map(envInWords),
      ...(container.volumeMounts ?? []).map(({ name, mountPath }) => `${mountPath} <- ${shortened(name)}`),
    ],
  ]);
  return Object.fromEntries(described.filter(([, words]) => (words?.length ?? 0) > 0)) as Gets;
}

export function volumesOf(pod: Pod): readonly string[] {
  return ((pod.spec.volumes ?? []) as readonly LooseVolume[]).map((volume) => {
    const { name, secret } = volume;
    if (secret === undefined) return `${name}: ${Object.keys(volume).find((field) => field !== 'name') ?? ''}`;
    const items = (secret.items ?? []).map(
      ({ key, path, mode }) => `${key}->${path}${mode === undefined ? '' : `(${octal(mode)})`}`,
    );
    const mode = secret.defaultMode === undefined ? [] : [octal(secret.defaultMode)];
    const words = [`${shortened(name)}:`, secret.secretName, ...mode, ...items];
    return `${words.join(' ')}${optional(secret)}`;
  });
}

/** Secrets in order of first mention, once for each key. */
export function needsOfPod(pod: Pod): readonly string[] {
  const bySecret = Map.groupBy(findReferences(pod), ({ secretName }) => secretName);
  return [...bySecret].flatMap(([name, uses]) => {
    const keys = new Set(uses.filter(({ isOptional }) => !isOptional).flatMap((use) => use.keys));
    return keys.size === 0 ? [shortened(name)] : [...keys].map((key) => `${shortened(name)}#${key}`);
  });
}

export function shortened(text: string): string {
  return text
    .replaceAll(/latchkey-[a-z2-7]{26}\b/g, 'latchkey-~')
    .replaceAll(/(latchkey-[a-z0-9-]+)-[0-9a-f]{8}\b/g, '$1-~');
}

function envInWords({ name = '', value, valueFrom }: Loose): string {
  const ref = valueFrom?.secretKeyRef;
  return ref === undefined
    ? `${name} = ${value ?? ''}`
    : `${name} <- ${shortened(ref.name)}#${ref.key}${optional(ref)}`;
}

function sourceInWords({ prefix, secretRef, configMapRef }: Loose): string {
  const source =
    secretRef === undefined ? `configMap ${configMapRef?.name ?? ''}` : `${secretRef.name}/*${optional(secretRef)}`;
  return prefix === undefined ? source : `${prefix} <- ${source}`;
}

const optional = (ref: { readonly optional?: boolean }): string => (ref.optional === true ? ' (optional)' : '');
const octal = (mode: number): string => mode.toString(8).padStart(4, '0');
