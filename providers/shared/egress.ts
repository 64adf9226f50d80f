/** How Latchkey connects to backends, in one place for every provider: the proxy, who is trusted, and what the guard says. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { LookupFunction } from 'node:net';
import { LatchkeyError } from '../../src/core/errors.ts';
import type { ClientContext } from '../../src/ports/provider.ts';

/** Shorter than the time after which servers and what stands before them close a connection that is not used. */
const IDLE_TIMEOUT_MS = 15_000;
const PROXY_URL = /^https?:$/;

export interface EgressOptions {
  /** Of a {@link GuardedUrl}. A proxy resolves names itself, so with one it is not asked. */
  readonly lookup?: LookupFunction | undefined;
  /** PEM of the only authorities to trust; `undefined` = Node's own and those in `NODE_EXTRA_CA_CERTS`. */
  readonly ca?: string | undefined;
  /** What this side shows of itself in the TLS handshake. */
  readonly identity?: TlsIdentity | undefined;
}

/** PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly key: string;
}

/** One agent for each scheme, as the AWS SDK's `NodeHttpHandler` takes them too. Neither follows redirects. */
export interface EgressAgents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

/**
 * Agents that go through the proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` of the environment name, in either case.
 * Whoever opens them destroys them.
 * @throws LatchkeyError `InvalidProviderConfig` for a proxy that is none: Node would go past it without a word.
 */
export function openEgress(environment: ClientContext['environment'], options: EgressOptions = {}): EgressAgents {
  const { lookup, ca, identity } = options;
  const shared = {
    keepAlive: true,
    timeout: IDLE_TIMEOUT_MS,
    proxyEnv: proxySettings(environment),
    ...(lookup && { lookup }),
  };
  const tls = { ...(ca !== undefined && { ca }), ...(identity && { cert: identity.certificate, key: identity.key }) };
  return { httpAgent: new HttpAgent(shared), httpsAgent: new HttpsAgent({ ...shared, ...tls }) };
}

function proxySettings(environment: ClientContext['environment']): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const name of ['https_proxy', 'http_proxy', 'no_proxy']) {
    const variable = environment[name] ? name : name.toUpperCase();
    const value = environment[variable];
    if (!value) continue;
    if (name !== 'no_proxy' && !isProxyUrl(value)) {
      throw new LatchkeyError('InvalidProviderConfig', `Latchkey's ${variable} must be of the form http://host:port`);
    }
    settings[name] = value;
  }
  return settings;
}

function isProxyUrl(text: string): boolean {
  return URL.canParse(text) && PROXY_URL.test(new URL(text).protocol);
}
