import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Forwards connections byte by byte, until it is told to cut them, or to go silent as a dead network does. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  constructor(targetPort: number) {
    this.#server = createServer((near) => {
      const far = connect(targetPort, '127.0.0.1');
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      near.pipe(far).pipe(near);
      const end = (): void => {
        this.#pairs.delete(pair);
        near.destroy();
        far.destroy();
      };
      for (const socket of pair) socket.on('error', end).on('close', end);
    });
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends every connection there is. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  /** Nothing comes through any connection there is, and nobody is told; new ones work. */
  freeze(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far).pause();
      far.unpipe(near).pause();
    }
  }

  stop(): void {
    this.cut();
    this.#server.close();
  }
}
