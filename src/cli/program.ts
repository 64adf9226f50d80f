import { Command, CommanderError } from 'commander';
import { InvalidSetting } from '../config/settings.ts';
import { LatchkeyError } from '../core/errors.ts';
import { certsCommand } from './certs.ts';
import { checkCommand } from './check.ts';
import { injectCommand } from './inject.ts';
import { serveCommand } from './serve.ts';
import { VERSION, versionCommand } from './version.ts';

/** Usage mistakes and failures alike; `check` alone uses 1 for "cannot be resolved". */
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
  for (const command of [serveCommand(), injectCommand(), checkCommand(), certsCommand(), versionCommand()]) {
    program.addCommand(command.exitOverride());
  }
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_FAILURE;
    const message = sentenceOf(error);
    process.stderr.write(`latchkey: ${message}\n`);
    return EXIT_FAILURE;
  }
}

/** Of errors that are not ours only the type and code are shown; their text may quote what they choked on. */
function unexpected(error: unknown): string {
  const { name = typeof error, code } = error as { name?: string; code?: string };
  return `failed unexpectedly (${name}${code === undefined ? '' : ` ${code}`})`;
}

function sentenceOf(error: unknown): string {
  if (error instanceof InvalidSetting) return error.message;
  return error instanceof LatchkeyError ? `${error.message} [${error.code}]` : unexpected(error);
}
