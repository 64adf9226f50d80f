import { Command } from 'commander';
import type { RenderSettings } from './render-run.ts';
import { renderOptions } from './settings.ts';

export function renderCommand(): Command {
  const command = new Command('render').description(
    'print the Secrets that ExternalSecrets would make, with values redacted; asks the backends, writes nothing; exit code 1 when one cannot be made',
  );
  for (const option of renderOptions()) command.addOption(option);
  return command
    .option('--show-values', 'print the values themselves')
    .action(async (settings: RenderSettings & { readonly showValues?: boolean }) => {
      const [{ render }, { printSecret, printFailure }] = await Promise.all([
        import('./render-run.ts'),
        import('./render-report.ts'),
      ]);
      const all = await render(settings);
      for (const { externalSecret, outcome } of all) {
        if ('error' in outcome) process.stderr.write(printFailure(externalSecret, outcome.error));
        else process.stdout.write(printSecret(externalSecret, outcome.secret, settings.showValues === true));
      }
      process.exitCode = all.some(({ outcome }) => 'error' in outcome) ? 1 : 0;
    });
}
