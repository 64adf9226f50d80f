import type { LogFields, Logger } from '../../../src/ports/logger.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** A clock that stands still until it is set. */
export interface HandClock {
  now(): number;
  set(ms: number): void;
}

export function handClock(startMs = Date.now()): HandClock {
  let nowMs = startMs;
  return { now: () => nowMs, set: (ms) => void (nowMs = ms) };
}

/** Keeps what is logged, as one line each: level, message, fields, error. */
export function recordingLogger(): Logger & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  const record =
    (level: string) =>
    (message: string, fields: LogFields = {}, error?: unknown): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields)} ${error instanceof Error ? error.message : ''}`);
  return { lines, debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') };
}

export const names = { dnsNames: ['latchkey.latchkey-system.svc'], ipAddresses: ['127.0.0.1', '::1'] };

export function deadline(ms = 30_000): AbortSignal {
  return AbortSignal.timeout(ms);
}
