import { providers } from '../../providers/index.ts';
import { clientContext } from './context.ts';
import type { Subject } from './secrets-client.suite.ts';

/** Its values stand in the store itself, as text, and there is no network that could fail. */
export const fakeSubject: Subject = {
  name: 'fake',
  load: providers.fake,
  faults: [],
  isBinarySafe: false,
  absentVersion: 'no-such-version',
  takesBatches: true,
  // Of all versions the one whose name comes last counts, and the current one has none.
  search: { root: '', knowsPaths: false, moreThanOnePage: 3, versionFound: 'other' },
  start: async () => {
    const data: { key: string; value: string; version?: string }[] = [];
    return {
      context: (overrides) => clientContext({ config: { data: [...data] }, ...overrides }),
      put: async (key, bytes) => void data.push({ key, value: text(bytes) }),
      putDocument: async (key, json) => void data.push({ key, value: json }),
      putVersions: async (key, current, other) => {
        data.push({ key, value: text(current) }, { key, value: text(other), version: 'candidate' });
        return 'candidate';
      },
      faulty: async (fault) => {
        throw new Error(`the fake provider has no backend that ${fault}`);
      },
      close: async () => undefined,
    };
  },
};

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
