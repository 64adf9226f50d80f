import { apiRequest } from './api-request.ts';

export interface DefaultServiceAccountOptions {
  readonly serverUrl: string;
  readonly certificateAuthority: string;
  readonly token: string;
  /** Without a controller-manager nobody else makes it. */
  readonly create: boolean;
  readonly signal: AbortSignal;
}

/** Whether the ServiceAccount `default/default` exists, without which no pod is admitted there; creates it when asked to. */
export async function ensureDefaultServiceAccount(options: DefaultServiceAccountOptions): Promise<boolean> {
  const { serverUrl, certificateAuthority, token, signal } = options;
  const collection = `${serverUrl}/api/v1/namespaces/default/serviceaccounts`;
  const common = { certificateAuthority, token, signal };
  const found = await apiRequest({ ...common, method: 'GET', url: `${collection}/default` });
  if (found.status === 200) return true;
  if (!options.create) return false;

  const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } };
  const created = await apiRequest({ ...common, method: 'POST', url: collection, body });
  // 404: the API server has yet to create the namespace itself.
  if (created.status !== 201) throw new Error(`status ${created.status}: ${created.body}`);
  return true;
}
