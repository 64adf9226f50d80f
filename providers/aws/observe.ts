/**
 * Where requests are observed in the SDK's middleware: inside its retries and after its look for credentials, so that
 * what is counted is what AWS sees and what is timed is what AWS takes.
 */
export const OBSERVED_STEP = { step: 'deserialize', priority: 'high', name: 'latchkeyObserveRequest' } as const;
