/**
 * Leaves `work` as soon as the signal fires, whatever stage it is in. SDKs look at a signal only while a request is under
 * way, not while they look for credentials. The work itself goes on; its late outcome is dropped.
 * @throws the signal's reason when it fires first, else what the work throws.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([aborted.promise, work]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
