/** Templates on a real API server: pods get what they should, and where a template fails, denial and status say why. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ExternalSecret } from '../../src/api/external-secrets.ts';
import type { Secret } from '../../src/api/kubernetes.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { goldenMaterial } from '../support/golden.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { PodClient } from '../support/latchkey/pod-client.ts';
import { runCommand } from '../support/process/run-command.ts';
import { waitUntil } from '../support/process/wait-until.ts';
import { SentinelCollector } from '../support/sentinel/sentinel.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** The API server waits 8 s for the webhook, which answers 1.25 s before that. */
const DEADLINE_MS = 8_000;
const sentinels = new SentinelCollector();
const password = sentinels.mint();
let controlPlane: ControlPlane;
let latchkey: LatchkeyProcess;

before(async () => {
  controlPlane = await startControlPlane({ controllerManager: true, users: [LATCHKEY_USER] });
  await installLatchkey(controlPlane);
  latchkey = await startLatchkey(controlPlane);
  const chain = goldenMaterial('chain.p12').toString('base64');
  for (const name of ['shop', 'hostile']) {
    await applied(make.namespace(name), make.fakeStore('store', name, { user: 'admin', password, chain }));
    const wait = ['wait', '--for=create', 'serviceaccount/default', '-n', name, '--timeout=20s'];
    await kubectlOrThrow(controlPlane, wait);
  }
});

after(async () => {
  await latchkey?.stop();
  await controlPlane?.stop();
});

async function applied(...manifests: readonly make.Manifest[]): Promise<void> {
  const input = make.toYamlDocuments(...manifests);
  const { exitCode, stderr } = await kubectl(controlPlane, ['apply', '-f', '-'], { input });
  assert.equal(exitCode, 0, stderr);
}

function templated(name: string, template: make.Manifest, inNamespace = 'shop'): make.Manifest {
  const data = { user: 'user', password: 'password' };
  return make.externalSecret({ name, namespace: inNamespace, data, spec: { target: { template } } });
}

/** Creates a pod that needs these keys, and gives its Secret. */
async function secretOf(name: string, keys: readonly string[]): Promise<Secret> {
  await applied(make.podWith(name, 'shop', name, keys));
  return JSON.parse(await kubectlOrThrow(controlPlane, ['get', 'secret', name, '-n', 'shop', '-o', 'json'])) as Secret;
}

/** Creates a pod that is denied, and gives the denial and what the status says then. */
async function failureOf(name: string, keys: readonly string[]): Promise<readonly [denial: string, status: string]> {
  const input = make.toYamlDocuments(make.podWith(name, 'shop', name, keys));
  const { exitCode, stderr, stdout } = await kubectl(controlPlane, ['apply', '-f', '-'], { input });
  sentinels.collect(`denial of ${name}`, stderr + stdout);
  assert.notEqual(exitCode, 0, stdout);
  let condition: { readonly status?: string; readonly message?: string } = {};
  await waitUntil(
    async () => {
      const text = await kubectlOrThrow(controlPlane, ['get', 'externalsecret', name, '-n', 'shop', '-o', 'json']);
      sentinels.collect(`ExternalSecret ${name}`, text);
      condition = (JSON.parse(text) as ExternalSecret).status?.conditions?.[0] ?? {};
      return condition.status === 'False';
    },
    { what: 'the status', timeoutMs: 10_000 },
  );
  return [stderr, condition.message ?? ''];
}

function values({ data = {} }: Secret): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

describe('a pod whose Secret is templated', () => {
  it('gets a certificate and its key out of a PKCS#12 store', async () => {
    const template = {
      type: 'kubernetes.io/tls',
      data: {
        'tls.crt': '{{ .chain | b64dec | pkcs12certPass "fake-password" | filterPEM "CERTIFICATE" }}',
        'tls.key': '{{ .chain | b64dec | pkcs12keyPass "fake-password" }}',
      },
    };
    await applied(
      make.externalSecret({ name: 'tls', namespace: 'shop', data: { chain: 'chain' }, spec: { target: { template } } }),
    );
    const secret = await secretOf('tls', ['tls.crt']);
    assert.equal(secret.type, 'kubernetes.io/tls');
    const chain = ['leaf.crt', 'intermediate.crt', 'root.crt'].map((file) => goldenMaterial(file).toString()).join('');
    assert.deepEqual(values(secret), { 'tls.crt': chain, 'tls.key': goldenMaterial('leaf.key').toString() });
  });

  it('gets credentials of a registry', async () => {
    const auth = '{{ printf "%s:%s" .user .password | b64enc }}';
    const template = {
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': `{"auths":{"registry.example":{"auth":"${auth}"}}}` },
    };
    await applied(templated('registry', template));
    const secret = await secretOf('registry', ['.dockerconfigjson']);
    const { auths } = JSON.parse(values(secret)['.dockerconfigjson'] ?? '') as { auths: Record<string, unknown> };
    assert.deepEqual(auths, { 'registry.example': { auth: btoa(`admin:${password}`) } });
  });

  it('gets what templateFrom, KeysAndValues and mergePolicy make, with labels and annotations', async () => {
    const metadata = { name: 'texts', namespace: 'shop' };
    const data = { 'app.conf': 'user = {{ .user }}\n', map: 'url: db://{{ .user }}@db\nport: 5432' };
    const template = {
      mergePolicy: 'Merge',
      metadata: { labels: { team: 'shop', owner: '{{ .user }}' }, annotations: { note: 'for {{ .user | upper }}' } },
      templateFrom: [
        {
          configMap: {
            name: 'texts',
            items: [{ key: 'app.conf' }, { key: 'map', templateAs: 'KeysAndValues' }],
          },
        },
        { literal: 'env: prod', target: 'labels' },
      ],
      data: { user: '{{ .user }}!' },
    };
    await applied({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, templated('all', template));
    const secret = await secretOf('all', ['url']);
    assert.deepEqual(values(secret), {
      ...{ password, user: 'admin!' },
      ...{ 'app.conf': 'user = admin\n', url: 'db://admin@db', port: '5432' },
    });
    const { labels = {}, annotations = {} } = secret.metadata;
    assert.deepEqual([labels['team'], labels['owner'], labels['env']], ['shop', 'admin', 'prod']);
    assert.equal(annotations['note'], 'for ADMIN');
  });

  it('is of a manifest of v1beta1 alike', async () => {
    const manifest = templated('old', { engineVersion: 'v2', data: { a: '{{ .user }}' } });
    await applied({ ...manifest, apiVersion: 'external-secrets.io/v1beta1' });
    assert.deepEqual(values(await secretOf('old', ['a'])), { a: 'admin' });
  });

  it('starts once a ConfigMap that was missing is there', async () => {
    const templateFrom = [{ configMap: { name: 'late', items: [{ key: 'k' }] } }];
    await applied(templated('late', { templateFrom }));
    const [denial, status] = await failureOf('late', ['k']);
    const problem = 'spec.target.template.templateFrom[0]: ConfigMap "late" does not exist';
    assert.ok(denial.includes(problem) && denial.includes('[TemplateError]'), denial);
    assert.ok(status.includes(problem), status);
    const metadata = { name: 'late', namespace: 'shop' };
    await applied({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { k: '{{ .user }}' } });
    assert.deepEqual(values(await secretOf('late', ['k'])), { k: 'admin' });
  });

  it('is denied where a template fails, and the status says where and why', async () => {
    const cases: Readonly<Record<string, readonly [template: string, problem: string]>> = {
      missing: ['x\n {{ .nope }}', 'line 2, column 5: there is no key "nope"'],
      failing: ['{{ fail .password }}', 'line 1, column 4: template called fail'],
      json: ['{{ mustFromJson .password }}', 'the function mustFromJson fails: the text is not JSON of that form'],
      endless: ['{{ range 2000000000 }}{{ end }}', 'rendering it takes more than 250 ms'],
    };
    for (const [name, [text, problem]] of Object.entries(cases)) {
      await applied(templated(name, { data: { 'app.conf': text } }));
      const [denial, status] = await failureOf(name, ['app.conf']);
      for (const told of [denial, status]) {
        assert.ok(told.includes('spec.target.template.data["app.conf"]') && told.includes(problem), told);
      }
    }
  });

  it('is never of a type, and never has a label, that opens something', async () => {
    await applied(templated('cluster', { metadata: { labels: { 'argocd.argoproj.io/secret-type': 'cluster' } } }));
    const [denial] = await failureOf('cluster', ['user']);
    assert.match(denial, /--allowed-template-metadata\) \[TargetForbidden\]/);
  });
});

describe('latchkey render --cluster', () => {
  it('shows what the cluster’s ExternalSecrets make, and where one fails, without a value', async () => {
    const args = ['render', '--cluster', '--kubeconfig', controlPlane.kubeconfigFile, '-n', 'shop'];
    const { exitCode, stdout, stderr } = await runCommand(process.execPath, [MAIN, ...args], { timeoutMs: 60_000 });
    sentinels.collect('latchkey render', stdout + stderr);
    assert.equal(exitCode, 1);
    assert.match(stdout, /app\.conf: "\[redacted\], 13 bytes"/);
    assert.ok(
      stderr.includes('line 2, column 5: there is no key "nope" [TemplateError]\n  2 |  {{ .nope }}\n'),
      stderr,
    );
  });
});

describe('a hundred hostile templates', () => {
  it('keep no admission beside them past its deadline', { timeout: 300_000 }, async () => {
    const bodyOf = (pod: make.Manifest): Buffer => Buffer.from(JSON.stringify(pod));
    const hostile = Array.from({ length: 100 }, (_, index) =>
      index % 10 === 0 ? '{{ repeat 2000000000 "x" }}' : '{{ range 2000000000 }}{{ end }}',
    );
    const good = Array.from({ length: 20 }, (_, index) => `good-${index}`);
    await applied(
      ...hostile.map((text, index) => templated(`bad-${index}`, { data: { a: text } }, 'hostile')),
      ...good.map((name) => templated(name, { data: { a: '{{ .user | upper }}' } })),
    );
    const attackers = new PodClient(controlPlane, 32);
    const attack = Promise.allSettled(
      hostile.map((_, index) => {
        const name = `bad-${index}`;
        return attackers.create({ namespace: 'hostile', body: bodyOf(make.podWith(name, 'hostile', name, ['a'])) });
      }),
    );
    const client = new PodClient(controlPlane, 1);
    const durationsMs: number[] = [];
    for (const name of good) {
      const body = bodyOf(make.podWith(name, 'shop', name, ['a']));
      durationsMs.push((await client.create({ namespace: 'shop', body })).durationMs);
    }
    const slowestMs = Math.max(...durationsMs);
    assert.ok(slowestMs < DEADLINE_MS, `the slowest admission took ${slowestMs.toFixed()} ms`);
    for (const result of await attack) {
      assert.equal(result.status, 'rejected');
      sentinels.collect('hostile pods', String(result.reason));
    }
    const text = await kubectlOrThrow(controlPlane, ['get', 'secret', 'good-0', '-n', 'shop', '-o', 'json']);
    assert.deepEqual(values(JSON.parse(text) as Secret), { a: 'ADMIN' });
  });
});

describe('what was said of templates', () => {
  it('holds no value of any secret', async () => {
    sentinels.collect('log', await latchkey.output());
    sentinels.collect('metrics', await latchkey.metrics());
    const events = ['get', 'events', '-A', '-o', 'json'];
    sentinels.collect('Events', await kubectlOrThrow(controlPlane, events));
    sentinels.assertUnseen();
  });
});
