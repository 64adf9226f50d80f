import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A user the API server will know, for RBAC to judge. A ServiceAccount is `system:serviceaccount:<namespace>:<name>`. */
export interface ControlPlaneUser {
  readonly name: string;
  readonly groups?: readonly string[];
}

export interface Identity extends ControlPlaneUser {
  readonly token: string;
}

/** The user of the control plane's own kubeconfig: cluster administrator. */
export const adminUser: ControlPlaneUser = { name: 'admin', groups: ['system:masters'] };

/** The users the control plane's components act as; RBAC's bootstrap roles know these names. */
export const componentUsers: readonly ControlPlaneUser[] = [
  { name: 'system:kube-controller-manager' },
  { name: 'system:kube-scheduler' },
];

export interface Identities {
  readonly all: readonly Identity[];
  /** @throws Error when there is no such user. */
  get(userName: string): Identity;
}

/** Gives every user a fresh random token, for one run of the control plane. */
export function mintIdentities(users: readonly ControlPlaneUser[]): Identities {
  const all = users.map((user) => ({ ...user, token: randomBytes(24).toString('hex') }));
  const byName = new Map(all.map((identity) => [identity.name, identity]));
  if (byName.size < all.length) throw new Error(`a user is declared twice: ${all.map(({ name }) => name).join(', ')}`);
  return {
    all,
    get(userName) {
      const identity = byName.get(userName);
      if (identity !== undefined) return identity;
      throw new Error(`no user ${userName}: startControlPlane({ users }) declared ${[...byName.keys()].join(', ')}`);
    },
  };
}

/** Writes the file for the API server's `--token-auth-file`, which it reads once, when it starts. */
export async function writeTokenFile(file: string, identities: readonly Identity[]): Promise<void> {
  const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const lines = identities.map(({ token, name, groups = [] }) =>
    [token, name, name, groups.join(',')].map(quote).join(','),
  );
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
}

/** Writes a self-contained kubeconfig (JSON, which is YAML) into `directory` and returns its path. */
export async function writeKubeconfig(
  directory: string,
  serverUrl: string,
  certificateAuthority: string,
  identity: Identity,
): Promise<string> {
  const file = join(directory, `${identity.name.replaceAll(/[^A-Za-z0-9.-]/g, '_')}.kubeconfig`);
  const cluster = {
    server: serverUrl,
    'certificate-authority-data': Buffer.from(certificateAuthority).toString('base64'),
  };
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: identity.name, user: { token: identity.token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: identity.name } }],
    'current-context': 'test',
  };
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  return file;
}
