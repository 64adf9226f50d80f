import { Cron } from 'croner';
import type { SyncWindows } from '../../api/external-secrets.ts';
import { parseDurationMs } from '../duration.ts';

/**
 * Whether the sync windows of an ExternalSecret let its refreshInterval act now: `allow` while any window is open, `deny`
 * while none is. A window is open when its schedule fired within its duration before now, both ends included, in UTC. A
 * schedule or duration that cannot be read opens no window.
 *
 * Source: `syncWindows` of external-secrets.io/v1, whose controller reads schedules with robfig/cron's ParseStandard.
 */
export function mayRefresh({ kind, windows }: SyncWindows, nowMs: number): boolean {
  const isOpen = windows.some(({ schedule, duration }) => {
    const durationMs = parseDurationMs(duration);
    return durationMs !== undefined && hasFired(schedule, nowMs - durationMs, nowMs);
  });
  return kind === 'allow' ? isOpen : !isOpen;
}

function hasFired(schedule: string, fromMs: number, toMs: number): boolean {
  const [, every] = /^@every (\S+)/.exec(schedule) ?? [];
  // Counted from the moment of asking, so it has fired in every span that is long enough.
  if (every !== undefined) return (parseDurationMs(every) ?? Infinity) <= toMs - fromMs;
  try {
    // To robfig/cron `?` is `*`; to croner it is the time of now.
    const cron = new Cron(schedule.replaceAll('?', '*'), { timezone: 'UTC', paused: true });
    const firesAt = cron.nextRun(new Date(fromMs - 1));
    return firesAt !== null && firesAt.getTime() <= toMs;
  } catch {
    return false;
  }
}
