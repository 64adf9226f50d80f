/** Milliseconds. */
export interface Pace {
  /** Before the first repair. */
  readonly firstMs: number;
  /** Between two repairs, at most. */
  readonly longestMs: number;
  /** Between two looks that nobody asked for. */
  readonly idleMs: number;
}

export const DEFAULT_PACE: Pace = { firstMs: 500, longestMs: 300_000, idleMs: 600_000 };

export interface RepairLoop {
  /** Asks for a look soon; asked often, it comes no sooner and no later. */
  refresh(): void;
}

/** Repairs older than this are forgotten. */
const memoryMs = 30 * 60_000;
/** A look that fails is tried again after this at the latest. */
const longestRetryMs = 60_000;
/** Enough for the pause to reach its longest. */
const repairsKept = 20;

/**
 * How long to wait before the next look: doubled for each repair of the last half hour, so that two writers who disagree
 * settle at one write in `longestMs`.
 *
 * @param repairs when the last ones were, milliseconds since the epoch.
 */
export function nextPauseMs(repairs: readonly number[], nowMs: number, pace: Pace): number {
  const recent = repairs.filter((atMs) => nowMs - atMs < memoryMs).length;
  return Math.min(pace.firstMs * 2 ** recent, pace.longestMs);
}

/**
 * Looks at once, then whenever asked and every `idleMs`, never twice at a time, until `signal` aborts.
 *
 * @param look says whether something had to be repaired; `failed` is tried again with growing pauses. Must not reject.
 */
export function startRepairLoop(
  look: () => Promise<'intact' | 'repaired' | 'failed'>,
  pace: Pace,
  signal: AbortSignal,
): RepairLoop {
  let timer: NodeJS.Timeout | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  let repairs: readonly number[] = [];
  let failures = 0;
  let isLooking = false;
  let isAsked = false;

  function plan(pauseMs: number): void {
    const atMs = Date.now() + pauseMs;
    // An earlier plan stands: somebody who never stops changing things must not put it off for ever.
    if (signal.aborted || dueMs <= atMs) return;
    clearTimeout(timer);
    dueMs = atMs;
    timer = setTimeout(() => void run(), pauseMs).unref();
  }

  async function run(): Promise<void> {
    dueMs = Number.POSITIVE_INFINITY;
    isLooking = true;
    isAsked = false;
    const outcome = await look();
    isLooking = false;
    failures = outcome === 'failed' ? failures + 1 : 0;
    if (outcome === 'repaired') repairs = [...repairs, Date.now()].slice(-repairsKept);
    if (failures > 0) plan(Math.min(pace.firstMs * 2 ** failures, longestRetryMs));
    else plan(isAsked ? nextPauseMs(repairs, Date.now(), pace) : pace.idleMs);
  }

  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  plan(0);
  return {
    refresh() {
      if (isLooking) isAsked = true;
      else plan(nextPauseMs(repairs, Date.now(), pace));
    },
  };
}
