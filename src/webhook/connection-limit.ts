import type { Server } from 'node:https';
import type { Socket } from 'node:net';

/** By the caller's end, which is what the connection and the TLS session on it have in common. */
const idOf = ({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string =>
  `${remoteAddress}:${remotePort}`;

/**
 * Bounds the connections to a server without ever shutting the API server out: past the limit the oldest of those that
 * have not asked anything that was theirs to ask makes room for the newest.
 *
 * @returns what is to be called with the socket of a request that knew the way.
 */
export function limitConnections(server: Server, mostConnections: number): (socket: Socket) => void {
  /** In the order in which they came. */
  const strangers = new Map<string, Socket>();
  let open = 0;
  server.on('connection', (socket: Socket) => {
    const id = idOf(socket);
    open += 1;
    strangers.set(id, socket);
    socket.once('close', () => {
      open -= 1;
      if (strangers.get(id) === socket) strangers.delete(id);
    });
    if (open <= mostConnections) return;
    const [oldest = socket] = strangers.values();
    oldest.destroy();
  });
  return (socket) => void strangers.delete(idOf(socket));
}
