const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const WHOLE_LABEL = new RegExp(`^${LABEL}$`);
const WHOLE_SUBDOMAIN = new RegExp(`^${LABEL}(\\.${LABEL})*$`);

/** RFC 1123 label: what namespaces and containers are called. */
export function isLabelName(name: string): boolean {
  return name.length <= 63 && WHOLE_LABEL.test(name);
}

/** RFC 1123 subdomain: what most other objects are called. */
export function isSubdomainName(name: string): boolean {
  return name.length <= 253 && WHOLE_SUBDOMAIN.test(name);
}

/** Names out of manifests and backends, safe to print: control characters become `?`, long ones are cut visibly. */
export function printable(name: unknown, limitCharacters = 256): string {
  // Manifests that no API server has seen may have anything there.
  const text = typeof name === 'string' ? name : typeof name === 'number' ? String(name) : '?';
  const clean = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
  return clean.length <= limitCharacters
    ? clean
    : `${clean
        .slice(0, limitCharacters - 1)
        .toWellFormed()
        .replace(/\uFFFD$/, '')}…`;
}

const NAME_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** What labels and annotations are called: a part of at most 63 characters, perhaps behind a subdomain and a slash. */
export function isQualifiedName(name: string): boolean {
  const slash = name.indexOf('/');
  const part = name.slice(slash + 1);
  const hasPrefix = slash >= 0;
  return (!hasPrefix || isSubdomainName(name.slice(0, slash))) && part.length <= 63 && NAME_PART.test(part);
}

export function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && NAME_PART.test(value));
}
