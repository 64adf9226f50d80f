import type { Rewrite } from '../api/external-secrets.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { mergeValues } from '../core/external-secret/merge-values.ts';
import { SecretValue } from '../core/secret-value.ts';
import { GO_DELIMITERS } from '../core/template/delimiters.ts';
import type { GoLibraries } from '../ports/go-libraries.ts';

type Values = ReadonlyMap<string, SecretValue>;

/**
 * Applies the steps of `dataFrom[].rewrite` in order, each to what the one before gives. Where two keys become one, the
 * later in byte order of the old keys wins; upstream leaves it to chance.
 *
 * @throws LatchkeyError naming the step, `rewrite[0].regexp: …`.
 */
export async function rewriteKeys(
  values: Values,
  steps: readonly Rewrite[],
  go: GoLibraries,
  signal: AbortSignal,
): Promise<Values> {
  let rewritten = values;
  for (const [index, step] of steps.entries()) {
    try {
      rewritten = await apply(step, rewritten, go, signal);
    } catch (cause) {
      throw asLatchkeyError(cause).within(`rewrite[${index}].${Object.keys(step)[0] ?? ''}`);
    }
  }
  return rewritten;
}

async function apply(
  { regexp, transform, merge }: Rewrite,
  values: Values,
  go: GoLibraries,
  signal: AbortSignal,
): Promise<Values> {
  if (merge !== undefined) return mergeValues(values, merge);
  const before = [...values.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const after =
    regexp === undefined
      ? await transformed(before, transform?.template, go, signal)
      : await go.replaceAll(regexp.source, regexp.target, before, signal);
  const renamed = before.map((key, position) => [after[position] ?? key, key] as const);
  return new Map(
    renamed.map(([key, old]) => {
      const value = values.get(old);
      if (value === undefined) throw new LatchkeyError('Internal', 'a key was lost while it was rewritten');
      return [key, value];
    }),
  );
}

/** Each key as a template makes it, which knows it as `.value`. Its delimiters are always Go's, as upstream. */
async function transformed(
  keys: readonly string[],
  template: string | undefined,
  go: GoLibraries,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (template === undefined) return keys;
  if (!template.includes(GO_DELIMITERS[0])) return keys.map(() => template);
  const text = SecretValue.fromText(template);
  const calls = keys.map((key) => {
    return { text, values: new Map([['value', SecretValue.fromText(key)]]), isMap: false, isConfidential: false };
  });
  const rendered = await go.render(calls, { delimiters: GO_DELIMITERS, isKeyDemanded: false }, signal);
  return rendered.map((members) => members.get('')?.reveal().toString('utf8') ?? '');
}
