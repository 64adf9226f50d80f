import { Command, Option } from 'commander';
import { admissionOptions, sessionOptions } from './settings.ts';
import type { SessionSettings } from './session.ts';
import { wantsColours } from './table.ts';

interface CheckSettings extends SessionSettings {
  readonly output: 'table' | 'json';
  readonly resolve?: boolean;
}

export function checkCommand(): Command {
  const command = new Command('check').description(
    'list every Secret that workloads refer to, what backs it and what would happen; exit code 1 when one cannot be had',
  );
  for (const option of [...sessionOptions(), ...admissionOptions()]) command.addOption(option);
  return command
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table'))
    .option('--resolve', 'really ask the backends; still nothing is written')
    .action(async (settings: CheckSettings) => {
      const { check, printJson, printTable } = await import('./check-report.ts');
      const report = await check(settings, settings.resolve !== true);
      process.stdout.write(settings.output === 'json' ? printJson(report) : printTable(report, wantsColours()));
      process.exitCode = report.every(({ isHad }) => isHad) ? 0 : 1;
    });
}
