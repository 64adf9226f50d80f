import type { ValueStrategies } from '../../api/external-secrets.ts';
import { LatchkeyError } from '../errors.ts';
import { SecretValue } from '../secret-value.ts';

const ALPHABETS = {
  /** Go's base64.StdEncoding and URLEncoding, both with padding. */
  Base64: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  Base64URL: /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$/,
} as const;

/**
 * Decodes a value and looks for NUL bytes, as `decodingStrategy` and `nullBytePolicy` say. Line breaks inside base64 are
 * ignored, other whitespace is not. Auto takes what is valid base64 for base64, which many plain words are.
 *
 * @throws LatchkeyError `InvalidData`, without any of the value.
 */
export function decodeValue(value: SecretValue, { decodingStrategy, nullBytePolicy }: ValueStrategies): SecretValue {
  const decoded = decode(value, decodingStrategy);
  if (nullBytePolicy === 'Fail' && decoded.reveal().includes(0)) {
    throw new LatchkeyError('InvalidData', 'the value holds a NUL byte, which nullBytePolicy Fail forbids');
  }
  return decoded;
}

function decode(value: SecretValue, strategy: ValueStrategies['decodingStrategy']): SecretValue {
  if (strategy !== 'Auto' && strategy !== 'Base64' && strategy !== 'Base64URL') return value;
  const text = value
    .reveal()
    .toString('latin1')
    .replaceAll(/[\r\n]/g, '');
  if (strategy === 'Auto') return fromBase64(text, 'Base64') ?? fromBase64(text, 'Base64URL') ?? value;
  const decoded = fromBase64(text, strategy);
  if (decoded !== undefined) return decoded;
  throw new LatchkeyError('InvalidData', `the value is not what decodingStrategy ${strategy} decodes`);
}

function fromBase64(text: string, alphabet: keyof typeof ALPHABETS): SecretValue | undefined {
  if (!ALPHABETS[alphabet].test(text)) return undefined;
  return new SecretValue(Buffer.from(text, alphabet === 'Base64' ? 'base64' : 'base64url'));
}
