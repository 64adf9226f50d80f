// Makes the node's programs before the suites run in parallel: node test/support/node/install.ts
import { ensureNodeBinaries } from './binaries.ts';
import { whyNoNode } from './prerequisites.ts';

try {
  const reason = whyNoNode();
  if (reason === undefined) process.stdout.write(`${(await ensureNodeBinaries()).directory}\n`);
  else process.stderr.write(`latchkey: the suites on a real node will be skipped: ${reason}\n`);
} catch (error) {
  process.stderr.write(`latchkey: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
