const answerTimeoutMs = 10_000;
const bodyTimeoutMs = 10 * 60_000;

/**
 * Downloads a file into memory. Gives up after 10 s without an answer, so that a machine without access finds out fast.
 *
 * @throws Error naming the address and the reason, also for any status but 200.
 */
export async function download(url: string, signal?: AbortSignal): Promise<Buffer> {
  const answer = new AbortController();
  const timer = setTimeout(
    () => answer.abort(new Error(`no answer within ${answerTimeoutMs / 1000} s`)),
    answerTimeoutMs,
  );
  const signals = [answer.signal, AbortSignal.timeout(bodyTimeoutMs), ...(signal === undefined ? [] : [signal])];
  try {
    const response = await fetch(url, { signal: AbortSignal.any(signals) });
    clearTimeout(timer);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    signal?.throwIfAborted();
    throw new Error(`${url}: ${reasonOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** fetch says only "fetch failed"; the reason is its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
