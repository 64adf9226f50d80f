import { isIPv6 } from 'node:net';
import { parseDurationMs } from '../core/duration.ts';
import { isLabelName } from '../core/names.ts';

/** Why a flag or environment variable cannot be used: one sentence that names it. */
export class InvalidSetting extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvalidSetting';
  }
}

/** A Go duration that is not negative, in ms. */
export function parseDurationSetting(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs === undefined || durationMs < 0) {
    throw new InvalidSetting(`"${text}" is not a duration such as 24h, 90s or 0s`);
  }
  return durationMs;
}

/** A whole number from 1 to 1000. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,4}$/.test(text) || count < 1 || count > 1_000) {
    throw new InvalidSetting(`"${text}" is not a whole number from 1 to 1000`);
  }
  return count;
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidSetting(`"${text}" is not a port (0 to 65535)`);
  return port;
}

/** `https://host:port`, without a path: the secret path segment is added when it is known. */
export function parseWebhookUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== 'https:' || url.pathname !== '/') {
    throw new InvalidSetting(`"${text}" is not of the form https://host:port`);
  }
  return url;
}

/** Host names and addresses separated by commas, as `URL.hostname` spells them: lower case, punycode, IPv6 in brackets. */
export function parseHosts(text: string): readonly string[] {
  const hosts = text.split(',').map((host) => host.trim());
  return hosts.filter(Boolean).map((host) => {
    const literal = isIPv6(host) ? `[${host}]` : host;
    // A scheme, user, port or path would be read and have no effect.
    const isBare = /^(\[[^\]]*\]|[^:/\\@?#*]+)$/.test(literal);
    if (!isBare || !URL.canParse(`https://${literal}`)) {
      throw new InvalidSetting(`"${host}" is not a host name or address, without scheme and port`);
    }
    return new URL(`https://${literal}`).hostname;
  });
}

/** Names of namespaces, comma-separated. @throws InvalidSetting */
export function parseNamespaces(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  return names.filter(Boolean).map((name) => {
    if (!isLabelName(name)) throw new InvalidSetting(`"${name}" is no namespace’s name`);
    return name;
  });
}

/** Names separated by commas. */
export function parseNames(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}

/** What stands around an action of a template. */
export function parseDelimiter(text: string): string {
  if (text.trim() === '') throw new InvalidSetting('a delimiter of templates cannot be empty');
  return text;
}
