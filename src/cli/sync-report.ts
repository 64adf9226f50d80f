import { printable } from '../core/names.ts';
import { isGood, type ExternalSecretRow, type StoreRow, type SyncReport } from './sync-run.ts';
import { coloured, lineFormatter } from './table.ts';

export function printSyncJson(report: SyncReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** Two tables, of stores and of ExternalSecrets, and the sum of them. */
export function printSyncTable({ stores, externalSecrets, isDryRun }: SyncReport, isColoured: boolean): string {
  if (stores.length === 0 && externalSecrets.length === 0) return 'No store and no ExternalSecret.\n';
  const storeCells = stores.map((row) => [row.kind, printable(row.namespace ?? '-'), printable(row.name)]);
  const storeLine = lineFormatter([STORE_TITLES, ...storeCells]);
  const cells = externalSecrets.map((row) => [
    ...[row.namespace, row.externalSecret, row.secret].map((name) => printable(name)),
    row.keys === undefined ? '-' : String(row.keys),
  ]);
  const line = lineFormatter([TITLES, ...cells]);
  const result = (row: StoreRow | ExternalSecretRow): string =>
    coloured(resultOf(row, isDryRun), isGood(row), isColoured) + causeOf(row);
  return [
    ...(stores.length === 0 ? [] : [storeLine([...STORE_TITLES, 'RESULT'])]),
    ...stores.map((row, index) => storeLine([...(storeCells[index] ?? []), result(row)])),
    ...(stores.length === 0 || externalSecrets.length === 0 ? [] : ['\n']),
    ...(externalSecrets.length === 0 ? [] : [line([...TITLES, 'RESULT'])]),
    ...externalSecrets.map((row, index) => line([...(cells[index] ?? []), result(row)]) + sizesOf(row)),
    `\n${sumOf(externalSecrets, isDryRun)}\n`,
  ].join('');
}

const STORE_TITLES = ['STORE', 'NAMESPACE', 'NAME'];
const TITLES = ['NAMESPACE', 'EXTERNALSECRET', 'SECRET', 'KEYS'];

/** In the order of the sum. */
const WORDS: Readonly<Record<ExternalSecretRow['result'], string>> = {
  created: 'created',
  updated: 'updated',
  deleted: 'deleted',
  unchanged: 'unchanged',
  gone: 'not written',
  retained: 'retained',
  'no-target': 'not written',
  'not-wanted': 'not written',
  'left-alone': 'left alone',
  'not-tried': 'not tried',
  failed: 'failed',
};

const WRITES: readonly string[] = ['created', 'updated', 'deleted'];

function resultOf({ result }: StoreRow | ExternalSecretRow, isDryRun: boolean): string {
  if (result === 'valid' || result === 'unknown') return result;
  return isDryRun && WRITES.includes(result) ? `would be ${WORDS[result]}` : WORDS[result];
}

const CAUSES: Partial<Readonly<Record<StoreRow['result'] | ExternalSecretRow['result'], string>>> = {
  unknown: 'its credentials come from the namespace of each ExternalSecret',
  retained: 'the backend has none of it any more, and deletionPolicy is Retain',
  gone: 'the backend has none of it, and deletionPolicy is Delete',
  'no-target': 'creationPolicy is Merge, and there is no such Secret',
  'not-wanted': 'creationPolicy is None, so it is made only for a pod',
};

function causeOf({ result, cause, code }: StoreRow | ExternalSecretRow): string {
  const text = cause ?? CAUSES[result];
  return `${text === undefined ? '' : `: ${text}`}${code === undefined ? '' : ` [${code}]`}`;
}

function sizesOf({ sizesBytes = {} }: ExternalSecretRow): string {
  const sizes = Object.entries(sizesBytes);
  return sizes.map(([key, bytes]) => `    ${printable(key)}: [redacted], ${bytes} bytes\n`).join('');
}

function sumOf(rows: readonly ExternalSecretRow[], isDryRun: boolean): string {
  const counts = Object.groupBy(rows, (row) => resultOf(row, isDryRun));
  const words = Object.keys(WORDS).map((result) => resultOf({ result } as ExternalSecretRow, isDryRun));
  const parts = [...new Set(words)].flatMap((word) =>
    counts[word] === undefined ? [] : `${counts[word].length} ${word}`,
  );
  return `${rows.length} ExternalSecret${rows.length === 1 ? '' : 's'}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}
