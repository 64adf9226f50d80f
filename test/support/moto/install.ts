// Installs moto before the suites run in parallel: node test/support/moto/install.ts
import { ensureMotoEnvironment } from './environment.ts';

try {
  process.stdout.write(`${await ensureMotoEnvironment()}\n`);
} catch (error) {
  process.stderr.write(`latchkey: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
