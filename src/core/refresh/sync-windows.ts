import { Cron } from 'croner';
import type { SyncWindows } from '../../api/external-secrets.ts';
import { parseDurationMs } from '../duration.ts';

/** Steps after which the search for an open moment ends; whoever asked asks again from where it got to. */
const MOST_STEPS = 20;
/** Of one ExternalSecret, as the CRD has it: each costs time, and others' pods wait meanwhile. */
export const MOST_WINDOWS = 32;
const SCHEDULES_REMEMBERED = 1_000;
/** By text, since many ExternalSecrets have the same few; `undefined` = it cannot be read. */
const schedules = new Map<string, Cron | undefined>();

/**
 * Whether the sync windows of an ExternalSecret let its refreshInterval act now: `allow` while any window is open, `deny`
 * while none is. A window is open when its schedule fired within its duration before now, both ends included, in UTC. A
 * schedule or duration that cannot be read opens no window.
 *
 * Source: `syncWindows` of external-secrets.io/v1, whose controller reads schedules with robfig/cron's ParseStandard.
 */
export function mayRefresh({ kind, windows }: SyncWindows, nowMs: number): boolean {
  const isOpen = windows.slice(0, MOST_WINDOWS).some((window) => openedAtMs(window, nowMs) !== undefined);
  return kind === 'allow' ? isOpen : !isOpen;
}

/**
 * The first moment from `fromMs` on at which {@link mayRefresh} holds, ms since the epoch; Infinity when it never does. For
 * windows of `deny` that follow each other for very long it is a moment to ask again.
 */
export function mayRefreshFrom(syncWindows: SyncWindows, fromMs: number): number {
  const { kind } = syncWindows;
  const windows = syncWindows.windows.slice(0, MOST_WINDOWS);
  if (mayRefresh(syncWindows, fromMs)) return fromMs;
  if (kind === 'allow') return Math.min(...windows.map(({ schedule }) => firesAtMs(schedule, fromMs) ?? Infinity));
  let atMs = fromMs;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const closesAtMs = windows.flatMap((window) => {
      const openedMs = openedAtMs(window, atMs);
      return openedMs === undefined ? [] : [openedMs + (parseDurationMs(window.duration) ?? 0) + 1];
    });
    if (closesAtMs.length === 0) return atMs;
    atMs = Math.max(...closesAtMs);
  }
  return atMs;
}

/** The earliest firing of a window that still keeps it open; `undefined` = it is closed. */
function openedAtMs({ schedule, duration }: SyncWindows['windows'][number], nowMs: number): number | undefined {
  const durationMs = parseDurationMs(duration);
  if (durationMs === undefined) return undefined;
  const everyMs = intervalOf(schedule);
  // Counted from the moment of asking, so it has fired in every span that is long enough.
  if (everyMs !== undefined) return everyMs <= durationMs ? nowMs : undefined;
  const firedMs = firesAtMs(schedule, nowMs - durationMs);
  return firedMs !== undefined && firedMs <= nowMs ? firedMs : undefined;
}

/** First firing at or after a moment. `@every` has none: see {@link openedAtMs}. */
function firesAtMs(schedule: string, fromMs: number): number | undefined {
  return intervalOf(schedule) === undefined
    ? cronOf(schedule)
        ?.nextRun(new Date(fromMs - 1))
        ?.getTime()
    : undefined;
}

function cronOf(schedule: string): Cron | undefined {
  if (schedules.has(schedule)) return schedules.get(schedule);
  const cron = readCron(schedule);
  if (schedules.size >= SCHEDULES_REMEMBERED) schedules.clear();
  schedules.set(schedule, cron);
  return cron;
}

function readCron(schedule: string): Cron | undefined {
  try {
    // To robfig/cron `?` is `*`; to croner it is the time of now.
    return new Cron(schedule.replaceAll('?', '*'), { timezone: 'UTC', paused: true });
  } catch {
    return undefined;
  }
}

function intervalOf(schedule: string): number | undefined {
  const [, every] = /^@every (\S+)/.exec(schedule) ?? [];
  return every === undefined ? undefined : (parseDurationMs(every) ?? Infinity);
}
