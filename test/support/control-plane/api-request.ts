import { readFile } from 'node:fs/promises';
import { request } from 'node:https';

export interface ApiRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly certificateAuthority: string;
  /** Without it the request is anonymous. */
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  readonly body: string;
}

/** One HTTPS request to the API server on a connection of its own: what the harness itself needs, without a client library. */
export function apiRequest(options: ApiRequest): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const outgoing = request(
      options.url,
      {
        method: options.method,
        ca: options.certificateAuthority,
        agent: false,
        signal: options.signal,
        headers: {
          'content-type': 'application/json',
          ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Whether a component answers 200 at its health URL. Throws while it does not listen or has not written its certificate. */
export async function isHealthy(
  url: string,
  caFile: string,
  token: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const certificateAuthority = await readFile(caFile, 'utf8');
  const { status, body } = await apiRequest({ method: 'GET', url, certificateAuthority, token, signal });
  if (status === 200) return true;
  throw new Error(
    `status ${status}: ${body
      .split('\n')
      .filter((line) => line.startsWith('[-]'))
      .join('; ')}`,
  );
}
