/** Each admission then waits for its turn several times over, and other replicas would answer sooner. */
const LONGEST_LAG_MS = 250;

export interface Condition {
  readonly isStopping: boolean;
  /** How late the event loop is. */
  readonly lagMs: number;
  /** Kinds of which no list has come yet. */
  readonly awaited: readonly string[];
}

/** What is missing for readiness, in words; empty = ready. */
export function notReadyBecause({ isStopping, lagMs, awaited }: Condition): readonly string[] {
  return [
    ...(isStopping ? ['it is stopping'] : []),
    ...(lagMs > LONGEST_LAG_MS ? [`the event loop lags by ${Math.round(lagMs)} ms`] : []),
    ...awaited.map((kind) => `no list of ${kind} yet (CRDs installed? rights given?)`),
  ];
}
