/** What the API server makes of a webhook that hangs, talks nonsense or cannot be trusted: each pod, and what its owner reads. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { startImposter, type Behaviour, type Imposter } from '../support/latchkey/imposter.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { waitUntil } from '../support/process/wait-until.ts';

let controlPlane: ControlPlane;
let latchkey: LatchkeyProcess;

/** Pods by what they say and where they are. */
const PODS = {
  annotated: { namespace: 'shop', isAnnotated: true, keys: ['password'] },
  ordinary: { namespace: 'shop', isAnnotated: false, keys: ['password'] },
  plain: { namespace: 'shop', isAnnotated: false, keys: [] },
  audited: { namespace: 'audited', isAnnotated: true, keys: ['password'] },
  elsewhere: { namespace: 'unlabelled', isAnnotated: true, keys: ['password'] },
  /** Labelled all the same. */
  system: { namespace: 'kube-system', isAnnotated: true, keys: ['password'] },
} as const;
type Kind = keyof typeof PODS;

/** Was it made, and what stood on standard error. */
interface Told {
  readonly isCreated: boolean;
  readonly said: string;
}

const CHECK = 'Check that Latchkey runs: kubectl get pods -n latchkey-system';
const DENIED: Told = {
  isCreated: false,
  said: `Error from server (Forbidden): error when creating "STDIN": pods "NAME" is forbidden: ValidatingAdmissionPolicy 'latchkey-guard' with binding 'latchkey-guard' denied request: Latchkey did not see this pod, so it would start without what its annotations, or those of its namespace, ask for. ${CHECK}\n`,
};
const WARNED: Told = {
  isCreated: true,
  said: `Warning: Validation failed for ValidatingAdmissionPolicy 'latchkey-notice' with binding 'latchkey-notice': Latchkey did not see this pod: the Secrets it names were not refreshed, and it waits for those that do not exist yet. ${CHECK}\n`,
};
const AUDITED: Told = {
  isCreated: true,
  said: DENIED.said.replace(
    /^.*denied request: /,
    "Warning: Validation failed for ValidatingAdmissionPolicy 'latchkey-guard' with binding 'latchkey-guard-audit': ",
  ),
};
const UNTOUCHED: Told = { isCreated: true, said: '' };
/** Unseen by Latchkey: the usual outcome of whatever keeps it from answering. */
const UNSEEN: Readonly<Record<Kind, Told>> = {
  annotated: DENIED,
  ordinary: WARNED,
  plain: UNTOUCHED,
  audited: AUDITED,
  elsewhere: UNTOUCHED,
  system: UNTOUCHED,
};
const SERVED: Readonly<Record<Kind, Told>> = {
  annotated: UNTOUCHED,
  ordinary: UNTOUCHED,
  plain: UNTOUCHED,
  audited: UNTOUCHED,
  elsewhere: UNTOUCHED,
  system: UNTOUCHED,
};

let round = 0;

/** Creates one pod of each kind at the same time. The pod's name is NAME in what was said. */
async function createEach(): Promise<Readonly<Record<Kind, Told>>> {
  round += 1;
  const entries = Object.entries(PODS).map(
    async ([kind, { namespace, isAnnotated, keys }]): Promise<[string, Told]> => {
      const name = `${kind}-${round}`;
      const metadata = isAnnotated ? { annotations: { 'latchkey.dev/max-age': '1h' } } : {};
      const pod = make.podWith(name, namespace, 'db', keys, metadata);
      const { exitCode, stderr } = await kubectl(controlPlane, ['create', '-f', '-'], { input: pod });
      return [kind, { isCreated: exitCode === 0, said: stderr.replaceAll(name, 'NAME') }];
    },
  );
  return Object.fromEntries(await Promise.all(entries)) as Record<Kind, Told>;
}

before(async () => {
  controlPlane = await startControlPlane({ controllerManager: true, users: [LATCHKEY_USER] });
  await installLatchkey(controlPlane);
  latchkey = await startLatchkey(controlPlane);
  const labels = { shop: 'enabled', audited: 'audit', unlabelled: undefined, 'kube-system': 'enabled' };
  const inAll = Object.entries(labels).flatMap(([namespace, injection]) => [
    make.namespace(namespace, injection === undefined ? {} : { 'latchkey.dev/injection': injection }),
    make.fakeStore('store', namespace, { 'prod/db': 'not-real' }),
    make.externalSecret({ name: 'db', namespace, data: { password: 'prod/db' } }),
  ]);
  await kubectlOrThrow(controlPlane, ['apply', '--server-side', '-f', '-'], { input: make.toYamlDocuments(...inAll) });
  await waitUntil(async () => Object.values(await createEach()).every(({ isCreated }) => isCreated), {
    what: 'the ServiceAccounts and the webhook',
    timeoutMs: 20_000,
  });
});

after(async () => {
  await latchkey?.stop(0);
  await controlPlane?.stop();
});

describe('with a webhook that', () => {
  it('works, every pod is made and nothing is said', async () => {
    assert.deepEqual(await createEach(), SERVED);
  });

  it('hangs, pods that would start wrong are denied and all others go on', async () => {
    process.kill(latchkey.child.pid, 'SIGSTOP');
    try {
      assert.deepEqual(await createEach(), UNSEEN);
    } finally {
      process.kill(latchkey.child.pid, 'SIGCONT');
    }
  });

  it('hung and goes on, every pod is served again at once', async () => {
    assert.deepEqual(await createEach(), SERVED);
  });

  it('is killed, pods that would start wrong are denied and all others go on', async () => {
    await latchkey.stop(0);
    assert.deepEqual(await createEach(), UNSEEN);
  });

  it('is gone, a Deployment has its pods as soon as it is back, without anybody touching it', async () => {
    const { spec } = make.podWith('web', 'shop', 'db', ['password']);
    const annotations = { 'latchkey.dev/max-age': '1h' };
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' }, annotations }, spec },
      },
    };
    await kubectlOrThrow(controlPlane, ['create', '-f', '-'], { input: deployment });
    const pods = () => kubectlOrThrow(controlPlane, ['get', 'pods', '-n', 'shop', '-l', 'app=web', '-o', 'json']);
    await waitUntil(
      async () =>
        (await kubectlOrThrow(controlPlane, ['get', 'events', '-n', 'shop'])).includes(
          "ValidatingAdmissionPolicy 'latchkey-guard'",
        ),
      { what: 'the ReplicaSet to be denied its pod', timeoutMs: 20_000 },
    );
    assert.equal((await pods()).includes('"kind": "Pod"'), false);
    latchkey = await startLatchkey(controlPlane);
    await waitUntil(async () => (await pods()).includes('"latchkey.dev/status": "fresh"'), {
      what: 'the pod that was denied',
      timeoutMs: 60_000,
    });
  });
});

describe('with something in the webhook’s place that', () => {
  const review = (uid: string, response: object): string =>
    JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, ...response } });
  const patch = (operations: readonly object[]): object => ({
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  });

  /** The API server follows a change of the registration within moments, not at once. */
  const untilAsked = (imposter: Imposter): Promise<void> =>
    waitUntil(async () => (await createEach(), imposter.asked() > 0), {
      what: 'the API server to ask the imposter',
      timeoutMs: 30_000,
    });

  before(() => latchkey.stop(0));

  const behaviours: Readonly<Record<string, Behaviour & { readonly isAsked: boolean }>> = {
    'answers no JSON': { answer: () => 'good morning', isAsked: true },
    'answers about another request': { answer: () => review('another', { allowed: true }), isAsked: true },
    'answers nothing at all': { answer: () => '', isAsked: true },
    'answers later than the API server waits': {
      ...{ answer: (uid) => review(uid, { allowed: true }), delayMs: 12_000, isAsked: true },
    },
    'shows an expired certificate': {
      ...{ answer: (uid) => review(uid, { allowed: true }), hasExpired: true, isAsked: false },
    },
  };
  for (const [what, { isAsked, ...behaviour }] of Object.entries(behaviours)) {
    it(`${what}, pods that would start wrong are denied and all others go on`, async () => {
      await using imposter = await startImposter(controlPlane, behaviour);
      if (isAsked) await untilAsked(imposter);
      assert.deepEqual(await createEach(), UNSEEN);
      assert.equal(imposter.asked() > 0, isAsked);
    });
  }

  it('sends a patch that does not apply, every pod in its reach fails, whatever its policy', async () => {
    const answer = (uid: string): string => review(uid, patch([{ op: 'replace', path: '/spec/nowhere/0', value: 1 }]));
    await using imposter = await startImposter(controlPlane, { answer });
    await untilAsked(imposter);
    const failed: Told = {
      isCreated: false,
      said: 'Error from server (InternalError): error when creating "STDIN": Internal error occurred: replace operation does not apply: doc is missing path: /spec/nowhere/0: missing value\n',
    };
    assert.deepEqual(await createEach(), {
      ...{ annotated: failed, ordinary: failed, plain: failed, audited: failed },
      ...{ elsewhere: UNTOUCHED, system: UNTOUCHED },
    });
  });

  it('is replaced by Latchkey again, every pod is served', async () => {
    latchkey = await startLatchkey(controlPlane);
    await waitUntil(async () => (await createEach()).annotated.isCreated, {
      what: 'the API server to ask Latchkey',
      timeoutMs: 20_000,
    });
    assert.deepEqual(await createEach(), SERVED);
  });
});
