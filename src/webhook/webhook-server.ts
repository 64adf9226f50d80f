import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { NotAnAdmissionReview } from '../core/admission/review.ts';
import type { ServingCredentials } from '../ports/certificate-source.ts';
import type { Logger } from '../ports/logger.ts';
import type { MutateHandler } from './mutate-handler.ts';
import { drain } from './drain.ts';
import { readBody } from './read-body.ts';

/** The API server's own limit for a request is 3 MiB; a review may carry the object twice. */
const LARGEST_BODY_BYTES = 7 * 1024 * 1024;
/** Longer than the API server keeps an idle connection (90 s), so that it never writes into one that we are closing. */
const KEEP_ALIVE_MS = 150_000;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const MOST_CONNECTIONS = 2_048;

export interface WebhookServer {
  readonly port: number;
  /** New handshakes use the new certificate; open connections go on. The new path is answered beside nothing else. */
  reload(credentials: ServingCredentials): void;
  /** Stops accepting, lets what is in flight finish within the limit, closes the rest. */
  stop(graceMs: number): Promise<void>;
}

export interface WebhookServerOptions {
  readonly port: number;
  readonly host: string;
  readonly credentials: ServingCredentials;
  readonly handle: MutateHandler;
  readonly logger: Logger;
}

/** The TLS listener: one path, `POST /<path segment>/mutate`; anything else is 404 and touches nothing. */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  let { pathSegment } = options.credentials;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(only(() => `/${pathSegment}/mutate`, mutate(options.handle)));
  app.use((_request, response) => void response.status(404).end());
  app.use(answerFailure(options.logger));
  const server = createServer(
    {
      ...tlsOptions(options.credentials),
      minVersion: 'TLSv1.2',
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
    },
    app,
  );
  server.maxConnections = MOST_CONNECTIONS;
  await listen(server, options.port, options.host);
  return {
    port: (server.address() as AddressInfo).port,
    reload(credentials) {
      server.setSecureContext(tlsOptions(credentials));
      pathSegment = credentials.pathSegment;
    },
    stop: (graceMs) => drain(server, graceMs),
  };
}

/** Whoever does not know the path learns nothing: same answer as for a path that never was. No pattern: it costs every pod. */
function only(path: () => string, handle: (request: Request, response: Response) => Promise<void>): RequestHandler {
  return (request, response, next) => {
    if (request.method === 'POST' && request.path === path()) return handle(request, response);
    next();
    return undefined;
  };
}

function mutate(handle: MutateHandler) {
  return async (request: Request, response: Response): Promise<void> => {
    if (request.is('application/json') === false) {
      response.status(415).type('text').send('content-type must be application/json\n');
      return;
    }
    const body = await readBody(request, LARGEST_BODY_BYTES);
    if (body === undefined) {
      // The rest of the body is not read, so the connection cannot go on.
      response.status(413).set('connection', 'close').type('text').send('the request body is too large\n');
      return;
    }
    const { timeout } = request.query;
    const review = await handle(body, typeof timeout === 'string' ? timeout : undefined);
    // Not response.json: it looks up the content type's charset for every answer.
    const answer = JSON.stringify(review);
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
      .end(answer);
  };
}

function answerFailure(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    // Whoever hung up in the middle of a request gets no answer and is no failure of ours.
    if (response.socket?.destroyed !== false) return;
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof NotAnAdmissionReview) {
      response.status(400).type('text').send(`${error.message}\n`);
      return;
    }
    logger.error('answering a request failed', {}, error);
    response.status(500).end();
  };
}

function tlsOptions({ certificatePem, privateKeyPem }: ServingCredentials): { cert: string; key: string } {
  return { cert: certificatePem, key: privateKeyPem };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
