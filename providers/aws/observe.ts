import type { ClientContext } from '../../src/ports/provider.ts';

/**
 * Where requests are observed in the SDK's middleware: inside its retries and after its look for credentials, so that
 * what is counted is what AWS sees and what is timed is what AWS takes.
 */
export const OBSERVED_STEP = { step: 'deserialize', priority: 'high', name: 'latchkeyObserveRequest' } as const;

/** Runs one request and reports it. */
export async function observed<T>(context: ClientContext, call: string, request: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  let status = 'error';
  try {
    const result = await request();
    status = 'success';
    return result;
  } finally {
    context.onRequest(call, status, (performance.now() - startMs) / 1000);
  }
}
