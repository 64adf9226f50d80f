/** The reconciler on a real API server: what it keeps right without any pod, and what survives the death of a process. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CreateSecretCommand, PutSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { providerCalls, startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { AWS_KEYS, awsWriter } from '../support/moto/aws-writer.ts';
import { startMoto, type Moto } from '../support/moto/moto.ts';
import { waitUntil } from '../support/process/wait-until.ts';

const NAMESPACE = 'kept';
const OBJECTS = 200;

let controlPlane: ControlPlane;
let moto: Moto;
let aws: SecretsManagerClient;

const create = (name: string, value: string) => aws.send(new CreateSecretCommand({ Name: name, SecretString: value }));
const change = (name: string, value: string) =>
  aws.send(new PutSecretValueCommand({ SecretId: name, SecretString: value }));

function start(name: string): Promise<LatchkeyProcess> {
  const args = name === 'first' ? [] : ['--no-register'];
  return startLatchkey(controlPlane, { name, args, env: { AWS_SECRETSMANAGER_ENDPOINT: moto.endpoint } });
}

async function apply(...manifests: readonly make.Manifest[]): Promise<void> {
  await kubectlOrThrow(controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...manifests) });
}

async function listed<T>(kind: string): Promise<readonly T[]> {
  const text = await kubectlOrThrow(controlPlane, ['get', kind, '-n', NAMESPACE, '-o', 'json']);
  return (JSON.parse(text) as { items: readonly T[] }).items;
}

interface StoredSecret {
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

async function values(): Promise<ReadonlyMap<string, string>> {
  const secrets = await listed<StoredSecret>('secrets');
  return new Map(
    secrets.map(({ metadata, data }) => [metadata.name, Buffer.from(data?.['key'] ?? '', 'base64').toString()]),
  );
}

async function until(name: string, value: string, timeoutMs = 10_000): Promise<void> {
  const isThere = async (): Promise<boolean> => (await values()).get(name) === value;
  await waitUntil(isThere, { what: `Secret ${name} to hold the value it should`, timeoutMs });
}

/** As if the Lease of a process that died had run out. */
async function forgetLeader(): Promise<void> {
  await kubectlOrThrow(controlPlane, ['delete', 'lease', 'latchkey', '-n', 'latchkey-system', '--ignore-not-found']);
}

async function leader(): Promise<string> {
  const query = ['get', 'lease', 'latchkey', '-n', 'latchkey-system', '-o', 'jsonpath={.spec.holderIdentity}'];
  return kubectlOrThrow(controlPlane, query);
}

before(async () => {
  [controlPlane, moto] = await Promise.all([startControlPlane({ users: [LATCHKEY_USER] }), startMoto()]);
  await installLatchkey(controlPlane, { reconciles: true });
  aws = awsWriter(moto.endpoint);
  await apply(
    // Reconciling asks for no label: ExternalSecrets work for those who never create a pod too.
    make.namespace(NAMESPACE, {}),
    make.credentialsSecret('aws-credentials', AWS_KEYS, NAMESPACE),
    make.awsStore('store', NAMESPACE),
  );
});

after(async () => {
  aws?.destroy();
  await Promise.all([controlPlane?.stop(), moto?.stop()]);
});

describe('an ExternalSecret without any pod', () => {
  let latchkey: LatchkeyProcess;

  before(async () => {
    latchkey = await start('first');
    await create('kept/one', 'not-real-first');
    await apply(make.externalSecret({ name: 'one', namespace: NAMESPACE, data: { key: 'kept/one' } }));
  });
  after(() => latchkey?.stop());

  it('gets its Secret and its status', async () => {
    await until('one', 'not-real-first');
    await kubectlOrThrow(controlPlane, ['wait', '--for=condition=Ready', 'es/one', '-n', NAMESPACE, '--timeout=10s']);
    const wait = ['wait', '--for=condition=Ready', 'secretstore/store', '-n', NAMESPACE, '--timeout=10s'];
    await kubectlOrThrow(controlPlane, wait);
  });

  it('has it put right when somebody changes it, and made anew when somebody deletes it', async () => {
    const forged = JSON.stringify({ data: { key: Buffer.from('not-real-forged').toString('base64') } });
    await kubectlOrThrow(controlPlane, ['patch', 'secret', 'one', '-n', NAMESPACE, '-p', forged]);
    await until('one', 'not-real-first');
    await kubectlOrThrow(controlPlane, ['delete', 'secret', 'one', '-n', NAMESPACE]);
    await until('one', 'not-real-first');
  });

  it('is fetched anew when somebody annotates it', async () => {
    await change('kept/one', 'not-real-second');
    await kubectlOrThrow(controlPlane, ['annotate', 'es', 'one', '-n', NAMESPACE, 'force-sync=1']);
    await until('one', 'not-real-second');
  });

  it('is fetched anew when its store changes, and when the store’s credentials do', async () => {
    await change('kept/one', 'not-real-third');
    await kubectlOrThrow(controlPlane, ['annotate', 'secretstore', 'store', '-n', NAMESPACE, 'team=a']);
    await until('one', 'not-real-third');
    await change('kept/one', 'not-real-fourth');
    await apply(make.credentialsSecret('aws-credentials', { ...AWS_KEYS, unrelated: 'not-real' }, NAMESPACE));
    await until('one', 'not-real-fourth', 45_000);
  });

  it('leaves nothing under a name that its target no longer has', async () => {
    const renamed = JSON.stringify({ spec: { target: { name: 'two' } } });
    await kubectlOrThrow(controlPlane, ['patch', 'es', 'one', '-n', NAMESPACE, '--type=merge', '-p', renamed]);
    await until('two', 'not-real-fourth');
    const isGone = async (): Promise<boolean> => !(await values()).has('one');
    await waitUntil(isGone, { what: 'the former Secret to be gone', timeoutMs: 10_000 });
  });
});

describe(`a process that is killed while it syncs ${OBJECTS} ExternalSecrets`, () => {
  it('leaves no Secret half-written, and its successor fetches only what was due', { timeout: 240_000 }, async () => {
    const names = Array.from({ length: OBJECTS }, (_, index) => `crash-${index}`);
    await Promise.all(names.map((name) => create(`kept/${name}`, `not-real-${name}`)));
    await apply(
      ...names.map((name) => make.externalSecret({ name, namespace: NAMESPACE, data: { key: `kept/${name}` } })),
    );
    const madeSoFar = async (): Promise<number> =>
      [...(await values()).keys()].filter((name) => names.includes(name)).length;
    let killed = 0;
    for (let round = 1; round <= 5; round += 1) {
      await forgetLeader();
      const doomed = await start(`doomed-${round}`);
      await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400));
      if ((await madeSoFar()) < OBJECTS) killed += 1;
      process.kill(doomed.child.pid, 'SIGKILL');
      await doomed.child.ended;
    }
    assert.ok(killed > 0, 'no process was killed at work');
    await forgetLeader();
    const before = await madeSoFar();
    const survivor = await start('survivor');
    try {
      const isDone = async (): Promise<boolean> => (await madeSoFar()) === OBJECTS;
      await waitUntil(isDone, { what: 'all Secrets to be there', timeoutMs: 60_000 });
      const found = await values();
      for (const name of names) assert.equal(found.get(name), `not-real-${name}`);
      const query = ['wait', '--for=condition=Ready', 'es', '--all', '-n', NAMESPACE, '--timeout=30s'];
      await kubectlOrThrow(controlPlane, query);
      const calls = await providerCalls(survivor);
      assert.ok(calls <= OBJECTS - before, `${calls} calls for ${OBJECTS - before} Secrets that were missing`);
    } finally {
      await survivor.stop();
    }
    const successor = await start('successor');
    try {
      await waitUntil(async () => (await leader()) !== '', { what: 'a leader', timeoutMs: 10_000 });
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      assert.equal(await providerCalls(successor), 0, 'a restart alone fetches nothing that is inside its interval');
    } finally {
      await successor.stop();
    }
  });
});

describe('a leader that is stopped for longer than its Lease lasts', () => {
  it('finds another in its place when it goes on, and lands no older value', { timeout: 120_000 }, async () => {
    const [paused, other] = [await start('paused'), await start('other')];
    try {
      await create('kept/paused', 'not-real-older');
      const spec = { refreshInterval: '2s' };
      await apply(make.externalSecret({ name: 'paused', namespace: NAMESPACE, data: { key: 'kept/paused' }, spec }));
      await until('paused', 'not-real-older');
      const first = await leader();
      const leads = async (each: LatchkeyProcess): Promise<boolean> =>
        (await each.output()).includes('"msg":"leading:');
      assert.deepEqual([await leads(paused), await leads(other)], [true, false]);
      process.kill(paused.child.pid, 'SIGSTOP');
      await change('kept/paused', 'not-real-newer');
      await until('paused', 'not-real-newer', 40_000);
      assert.notEqual(await leader(), first);
      process.kill(paused.child.pid, 'SIGCONT');
      for (let look = 0; look < 20; look += 1) {
        assert.equal((await values()).get('paused'), 'not-real-newer');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.match(await paused.output(), /no longer leading/);
    } finally {
      await Promise.all([paused.stop(), other.stop()]);
    }
  });
});
