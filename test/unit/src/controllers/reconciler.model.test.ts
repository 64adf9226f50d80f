/**
 * Whatever happens to ExternalSecrets, stores, Secrets, the backend, the API server and the leader, and in which order: once it
 * is quiet again, the cluster is what the manifests and the backend say. The seed of each run is printed.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ExternalSecret } from '../../../../src/api/external-secrets.ts';
import { externalSecrets, secrets } from '../../../../src/api/resources.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { clusterIsDown } from '../stores/support/observed-cluster.ts';
import { store } from '../stores/support/world.ts';
import { createReconciling, type Reconciling } from './reconciling.ts';

const SEQUENCES = 250;
const LENGTH = { minLength: 20, maxLength: 60, size: 'max' } as const;
const HOUR_MS = 3_600_000;
const NAMES = ['a', 'b', 'c'] as const;
const REMOTE_KEYS = ['one', 'two', 'three'] as const;

interface Wanted {
  readonly remoteKey: string;
  readonly target: string;
  readonly refreshPolicy: 'Periodic' | 'OnChange';
  readonly uid: string;
}

/** What there should be, as far as it can be said without knowing how it comes about. */
interface Model {
  readonly wanted: Map<string, Wanted>;
  /** Every value that a remote key ever had, the current one last; undefined = gone. */
  readonly history: Map<string, (string | undefined)[]>;
  made: number;
  isLeading: boolean;
}

/** One thing that happens; fast-check prints it by its words. */
class Happening {
  readonly #words: string;
  readonly run: (model: Model, world: Reconciling) => Promise<void> | void;

  constructor(words: string, run: (model: Model, world: Reconciling) => Promise<void> | void) {
    this.#words = words;
    this.run = run;
  }

  toString(): string {
    return this.#words;
  }
}

function apply(world: Reconciling, name: string, { remoteKey, target, refreshPolicy, uid }: Wanted): void {
  const spec = { refreshPolicy, target: { name: target } };
  const manifest = make.externalSecret({ name, namespace: 'shop', data: { key: remoteKey }, spec });
  world.apply({ ...manifest, metadata: { name, namespace: 'shop', uid } });
}

async function collectGarbage(world: Reconciling): Promise<void> {
  const alive = new Set((await world.folder.list(externalSecrets)).map(({ metadata }) => metadata.uid));
  for (const secret of await world.folder.list(secrets)) {
    const owner = secret.metadata.ownerReferences?.[0]?.uid;
    if (owner !== undefined && !alive.has(owner)) await world.folder.delete(secrets, secret);
  }
}

async function deleteExternalSecret(world: Reconciling, name: string): Promise<void> {
  const current = await world.externalSecret(name);
  if (current !== undefined) await world.folder.delete(externalSecrets, current);
}

const name = fc.constantFrom(...NAMES);
const remoteKey = fc.constantFrom(...REMOTE_KEYS);
const happenings: readonly fc.Arbitrary<Happening>[] = [
  fc.tuple(name, remoteKey, fc.boolean(), fc.boolean()).map(
    ([which, from, isRenamed, isOnChange]) =>
      new Happening(
        `apply ${which} from ${from}${isRenamed ? ', renamed' : ''}${isOnChange ? ', OnChange' : ''}`,
        (model, world) => {
          const uid = model.wanted.get(which)?.uid ?? `uid-${(model.made += 1)}`;
          const target = isRenamed ? `${which}-renamed` : which;
          const wanted: Wanted = { remoteKey: from, target, uid, refreshPolicy: isOnChange ? 'OnChange' : 'Periodic' };
          model.wanted.set(which, wanted);
          apply(world, which, wanted);
        },
      ),
  ),
  name.map(
    (which) =>
      new Happening(`delete ${which}`, async (model, world) => {
        model.wanted.delete(which);
        await deleteExternalSecret(world, which);
      }),
  ),
  fc.tuple(remoteKey, fc.nat(99)).map(
    ([key, value]) =>
      new Happening(`the backend gets ${key}=${value}`, (model, world) => {
        world.backend.values.set(key, `value-${value}`);
        model.history.set(key, [...(model.history.get(key) ?? []), `value-${value}`]);
      }),
  ),
  remoteKey.map(
    (key) =>
      new Happening(`the backend loses ${key}`, (model, world) => {
        world.backend.values.delete(key);
        model.history.set(key, [...(model.history.get(key) ?? []), undefined]);
      }),
  ),
  fc
    .constantFrom('BackendUnavailable' as const, 'BackendPermissionDenied' as const, undefined)
    .map(
      (failure) =>
        new Happening(
          `the backend answers ${failure ?? 'again'}`,
          (_model, world) => void (world.backend.failure = failure),
        ),
    ),
  fc.boolean().map(
    (isDown) =>
      new Happening(`the API server is ${isDown ? 'away' : 'back'}`, (_model, world) => {
        world.cluster.before = isDown ? clusterIsDown : () => undefined;
      }),
  ),
  name.map(
    (which) =>
      new Happening(`somebody else changes Secret ${which} during the next write`, (_model, world) => {
        world.cluster.before = async (call) => {
          if (call !== 'update Secret' && call !== 'create Secret') return;
          world.cluster.before = () => undefined;
          const current = await world.secret(which);
          if (current !== undefined) await world.folder.update(secrets, current);
        };
      }),
  ),
  fc.tuple(name, fc.boolean()).map(
    ([which, isDeleted]) =>
      new Happening(`somebody ${isDeleted ? 'deletes' : 'forges'} Secret ${which}`, async (_model, world) => {
        const current = await world.secret(which);
        if (current === undefined) return;
        if (isDeleted) await world.folder.delete(secrets, current);
        else await world.folder.update(secrets, { ...current, data: { key: 'Zm9yZ2Vk' } });
      }),
  ),
  fc.nat(9).map(
    (team) =>
      new Happening(`the store changes, team=${team}`, (_model, world) => {
        const metadata = { name: 'store', namespace: 'shop', annotations: { team: String(team) } };
        world.apply({ ...store('store'), metadata });
      }),
  ),
  fc.boolean().map(
    (isLeading) =>
      new Happening(`the process ${isLeading ? 'leads' : 'loses the lead'}`, async (model, world) => {
        if (isLeading !== model.isLeading) await (isLeading ? world.lead() : world.stopLeading());
        model.isLeading = isLeading;
      }),
  ),
  fc.constant(new Happening('garbage is collected', (_model, world) => collectGarbage(world))),
  fc
    .constantFrom(0, 500, 5_000, 60_000, HOUR_MS)
    .map((ms) => new Happening(`${ms} ms pass`, (_model, world) => world.pass(ms))),
];

/** Without ExternalSecrets, values and time nothing much happens. */
const OFTEN = [0, 2, happenings.length - 1].flatMap((index) => happenings[index] ?? []);

async function assertQuiet(model: Model, world: Reconciling): Promise<void> {
  world.backend.failure = undefined;
  world.cluster.before = () => undefined;
  if (!model.isLeading) world.lead();
  await world.pass(0);
  await collectGarbage(world);
  // Long enough for an interval to pass, and for what failed to be tried at its own.
  await world.pass(2.5 * HOUR_MS);
  const readyOf = ({ status }: ExternalSecret): boolean =>
    status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
  for (const [which, { remoteKey: key, target, refreshPolicy }] of model.wanted) {
    const externalSecret = await world.externalSecret(which);
    assert.ok(externalSecret);
    const history = model.history.get(key) ?? [];
    const [current, value] = [history.at(-1), await world.value(target, 'key')];
    if (refreshPolicy === 'OnChange' && readyOf(externalSecret))
      assert.ok(history.includes(value), `${which}: ${value}`);
    else assert.equal(readyOf(externalSecret), current !== undefined, `Ready of ${which}`);
    if (refreshPolicy === 'Periodic' && current !== undefined) assert.equal(value, current, `the value of ${which}`);
  }
  const targets = new Set([...model.wanted.values()].map(({ target }) => target));
  const left = (await world.folder.list(secrets)).map(({ metadata }) => metadata.name);
  // A Secret under a former name goes with the next sync that succeeds.
  const isAllReady = (await world.folder.list(externalSecrets)).every(readyOf);
  if (isAllReady)
    assert.deepEqual(
      left.filter((each) => !targets.has(each)),
      [],
      'Secrets that nobody makes any more',
    );
  world.cluster.forget();
  await world.pass(HOUR_MS / 2);
  const writes = world.cluster.calls.filter((call) => /^(create|update|delete) Secret/.test(call));
  assert.deepEqual(writes, [], 'writes of Secrets while nothing happens');
  await world.stopLeading();
}

describe('the reconciler', () => {
  it(`comes to what is wanted after each of ${SEQUENCES} sequences`, { timeout: 240_000 }, async (t) => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
    t.diagnostic(`seed ${seed}`);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(...happenings, ...OFTEN), LENGTH), async (sequence) => {
        const model: Model = { wanted: new Map(), history: new Map(), made: 0, isLeading: true };
        const world = await createReconciling();
        for (const happening of sequence) await happening.run(model, world);
        await assertQuiet(model, world);
        await world.wiring.close();
      }),
      { numRuns: SEQUENCES, seed },
    );
  });
});
