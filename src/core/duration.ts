const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** No duration that anyone means is longer, and what is matched below is text from outside. */
const LONGEST_TEXT_CHARACTERS = 64;

/**
 * Milliseconds of a duration as Go's time.ParseDuration writes it (`1h0m0s`, `-1.5h`, `0`), `undefined` when it is none.
 * Source: https://pkg.go.dev/time#ParseDuration
 */
export function parseDurationMs(text: string): number | undefined {
  if (text.length > LONGEST_TEXT_CHARACTERS) return undefined;
  const [, sign, magnitude] = /^([-+]?)(.+)$/s.exec(text) ?? [];
  if (magnitude === undefined) return undefined;
  if (magnitude === '0') return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(magnitude)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of magnitude.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    totalMs += Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  }
  if (!Number.isFinite(totalMs)) return undefined;
  return sign === '-' ? -totalMs : totalMs;
}

/** A duration as a person says it: the two largest units that are not zero. */
export function formatDurationMs(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.round(durationMs)}ms`;
  const seconds = Math.round(durationMs / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  return parts
    .filter(([amount]) => amount > 0)
    .slice(0, 2)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join('');
}

/** RFC 3339 with six digits, as metav1.MicroTime. */
export function microTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** RFC 3339 in whole seconds, as metav1.Time. Rounded down: a Secret never looks younger than it is. */
export function timestamp(ms: number): string {
  return new Date(Math.floor(ms / 1_000) * 1_000).toISOString().replace('.000Z', 'Z');
}
