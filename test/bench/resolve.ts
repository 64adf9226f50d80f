/** What an ExternalSecret costs from the provider's answer to the Secret that is to be written, beside the least it could cost. */
import { join } from 'node:path';
import { runCommandOrThrow } from '../support/process/run-command.ts';
import { median } from './statistics.ts';

const VARIANTS = ['floor', 'plain', 'gjson path', 'regexp rewrite', 'template'] as const;
const COUNTS = [1, 100, 10_000] as const;
const CHILD = join(import.meta.dirname, 'resolve-child.ts');
/** Items in all rounds of one process together, and the rounds that there are at least. */
const ITEMS = 100_000;
const FEWEST_ROUNDS = 10;
const MOST_ROUNDS = 2_000;
/** Room for all that a round allocates, so that nothing is collected before it is counted. */
const NO_COLLECTION = ['--expose-gc', '--min-semi-space-size=1024', '--max-semi-space-size=1024'];

export type ResolveVariant = (typeof VARIANTS)[number];

/** Per item. */
export interface RoundResult {
  readonly wallUs: number;
  /** Of all threads: the Go libraries run in one of their own. */
  readonly cpuUs: number;
  readonly allocatedBytes: number;
}

export interface ResolveResult {
  readonly variant: ResolveVariant;
  readonly count: number;
  /** Per item. Others use the machine too, so CPU time, and of that the fastest round, says most. */
  readonly cpuUs: { readonly fastest: number; readonly median: number };
  readonly fastestWallUs: number;
  readonly allocatedBytes: number;
  /** Of the process, the documents of all items included. */
  readonly peakResidentMb: number;
}

export async function benchResolve(log: (line: string) => void): Promise<readonly ResolveResult[]> {
  const results: ResolveResult[] = [];
  for (const count of COUNTS) {
    for (const variant of VARIANTS) {
      log(`${variant}, ${count}`);
      const rounds = Math.max(FEWEST_ROUNDS, Math.min(MOST_ROUNDS, Math.ceil(ITEMS / count)));
      const timed = await child([], variant, count, rounds);
      const counted = await child(NO_COLLECTION, variant, count, 9);
      const cpuUs = timed.rounds.map((round) => round.cpuUs);
      results.push({
        ...{ variant, count },
        cpuUs: { fastest: Math.min(...cpuUs), median: median(cpuUs) },
        fastestWallUs: Math.min(...timed.rounds.map(({ wallUs }) => wallUs)),
        allocatedBytes: median(counted.rounds.map(({ allocatedBytes }) => allocatedBytes)),
        peakResidentMb: timed.peakResidentMb,
      });
    }
  }
  return results;
}

async function child(flags: readonly string[], variant: ResolveVariant, count: number, rounds: number) {
  const args = [...flags, CHILD, variant, String(count), String(rounds)];
  const { stdout } = await runCommandOrThrow(process.execPath, args, { timeoutMs: 300_000 });
  return JSON.parse(stdout) as { readonly rounds: readonly RoundResult[]; readonly peakResidentMb: number };
}
