import { pino, type DestinationStream } from 'pino';
import type { Logger, LogFields } from '../ports/logger.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines. Errors are printed as names and codes only: messages of parsers, SDKs and backends quote what they choke on. */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const log = destination === undefined ? pino(options) : pino(options, destination);
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields, error) => log.warn({ ...fields, ...describeError(error) }, message),
    error: (message, fields, error) => log.error({ ...fields, ...describeError(error) }, message),
  };
}

/** What an error may show: its type and code, its cause's, and where in our code it came from. */
function describeError(error: unknown): LogFields {
  if (error === undefined) return {};
  if (!(error instanceof Error)) return { 'err.name': typeof error };
  const { name, cause, stack = '' } = error;
  const causeName = cause instanceof Error ? { 'err.cause': cause.name } : {};
  const own = name === 'LatchkeyError' ? { 'err.message': error.message } : {};
  const [, frame] = /\n\s+at ([^\n]+)/.exec(stack) ?? [];
  return {
    'err.name': name,
    ...codeOf(error),
    ...own,
    ...causeName,
    ...(frame === undefined ? {} : { 'err.at': frame }),
  };
}

function codeOf(error: Error): LogFields {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' || typeof code === 'number' ? { 'err.code': code } : {};
}
