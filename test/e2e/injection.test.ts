/** What annotations and inline references put into a pod, on a real node: each container prints the digest of what it sees. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import * as make from '../support/latchkey/manifests.ts';
import { whyNoNode } from '../support/node/prerequisites.ts';
import { createWorld, digest, environmentVariable, printing, type World } from './support/world.ts';

const NAMESPACE = 'injection';
const USER = 'not-a-real-user';
const PASSWORD = 'not-a-real-password';

interface Case {
  readonly annotations?: Readonly<Record<string, string>>;
  /** Container → what it reads. */
  readonly reads: Readonly<Record<string, string>>;
  readonly expected: string;
  readonly env?: readonly make.Manifest[];
  readonly spec?: make.Manifest;
}

const script = (read: string): make.Manifest => printing('app', read);

describe('a container sees', { skip: whyNoNode() ?? false }, () => {
  let world: World;

  before(async () => {
    world = await createWorld();
    await world.tenant(NAMESPACE);
    await world.tenant('defaults');
    await world.putSecret('injection/db', JSON.stringify({ user: USER, password: PASSWORD }));
    const store = ['annotate', 'secretstore', 'store', 'latchkey.dev/inline-keys=injection/.*', '-n', NAMESPACE];
    await kubectlOrThrow(world.cluster.controlPlane, store);
    const defaults = ['annotate', 'namespace', 'defaults', 'latchkey.dev/env=PASSWORD=db#password'];
    await kubectlOrThrow(world.cluster.controlPlane, defaults);
    const data = {
      user: { key: 'injection/db', property: 'user' },
      password: { key: 'injection/db', property: 'password' },
    };
    await world.apply(
      make.externalSecret({ name: 'db', namespace: NAMESPACE, data, spec: { target: { name: 'db-credentials' } } }),
      make.externalSecret({ name: 'hidden', namespace: NAMESPACE, data, spec: { target: { creationPolicy: 'None' } } }),
      make.externalSecret({ name: 'db', namespace: 'defaults', data }),
    );
  });

  after(() => world?.[Symbol.asyncDispose]());

  const cases: Readonly<Record<string, Case>> = {
    'all keys by env-from': {
      annotations: { 'latchkey.dev/env-from': 'db' },
      reads: { app: 'printf %s "$user:$password"' },
      expected: `${USER}:${PASSWORD}`,
    },
    'all keys by env-from with a prefix, in an init container too': {
      annotations: { 'latchkey.dev/env-from': '[{externalSecret: db, prefix: DB_}]' },
      reads: { app: environmentVariable('DB_password'), first: environmentVariable('DB_password') },
      expected: PASSWORD,
    },
    'one key by env, which its own env may use': {
      annotations: { 'latchkey.dev/env': 'PASSWORD=db#password' },
      env: [{ name: 'DSN', value: 'db://$(PASSWORD)@db' }],
      reads: { app: environmentVariable('DSN') },
      expected: `db://${PASSWORD}@db`,
    },
    'files by volumes': {
      annotations: { 'latchkey.dev/volumes': 'db=/etc/db' },
      reads: { app: 'cat /etc/db/password' },
      expected: PASSWORD,
    },
    'chosen files by volumes, with their modes': {
      annotations: {
        'latchkey.dev/volumes':
          '- externalSecret: db\n  mountPath: /etc/db\n  defaultMode: "0400"\n  items: [{key: password, path: deep/pw}, {key: user, path: user, mode: "0444"}]',
      },
      reads: { app: 'printf %s "$(cat /etc/db/deep/pw) $(stat -L -c %a /etc/db/deep/pw /etc/db/user | xargs)"' },
      expected: `${PASSWORD} 400 444`,
    },
    'files in place of an emptyDir': {
      annotations: { 'externalsecrets.kubernetes-client.io/volumes': '[{"name":"creds","externalSecretName":"db"}]' },
      reads: { app: 'cat /creds/password' },
      spec: { volumes: [{ name: 'creds', emptyDir: { medium: 'Memory' } }] },
      expected: PASSWORD,
    },
    'what an ExternalSecret of creationPolicy None holds': {
      annotations: { 'latchkey.dev/env': 'PASSWORD=hidden#password' },
      reads: { app: environmentVariable('PASSWORD') },
      expected: PASSWORD,
    },
    'the value of an inline reference': {
      env: [{ name: 'PASSWORD', value: 'latchkey://store/injection/db#password' }],
      reads: { app: environmentVariable('PASSWORD') },
      expected: PASSWORD,
    },
  };

  for (const [index, [what, { annotations = {}, env, reads, expected, spec }]] of Object.entries(cases).entries()) {
    it(what, async () => {
      const name = `case-${index}`;
      const { first, app = '' } = reads;
      const mounts = spec === undefined ? {} : { volumeMounts: [{ name: 'creds', mountPath: '/creds' }] };
      await world.apply({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: NAMESPACE, annotations },
        spec: {
          restartPolicy: 'Never',
          ...(first === undefined ? {} : { initContainers: [{ ...script(first), name: 'first' }] }),
          containers: [{ ...script(app), ...(env && { env }), ...mounts }],
          ...spec,
        },
      });
      for (const container of Object.keys(reads)) {
        assert.equal(await world.log(NAMESPACE, name, container), digest(expected), container);
      }
    });
  }

  it('what its namespace asks for, unless the pod says none', async () => {
    const pod = (name: string, annotations: make.Manifest): make.Manifest => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'defaults', annotations },
      spec: { restartPolicy: 'Never', containers: [script(environmentVariable('PASSWORD'))] },
    });
    await world.apply(pod('by-default', {}), pod('not-here', { 'latchkey.dev/env': '' }));
    assert.equal(await world.log('defaults', 'by-default'), digest(PASSWORD));
    assert.equal(await world.log('defaults', 'not-here'), digest(''));
  });

  it('the value of an inline reference in an ephemeral container', async () => {
    await world.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'debugged', namespace: NAMESPACE },
      spec: { containers: [printing('app', 'true', {}, { stays: true })], terminationGracePeriodSeconds: 0 },
    });
    const { controlPlane } = world.cluster;
    const file = join(controlPlane.directory, 'inline-debug.json');
    await writeFile(
      file,
      JSON.stringify({ env: [{ name: 'PASSWORD', value: 'latchkey://store/injection/db#password' }] }),
    );
    const read = `${environmentVariable('PASSWORD')} | sha256sum | cut -c 1-64`;
    const debug = ['debug', 'debugged', '-n', NAMESPACE, '-c', 'debugger', `--custom=${file}`, '--profile=general'];
    await kubectlOrThrow(controlPlane, [...debug, '--image=localhost/busybox:1', '--', 'sh', '-c', read]);
    assert.equal(await world.log(NAMESPACE, 'debugged', 'debugger'), digest(PASSWORD));
  });
});
