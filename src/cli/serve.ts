import { Command } from 'commander';
import { serveOptions, type ServeSettings } from './settings.ts';

export function serveCommand(): Command {
  const command = new Command('serve').description('run the webhook and the reconciler').allowExcessArguments(false);
  for (const option of serveOptions()) command.addOption(option);
  return command.action(async (settings: ServeSettings) => {
    const { serve } = await import('../serve.ts');
    await serve(settings, process.env);
  });
}
