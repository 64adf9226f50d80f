import type { Rewrite } from '../api/external-secrets.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { mergeValues } from '../core/external-secret/merge-values.ts';
import type { SecretValue } from '../core/secret-value.ts';
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
  const after = regexp === undefined ? [] : await go.replaceAll(regexp.source, regexp.target, before, signal);
  const renamed = before.map((key, position) => [after[position] ?? transform?.template ?? key, key] as const);
  return new Map(
    renamed.map(([key, old]) => {
      const value = values.get(old);
      if (value === undefined) throw new LatchkeyError('Internal', 'a key was lost while it was rewritten');
      return [key, value];
    }),
  );
}
