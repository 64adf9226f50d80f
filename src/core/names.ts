/** Names out of manifests and backends, safe to print: control characters become `?`, long ones are cut visibly. */
export function printable(name: string, limitCharacters = 256): string {
  const clean = name.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
  return clean.length <= limitCharacters
    ? clean
    : `${clean
        .slice(0, limitCharacters - 1)
        .toWellFormed()
        .replace(/\uFFFD$/, '')}…`;
}
