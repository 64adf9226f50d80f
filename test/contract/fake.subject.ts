import { providers } from '../../providers/index.ts';
import { clientContext } from './context.ts';
import type { Subject } from './secrets-client.suite.ts';

/** Its values stand in the store itself, as text, and there is no network that could fail. */
export const fakeSubject: Subject = {
  name: 'fake',
  load: providers.fake,
  faults: [],
  isBinarySafe: false,
  takesBatches: true,
  start: async () => {
    const data: { key: string; value: string; version?: string }[] = [];
    return {
      context: (overrides) => clientContext({ config: { data: [...data] }, ...overrides }),
      put: async (key, bytes, version) => {
        data.push({ key, value: Buffer.from(bytes).toString('utf8'), ...(version === undefined ? {} : { version }) });
      },
      faulty: async (fault) => {
        throw new Error(`the fake provider has no backend that ${fault}`);
      },
      close: async () => undefined,
    };
  },
};
