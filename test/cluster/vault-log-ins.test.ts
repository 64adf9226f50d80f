/** Each way to log in to Vault, set up as docs/providers/vault.md says, and a pod whose secret comes from the real server by it. */
import assert from 'node:assert/strict';
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { Json } from '../../src/api/kubernetes.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { createAuthority, createClientCertificate } from '../support/latchkey/client-certificate.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { documentedLogIns, documentedPolicy, runVaultCommand } from '../support/openbao/documented-set-up.ts';
import { startLdapFront, type LdapFront } from '../support/openbao/ldap-front.ts';
import { startOpenBao, type OpenBao } from '../support/openbao/openbao.ts';
import { SentinelCollector } from '../support/sentinel/sentinel.ts';

const page = await readFile(join(import.meta.dirname, '../../docs/providers/vault.md'), 'utf8');
const logIns = documentedLogIns(page);
const TEAM = 'orders';
const sentinels = new SentinelCollector();
const PASSWORD = sentinels.mint();
const VALUE = sentinels.mint();

let controlPlane: ControlPlane;
let plain: OpenBao;
let secure: OpenBao;
let ldap: LdapFront;
let latchkey: LatchkeyProcess | undefined;
/** By name on the page. */
let files: Readonly<Record<string, string>>;

const run = (...args: readonly string[]): Promise<string> => kubectlOrThrow(controlPlane, args);
const apply = async (...manifests: readonly make.Manifest[]): Promise<void> => {
  const result = await kubectl(controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...manifests) });
  sentinels.collect('kubectl apply', `${result.stdout}${result.stderr}`);
  assert.equal(result.exitCode, 0, result.stderr);
};

before(async () => {
  [controlPlane, plain, secure] = await Promise.all([
    startControlPlane({ users: [LATCHKEY_USER] }),
    startOpenBao(),
    startOpenBao({ tls: true }),
  ]);
  ldap = await startLdapFront(plain, { name: TEAM, password: PASSWORD, policies: ['orders-read'] });
  for (const { writer } of [plain, secure]) {
    await writer.call('PUT', 'sys/policies/acl/orders-read', { policy: documentedPolicy(page) });
    await writer.call('POST', 'secret/data/orders/db', { data: { password: VALUE } });
  }
  const authority = await createAuthority();
  const { cert, key } = createClientCertificate(authority, TEAM);
  files = { 'ca.pem': authority.certificatePem, 'client.pem': cert, 'client-key.pem': key };
  for (const [name, text] of Object.entries(files)) await writeFile(join(controlPlane.directory, name), text);
  await installLatchkey(controlPlane);
  // Nobody else makes the default one here.
  const accounts = ['default', TEAM].map((name) => {
    return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: TEAM } };
  });
  await apply(make.namespace(TEAM), ...accounts);
  latchkey = await startLatchkey(controlPlane, { args: ['--allowed-backend-hosts', '127.0.0.1'] });
});

after(async () => {
  await latchkey?.stop();
  await ldap?.stop();
  await Promise.all([controlPlane?.stop(), plain?.stop(), secure?.stop()]);
});

/** What the page leaves to the reader's cluster: who Vault asks about tokens, and whose keys sign them. */
async function fill(command: string): Promise<string> {
  if (command.includes('kubernetes_host=')) {
    await run('create', 'namespace', 'vault');
    await run('create', 'serviceaccount', 'vault', '-n', 'vault');
    const binding = ['--clusterrole=system:auth-delegator', '--serviceaccount=vault:vault'];
    await run('create', 'clusterrolebinding', 'vault', ...binding);
    const reviewer = (await run('create', 'token', 'vault', '-n', 'vault')).trim();
    files = { ...files, 'kubernetes-ca': controlPlane.certificateAuthority };
    const host = command.replace(/kubernetes_host=\S+/, `kubernetes_host=${controlPlane.serverUrl}`);
    return `${host} token_reviewer_jwt=${reviewer} kubernetes_ca_cert=@kubernetes-ca`;
  }
  if (command.includes('oidc_discovery_url=')) {
    const { keys } = JSON.parse(await run('get', '--raw', '/openid/v1/jwks')) as { keys: readonly JsonWebKey[] };
    const [key] = keys.map((jwk) =>
      createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
    );
    files = { ...files, issuer: String(key) };
    return command.replace(/oidc_discovery_url=\S+/, 'jwt_validation_pubkeys=@issuer');
  }
  return command;
}

/** Runs a section's commands; @returns what its placeholders stand for. */
async function setUp(commands: readonly string[], bao: OpenBao): Promise<Record<string, string>> {
  const known: Record<string, string> = { PASSWORD };
  const placeholders = /\b(PASSWORD|TOKEN|ROLE_ID|SECRET_ID)\b/g;
  for (const command of commands) {
    const filled = (await fill(command)).replaceAll(placeholders, (name) => known[name] ?? name);
    if (filled.startsWith('kubectl ')) {
      const at = (_: string, flag: string, file: string): string => `${flag}=${join(controlPlane.directory, file)}`;
      await run(
        ...filled
          .replaceAll(/(--cert|--key)=(\S+)/g, at)
          .split(' ')
          .slice(1),
      );
      continue;
    }
    // The front has this method, and its one user, from the start.
    if (filled.includes('ldap')) continue;
    const printed = await runVaultCommand(bao.writer, filled, files);
    if (printed === undefined) continue;
    const field = /-field=(\w+)/.exec(filled)?.[1] ?? 'token';
    known[field.toUpperCase()] = printed;
  }
  return known;
}

describe('the documented ways to log in to Vault', () => {
  it('are all that Latchkey knows', () => {
    const methods = logIns.flatMap(({ auth }) => Object.keys(auth));
    assert.deepEqual(methods, ['tokenSecretRef', 'appRole', 'kubernetes', 'ldap', 'userPass', 'jwt', 'cert']);
  });

  const [, externalSecret] = parseAllDocuments(/^```yaml\n(.*?)^```$/ms.exec(page)?.[1] ?? '').map(
    (document) => document.toJS() as make.Manifest,
  );
  it('come with a store and an ExternalSecret that the API server takes as they are', async () => {
    const [, manifests = ''] = /^```yaml\n(.*?)^```$/ms.exec(page) ?? [];
    const args = ['create', '--dry-run=server', '--validate=strict', '-f', '-'];
    assert.match(
      await kubectlOrThrow(controlPlane, args, { input: manifests }),
      /secretstore\S*\/vault.*externalsecret\S*\/db/s,
    );
  });

  for (const { title, commands, auth } of logIns) {
    it(`start a pod with a secret from the server: ${title}`, async () => {
      const [method = ''] = Object.keys(auth);
      const name = method.toLowerCase();
      const isSecure = method === 'cert';
      const known = await setUp(commands, isSecure ? secure : plain);
      const filled = JSON.parse(JSON.stringify(auth).replace('ROLE_ID', () => known['ROLE_ID'] ?? '')) as Record<
        string,
        Json
      >;
      const server = isSecure ? secure.endpoint : method === 'ldap' ? ldap.endpoint : plain.endpoint;
      const caBundle = secure.ca === undefined ? '' : Buffer.from(secure.ca).toString('base64');
      const { spec } = externalSecret as { spec: make.Manifest };
      await apply(
        make.vaultStore(name, TEAM, server, { auth: filled, ...(isSecure && { caBundle }) }),
        {
          ...externalSecret,
          metadata: { name, namespace: TEAM },
          spec: { ...spec, secretStoreRef: { name }, target: { name } },
        },
        make.podWith(name, TEAM, name, ['password']),
      );
      const data = await run('get', 'secret', name, '-n', TEAM, '-o', 'jsonpath={.data.password}');
      assert.equal(Buffer.from(data, 'base64').toString(), VALUE);
    });
  }

  it('let an ExternalSecret find secrets and read their metadata, with the rights that the page gives', async () => {
    const labels = { custom_metadata: { team: TEAM } };
    await plain.writer.call('POST', 'secret/data/orders/eu/cache', { data: { password: VALUE } });
    await plain.writer.call('POST', 'secret/metadata/orders/eu/cache', labels);
    const spec = {
      secretStoreRef: { name: 'tokensecretref' },
      dataFrom: [
        { find: { path: 'orders', name: { regexp: '/db$' } } },
        { find: { path: 'orders', tags: { team: TEAM } } },
        { extract: { key: 'orders/eu/cache', metadataPolicy: 'Fetch' } },
      ],
    };
    await apply(
      {
        apiVersion: 'external-secrets.io/v1',
        kind: 'ExternalSecret',
        metadata: { name: 'found', namespace: TEAM },
        spec,
      },
      make.podWith('found', TEAM, 'found', ['orders_db']),
    );
    const { data } = JSON.parse(await run('get', 'secret', 'found', '-n', TEAM, '-o', 'json')) as {
      data: Readonly<Record<string, string>>;
    };
    const texts = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()] as const);
    const { created_time: created, ...others } = Object.fromEntries(texts);
    assert.match(created ?? '', /^\d{4}-.*Z$/);
    const whole = JSON.stringify({ password: VALUE });
    assert.deepEqual(others, {
      orders_db: whole,
      orders_eu_cache: whole,
      team: TEAM,
      current_version: '1',
      delete_version_after: '0s',
    });
  });

  it('lead nowhere that a tenant may not, whatever store it writes, and the pod is told why', async () => {
    // Beside the address that the operator allows.
    const connections: Socket[] = [];
    const listener = createServer((socket) => void connections.push(socket.on('error', () => socket.destroy())));
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.2', resolve));
    const { port } = listener.address() as AddressInfo;
    const servers = ['https://127.0.0.2', 'http://127.0.0.2', 'https://localhost', 'https://169.254.169.254'];
    for (const [index, server] of servers.entries()) {
      const name = `attack-${index}`;
      const data = { password: { key: 'orders/db', property: 'password' } };
      await apply(
        make.vaultStore(name, TEAM, `${server}:${port}`),
        make.externalSecret({ name, namespace: TEAM, store: name, data }),
      );
      const input = make.toYamlDocuments(make.podWith(name, TEAM, name, ['password']));
      const { exitCode, stderr } = await kubectl(controlPlane, ['create', '-f', '-'], { input });
      assert.notEqual(exitCode, 0);
      assert.match(stderr, /spec\.provider\.vault\.server (must be https|leads to a (loopback|link-local) address)/);
      sentinels.collect(name, stderr);
    }
    assert.equal(connections.length, 0);
    await new Promise((resolve) => listener.close(resolve));
  });

  it('leave no token behind when Latchkey stops, and have told nobody a value or password', async () => {
    assert.ok(latchkey);
    sentinels.collect('metrics', await latchkey.metrics());
    assert.match(await latchkey.metrics(), /latchkey_provider_request_duration_seconds_count\{.*call="Login".*\} 6$/m);
    assert.deepEqual(ldap.refusals, []);
    await latchkey.stop();
    sentinels.collect('log', await latchkey.output());
    sentinels.assertUnseen();
    for (const bao of [plain, secure]) assert.deepEqual(await tokensByLogIn(bao), []);
  });
});

/** Paths of the log-ins whose tokens are still good. */
async function tokensByLogIn({ writer }: OpenBao): Promise<readonly string[]> {
  const { data } = (await writer.call('GET', 'auth/token/accessors?list=true')) as {
    data: { keys: readonly string[] };
  };
  const paths = data.keys.map(async (accessor) => {
    const found = await writer.call('POST', 'auth/token/lookup-accessor', { accessor });
    return (found as { data: { path: string } }).data.path;
  });
  return (await Promise.all(paths)).filter((path) => path.includes('login'));
}
