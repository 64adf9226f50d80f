import { Command } from 'commander';
import { admissionOptions, sessionOptions } from './settings.ts';
import type { SessionSettings } from './session.ts';

export function injectCommand(): Command {
  const command = new Command('inject').description(
    'print pods, or the pod templates of workloads, as admission would leave them; asks no backend, writes nothing',
  );
  for (const option of [...sessionOptions(), ...admissionOptions()]) command.addOption(option);
  return command.action(async (settings: SessionSettings) => {
    process.exitCode = (await inject(settings)) ? 0 : 1;
  });
}

/** False when a workload would be denied; what it would say goes to stderr. */
async function inject(settings: SessionSettings): Promise<boolean> {
  const [{ openSession }, { printDocument }, { withProvenance }, { asLatchkeyError }] = await Promise.all([
    import('./session.ts'),
    import('../cluster/folder/yaml.ts'),
    import('../core/admission/patch.ts'),
    import('../core/errors.ts'),
  ]);
  const session = await openSession(settings);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  let isAllowed = true;
  const deny = (message: string): void => {
    isAllowed = false;
    say(message);
  };
  for (const workload of session.workloads) {
    try {
      const review = await session.review(workload, true);
      let { object } = workload;
      if (review.state === 'reviewed') {
        const { decision } = review;
        decision.warnings.forEach(say);
        if (!decision.allowed) {
          deny(decision.message);
          continue;
        }
        object = workload.withPod(withProvenance(workload.pod, decision.status, decision.versions));
      }
      process.stdout.write(printDocument(object));
    } catch (cause) {
      const error = asLatchkeyError(cause);
      deny(`latchkey: ${workload.description}: ${error.message} [${error.code}]`);
    }
  }
  await session.close();
  return isAllowed;
}
