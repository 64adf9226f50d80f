import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface HangingBackend extends AsyncDisposable {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** Connections that it has taken so far. */
  readonly taken: () => number;
}

/** A backend that takes every connection and every byte, and never answers. */
export async function startHangingBackend(): Promise<HangingBackend> {
  const sockets = new Set<Socket>();
  let taken = 0;
  const server = createServer((socket) => {
    taken += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: () => taken,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
