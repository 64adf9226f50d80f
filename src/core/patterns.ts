import type { RE2JS } from 're2js';

const LONGEST_CHARACTERS = 1_024;

/** Compiled once per object that they come from: such objects are read for every pod and seldom change. */
const compiled = new WeakMap<object, Map<string, RE2JS | undefined>>();

/**
 * A regular expression (RE2, so that none takes more than linear time) out of an object of the cluster.
 * @param owner the object as it was read; the expression is forgotten with it.
 * @returns undefined when it cannot be read, or has more than 1024 characters.
 */
export async function patternOf(owner: object, expression: string): Promise<RE2JS | undefined> {
  const known = compiled.get(owner) ?? new Map<string, RE2JS | undefined>();
  compiled.set(owner, known);
  if (!known.has(expression)) known.set(expression, await compile(expression));
  return known.get(expression);
}

/** For messages about an expression that cannot be read. */
export const WHAT_A_PATTERN_IS = `a regular expression of at most ${LONGEST_CHARACTERS} characters`;

async function compile(expression: string): Promise<RE2JS | undefined> {
  if (expression.length > LONGEST_CHARACTERS) return undefined;
  const { RE2JS: Engine } = await import('re2js');
  try {
    return Engine.compile(expression);
  } catch {
    return undefined;
  }
}
