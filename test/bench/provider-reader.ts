/** A process of `npm run bench -- providers`: reads what its parent tells it and answers with figures. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { registerHooks } from 'node:module';
import { providers } from '../../providers/index.ts';
import type { SecretsClient } from '../../src/ports/provider.ts';
import { clientContext, credentialsFrom } from '../contract/context.ts';
import type { Reading, ReadingTask } from './providers.ts';

/** As many single reads as Latchkey has under way for one ExternalSecret. */
const PARALLEL_READS = 8;

/** What a provider imports beside the project's own files: its SDK. */
const sdks = new Set<string>();
registerHooks({
  resolve: (specifier, context, next) => {
    const isPackage = /^(?!node:|zod)[@\w]/.test(specifier);
    if (isPackage && context.parentURL?.includes('/providers/') === true) sdks.add(specifier);
    return next(specifier, context);
  },
});

const [task] = (await once(process, 'message')) as [ReadingTask];
process.send?.(await read(task));

async function read({ provider, context, credentials, keys }: ReadingTask): Promise<Reading> {
  const { createProvider } = await providers[provider as keyof typeof providers]();
  const { newClient } = createProvider();
  const callsByName: Record<string, number> = {};
  const onRequest = (call: string): void => void (callsByName[call] = (callsByName[call] ?? 0) + 1);
  const signal = AbortSignal.timeout(300_000);
  const startMs = performance.now();
  const client = await newClient(
    clientContext({ ...context, credentials: credentialsFrom(credentials), onRequest }),
    signal,
  );
  const values = await (client.getSecrets === undefined ? eachAlone : together)(client, keys, signal);
  const wallMs = performance.now() - startMs;
  values.forEach((value, index) => assert.ok(value.includes(`fake-value-of-${keys[index]}`), 'another value'));
  await client.close();
  const calls = Object.values(callsByName).reduce((sum, count) => sum + count, 0);
  return { calls, callsByName, wallMs, sdks: [...sdks] };
}

async function together(
  client: SecretsClient,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const results = await client.getSecrets?.(
    keys.map((key) => ({ key })),
    signal,
  );
  return (results ?? []).map((result) => {
    if ('error' in result) throw result.error;
    return result.document.reveal().toString();
  });
}

async function eachAlone(
  client: SecretsClient,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const values: string[] = [];
  const queue = keys.entries();
  const worker = async (): Promise<void> => {
    for (const [index, key] of queue) values[index] = (await client.getSecret({ key }, signal)).reveal().toString();
  };
  await Promise.all(Array.from({ length: PARALLEL_READS }, worker));
  return values;
}
