import type { ExternalSecret, TemplateFrom, TemplateSource, ValueStrategies } from '../../api/external-secrets.ts';
import { printable } from '../names.ts';
import { SecretValue } from '../secret-value.ts';
import { TemplateError } from './template-error.ts';

export type TemplateTarget = 'data' | 'labels' | 'annotations';

/** One text that is to be rendered, and what becomes of the result. */
export interface TemplatePiece {
  /** For messages: `spec.target.template.data["tls.crt"]`. */
  readonly where: string;
  readonly text: SecretValue;
  readonly target: TemplateTarget;
  /** Name of the result; `undefined` when names and texts come out. */
  readonly name: string | undefined;
  readonly decodingStrategy: ValueStrategies['decodingStrategy'];
  /** Is the text itself secret? */
  readonly isConfidential: boolean;
}

/** An object that templates are read from. */
export interface TemplateObject {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
}

/** The texts in an object; `undefined` when there is no such object. */
export type TemplateTexts = (object: TemplateObject) => ReadonlyMap<string, SecretValue> | undefined;

/** The objects in which the templates of an ExternalSecret stand, each once: when one changes, so does the Secret. */
export function templateObjects({ spec }: ExternalSecret): readonly TemplateObject[] {
  const all = (spec.target?.template?.templateFrom ?? []).flatMap(sourcesOf).map(({ object }) => object);
  return [...new Map(all.map((object) => [`${object.kind}/${object.name}`, object])).values()];
}

/**
 * Every template of an ExternalSecret, in the order in which a later result takes the place of an earlier one.
 * @throws TemplateError for objects and keys that are missing.
 */
export function planTemplate({ spec }: ExternalSecret, textsOf: TemplateTexts): readonly TemplatePiece[] {
  const { templateFrom = [], data = {}, metadata = {} } = spec.target?.template ?? {};
  return [
    ...templateFrom.flatMap((entry, index) => piecesFrom(entry, `${TEMPLATE}.templateFrom[${index}]`, textsOf)),
    ...piecesOf(data, 'data', `${TEMPLATE}.data`),
    ...piecesOf(metadata.labels ?? {}, 'labels', `${TEMPLATE}.metadata.labels`),
    ...piecesOf(metadata.annotations ?? {}, 'annotations', `${TEMPLATE}.metadata.annotations`),
  ];
}

const TEMPLATE = 'spec.target.template';

function piecesOf(
  texts: Readonly<Record<string, string>>,
  target: TemplateTarget,
  field: string,
): readonly TemplatePiece[] {
  return Object.entries(texts).map(([name, text]) => ({
    where: `${field}["${printable(name, 80)}"]`,
    text: SecretValue.fromText(text),
    ...{ target, name, decodingStrategy: 'None', isConfidential: false },
  }));
}

function piecesFrom(entry: TemplateFrom, field: string, textsOf: TemplateTexts): readonly TemplatePiece[] {
  const target = targetOf(entry);
  const decodingStrategy = entry.valuesDecodingStrategy;
  const pieces = sourcesOf(entry).flatMap(({ object, source }) => {
    const called = `${object.kind} "${printable(object.name)}"`;
    const texts = textsOf(object);
    if (texts === undefined) throw new TemplateError(`${called} does not exist`, { template: 0 }, field);
    return source.items.map(({ key, templateAs }): TemplatePiece => {
      const where = `key "${printable(key, 80)}" of ${called} (${field})`;
      const text = texts.get(key);
      if (text === undefined) throw new TemplateError('there is no such key', { template: 0 }, where);
      const name = templateAs === 'KeysAndValues' ? undefined : key;
      return { where, text, target, name, decodingStrategy, isConfidential: object.kind === 'Secret' };
    });
  });
  if ((entry.literal ?? '') === '') return pieces;
  const text = SecretValue.fromText(entry.literal ?? '');
  const where = `${field}.literal`;
  return [...pieces, { where, text, target, name: undefined, decodingStrategy, isConfidential: false }];
}

function sourcesOf({ configMap, secret }: TemplateFrom): readonly { object: TemplateObject; source: TemplateSource }[] {
  const sources = [
    ['ConfigMap', configMap],
    ['Secret', secret],
  ] as const;
  return sources.flatMap(([kind, source]) =>
    source === undefined ? [] : [{ object: { kind, name: source.name }, source }],
  );
}

function targetOf({ target }: TemplateFrom): TemplateTarget {
  const lowered = target?.toLowerCase();
  return lowered === 'labels' || lowered === 'annotations' ? lowered : 'data';
}
