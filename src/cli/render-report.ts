import type { ExternalSecret } from '../api/external-secrets.ts';
import type { Secret } from '../api/kubernetes.ts';
import { DATA_HASH_ANNOTATION } from '../api/keys.ts';
import { printDocument } from '../cluster/folder/yaml.ts';
import type { LatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import { TemplateError } from '../core/template/template-error.ts';
import { sentenceOf } from './sentences.ts';

type StringMap = Readonly<Record<string, string>>;

/** A Secret as a manifest. Values that are text are `stringData`, so that they can be read. */
export function printSecret(externalSecret: ExternalSecret, secret: Secret, showsValues: boolean): string {
  const { data = {}, metadata, ...rest } = secret;
  const { ownerReferences: _owners, labels = {}, annotations = {}, ...named } = metadata;
  // A hash of the data tells whether a guess at it is right.
  const { [DATA_HASH_ANNOTATION]: _hash, ...shown } = annotations;
  const plain = plainTexts(externalSecret);
  const seen = (map: StringMap): StringMap =>
    Object.fromEntries(
      Object.entries(map).map(([name, value]) => [
        name,
        showsValues || plain.has(`${name}=${value}`) || name.startsWith('reconcile.external-secrets.io/')
          ? value
          : '[redacted]',
      ]),
    );
  const values = Object.entries(data).map(([key, base64]) => [key, Buffer.from(base64, 'base64')] as const);
  return printDocument({
    ...rest,
    metadata: { ...named, labels: seen(labels), ...(Object.keys(shown).length > 0 && { annotations: seen(shown) }) },
    ...(showsValues
      ? {
          stringData: Object.fromEntries(
            values.filter(([, bytes]) => isText(bytes)).map(([key, bytes]) => [key, bytes.toString('utf8')]),
          ),
          data: Object.fromEntries(values.filter(([, bytes]) => !isText(bytes)).map(([key]) => [key, data[key]])),
        }
      : { stringData: Object.fromEntries(values.map(([key, { length }]) => [key, `[redacted], ${length} bytes`])) }),
  });
}

/** What stands in the manifest as it is in the Secret, and so is no value. */
function plainTexts({ metadata, spec }: ExternalSecret): ReadonlySet<string> {
  const { template } = spec.target ?? {};
  const maps =
    template === undefined
      ? [metadata.labels, metadata.annotations]
      : [template.metadata?.labels, template.metadata?.annotations];
  return new Set(maps.flatMap((map) => Object.entries(map ?? {})).map(([name, value]) => `${name}=${value}`));
}

function isText(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes) && !/[^\P{Cc}\t\n\r]/u.test(bytes.toString('utf8'));
}

/** What is wrong, and below it the line of the template with a caret under the place. */
export function printFailure({ metadata }: ExternalSecret, error: LatchkeyError): string {
  const name = `ExternalSecret "${printable(metadata.namespace)}/${printable(metadata.name)}"`;
  return `latchkey: ${name}: ${sentenceOf(error)}\n${error instanceof TemplateError ? caret(error) : ''}`;
}

const CHARACTERS_BEFORE = 60;
const CHARACTERS_SHOWN = 100;

function caret({ place: { line, column, lineText } }: TemplateError): string {
  if (line === undefined || column === undefined || lineText === undefined) return '';
  const characters = Array.from(
    lineText
      .reveal()
      .toString('utf8')
      .replaceAll(/\p{Cc}/gu, ' '),
  );
  const start = Math.max(0, column - 1 - CHARACTERS_BEFORE);
  const shown = characters.slice(start, start + CHARACTERS_SHOWN).join('');
  const margin = `  ${line} | `;
  return `${margin}${shown}\n${' '.repeat(margin.length - 2)}| ${' '.repeat(column - 1 - start)}^\n`;
}
