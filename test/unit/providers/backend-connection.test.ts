import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it } from 'node:test';
import { openConnection } from '../../../providers/shared/backend-connection.ts';
import type { BackendConnection, BackendRequest } from '../../../providers/shared/backend-connection.ts';
import { openEgress } from '../../../providers/shared/egress.ts';
import { failure } from '../../contract/secrets-client.suite.ts';

const LIMIT_BYTES = 4 * 1024 * 1024;
const never = new AbortController().signal;

interface Running {
  readonly connection: BackendConnection;
  readonly request: (signal?: AbortSignal) => BackendRequest;
  readonly server: Server;
  /** Every connection there has been. */
  readonly sockets: readonly Socket[];
}

async function withServer(listener: RequestListener, body: (running: Running) => Promise<void>): Promise<void> {
  const sockets: Socket[] = [];
  const server = createServer(listener).on('connection', (socket) => sockets.push(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const connection = openConnection(url, 'The backend', openEgress({}));
  const request = (signal = never): BackendRequest => ({
    method: 'GET',
    url: `${url.origin}/a`,
    headers: { b: 'c' },
    signal,
  });
  try {
    await body({ connection, request, server, sockets });
  } finally {
    connection.close();
    server.closeAllConnections();
    server.close();
  }
}

describe('a connection to a backend', { timeout: 20_000 }, () => {
  it('is kept for the next request', async () => {
    await withServer(
      ({ url, headers }, response) => response.end(`${url} ${String(headers['b'])}`),
      async ({ connection, request, sockets }) => {
        for (let count = 0; count < 3; count += 1) {
          assert.equal(String((await connection.send(request())).body), '/a c');
        }
        assert.equal(sockets.length, 1);
      },
    );
  });

  it('that the backend has closed meanwhile is made anew', async () => {
    let requests = 0;
    await withServer(
      (_request, response) => {
        requests += 1;
        if (requests === 2) response.socket?.resetAndDestroy();
        else response.end('fake');
      },
      async ({ connection, request, sockets }) => {
        await connection.send(request());
        assert.equal(String((await connection.send(request())).body), 'fake');
        assert.deepEqual([requests, sockets.length], [3, 2]);
      },
    );
  });

  it('is ended, not only left, when the caller gives up before an answer', async () => {
    await withServer(
      () => undefined,
      async ({ connection, request, sockets }) => {
        const error = await failure(connection.send(request(AbortSignal.timeout(100))));
        assert.equal(error.code, 'BackendTimeout');
        await closed(sockets[0]);
      },
    );
  });

  it('is ended when the caller gives up in the middle of an answer', async () => {
    await withServer(
      (_request, response) => void response.write('half'),
      async ({ connection, request, sockets }) => {
        const error = await failure(connection.send(request(AbortSignal.timeout(100))));
        assert.equal(error.code, 'BackendTimeout');
        await closed(sockets[0]);
      },
    );
  });

  it('gives an answer of 4 MiB', async () => {
    await withServer(
      (_request, response) => response.end(Buffer.alloc(LIMIT_BYTES)),
      async ({ connection, request }) => {
        assert.equal((await connection.send(request())).body.length, LIMIT_BYTES);
      },
    );
  });

  it('is ended when an answer goes on beyond 4 MiB', async () => {
    await withServer(
      (_request, response) => {
        const more = (): void => void response.write(Buffer.alloc(65_536), (error) => !error && more());
        more();
      },
      async ({ connection, request, sockets }) => {
        const error = await failure(connection.send(request()));
        assert.equal(error.code, 'BackendResponseInvalid');
        assert.equal(error.message, 'The backend gave an answer of more than 4 MiB');
        await closed(sockets[0]);
      },
    );
  });

  it('follows no redirect', async () => {
    const asked: (string | undefined)[] = [];
    await withServer(
      ({ url }, response) => {
        asked.push(url);
        response.writeHead(307, { location: '/elsewhere' }).end();
      },
      async ({ connection, request }) => {
        assert.equal((await connection.send(request())).status, 307);
        assert.deepEqual(asked, ['/a']);
      },
    );
  });

  it('sends nothing to another origin', async () => {
    await withServer(
      (_request, response) => response.end(),
      async ({ connection, request, sockets }) => {
        const elsewhere = { ...request(), url: 'http://127.0.0.1:1/a' };
        assert.equal((await failure(connection.send(elsewhere))).code, 'Internal');
        assert.equal(sockets.length, 0);
      },
    );
  });
});

async function closed(socket: Socket | undefined): Promise<void> {
  assert.ok(socket !== undefined, 'no connection was made');
  // Not `once` of node:events: how the connection ends, in peace or with an error, does not matter here.
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}
