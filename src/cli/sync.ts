import { Command, Option } from 'commander';
import { syncOptions } from './settings.ts';
import type { SyncSettings } from './sync-run.ts';
import { wantsColours } from './table.ts';

export function syncCommand(): Command {
  const command = new Command('sync')
    .description(
      'bring Secrets up to date with their backends, once, and look at the stores; exit code 1 when something failed or was not tried',
    )
    .argument('[names...]', 'ExternalSecrets, as namespace/name (default: all)');
  for (const option of syncOptions()) command.addOption(option);
  return command
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table'))
    .action(async (names: readonly string[], settings: SyncSettings & { readonly output: 'table' | 'json' }) => {
      const [{ isGood, sync }, { printSyncJson, printSyncTable }] = await Promise.all([
        import('./sync-run.ts'),
        import('./sync-report.ts'),
      ]);
      const report = await sync(settings, names);
      process.stdout.write(settings.output === 'json' ? printSyncJson(report) : printSyncTable(report, wantsColours()));
      process.exitCode = [...report.stores, ...report.externalSecrets].every(isGood) ? 0 : 1;
    });
}
