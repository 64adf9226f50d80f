// Gets every control-plane binary before the suites run in parallel: node test/support/control-plane/install.ts [name …]
import { ensureBinaries } from './binaries.ts';
import { binaryNames, controlPlaneBinaries, type BinaryName } from './versions.ts';

function toBinaryName(word: string): BinaryName {
  const name = binaryNames.find((known) => known === word);
  if (name === undefined) throw new Error(`unknown binary ${word}; known are ${binaryNames.join(', ')}`);
  return name;
}

try {
  const asked = process.argv.slice(2).map(toBinaryName);
  for (const path of (await ensureBinaries(asked.length > 0 ? asked : controlPlaneBinaries)).values()) {
    process.stdout.write(`${path}\n`);
  }
} catch (error) {
  process.stderr.write(`latchkey: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
