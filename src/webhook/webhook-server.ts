import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { NotAnAdmissionReview } from '../core/admission/review.ts';
import type { ServingCredentials } from '../ports/certificate-source.ts';
import type { Logger } from '../ports/logger.ts';
import { limitConnections } from './connection-limit.ts';
import type { MutateHandler } from './mutate-handler.ts';
import { drain } from './drain.ts';
import { readBody } from './read-body.ts';

/** The API server's own limit for a request is 3 MiB; a review may carry the object twice. */
const LARGEST_BODY_BYTES = 7 * 1024 * 1024;
/** Longer than the API server keeps an idle connection (90 s), so that it never writes into one that we are closing. */
const KEEP_ALIVE_MS = 150_000;

/** What a connection may take before it has shown that it knows the way. */
export interface ConnectionLimits {
  /** TLS handshake done. */
  readonly handshakeMs: number;
  /** Headers of a request complete. */
  readonly headersMs: number;
  /** Body of a request complete. */
  readonly requestMs: number;
  readonly mostConnections: number;
}

const LIMITS: ConnectionLimits = { handshakeMs: 10_000, headersMs: 10_000, requestMs: 30_000, mostConnections: 2_048 };

type TlsOptions = Readonly<Record<'cert' | 'key', string> & { ca?: string }>;

export interface WebhookServer {
  readonly port: number;
  /** New handshakes use the new certificate; open connections go on. The new path is answered beside nothing else. */
  reload(credentials: ServingCredentials): void;
  /** New handshakes ask for a certificate of these authorities. Only for a server that was started with some. */
  trustCallersOf(clientAuthorityPem: string): void;
  /** Stops accepting, lets what is in flight finish within the limit, closes the rest. */
  stop(graceMs: number): Promise<void>;
}

export interface WebhookServerOptions {
  readonly port: number;
  readonly host: string;
  readonly credentials: ServingCredentials;
  readonly handle: MutateHandler;
  readonly logger: Logger;
  /** Given: whoever shows no certificate of these authorities does not get past the handshake. PEM. */
  readonly clientAuthorityPem?: string;
  readonly limits?: ConnectionLimits;
}

/** The TLS listener: one path, `POST /<path segment>/mutate`; anything else is 404 and touches nothing. */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const { limits = LIMITS } = options;
  const answer = mutate(options.handle);
  let { credentials, clientAuthorityPem } = options;
  const tls = (): TlsOptions => ({
    cert: credentials.certificatePem,
    key: credentials.privateKeyPem,
    ...(clientAuthorityPem !== undefined && { ca: clientAuthorityPem }),
  });
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(
    only(
      () => `/${credentials.pathSegment}/mutate`,
      (request, response) => {
        knowsTheWay(request.socket);
        return answer(request, response);
      },
    ),
  );
  app.use((_request, response) => void response.status(404).end());
  app.use(answerFailure(options.logger));
  const server = createServer(
    {
      ...tls(),
      ...(clientAuthorityPem !== undefined && { requestCert: true, rejectUnauthorized: true }),
      minVersion: 'TLSv1.2',
      handshakeTimeout: limits.handshakeMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      // How often the two above are looked at; the default is 30 s.
      connectionsCheckingInterval: Math.min(limits.headersMs, limits.requestMs) / 4,
    },
    app,
  );
  const knowsTheWay = limitConnections(server, limits.mostConnections);
  await listen(server, options.port, options.host);
  return {
    port: (server.address() as AddressInfo).port,
    reload(next) {
      credentials = next;
      server.setSecureContext(tls());
    },
    trustCallersOf(pem) {
      clientAuthorityPem = pem;
      server.setSecureContext(tls());
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

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
