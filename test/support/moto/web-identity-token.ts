import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';

/** What an OIDC provider and a role's trust policy say, as far as AWS STS looks at it. */
export interface Trust {
  readonly issuer: string;
  readonly keys: readonly JsonWebKey[];
  readonly audience: string;
  /** Role's ARN → the only subject that may assume it. */
  readonly subjects: Readonly<Record<string, string>>;
}

export interface Refusal {
  /** As STS names it. */
  readonly code: 'InvalidIdentityToken' | 'ExpiredTokenException' | 'AccessDenied';
  readonly why: string;
}

/** Judges a token as AWS STS does before it gives a role away. @returns undefined when it is good. */
export function judgeToken(token: string, role: string, trust: Trust, nowMs = Date.now()): Refusal | undefined {
  const invalid = (why: string): Refusal => ({ code: 'InvalidIdentityToken', why });
  const [head = '', body = '', signature = '', ...more] = token.split('.');
  const [header, claims] = [readJson(head), readJson(body)];
  if (header === undefined || claims === undefined || more.length > 0) return invalid('it is no JWT');
  if (header['alg'] !== 'RS256') return invalid('it is not signed with RS256');
  const key = trust.keys.find(({ kid }) => kid === header['kid']);
  if (key === undefined) return invalid('its key is not the issuer’s');
  const publicKey = createPublicKey({ key, format: 'jwk' });
  const signed = Buffer.from(`${head}.${body}`);
  if (!verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))) return invalid('it is forged');
  if (claims['iss'] !== trust.issuer) return invalid('it comes from another issuer');
  if (![claims['aud']].flat().includes(trust.audience)) return invalid('it is for another audience');
  if (Number(claims['nbf'] ?? 0) * 1000 > nowMs + 60_000) return invalid('it is not good yet');
  if (!(Number(claims['exp']) * 1000 > nowMs)) return { code: 'ExpiredTokenException', why: 'it has expired' };
  if (trust.subjects[role] === claims['sub']) return undefined;
  return { code: 'AccessDenied', why: 'the role does not trust its subject' };
}

function readJson(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  } catch {
    // Whatever the parser says, it is no JSON.
    return undefined;
  }
}
