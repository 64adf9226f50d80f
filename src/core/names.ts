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
