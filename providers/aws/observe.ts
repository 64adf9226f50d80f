import type { ClientContext } from '../../src/ports/provider.ts';
import { observed } from '../shared/observed.ts';

/**
 * Where requests are observed in the SDK's middleware: inside its retries and after its look for credentials, so that
 * what is counted is what AWS sees and what is timed is what AWS takes.
 */
export const OBSERVED_STEP = { step: 'deserialize', priority: 'high', name: 'latchkeyObserveRequest' } as const;

/** The middleware: reports each request under the name that AWS gives the call. */
export function observing(context: ClientContext) {
  return <A, R>(next: (args: A) => Promise<R>, { commandName = '' }: { readonly commandName?: string }) =>
    (args: A): Promise<R> =>
      observed(context, commandName.replace(/Command$/, ''), () => next(args));
}
