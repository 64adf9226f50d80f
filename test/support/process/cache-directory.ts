import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** A path under Latchkey's own part of the user's cache (`$XDG_CACHE_HOME/latchkey` or `~/.cache/latchkey`). Nothing is created. */
export function cacheDirectory(...segments: readonly string[]): string {
  const configured = process.env['XDG_CACHE_HOME'];
  // The XDG specification has relative paths ignored.
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.cache');
  return join(base, 'latchkey', ...segments);
}
