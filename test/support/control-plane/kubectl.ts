import { runCommand, type CommandResult } from '../process/run-command.ts';
import type { ControlPlane } from './types.ts';

export interface KubectlOptions {
  /** Default: the administrator's. */
  readonly kubeconfigFile?: string;
  /** Given on standard input, for `-f -`. An object is written as JSON. */
  readonly input?: string | object;
  readonly timeoutMs?: number;
}

/** Runs kubectl against the control plane, whatever its exit code. Its home is the control plane's directory, so that it leaves no cache behind. */
export function kubectl(
  controlPlane: ControlPlane,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<CommandResult> {
  const { input } = options;
  return runCommand(controlPlane.kubectlFile, args, {
    env: {
      PATH: process.env['PATH'],
      HOME: controlPlane.directory,
      KUBECONFIG: options.kubeconfigFile ?? controlPlane.kubeconfigFile,
    },
    input: typeof input === 'object' ? JSON.stringify(input) : input,
    timeoutMs: options.timeoutMs ?? 30_000,
  });
}

/** Like {@link kubectl}, but a failure is an error with what kubectl said, and only standard output is returned. */
export async function kubectlOrThrow(
  controlPlane: ControlPlane,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await kubectl(controlPlane, args, options);
  if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')} ended with exit code ${exitCode}: ${stderr.trim()}`);
  return stdout;
}
