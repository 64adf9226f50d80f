/**
 * Every test. Without arguments: installs what the suites need (Kubernetes binaries, moto, OpenBao), then runs all of them; with
 * arguments: these files only. Closes with node:test's own count.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const given = process.argv.slice(2);
const files = given.length > 0 ? given : globSync('test/**/*.test.ts').sort();
/** What each installer makes, by the suites that need it. */
const installers: Readonly<Record<string, RegExp>> = {
  'control-plane': /^(\.\/)?test\/(cluster|e2e)\//,
  node: /^(\.\/)?test\/e2e\//,
  moto: /^(\.\/)?test\/(cluster|backends|contract|e2e)\//,
  openbao: /^(\.\/)?test\/(backends|contract|e2e)\//,
};

for (const [installer, suites] of Object.entries(installers)) {
  if (!files.some((file) => suites.test(file))) continue;
  const { status } = spawnSync(process.execPath, [`test/support/${installer}/install.ts`], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    // A hang is a failure with a name, long before CI gives up.
    '--test-timeout=300000',
    `--test-concurrency=${Math.max(1, Math.min(2, availableParallelism()))}`,
    ...files,
  ],
  { stdio: 'inherit', env: { ...process.env, NODE_ENV: 'test' } },
);
process.exitCode = status ?? 1;
