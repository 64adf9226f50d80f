import { LatchkeyError } from '../core/errors.ts';
import { InvalidSetting } from '../config/settings.ts';
import type { LogFields, Logger } from '../ports/logger.ts';

/** What a person is told of an error. Of those that are not ours only type and code: their text may quote what they choked on. */
export function sentenceOf(error: unknown): string {
  if (error instanceof InvalidSetting) return error.message;
  if (error instanceof LatchkeyError) return `${error.message} [${error.code}]`;
  const { name = typeof error, code } = error as { name?: string; code?: string };
  return `failed unexpectedly (${name}${code === undefined ? '' : ` ${code}`})`;
}

export function say(sentence: string): void {
  process.stderr.write(`latchkey: ${sentence}\n`);
}

/** What goes wrong beside a command's own work, for people: sentences on stderr. */
export const sentenceLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: sayLogged,
  error: sayLogged,
};

function sayLogged(message: string, fields: LogFields = {}, error?: unknown): void {
  const shown = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  const where = shown.length === 0 ? '' : ` (${shown.join(', ')})`;
  say(`${message}${where}${error === undefined ? '' : `: ${sentenceOf(error)}`}`);
}
