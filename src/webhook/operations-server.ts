import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { drain } from './drain.ts';

export interface OperationsServer {
  readonly port: number;
  stop(graceMs: number): Promise<void>;
}

export interface OperationsServerOptions {
  readonly port: number;
  readonly host: string;
  /** What is missing for readiness, in words; empty = ready. */
  readonly notReadyBecause: () => readonly string[];
  readonly renderMetrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

/** Plain HTTP for probes and scrapes: `/healthz`, `/readyz`, `/metrics`. Carries nothing about pods or secrets. */
export async function startOperationsServer(options: OperationsServerOptions): Promise<OperationsServer> {
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_request, response) => void response.type('text').send('ok\n'));
  app.get('/readyz', (_request, response) => {
    const missing = options.notReadyBecause();
    const text = missing.length === 0 ? 'ok\n' : `not ready: ${missing.join(', ')}\n`;
    response
      .status(missing.length === 0 ? 200 : 503)
      .type('text')
      .send(text);
  });
  app.get('/metrics', async (_request, response) => {
    const { contentType, text } = await options.renderMetrics();
    response.set('content-type', contentType).send(text);
  });
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, stop: (graceMs) => drain(server, graceMs) };
}
