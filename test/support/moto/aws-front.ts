import { createServer, request as forward } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { judgeToken } from './web-identity-token.ts';
import type { Trust } from './web-identity-token.ts';

/** One call, by whom. */
export interface SeenCall {
  readonly action: string;
  /** Empty: it was not signed. */
  readonly accessKeyId: string;
  readonly hasSessionToken: boolean;
}

export interface AwsFront extends AsyncDisposable {
  readonly endpoint: string;
  readonly calls: readonly SeenCall[];
  /** Why log-ins with a token were refused. */
  readonly refusals: readonly string[];
  stop(): Promise<void>;
}

/**
 * Stands before moto and does what moto does not: it verifies web identity tokens, as AWS STS would, and keeps a list of who
 * called what. Everything else is moto's; nobody looks at signatures.
 */
export async function startAwsFront(target: string, trust: Trust): Promise<AwsFront> {
  const calls: SeenCall[] = [];
  const refusals: string[] = [];
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await buffer(incoming);
    const { 'x-amz-target': rpc, 'x-amz-security-token': sessionToken, authorization = '' } = incoming.headers;
    const form = new URLSearchParams(body.toString());
    const action = typeof rpc === 'string' ? (rpc.split('.')[1] ?? '') : (form.get('Action') ?? '');
    const [, accessKeyId = ''] = /Credential=([^/]+)\//.exec(authorization) ?? [];
    calls.push({ action, accessKeyId, hasSessionToken: sessionToken !== undefined });
    if (action === 'AssumeRoleWithWebIdentity') {
      const refusal = judgeToken(form.get('WebIdentityToken') ?? '', form.get('RoleArn') ?? '', trust);
      if (refusal !== undefined) {
        refusals.push(refusal.why);
        outgoing.writeHead(refusal.code === 'AccessDenied' ? 403 : 400, { 'content-type': 'text/xml' });
        outgoing.end(
          '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>' +
            `<Code>${refusal.code}</Code><Message>${form.get('WebIdentityToken')}</Message></Error></ErrorResponse>`,
        );
        return;
      }
    }
    handOn(incoming, body, outgoing, new URL(target));
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, calls, refusals, stop, [Symbol.asyncDispose]: stop };
}

function handOn({ method, url, headers }: IncomingMessage, body: Buffer, outgoing: ServerResponse, target: URL): void {
  const { hostname: host, port } = target;
  const onward = forward({ host, port, method, path: url, headers: { ...headers, host: target.host } }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  onward.end(body);
}
