/** Everything that can be said about the code without running it. Every step runs, so that one failure hides no other. */
import { spawnSync } from 'node:child_process';

const steps: readonly (readonly [name: string, ...command: string[]])[] = [
  ['types', 'tsc', '-p', '.'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['format', 'prettier', '--check', '--log-level=warn', '.'],
  ['dead code', 'knip', '--no-progress'],
  ['go libraries', 'node', 'scripts/build-go.ts', '--check'],
];

const failed = steps.filter(([name, command = '', ...args]) => {
  const startedAtMs = performance.now();
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  if (error !== undefined) process.stderr.write(`${command} could not be started: ${error.message}\n`);
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  return status !== 0;
});
process.exitCode = failed.length === 0 ? 0 : 1;
