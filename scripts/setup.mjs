// Brings node_modules (and with it Node 24) to what package-lock.json says. Plain JavaScript, because it is the one
// script that runs under whatever Node ≥ 20 the machine has; npm scripts started after it find node_modules/.bin/node.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const stampFile = join(root, 'node_modules', '.latchkey-setup');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== wanted) {
  process.stderr.write('latchkey: installing the packages that package-lock.json names …\n');
  // Not `npm ci`: it refuses a lock file that lacks a binding for some other platform which the registry at hand does not
  // serve. `install --no-save` takes the same locked versions and hashes, and changes no file.
  const { status, error } = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) {
    process.stderr.write(`latchkey: npm install failed${error ? `: ${error.message}` : ''}; see its message above.\n`);
    process.exit(1);
  }
  writeFileSync(stampFile, wanted);
}

// On Linux x64 and arm64 npm has just brought Node 24; elsewhere the machine's own has to do.
const hasOwnNode = existsSync(join(root, 'node_modules', '.bin', 'node'));
if (!hasOwnNode && Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(
    `latchkey: Node 24 or later is needed on this platform, and this is ${process.versions.node}.\n`,
  );
  process.exit(1);
}
