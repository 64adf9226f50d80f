import { Command } from 'commander';
import type { InjectSettings } from './inject-manifests.ts';
import { admissionOptions, sessionOptions } from './settings.ts';

export function injectCommand(): Command {
  const command = new Command('inject').description(
    'print manifests with their pods, or the pod templates of workloads, as admission would leave them; everything else passes through; asks no backend, writes nothing',
  );
  for (const option of [...sessionOptions(), ...admissionOptions()]) command.addOption(option);
  return command
    .option('--diff', 'print only what would change, as a unified diff')
    .action(async (settings: InjectSettings) => {
      const { inject } = await import('./inject-manifests.ts');
      process.exitCode = (await inject(settings)) ? 0 : 1;
    });
}
