import type { Server } from 'node:http';

/** Stops a server: no new connections, idle ones closed, requests in flight finished within the limit, then cut. */
export function drain(
  server: Pick<Server, 'close' | 'closeIdleConnections' | 'closeAllConnections'>,
  graceMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
    // A connection that becomes idle after its answer is closed by the server once `close` was called.
    server.close(() => {
      clearTimeout(deadline);
      resolve();
    });
    server.closeIdleConnections();
  });
}
