/** Denied pods on a real API server, as people see them: kubectl describe of the workload and the ExternalSecret. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { waitUntil } from '../support/process/wait-until.ts';

let controlPlane: ControlPlane;
let latchkey: LatchkeyProcess;

const apply = async (...manifests: readonly make.Manifest[]): Promise<string> => {
  const { stdout, stderr } = await kubectl(controlPlane, ['apply', '-f', '-'], {
    input: make.toYamlDocuments(...manifests),
  });
  return stdout + stderr;
};

interface Told {
  readonly reportingController?: string;
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
  readonly series?: { readonly count: number };
}

/** Those that Latchkey wrote on objects of this kind. */
async function eventsOf(kind: string, inNamespace: string): Promise<readonly Told[]> {
  const list = await kubectlOrThrow(controlPlane, ['get', 'events.v1.events.k8s.io', '-n', inNamespace, '-o', 'json']);
  const { items } = JSON.parse(list) as { readonly items: readonly Told[] };
  const isOurs = ({ regarding, reportingController }: Told): boolean =>
    regarding.kind === kind && reportingController === 'latchkey.dev/webhook';
  return items.filter(isOurs);
}

const secretOfStore = (inNamespace: string, key: string): make.Manifest =>
  make.externalSecret({ name: 'db', namespace: inNamespace, data: { password: key } });

before(async () => {
  controlPlane = await startControlPlane({ controllerManager: true, users: [LATCHKEY_USER] });
  await installLatchkey(controlPlane);
  latchkey = await startLatchkey(controlPlane);
});

after(async () => {
  await latchkey?.stop();
  await controlPlane?.stop();
});

function template(): make.Manifest {
  const { spec } = make.podWith('web', 'told', 'db', ['password']);
  return { metadata: { labels: { app: 'web' } }, spec };
}

describe('a Deployment whose pods are denied', () => {
  it('says why in kubectl describe, and so does the ExternalSecret', async () => {
    await apply(
      make.namespace('told'),
      make.fakeStore('store', 'told', { 'prod/db': 'not-real' }),
      secretOfStore('told', 'prod/typo'),
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', namespace: 'told' },
        spec: { selector: { matchLabels: { app: 'web' } }, template: template() },
      },
    );
    for (const kind of ['Deployment', 'ExternalSecret']) {
      await waitUntil(async () => (await eventsOf(kind, 'told')).length > 0, {
        what: `an Event on the ${kind}`,
        timeoutMs: 20_000,
      });
    }
    const [onDeployment] = await eventsOf('Deployment', 'told');
    assert.equal(onDeployment?.regarding.name, 'web');
    assert.match(
      onDeployment?.note ?? '',
      /^latchkey: pod "told\/web-[0-9a-f]+-\*" needs Secret "db" \(env PASSWORD of container "app"\), made by ExternalSecret "db" from SecretStore "store": spec\.data\[0\] \(secretKey "password"\): .*"prod\/typo".* \[SecretNotFound\] \(what to do: docs\/troubleshooting\.md#secretnotfound, or latchkey check\)$/,
    );
    const described = await kubectlOrThrow(controlPlane, ['describe', 'deployment', 'web', '-n', 'told']);
    assert.match(described, /Warning +SecretNotFound +.*needs Secret "db"/);
    const describedSecret = await kubectlOrThrow(controlPlane, ['describe', 'externalsecret', 'db', '-n', 'told']);
    assert.match(describedSecret, /Warning +SecretNotFound +.*was denied: spec\.data\[0\]/);
  });

  it('is told of in one Event while its controller tries again and again', async () => {
    const denials = async (): Promise<number> =>
      Number(/latchkey_admission_duration_seconds_count\{outcome="denied"\} (\d+)/.exec(await latchkey.metrics())?.[1]);
    const before = await denials();
    await waitUntil(async () => (await denials()) >= before + 2, { what: 'two more denials', timeoutMs: 60_000 });
    assert.equal((await eventsOf('Deployment', 'told')).filter(({ type }) => type === 'Warning').length, 1);
  });

  it('is told of once more when its pods are admitted, without anybody touching it', async () => {
    await apply(secretOfStore('told', 'prod/db'));
    await waitUntil(async () => (await eventsOf('Deployment', 'told')).some(({ type }) => type === 'Normal'), {
      what: 'the word of success',
      timeoutMs: 90_000,
    });
    const normal = (await eventsOf('Deployment', 'told')).find(
      ({ type, reason }) => type === 'Normal' && reason === 'PodAdmitted',
    );
    assert.match(normal?.note ?? '', /^pod "told\/web-[0-9a-f]+-\*" is admitted again$/);
    assert.equal((await latchkey.output()).includes('Event could not be written'), false);
  });
});

describe('a CronJob whose pods are denied', () => {
  it('says why itself, not only its Job', async () => {
    const job = {
      metadata: {},
      spec: { template: { spec: { ...(template()['spec'] as object), restartPolicy: 'Never' } } },
    };
    await apply(
      make.namespace('nightly'),
      make.fakeStore('store', 'nightly', {}),
      secretOfStore('nightly', 'prod/db'),
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'report', namespace: 'nightly' },
        spec: { schedule: '0 0 1 1 *', jobTemplate: job },
      },
    );
    await kubectlOrThrow(controlPlane, ['create', 'job', 'now', '--from=cronjob/report', '-n', 'nightly']);
    await waitUntil(async () => (await eventsOf('CronJob', 'nightly')).length > 0, {
      what: 'an Event on the CronJob',
      timeoutMs: 20_000,
    });
    const [told] = await eventsOf('CronJob', 'nightly');
    assert.deepEqual([told?.reason, told?.regarding.name], ['SecretNotFound', 'report']);
  });
});
