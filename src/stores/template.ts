import { LRUCache } from 'lru-cache';
import type { ExternalSecret } from '../api/external-secrets.ts';
import { configMaps, secrets } from '../api/resources.ts';
import { LatchkeyError } from '../core/errors.ts';
import { SecretValue } from '../core/secret-value.ts';
import { copiedMetadata } from '../core/target/build-secret.ts';
import { composeContent, type Rendered, type SecretContent } from '../core/template/compose.ts';
import { GO_DELIMITERS, type Delimiters } from '../core/template/delimiters.ts';
import { planTemplate, templateObjects, type TemplateObject, type TemplatePiece } from '../core/template/plan.ts';
import { TemplateError } from '../core/template/template-error.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { GoLibraries } from '../ports/go-libraries.ts';
import { versionOf, type ObjectVersion } from './object-versions.ts';

/** What an operator may set about templates. */
export interface TemplateSettings {
  readonly templateLeftDelimiter: string;
  readonly templateRightDelimiter: string;
  /** Labels that give a Secret trust, and finalizers, that templates may set. */
  readonly allowedTemplateMetadata: readonly string[];
  /** How long the templates of one ExternalSecret may have the processor. */
  readonly templateTimeLimitMs: number;
}

export const DEFAULT_TEMPLATE_SETTINGS: TemplateSettings = {
  templateLeftDelimiter: GO_DELIMITERS[0],
  templateRightDelimiter: GO_DELIMITERS[1],
  allowedTemplateMetadata: [],
  templateTimeLimitMs: 250,
};

const SOURCES_REMEMBERED = 50_000;

/** Makes the content of a Secret out of fetched values, as `target.template` says. */
export class TemplateRenderer {
  readonly #cluster: Cluster;
  readonly #go: GoLibraries;
  readonly #delimiters: Delimiters;
  readonly #allowedMetadata: readonly string[];
  /** By uid of the ExternalSecret, the objects that its templates were read from last. */
  readonly #sources = new LRUCache<string, readonly ObjectVersion[]>({ max: SOURCES_REMEMBERED });

  constructor(cluster: Cluster, go: GoLibraries, settings: TemplateSettings) {
    this.#cluster = cluster;
    this.#go = go;
    this.#delimiters = [settings.templateLeftDelimiter, settings.templateRightDelimiter];
    this.#allowedMetadata = settings.allowedTemplateMetadata;
  }

  /**
   * Objects that templates stand in are read anew each time.
   * @throws TemplateError naming object or field, key and line; LatchkeyError of the cluster.
   */
  async compose(
    externalSecret: ExternalSecret,
    values: ReadonlyMap<string, SecretValue>,
    signal: AbortSignal,
  ): Promise<SecretContent> {
    if (externalSecret.spec.target?.template === undefined) {
      this.forget(externalSecret);
      return { data: values, metadata: copiedMetadata(externalSecret) };
    }
    const { namespace = '' } = externalSecret.metadata;
    const objects = templateObjects(externalSecret);
    const read = await Promise.all(objects.map((object) => this.#read(object, namespace, signal)));
    // Also of those that are missing: once they are there, the Secret can be made.
    const versions = read.map(({ version }) => version);
    if (versions.length > 0) this.#sources.set(externalSecret.metadata.uid ?? '', versions);
    else this.forget(externalSecret);
    const found = new Map(objects.map((object, index) => [idOf(object), read[index]?.texts]));
    const pieces = planTemplate(externalSecret, (object) => found.get(idOf(object)));
    const rendered = await this.#render(pieces, values, this.#go.inNamespace(namespace), signal);
    return composeContent(externalSecret, values, pieces, rendered, this.#allowedMetadata);
  }

  /** What the Secrets were made of whose templates stand in other objects, by uid of their ExternalSecrets. */
  *sourcesInUse(): IterableIterator<readonly [uid: string, sources: readonly ObjectVersion[]]> {
    yield* this.#sources.entries();
  }

  /** Nothing is made for it any more, or not of other objects. */
  forget({ metadata }: ExternalSecret): void {
    this.#sources.delete(metadata.uid ?? '');
  }

  async #read(
    { kind, name }: TemplateObject,
    namespace: string,
    signal: AbortSignal,
  ): Promise<{ readonly version: ObjectVersion; readonly texts: ReadonlyMap<string, SecretValue> | undefined }> {
    if (kind === 'ConfigMap') {
      const found = await this.#cluster.get(configMaps, { namespace, name }, { signal });
      const version = { resource: configMaps, namespace, name, version: versionOf(found) };
      return { version, texts: found && mapOf(found.data, SecretValue.fromText) };
    }
    const found = await this.#cluster.get(secrets, { namespace, name }, { signal });
    const version = { resource: secrets, namespace, name, version: versionOf(found) };
    return { version, texts: found && mapOf(found.data, (base64) => new SecretValue(Buffer.from(base64, 'base64'))) };
  }

  /** Those with an action in them in one call; what has none is what it is. */
  async #render(
    pieces: readonly TemplatePiece[],
    values: ReadonlyMap<string, SecretValue>,
    go: GoLibraries,
    signal: AbortSignal,
  ): Promise<readonly Rendered[]> {
    const delimiters = this.#delimiters;
    const templates = pieces.filter(({ text }) => text.reveal().includes(delimiters[0]));
    const calls = templates.map(({ text, name, isConfidential }) => {
      return { text, values, isMap: name === undefined, isConfidential };
    });
    const rules = { delimiters, isKeyDemanded: true };
    const results = calls.length === 0 ? [] : await named(templates, () => go.render(calls, rules, signal));
    return Promise.all(
      pieces.map(async (piece) => {
        const result = results[templates.indexOf(piece)];
        if (result !== undefined) return result;
        if (piece.name !== undefined) return new Map([[piece.name, piece.text]]);
        return named([piece], () => go.yamlMap(piece.text, signal));
      }),
    );
  }
}

/** Says of a failure which template it is about. */
async function named<T>(pieces: readonly TemplatePiece[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const piece =
      error instanceof TemplateError ? pieces[error.place.template] : pieces.find(() => pieces.length === 1);
    throw error instanceof LatchkeyError && piece !== undefined ? error.within(piece.where) : error;
  }
}

function mapOf(
  data: Readonly<Record<string, string>> = {},
  valueOf: (text: string) => SecretValue,
): ReadonlyMap<string, SecretValue> {
  return new Map(Object.entries(data).map(([key, text]) => [key, valueOf(text)]));
}

function idOf({ kind, name }: TemplateObject): string {
  return `${kind}/${name}`;
}
