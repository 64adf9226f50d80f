import { untilAborted } from '../shared/abort.ts';
import { awsError } from './errors.ts';
import type { AwsCall } from './errors.ts';

/**
 * One request to AWS, left as soon as the signal fires.
 * @throws LatchkeyError whatever goes wrong, as one of ours.
 */
export async function ask<T>(
  request: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  call: AwsCall,
  signal: AbortSignal,
): Promise<T> {
  try {
    signal.throwIfAborted();
    return await untilAborted(request({ abortSignal: signal }), signal);
  } catch (error) {
    throw awsError(error, call, signal);
  }
}
