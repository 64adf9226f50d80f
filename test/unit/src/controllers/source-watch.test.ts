import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubernetesObject } from '../../../../src/api/kubernetes.ts';
import { secrets } from '../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { SourceWatch } from '../../../../src/controllers/source-watch.ts';
import type { ObjectVersion } from '../../../../src/stores/object-versions.ts';
import { clusterIsDown, observed } from '../stores/support/observed-cluster.ts';
import { silentLogger } from '../stores/support/world.ts';
import { handTime } from './hand-timer.ts';

interface Watching {
  readonly cluster: ReturnType<typeof observed>;
  readonly told: string[];
  readonly pass: (ms: number) => Promise<void>;
  /** Writes a credential. */
  write(name: string, value: string): void;
  /** Has a client be made of credentials as they are now. */
  use(identity: string, ...names: readonly string[]): Promise<void>;
}

function createWatching(): Watching {
  const { clock, timer, pass } = handTime();
  const folder = new FolderCluster(clock);
  const cluster = observed(folder);
  const inUse = new Map<string, readonly ObjectVersion[]>();
  const told: string[] = [];
  const watch = new SourceWatch({
    ...{ cluster, clock, timer, what: 'credential' },
    inUse: () => inUse.entries(),
    isLeading: () => true,
    onChanged: (identities) => void told.push(...identities),
    logger: silentLogger,
  });
  void watch.lead(new AbortController().signal);
  return {
    ...{ cluster, told, pass },
    write(name, value) {
      const metadata = { namespace: 'shop', name };
      folder.load({ apiVersion: 'v1', kind: 'Secret', metadata, data: { token: value } } as KubernetesObject);
    },
    async use(identity, ...names) {
      const objects = await Promise.all(names.map((name) => folder.get(secrets, { namespace: 'shop', name })));
      const versions = objects.flatMap((object) =>
        object === undefined
          ? []
          : [
              {
                resource: secrets,
                namespace: 'shop',
                name: object.metadata.name,
                version: `${object.metadata.uid}@${object.metadata.resourceVersion}`,
              },
            ],
      );
      inUse.set(identity, versions);
    },
  };
}

const ROUND_MS = 30_000;

describe('a credential', () => {
  it('that stays as it is changes nothing', async () => {
    const { write, use, pass, told } = createWatching();
    write('token', 'a');
    await use('store', 'token');
    await pass(10 * ROUND_MS);
    assert.deepEqual(told, []);
  });

  it('that changes is told of once, to whoever uses it', async () => {
    const { write, use, pass, told } = createWatching();
    write('token', 'a');
    write('other', 'a');
    await use('store', 'token');
    await use('other store', 'other');
    await pass(2 * ROUND_MS);
    write('token', 'b');
    await pass(ROUND_MS + 1_000);
    assert.deepEqual(told, ['store']);
    await pass(5 * ROUND_MS);
    await use('store', 'token');
    await pass(5 * ROUND_MS);
    assert.deepEqual(told, ['store']);
  });

  it('for which somebody has made a new client meanwhile is told of all the same', async () => {
    const { write, use, pass, told } = createWatching();
    write('token', 'a');
    await use('store', 'token');
    await pass(2 * ROUND_MS);
    write('token', 'b');
    await use('store', 'token');
    await pass(ROUND_MS + 1_000);
    assert.deepEqual(told, ['store']);
  });

  it('is asked for once a round, however many use it, and ten are a second at most', async () => {
    const { cluster, write, use, pass } = createWatching();
    for (let index = 0; index < 30; index += 1) {
      write(`token-${index}`, 'a');
      await use(`store-${index}`, `token-${index}`, 'token-0');
    }
    await pass(ROUND_MS);
    await pass(999);
    assert.equal(cluster.calls.length, 10);
    await pass(5_000);
    assert.equal(cluster.calls.length, 30);
  });

  it('that cannot be asked for is no change', async () => {
    const { cluster, write, use, pass, told } = createWatching();
    write('token', 'a');
    await use('store', 'token');
    cluster.before = clusterIsDown;
    await pass(3 * ROUND_MS);
    assert.deepEqual(told, []);
  });
});
