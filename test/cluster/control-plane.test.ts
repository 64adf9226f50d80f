import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { kubernetesVersion } from '../support/control-plane/versions.ts';
import { identifyProcess } from '../support/process/process-identity.ts';
import { waitUntil } from '../support/process/wait-until.ts';

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'app', namespace: 'orders' },
  spec: { containers: [{ name: 'app', image: 'localhost/app:1' }] },
};

const runningOf = (pids: readonly number[]): number[] => pids.filter((pid) => identifyProcess(pid) !== undefined);

describe('the test control plane', { timeout: 60 * 60_000 }, () => {
  let controlPlane: ControlPlane;

  before(async () => {
    const users = [{ name: 'dana', groups: ['developers'] }];
    controlPlane = await startControlPlane({ controllerManager: true, scheduler: true, users });
  });

  after(() => controlPlane.stop());

  it('runs the Kubernetes minor version the suites are written for', async () => {
    const versions = JSON.parse(await kubectlOrThrow(controlPlane, ['version', '-o', 'json'])) as Record<
      'clientVersion' | 'serverVersion',
      { gitVersion: string }
    >;
    // The envtest archive skips patch releases, so only the minor version is certain.
    const minor = kubernetesVersion.slice(0, kubernetesVersion.lastIndexOf('.') + 1);
    for (const { gitVersion } of [versions.clientVersion, versions.serverVersion]) {
      assert.ok(gitVersion.startsWith(minor), gitVersion);
    }
  });

  it('admits a pod into a new namespace once its ServiceAccount is there', async () => {
    await kubectlOrThrow(controlPlane, ['create', 'namespace', 'orders']);
    await kubectlOrThrow(controlPlane, ['wait', '--for=create', 'serviceaccount/default', '-n', 'orders']);
    await kubectlOrThrow(controlPlane, ['create', '-f', '-'], { input: pod });
    const phase = await kubectlOrThrow(controlPlane, [
      'get',
      'pod',
      'app',
      '-n',
      'orders',
      '-o',
      'jsonpath={.status.phase}',
    ]);
    assert.equal(phase, 'Pending');
  });

  it('refuses a user without a role and lets the same user in once a role is bound to the group', async () => {
    const kubeconfigFile = await controlPlane.kubeconfigFor('dana');
    const refused = await kubectl(controlPlane, ['get', 'pods'], { kubeconfigFile });
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /Forbidden.*User "dana" cannot list resource "pods"/);

    const binding = ['create', 'clusterrolebinding', 'developers', '--clusterrole=view', '--group=developers'];
    await kubectlOrThrow(controlPlane, binding);
    // The API server learns of a new binding through its own watch.
    const allowed = async (): Promise<boolean> =>
      (await kubectl(controlPlane, ['get', 'pods'], { kubeconfigFile })).exitCode === 0;
    await waitUntil(allowed, { what: 'the binding to count', timeoutMs: 10_000 });
  });

  it('says which users there are when asked for one that was not declared', async () => {
    await assert.rejects(controlPlane.kubeconfigFor('nobody'), /no user nobody: .*dana/);
  });

  it('keeps its address and its data when the API server is stopped and started again', async () => {
    await controlPlane.stopApiServer();
    const down = await kubectl(controlPlane, ['get', 'namespace', 'default']);
    assert.equal(down.exitCode, 1);
    await controlPlane.startApiServer();
    await kubectlOrThrow(controlPlane, ['get', 'namespace', 'default']);
  });

  it('leaves no process and no directory when it is stopped', async () => {
    const pids = controlPlane.components.map(({ pid }) => pid);
    assert.equal(pids.length, 4);
    await controlPlane.stop();
    assert.deepEqual(runningOf(pids), []);
    assert.equal(existsSync(controlPlane.directory), false);
  });

  it('names the component that does not start and quotes its log', async () => {
    await assert.rejects(
      startControlPlane({ apiServerFlags: ['--no-such-flag'] }),
      /kube-apiserver did not start: it ended with exit code 1[^]*unknown flag: --no-such-flag/,
    );
  });

  it('leaves no process and no directory when the test process is killed', async () => {
    const source = new URL('../support/control-plane/control-plane.ts', import.meta.url).href;
    const script = `
      const { startControlPlane } = await import(${JSON.stringify(source)});
      const { components, directory } = await startControlPlane();
      console.log(JSON.stringify({ pids: components.map(({ pid }) => pid), directory }));`;
    const victim = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(victim, 'exit');
    let started: { pids: number[]; directory: string } | undefined;
    for await (const line of createInterface({ input: victim.stdout })) {
      started = JSON.parse(line) as { pids: number[]; directory: string };
      victim.kill('SIGKILL');
    }
    await ended;
    assert.ok(started !== undefined, 'the victim ended before its control plane was ready');
    const { pids, directory } = started;
    assert.equal(pids.length, 2);
    const gone = (): boolean => runningOf(pids).length === 0 && !existsSync(directory);
    await waitUntil(gone, { what: 'the processes and the directory to go', timeoutMs: 10_000 });
  });
});
