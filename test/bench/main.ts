/**
 * Measurements, as ratios against a baseline of the same run.
 *   npm run bench -- admission [--pods 1000] [--json FILE]
 *   npm run bench -- pods [--pods 30] [--json FILE]
 *   npm run bench -- resolve [--json FILE]
 *   npm run bench -- providers [--keys 1000] [--json FILE]
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { cpus, totalmem } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { benchPods, type PodsResult } from './pods.ts';
import { benchResolve, type ResolveResult } from './resolve.ts';
import { benchAdmission, type AdmissionResult, type VariantResult } from './admission.ts';
import { benchProviders, type ProvidersResult } from './providers.ts';

interface Settings {
  readonly pods: number;
  readonly json: string;
}

const print = (line = ''): void => void process.stdout.write(`${line}\n`);

const program = new Command('npm run bench --').description('measure Latchkey against a baseline of the same run');
program
  .command('admission')
  .description(
    'pod creates on a real API server: no webhook, the floor, Latchkey warm and cold, in bursts and beside a backend that hangs',
  )
  .option('--pods <count>', 'pods of each variant, for each number of clients', parseCount, 1_000)
  .option('--json <file>', 'where the figures are written', 'bench-results/admission.json')
  .action(async ({ pods, json }: Settings) => {
    const result = await benchAdmission({ pods, log: (line) => void process.stderr.write(`${line}\n`) });
    printTable(result);
    await writeFigures(json, result);
  });
program
  .command('pods')
  .description('create to Running on a real node: without Latchkey, warm and cold')
  .option('--pods <count>', 'pods of each variant, for each number at once', parseCount, 30)
  .option('--json <file>', 'where the figures are written', 'bench-results/pods.json')
  .action(async ({ pods, json }: Settings) => {
    const result = await benchPods({ pods, log: (line) => void process.stderr.write(`${line}\n`) });
    printStarts(result);
    await writeFigures(json, result);
  });
program
  .command('resolve')
  .description('ExternalSecrets from the provider’s answer to the Secret that is to be written, without a cluster')
  .option('--json <file>', 'where the figures are written', 'bench-results/resolve.json')
  .action(async ({ json }: Settings) => {
    const items = await benchResolve((line) => void process.stderr.write(`${line}\n`));
    printItems(items);
    await writeFigures(json, { items });
  });
program
  .command('providers')
  .description('a thousand keys that each provider is asked for at once: calls, time, memory of the SDK')
  .option('--keys <count>', 'distinct keys', parseCount, 1_000)
  .option('--json <file>', 'where the figures are written', 'bench-results/providers.json')
  .action(async ({ keys, json }: { readonly keys: number; readonly json: string }) => {
    const result = await benchProviders({ keys, log: (line) => void process.stderr.write(`${line}\n`) });
    printReadings(result);
    await writeFigures(json, result);
  });
await program.parseAsync();

async function writeFigures(json: string, result: object): Promise<void> {
  const file = resolve(json);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ machine: machine(), ...result }, undefined, 2)}\n`);
  print(`\nFigures written to ${json}`);
}

function printStarts({ starts, crowd }: PodsResult): void {
  print(machine());
  print(`${'variant'.padEnd(22)}at once   median ms   p90 ms   median ÷ without`);
  for (const { variant, atOnce, medianMs, p90Ms } of starts) {
    const baseline = starts.find((other) => other.atOnce === atOnce && other.variant === 'without Latchkey');
    const figures = [
      String(atOnce).padStart(7),
      medianMs.toFixed(0).padStart(12),
      p90Ms.toFixed(0).padStart(9),
      shown(medianMs / (baseline?.medianMs ?? Number.NaN), 3).padStart(19),
    ];
    print(variant.padEnd(22) + figures.join(''));
  }
  const { pods, mostResidentMb, cpuMsPerPod } = crowd;
  print(
    `\nLatchkey while ${pods} pods start: at most ${mostResidentMb.toFixed(0)} MB RSS, ${cpuMsPerPod.toFixed(1)} ms CPU a pod`,
  );
}

function printItems(items: readonly ResolveResult[]): void {
  print(machine());
  print(`${'variant'.padEnd(16)}  items   CPU µs   median   ÷ floor   wall µs   KB/item   peak RSS MB`);
  for (const { variant, count, cpuUs, fastestWallUs, allocatedBytes, peakResidentMb } of items) {
    const floor = items.find((other) => other.count === count && other.variant === 'floor');
    const figures = [
      String(count).padStart(7),
      cpuUs.fastest.toFixed(1).padStart(9),
      cpuUs.median.toFixed(1).padStart(9),
      shown(cpuUs.fastest / (floor?.cpuUs.fastest ?? Number.NaN), 1).padStart(10),
      fastestWallUs.toFixed(1).padStart(10),
      (allocatedBytes / 1_000).toFixed(1).padStart(10),
      peakResidentMb.toFixed(0).padStart(14),
    ];
    print(variant.padEnd(16) + figures.join(''));
  }
}

function printReadings({ readings }: ProvidersResult): void {
  print(machine());
  print(`${'provider'.padEnd(24)}   keys   calls   wall ms   SDK MB`);
  for (const { subject, keys, calls, wallMs, sdkMb } of readings) {
    const figures = [
      String(keys).padStart(7),
      String(calls).padStart(8),
      wallMs.toFixed(0).padStart(10),
      sdkMb.toFixed(1).padStart(9),
    ];
    print(subject.padEnd(24) + figures.join(''));
  }
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 100_000) {
    throw new InvalidArgumentError('a whole number from 1 to 100000 is needed');
  }
  return count;
}

function machine(): string {
  const gib = (totalmem() / 1_073_741_824).toFixed(0);
  return `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${gib} GiB, Node ${process.versions.node}`;
}

function printTable({ variants, hanging, startToReadyMs, residentMb }: AdmissionResult): void {
  print(machine());
  print(`${'variant'.padEnd(31)}clients   p50 ms   p99 ms   pods/s   CPU ms/pod   p50 ÷ floor   pods/s ÷ floor`);
  for (const result of variants) {
    const floor = floorOf(result, variants);
    const figures = [
      String(result.clients).padStart(7),
      result.p50Ms.toFixed(2).padStart(9),
      result.p99Ms.toFixed(2).padStart(9),
      result.throughputPerS.toFixed(0).padStart(9),
      shown(result.webhookCpuMsPerPod, 2).padStart(13),
      shown(result.p50Ms / (floor?.p50Ms ?? Number.NaN), 3).padStart(14),
      shown(result.throughputPerS / (floor?.throughputPerS ?? Number.NaN), 3).padStart(17),
    ];
    print(result.variant.padEnd(31) + figures.join(''));
  }
  const { answers, hangs } = hanging;
  const moved = (part: 'p50Ms' | 'p99Ms'): string => ((hangs[part] / answers[part] - 1) * 100).toFixed(1);
  print(
    `\n${hanging.pods} warm pods, ${hanging.clients} at a time, while another namespace’s backend answers / hangs: ` +
      `p50 ${answers.p50Ms.toFixed(2)} / ${hangs.p50Ms.toFixed(2)} ms (${moved('p50Ms')} %), ` +
      `p99 ${answers.p99Ms.toFixed(2)} / ${hangs.p99Ms.toFixed(2)} ms (${moved('p99Ms')} %)`,
  );
  const { idle, afterLoad, floorAfterLoad } = residentMb;
  print(`\nstart to ready, bundled: ${startToReadyMs.toFixed(0)} ms`);
  print(
    `RSS: idle ${idle.toFixed(0)} MB, after the load ${afterLoad.toFixed(0)} MB (floor ${floorAfterLoad.toFixed(0)} MB)`,
  );
}

/** The floor of the same series with as many references and clients. */
function floorOf(result: VariantResult, variants: readonly VariantResult[]): VariantResult | undefined {
  const beside = result.variant.endsWith('burst')
    ? 'burst'
    : result.variant.includes('cold')
      ? 'beside cold'
      : (/\d+ references?/.exec(result.variant)?.[0] ?? '1 reference');
  return variants.find(({ variant, clients }) => clients === result.clients && variant === `floor, ${beside}`);
}

function shown(value: number, digits: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(digits);
}
