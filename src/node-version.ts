const OLDEST_MAJOR = 24;

/** Refuses an older Node in one sentence, before anything else is loaded that would fail in a less helpful way. */
export function requireNode24(version: string = process.versions.node): void {
  if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return;
  process.stderr.write(
    `latchkey needs Node ${OLDEST_MAJOR} or later and runs on ${version}; in a checkout, "npm run latchkey -- …" brings the right one\n`,
  );
  process.exit(2);
}
