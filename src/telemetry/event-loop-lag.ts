import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const WINDOW_MS = 5_000;

export interface EventLoopLag {
  /** How late work usually came to its turn in the last whole window, ms: the median, so that one pause does not count. */
  recentMs(): number;
}

/** Watches how late the event loop is, until `signal` aborts. */
export function watchEventLoopLag(signal: AbortSignal, windowMs = WINDOW_MS): EventLoopLag {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let recentMs = 0;
  const timer = setInterval(() => {
    recentMs = histogram.count === 0 ? windowMs : Math.max(0, histogram.percentile(50) / 1e6 - RESOLUTION_MS);
    histogram.reset();
  }, windowMs).unref();
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(timer);
      histogram.disable();
    },
    { once: true },
  );
  return { recentMs: () => recentMs };
}
