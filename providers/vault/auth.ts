import type { TokenRequest } from '../../src/ports/provider.ts';
import { encode, isRelative } from './path.ts';
import { invalid, refTo, VAULT_PATH } from './schema.ts';
import type { AuthSection, Ref } from './schema.ts';

/**
 * Vault's Kubernetes method asks the API server about the token: one without an audience would be good there, too, in the
 * hands of whoever runs the Vault. So tokens are always for somebody; the role at the Vault has to say `audience=vault`.
 */
const DEFAULT_AUDIENCES = ['vault'];
const TOKEN_LIFE_SECONDS = 600;

/** How a store logs in; at most one of `token` and `logIn`. Neither = no token is sent, as before an agent that adds one. */
export interface VaultAuth {
  readonly token?: Ref;
  readonly logIn?: LogIn;
  /** What a log-in by certificate shows in the TLS handshake. */
  readonly clientCertificate?: ClientCertificateRef;
  /** Where tokens are at home; `undefined` = the store's own namespace. */
  readonly namespace: string | undefined;
}

/** One write that is answered with a token. */
export interface LogIn {
  /** `spec.provider.vault.auth.appRole` */
  readonly field: string;
  /** Below `/v1/`, percent-encoded. */
  readonly path: string;
  /** Members of the request's body that stand in the store. */
  readonly body: Readonly<Record<string, string>>;
  /** Members that are read anew for each log-in. */
  readonly proofs: Readonly<Record<string, Proof>>;
}

/** A key of a Secret, or a token of a service account. */
export type Proof = Ref | ServiceAccountProof;

interface ServiceAccountProof extends TokenRequest {
  readonly selector: TokenRequest['serviceAccount'];
  readonly field: string;
}

/** Where certificate and key are that the TLS handshake shows. */
export interface ClientCertificateRef {
  readonly certificate: Ref;
  readonly key: Ref;
}

/** Of several methods the first in upstream's order counts. @throws LatchkeyError `InvalidProviderConfig`. */
export function readAuth(section: AuthSection | undefined): VaultAuth {
  const namespace = section?.namespace || undefined;
  if (section === undefined) return { namespace };
  const { tokenSecretRef } = section;
  if (tokenSecretRef !== undefined) return { namespace, token: refTo(tokenSecretRef, 'auth.tokenSecretRef') };
  const logIn =
    appRole(section) ?? kubernetes(section) ?? account('ldap', section) ?? account('userPass', section) ?? jwt(section);
  if (logIn !== undefined) return { namespace, logIn };
  if (section.cert !== undefined) return { namespace, ...certificate(section.cert) };
  throw invalid('auth names no way to log in: add auth.tokenSecretRef or another');
}

function certificate(section: NonNullable<AuthSection['cert']>): Omit<VaultAuth, 'namespace'> {
  const { path, vaultRole, clientCert, secretRef } = section;
  return {
    logIn: logInAt('cert', path || 'cert', vaultRole?.trim() ? { name: vaultRole.trim() } : {}, {}),
    clientCertificate: {
      certificate: refTo(clientCert, 'auth.cert.clientCert', 'tls.crt'),
      key: refTo(secretRef, 'auth.cert.secretRef', 'tls.key'),
    },
  };
}

function appRole({ appRole: section }: AuthSection): LogIn | undefined {
  if (section === undefined) return undefined;
  const { path, roleId, roleRef, secretRef } = section;
  const proofs = { secret_id: refTo(secretRef, 'auth.appRole.secretRef') };
  const mount = path || 'approle';
  if (roleId?.trim()) return logInAt('appRole', mount, { role_id: roleId.trim() }, proofs);
  if (roleRef === undefined) throw invalid('auth.appRole needs roleId or roleRef');
  return logInAt('appRole', mount, {}, { role_id: refTo(roleRef, 'auth.appRole.roleRef'), ...proofs });
}

function kubernetes({ kubernetes: section }: AuthSection): LogIn | undefined {
  if (section === undefined) return undefined;
  const { mountPath, role, serviceAccountRef, secretRef } = section;
  const field = 'auth.kubernetes';
  const logIn = (proof: Proof): LogIn =>
    logInAt('kubernetes', mountPath || 'kubernetes', { role: role.trim() }, { jwt: proof });
  if (serviceAccountRef !== undefined) {
    const audiences = serviceAccountRef.audiences?.length ? [] : DEFAULT_AUDIENCES;
    return logIn(serviceAccount(serviceAccountRef, `${field}.serviceAccountRef`, audiences));
  }
  if (secretRef !== undefined) return logIn(refTo(secretRef, `${field}.secretRef`, 'token'));
  throw invalid(`${field} needs serviceAccountRef or secretRef: Latchkey's own token is sent to no backend`);
}

function account(method: 'ldap' | 'userPass', { [method]: section }: AuthSection): LogIn | undefined {
  if (section === undefined) return undefined;
  const { path, username, secretRef } = section;
  const user = username.trim();
  if (isRelative(user)) throw invalid(`auth.${method}.username must not be . or ..`);
  const proofs = { password: refTo(secretRef, `auth.${method}.secretRef`) };
  const logIn = logInAt(method, path || method.toLowerCase(), {}, proofs);
  return { ...logIn, path: `${logIn.path}/${encodeURIComponent(user.toWellFormed())}` };
}

function jwt({ jwt: section }: AuthSection): LogIn | undefined {
  if (section === undefined) return undefined;
  const { path, role, secretRef, kubernetesServiceAccountToken: token } = section;
  const field = 'auth.jwt';
  const logIn = (proof: Proof): LogIn =>
    logInAt('jwt', path || 'jwt', role?.trim() ? { role: role.trim() } : {}, { jwt: proof });
  if (secretRef !== undefined) return logIn(refTo(secretRef, `${field}.secretRef`));
  if (token === undefined) throw invalid(`${field} needs secretRef or kubernetesServiceAccountToken`);
  const { serviceAccountRef, audiences = DEFAULT_AUDIENCES, expirationSeconds } = token;
  const at = `${field}.kubernetesServiceAccountToken.serviceAccountRef`;
  return logIn(serviceAccount(serviceAccountRef, at, audiences, expirationSeconds));
}

function serviceAccount(
  selector: ServiceAccountProof['selector'],
  field: string,
  audiences: readonly string[],
  expirationSeconds = TOKEN_LIFE_SECONDS,
): ServiceAccountProof {
  return { selector, field: `${VAULT_PATH}.${field}`, serviceAccount: selector, audiences, expirationSeconds };
}

function logInAt(method: keyof AuthSection, mount: string, body: LogIn['body'], proofs: LogIn['proofs']): LogIn {
  const path = encode(mount);
  if (path === undefined) throw invalid(`auth.${method} has a path with the segments . or ..`);
  return { field: `${VAULT_PATH}.auth.${method}`, path: `auth/${path}/login`, body, proofs };
}
