import { Command, CommanderError } from 'commander';
import { certsCommand } from './certs.ts';
import { checkCommand } from './check.ts';
import { injectCommand } from './inject.ts';
import { say, sentenceOf } from './sentences.ts';
import { serveCommand } from './serve.ts';
import { syncCommand } from './sync.ts';
import { VERSION, versionCommand } from './version.ts';

/** Usage mistakes and failures alike; 1 is for commands that ran, and found or left something wrong. */
const EXIT_FAILURE = 2;

/** Runs one command line and gives the exit code. Failures are one sentence on stderr. */
export async function run(argv: readonly string[]): Promise<number> {
  const program = new Command('latchkey')
    .description(
      'Secrets for pods, before the pod starts: a mutating admission webhook over external-secrets.io manifests.',
    )
    .version(VERSION)
    .showHelpAfterError('(latchkey --help shows the commands)')
    .exitOverride();
  for (const command of [
    serveCommand(),
    injectCommand(),
    checkCommand(),
    syncCommand(),
    certsCommand(),
    versionCommand(),
  ]) {
    program.addCommand(command.exitOverride());
  }
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_FAILURE;
    say(sentenceOf(error));
    return EXIT_FAILURE;
  }
}
