import type { ClientContext } from '../../src/ports/provider.ts';

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
