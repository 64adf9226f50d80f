import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A backend that answers 500 to a share of all requests, chosen by a seeded generator, and passes on the rest. */
export class FaultyProxy {
  readonly #server: Server;
  #state: number;
  #failures = 0;

  constructor(target: string, failingShare: number, seed: number) {
    this.#state = seed;
    this.#server = createServer((incoming, outgoing) => {
      if (this.#next() < failingShare) {
        this.#failures += 1;
        incoming.resume();
        outgoing
          .writeHead(500, { 'content-type': 'application/x-amz-json-1.1' })
          .end('{"__type":"InternalServiceError"}');
        return;
      }
      const { method, url = '/', headers } = incoming;
      const options = { method, headers, signal: AbortSignal.timeout(10_000) };
      const onward = request(`${target}${url}`, options, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.writeHead(502).end());
      incoming.pipe(onward);
    });
  }

  get failures(): number {
    return this.#failures;
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Park and Miller's generator, from 0 to 1. */
  #next(): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state / 2_147_483_647;
  }
}
