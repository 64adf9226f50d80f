import { Agent, request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { KubeConfig } from '@kubernetes/client-node';
import { LatchkeyError } from '../../core/errors.ts';
import { describeAnswer, refusalOf, type ApiAnswer } from './api-refusal.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query below the server's root. */
  readonly path: string;
  readonly body?: object;
  readonly contentType?: string;
  /** What is being done, for messages: `get Secret "default/db"`. */
  readonly what: string;
  readonly signal: AbortSignal;
}

/** Sockets to the API server; more requests than this wait for one. */
const MOST_SOCKETS = 64;
const STREAM_OPENS_WITHIN_MS = 5_000;
/** Larger than any object etcd takes. */
const LONGEST_LINE_CHARACTERS = 16 * 1024 * 1024;
/** Larger than any object etcd takes (1.5 MiB), small enough to bound a LIST of one namespace. */
const LARGEST_ANSWER_BYTES = 512 * 1024 * 1024;

/**
 * Requests to one API server over kept-alive connections. Raw JSON in and out: the generated clients drop fields that
 * they do not know.
 */
export class ApiClient {
  readonly #kubeConfig: KubeConfig;
  readonly #server: URL;
  #agent: Agent | undefined;
  #streamAgent: Agent | undefined;

  constructor(kubeConfig: KubeConfig) {
    const cluster = kubeConfig.getCurrentCluster();
    if (cluster === null) throw new LatchkeyError('ClusterRejected', 'the kubeconfig names no current cluster');
    this.#kubeConfig = kubeConfig;
    this.#server = new URL(cluster.server);
  }

  /**
   * @returns any answer that is not a failure of the way there or of rights; 404, 409 and 422 are the caller's to judge.
   * @throws LatchkeyError `ClusterUnavailable`, `ClusterForbidden` or `QuotaExceeded`.
   */
  async send(apiRequest: ApiRequest): Promise<ApiAnswer> {
    const answer = await this.#exchange(apiRequest);
    const { what } = apiRequest;
    const refusal = refusalOf(answer, what);
    if (refusal !== undefined) throw refusal;
    return answer;
  }

  /** @throws LatchkeyError `ClusterRejected` unless the status says success. */
  static assertSuccess(answer: ApiAnswer, what: string): void {
    if (answer.status >= 300) {
      throw new LatchkeyError('ClusterRejected', `the API server refused to ${what} (${describeAnswer(answer)})`);
    }
  }

  /**
   * Reads a stream of JSON objects, one a line, and resolves when it ends: by the server, or after `silenceMs` without a
   * byte, which is how a connection that died without a word is noticed. It gets a connection of its own, since a kept one may
   * have died like that already.
   * @throws LatchkeyError as {@link send} does, also when the connection breaks.
   */
  async stream(
    apiRequest: ApiRequest,
    { silenceMs, onObject }: { readonly silenceMs: number; readonly onObject: (object: unknown) => void },
  ): Promise<void> {
    const incoming = await this.#open(apiRequest, STREAM_OPENS_WITHIN_MS);
    if (incoming.statusCode !== 200) {
      const answer = { status: incoming.statusCode ?? 0, body: await this.#read(incoming, apiRequest) };
      throw new LatchkeyError(
        'ClusterUnavailable',
        `the API server did not ${apiRequest.what} (${describeAnswer(answer)})`,
      );
    }
    let isSilent = false;
    incoming.setTimeout(silenceMs, () => {
      isSilent = true;
      incoming.destroy();
    });
    let rest = '';
    try {
      for await (const chunk of incoming.setEncoding('utf8') as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > LONGEST_LINE_CHARACTERS) throw new Error('line too long');
        for (const line of lines) if (line !== '') onObject(JSON.parse(line));
      }
    } catch (error) {
      if (!isSilent) throw unavailable(apiRequest, error);
    }
  }

  /** Whom Latchkey's own token, if it uses one, is for: this API server. */
  async audiences(): Promise<readonly string[]> {
    const options: RequestOptions = {};
    await this.#kubeConfig.applyToHTTPSOptions(options);
    const { Authorization: authorization = '' } = (options.headers ?? {}) as Record<string, string>;
    const [, payload = ''] = /^Bearer [^.]+\.([^.]+)\.[^.]+$/.exec(authorization) ?? [];
    if (payload === '') return [];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as {
      aud?: string | readonly string[];
    };
    return [claims.aud ?? []].flat();
  }

  close(): void {
    this.#agent?.destroy();
    this.#streamAgent?.destroy();
  }

  async #exchange(apiRequest: ApiRequest): Promise<ApiAnswer> {
    const incoming = await this.#open(apiRequest);
    return { status: incoming.statusCode ?? 0, body: await this.#read(incoming, apiRequest) };
  }

  /**
   * Sends the request; resolves with the answer's head.
   * @param streamWithinMs given for a stream: its head comes at once, whatever time its signal leaves.
   */
  async #open(apiRequest: ApiRequest, streamWithinMs?: number): Promise<IncomingMessage> {
    const { method, path, body, contentType, signal } = apiRequest;
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const options: RequestOptions = { method, signal };
    try {
      // Asked for each request: tokens of service accounts and exec plug-ins change while we run.
      await this.#kubeConfig.applyToHTTPSOptions(options);
      options.headers = {
        accept: 'application/json',
        ...(options.headers as Record<string, string> | undefined),
        ...(payload === undefined
          ? {}
          : { 'content-type': contentType ?? 'application/json', 'content-length': payload.length }),
      };
      const agent = this.#agentFor(options);
      options.agent = streamWithinMs === undefined ? agent : this.#streamAgent;
      const base = this.#server.pathname.replace(/\/$/, '');
      return await transfer(new URL(`${this.#server.origin}${base}${path}`), options, payload, streamWithinMs);
    } catch (error) {
      throw unavailable(apiRequest, error);
    }
  }

  async #read(incoming: IncomingMessage, apiRequest: ApiRequest): Promise<unknown> {
    try {
      return await readJson(incoming);
    } catch (error) {
      throw unavailable(apiRequest, error);
    }
  }

  #agentFor(options: RequestOptions): Agent {
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const given = options.agent instanceof Agent ? options.agent.options : {};
    const identity = Object.fromEntries(
      Object.entries({ ca, cert, key, rejectUnauthorized, servername }).filter(([, value]) => value !== undefined),
    );
    this.#agent ??= new Agent({ ...given, ...identity, keepAlive: true, maxSockets: MOST_SOCKETS });
    this.#streamAgent ??= new Agent({ ...given, ...identity, keepAlive: false });
    return this.#agent;
  }
}

function transfer(
  url: URL,
  options: RequestOptions,
  payload: Buffer | undefined,
  headWithinMs?: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, (incoming) => {
      clearTimeout(impatience);
      resolve(incoming);
    });
    const giveUp = (): void => void outgoing.destroy(new Error('no answer'));
    const impatience = headWithinMs === undefined ? undefined : setTimeout(giveUp, headWithinMs);
    outgoing.on('error', (error) => {
      clearTimeout(impatience);
      reject(error);
    });
    outgoing.end(payload);
  });
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > LARGEST_ANSWER_BYTES) throw new Error('answer too large');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  // Proxies and aggregated servers may answer plain text; its content is never shown.
  return text.startsWith('{') ? JSON.parse(text) : undefined;
}

function unavailable({ what, signal }: ApiRequest, error: unknown): LatchkeyError {
  const cause = signal.aborted ? 'no answer within the time left' : transportWord(error);
  return new LatchkeyError('ClusterUnavailable', `the API server could not be asked to ${what} (${cause})`, {
    cause: error,
  });
}

function transportWord(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(code) ? code : 'connection failed';
}
