/** The page of the fake provider, as a reader would use it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';

const page = await readFile(join(import.meta.dirname, '../../docs/providers/fake.md'), 'utf8');
const [, manifests = ''] = /```yaml\n([\s\S]+?)```/.exec(page) ?? [];
const NAMESPACE = 'documented';
let controlPlane: ControlPlane;
let latchkey: LatchkeyProcess | undefined;

before(async () => {
  controlPlane = await startControlPlane({ users: [LATCHKEY_USER] });
  await installLatchkey(controlPlane);
  latchkey = await startLatchkey(controlPlane);
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: NAMESPACE } };
  const input = make.toYamlDocuments(make.namespace(NAMESPACE), account);
  await kubectlOrThrow(controlPlane, ['apply', '--server-side', '-f', '-'], { input });
});

after(async () => {
  await latchkey?.stop();
  await controlPlane?.stop();
});

describe('the documented fake store', () => {
  it('gives the pod the Secret that its page says', async () => {
    await kubectlOrThrow(controlPlane, ['apply', '-n', NAMESPACE, '-f', '-'], { input: manifests });
    const pod = make.toYamlDocuments(make.podWith('web', NAMESPACE, 'db', ['password', 'prod_token']));
    await kubectlOrThrow(controlPlane, ['create', '-f', '-'], { input: pod });
    const secret = await kubectlOrThrow(controlPlane, ['get', 'secret', 'db', '-n', NAMESPACE, '-o', 'json']);
    const { data } = JSON.parse(secret) as { data: Record<string, string> };
    const texts = Object.entries(data).map(([key, base64]) => [key, Buffer.from(base64, 'base64').toString()]);
    assert.deepEqual(Object.fromEntries(texts), { password: 'not-real-2', prod_token: 'not-real-3' });
  });

  it('is refused by the API server with a field that there is not', async () => {
    const input = manifests.replace('value: not-real-3', 'value: not-real-3\n          valueMap: {}');
    const { exitCode, stderr } = await kubectl(controlPlane, ['apply', '-n', NAMESPACE, '-f', '-'], { input });
    assert.equal(exitCode, 1);
    assert.match(stderr, /unknown field "spec\.provider\.fake\.data\[2\]\.valueMap"/);
  });
});
