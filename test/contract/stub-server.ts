import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';

export type StubReply =
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  /** Announces the whole body, sends half and breaks off. */
  | { readonly cutShort: string }
  | 'reset'
  | 'hang';

export interface Stub<R> {
  readonly endpoint: string;
  readonly requests: readonly R[];
  /** Fails if any request was not what the backend accepts. */
  close(): Promise<void>;
}

export interface StubOptions<R> {
  /** Whose protocol it speaks, for messages. */
  readonly backend: string;
  /** Reads a request; what it throws is a fault of the client that {@link Stub.close} reports. */
  readonly read: (incoming: IncomingMessage) => Promise<R>;
  readonly reply: (request: R, count: number) => StubReply;
  /** Of every answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A loopback server for what a real backend cannot be made to do: refuse, throttle, fail, hang. */
export async function startStub<R>({ backend, read, reply, headers }: StubOptions<R>): Promise<Stub<R>> {
  const requests: R[] = [];
  const problems: string[] = [];
  const server = createServer((incoming, outgoing) => {
    read(incoming).then(
      (request) => {
        requests.push(request);
        send(outgoing, reply(request, requests.length), headers);
      },
      (error: unknown) => {
        problems.push(String(error));
        outgoing.writeHead(400).end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A test that fails before it closes the stub must still end.
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      if (problems.length > 0) throw new Error(`not what ${backend} accepts: ${problems.join('; ')}`);
    },
  };
}

/** An endpoint that refuses connections. */
export async function unusedEndpoint(): Promise<string> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

function send(outgoing: ServerResponse, reply: StubReply, headers: Readonly<Record<string, string>>): void {
  if (reply === 'hang') return;
  if (reply === 'reset') {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  if ('cutShort' in reply) {
    outgoing.writeHead(200, { ...headers, 'content-length': String(Buffer.byteLength(reply.cutShort)) });
    outgoing.write(reply.cutShort.slice(0, reply.cutShort.length / 2), () => outgoing.destroy());
    return;
  }
  outgoing.writeHead(reply.status, { ...headers, ...reply.headers }).end(reply.body);
}
