/** The freshness table on a real API server: the Secret, what kubectl printed, the audit log and the Events of each row. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { vaultErrorReply, vaultReply, startVaultStub, type VaultRequest } from '../contract/vault-stub.ts';
import type { Stub, StubReply } from '../contract/stub-server.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import {
  AGE_MS,
  auditOf,
  codeOfDenial,
  freshnessRows,
  shortened,
  type FreshnessRow,
} from '../support/freshness/table.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { waitUntil } from '../support/process/wait-until.ts';

/** At the same time; one of them waits for a backend that never answers. */
const KUBECTLS = 4;
const NOT_FOUND = vaultErrorReply(404, []);

/** The backend’s answer by the row's word for it; what is missing here is the store's fault, not the backend's. */
const REPLIES: Readonly<Record<string, StubReply>> = {
  old: secretOf('{"fields":{"password":"old"}}'),
  new: secretOf('{"fields":{"password":"new"}}'),
  SecretNotFound: NOT_FOUND,
  PropertyNotFound: secretOf('{"other":"x"}'),
  InvalidData: secretOf('{"fields":"no object"}'),
  BackendUnavailable: vaultErrorReply(500, ['internal error']),
  BackendTimeout: 'hang',
  BackendThrottled: vaultErrorReply(429, ['slow down'], { 'retry-after': '7' }),
  BackendResponseInvalid: { status: 200, body: '<html>a log-in page' },
  BackendAuthFailed: vaultErrorReply(403, ['permission denied']),
  BackendPermissionDenied: vaultErrorReply(403, ['1 error occurred:\n\t* permission denied\n\n']),
};

function secretOf(document: string): StubReply {
  return vaultReply(`{"data":${document},"metadata":{"version":1}}`);
}

/** A row in a namespace of its own, and what became of it. */
interface Case {
  readonly row: FreshnessRow;
  readonly namespace: string;
  isCreated: boolean;
  said: string;
}

const cases: readonly Case[] = freshnessRows.map((row, index) => ({
  ...{ row, namespace: `row-${index}`, isCreated: false, said: '' },
}));

let directory: string;
let controlPlane: ControlPlane;
let latchkey: LatchkeyProcess;
let vault: Stub<VaultRequest>;
/** Every Secret is made from the old value first. */
let isMaking = true;

const run = (...args: readonly string[]): Promise<string> => kubectlOrThrow(controlPlane, args);
const apply = (...manifests: readonly make.Manifest[]): Promise<string> =>
  kubectlOrThrow(controlPlane, ['apply', '--server-side', '-f', '-'], { input: make.toYamlDocuments(...manifests) });
const start = (name: string): Promise<LatchkeyProcess> =>
  startLatchkey(controlPlane, { name, args: ['--allowed-backend-hosts', '127.0.0.1'] });

function reply({ path }: VaultRequest): StubReply {
  const row = cases.find(({ namespace }) => path === `secret/data/${namespace}`)?.row;
  return REPLIES[isMaking ? 'old' : (row?.backend ?? '')] ?? NOT_FOUND;
}

/** What a row finds: a namespace with a store, the ExternalSecret `db` and the Deployment `web`, whose pods we make ourselves. */
function manifestsOf({ row, namespace }: Case): readonly make.Manifest[] {
  const dataFrom = [{ extract: { key: namespace, property: 'fields' } }];
  const externalSecret = make.externalSecret({ name: 'db', namespace, data: {}, spec: { ...row.spec, dataFrom } });
  const labels = { app: 'web' };
  return [
    make.namespace(namespace),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
    make.credentialsSecret('vault-token', { token: 'not-a-token' }, namespace),
    make.vaultStore('store', namespace, vault.endpoint),
    { ...externalSecret, spec: { ...(externalSecret['spec'] as object), data: undefined } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: make.podSpec('db', []) } },
    },
  ];
}

/** Does something for each case, a few at a time. */
async function each(chosen: readonly Case[], work: (one: Case) => Promise<unknown>): Promise<void> {
  const queue = chosen.values();
  const worker = async (): Promise<void> => {
    for (const one of queue) await work(one);
  };
  await Promise.all(Array.from({ length: KUBECTLS }, worker));
}

async function age({ row: { secret, backend }, namespace }: Case): Promise<void> {
  const patch = (kind: string, change: object, ...args: readonly string[]): Promise<string> =>
    run('patch', kind, 'db', '-n', namespace, '--type=merge', '-p', JSON.stringify(change), ...args);
  const ageMs = AGE_MS[secret];
  if (ageMs !== undefined) {
    const refreshTime = new Date(Date.now() - ageMs).toISOString();
    await patch('externalsecret', { status: { refreshTime } }, '--subresource=status');
  }
  if (secret === 'tampered') await patch('secret', { data: { password: Buffer.from('tampered').toString('base64') } });
  if (secret === 'of older spec') await patch('externalsecret', { metadata: { labels: { changed: 'since' } } });
  if (backend === 'store gone') await run('delete', 'secretstore', 'store', '-n', namespace);
  if (backend === 'CredentialsNotFound') await run('delete', 'secret', 'vault-token', '-n', namespace);
}

async function createPod(one: Case, uids: ReadonlyMap<string, string>): Promise<void> {
  const { row, namespace } = one;
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: uids.get(namespace), controller: true };
  const pod = make.podWith('web', namespace, 'db', [], { annotations: row.annotations, ownerReferences: [owner] });
  const secretKeyRef = { name: 'db', key: 'password', optional: row.isOptional };
  const container = { name: 'app', image: 'registry.example/app:1', env: [{ name: 'P', valueFrom: { secretKeyRef } }] };
  const input = { ...pod, spec: { containers: [container] } };
  const { exitCode, stderr } = await kubectl(controlPlane, ['create', '-f', '-'], { input });
  one.isCreated = exitCode === 0;
  one.said = stderr;
}

interface Listed {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly regarding?: { readonly kind: string };
  readonly type?: string;
  readonly reason?: string;
  readonly action?: string;
  readonly reportingController?: string;
}

async function list(kind: string): Promise<readonly Listed[]> {
  return (JSON.parse(await run('get', kind, '-A', '-o', 'json')) as { items: readonly Listed[] }).items;
}

const denials = async (): Promise<readonly Listed[]> =>
  (await list('events.v1.events.k8s.io')).filter(
    // Those about the Secret itself (Created, UpdateFailed …) are another suite's.
    ({ reportingController, action }) => reportingController === 'latchkey.dev/webhook' && action === 'Admit',
  );

/** What the audit log has of the webhook about the pod `web` of each namespace. */
async function auditLog(): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const lines = (await readFile(join(directory, 'audit.log'), 'utf8')).split('\n').filter((line) => line !== '');
  const entries = lines.map(
    (line) => JSON.parse(line) as { annotations?: Record<string, string>; objectRef: AuditRef },
  );
  return new Map(
    entries.map(({ annotations = {}, objectRef: { namespace, name } }) => [
      `${namespace}/${name}`,
      Object.fromEntries(
        Object.entries(annotations).flatMap(([key, value]) =>
          key.startsWith('pods.latchkey.dev/') ? [[key.replace('pods.latchkey.dev/', ''), value]] : [],
        ),
      ),
    ]),
  );
}
interface AuditRef {
  readonly namespace: string;
  readonly name: string;
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'latchkey-freshness-'));
  const rules = [
    { level: 'Metadata', omitStages: ['RequestReceived'], verbs: ['create'], resources: [{ resources: ['pods'] }] },
    { level: 'None' },
  ];
  const policy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules };
  await writeFile(join(directory, 'policy.json'), JSON.stringify(policy));
  const apiServerFlags = [
    `--audit-policy-file=${join(directory, 'policy.json')}`,
    `--audit-log-path=${join(directory, 'audit.log')}`,
  ];
  [controlPlane, vault] = await Promise.all([
    startControlPlane({ users: [LATCHKEY_USER], apiServerFlags }),
    startVaultStub(reply),
  ]);
  await installLatchkey(controlPlane);
  latchkey = await start('making');
  await apply(...cases.flatMap(manifestsOf));
  await each(
    cases.filter(({ row }) => row.secret !== 'missing'),
    ({ namespace }) =>
      kubectlOrThrow(controlPlane, ['create', '-f', '-'], {
        input: make.podWith('first', namespace, 'db', ['password']),
      }),
  );
  // A process that has fetched a value itself goes by what it knows: another one judges by the statuses, which are aged.
  await latchkey.stop();
  await each(cases, age);
  isMaking = false;
  latchkey = await start('judging');
  const probe = make.podWith('probe', 'row-0', 'nobody-makes-it', []);
  await waitUntil(
    async () =>
      (
        await kubectlOrThrow(controlPlane, ['create', '--dry-run=server', '-o', 'json', '-f', '-'], { input: probe })
      ).includes('"latchkey.dev/status"'),
    { what: 'the API server to ask the new process', timeoutMs: 30_000 },
  );
  const uids = new Map((await list('deployments')).map(({ metadata }) => [metadata.namespace, metadata.uid]));
  await each(cases, (one) => createPod(one, uids));
  const due = cases.filter(({ row }) => row.event !== '').length * 2;
  await waitUntil(async () => (await denials()).length >= due, { what: `${due} Events`, timeoutMs: 30_000 });
});

after(async () => {
  await latchkey?.stop();
  await controlPlane?.stop();
  await vault?.close();
  if (directory !== undefined) await rm(directory, { recursive: true });
});

describe('on a real API server, a pod whose Secret is', () => {
  let secrets: ReadonlyMap<string, Listed>;
  let pods: ReadonlyMap<string, Listed>;
  let events: readonly Listed[];
  let audit: ReadonlyMap<string, Readonly<Record<string, string>>>;

  before(async () => {
    const byNamespace = (items: readonly Listed[], name: string): ReadonlyMap<string, Listed> =>
      new Map(items.flatMap((item) => (item.metadata.name === name ? [[item.metadata.namespace, item] as const] : [])));
    secrets = byNamespace(await list('secrets'), 'db');
    pods = byNamespace(await list('pods'), 'web');
    events = await denials();
    audit = await auditLog();
  });

  const secretThen = (secret: Listed | undefined): string => {
    if (secret === undefined) return 'none';
    const { password } = secret.data ?? {};
    return password === undefined ? 'empty' : Buffer.from(password, 'base64').toString();
  };

  for (const one of cases) {
    const { row, namespace } = one;
    it(row.title, () => {
      const warnings = one.said.split('\n').filter((line) => line.startsWith('Warning: '));
      const status = pods.get(namespace)?.metadata.annotations?.['latchkey.dev/status'];
      const { status: audited, ...failures } = audit.get(`${namespace}/web`) ?? {};
      assert.deepEqual(
        {
          answer: one.isCreated ? status : `denied ${codeOfDenial(one.said)}`,
          secretThen: secretThen(secrets.get(namespace)),
          warning: shortened(warnings, row),
          audit: failures,
          audited,
          events: events
            .filter(({ metadata }) => metadata.namespace === namespace)
            .map(({ type, reason, regarding }) => `${type} ${reason} on ${regarding?.kind}`)
            .toSorted(),
        },
        {
          answer: row.answer,
          secretThen: row.secretThen,
          warning: row.warning,
          audit: auditOf(row),
          audited: one.isCreated ? row.answer : undefined,
          events: ['Deployment', 'ExternalSecret']
            .filter(() => row.event !== '')
            .map((kind) => `Warning ${row.event} on ${kind}`),
        },
        one.said,
      );
    });
  }
});
