import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };

export const VERSION: string = packageJson.version;

export function versionCommand(): Command {
  return new Command('version').description('print the version of Latchkey and of the Node it runs on').action(() => {
    process.stdout.write(`latchkey ${VERSION} (Node ${process.version})\n`);
  });
}
