import { parse } from 'yaml';
import type { Manifest } from '../latchkey/manifests.ts';

/**
 * The freshness table: what becomes of a pod and its Secret in each case. Two suites hold it true: one in memory, where a
 * row takes a millisecond, and one on a real API server.
 *
 * Secret: what is there when the pod comes; made by Latchkey from the value "old".
 * ExternalSecret, pod: fields of its spec, annotations latchkey.dev/… and whether its reference is optional.
 * backend: the value it has now, or how it fails. answer: the status on the pod, or the code of the denial.
 * warning: a part of it. audit: the annotation in the API server's audit log, which holds the same code.
 * Event: on the Deployment and on the ExternalSecret alike.
 *
 * Windows are open always (`* * * * *` for an hour) or at midnight of every 29 February only.
 */
const TABLE = `
| Secret        | ExternalSecret                                                                | pod                                   | backend                 | answer                     | Secret then | warning                   | audit  | Event               |
|---------------|-------------------------------------------------------------------------------|---------------------------------------|-------------------------|----------------------------|-------------|---------------------------|--------|---------------------|
| 30m old       |                                                                               |                                       | new                     | fresh                      | old         |                           |        |                     |
| 30m old       |                                                                               |                                       | BackendUnavailable      | fresh                      | old         |                           |        |                     |
| 30m old       |                                                                               |                                       | store gone              | denied StoreNotFound       | old         |                           | failed | StoreNotFound       |
| 30m old       |                                                                               | max-age: 10m                          | new                     | fresh                      | new         |                           |        |                     |
| 30m old       |                                                                               | max-age: 10m                          | BackendUnavailable      | stale                      | old         | BackendUnavailable        | stale  |                     |
| 30m old       |                                                                               | max-age: 10m, stale-if-error: 10m     | BackendUnavailable      | denied BackendUnavailable  | old         |                           | failed | BackendUnavailable  |
| 30m old       |                                                                               | max-age: 0s                           | new                     | fresh                      | new         |                           |        |                     |
| 2h old        |                                                                               |                                       | new                     | fresh                      | new         |                           |        |                     |
| 2h old        |                                                                               |                                       | old                     | fresh                      | old         |                           |        |                     |
| 2h old        |                                                                               |                                       | BackendUnavailable      | stale                      | old         | BackendUnavailable        | stale  |                     |
| 2h old        |                                                                               |                                       | BackendTimeout          | stale                      | old         | BackendTimeout            | stale  |                     |
| 2h old        |                                                                               |                                       | BackendThrottled        | stale                      | old         | BackendThrottled          | stale  |                     |
| 2h old        |                                                                               |                                       | BackendResponseInvalid  | stale                      | old         | BackendResponseInvalid    | stale  |                     |
| 2h old        |                                                                               |                                       | BackendAuthFailed       | stale                      | old         | BackendAuthFailed         | stale  |                     |
| 2h old        |                                                                               |                                       | BackendPermissionDenied | stale                      | old         | BackendPermissionDenied   | stale  |                     |
| 2h old        |                                                                               | stale-if-error: 0s                    | BackendUnavailable      | denied BackendUnavailable  | old         |                           | failed | BackendUnavailable  |
| 2h old        |                                                                               | stale-if-error: 30m                   | BackendUnavailable      | denied BackendUnavailable  | old         |                           | failed | BackendUnavailable  |
| 2h old        |                                                                               | stale-if-error: 0s, on-failure: allow | BackendUnavailable      | pending                    | old         | BackendUnavailable        | failed |                     |
| 2h old        |                                                                               | stale-if-error: 0s, optional          | BackendUnavailable      | fresh                      | old         | BackendUnavailable        | failed |                     |
| 2h old        |                                                                               |                                       | SecretNotFound          | stale                      | old         | SecretNotFound            | stale  |                     |
| 2h old        |                                                                               |                                       | PropertyNotFound        | stale                      | old         | PropertyNotFound          | stale  |                     |
| 2h old        |                                                                               | stale-if-error: 0s                    | SecretNotFound          | denied SecretNotFound      | old         |                           | failed | SecretNotFound      |
| 2h old        | target: {deletionPolicy: Delete}                                              |                                       | SecretNotFound          | denied SecretNotFound      | none        |                           | failed | SecretNotFound      |
| 2h old        | target: {deletionPolicy: Delete}                                              | optional                              | SecretNotFound          | fresh                      | none        | SecretNotFound            | failed |                     |
| 2h old        | target: {deletionPolicy: Delete}                                              |                                       | BackendUnavailable      | stale                      | old         | BackendUnavailable        | stale  |                     |
| 2h old        | target: {deletionPolicy: Delete}                                              |                                       | new                     | fresh                      | new         |                           |        |                     |
| 2h old        | target: {deletionPolicy: Merge}                                               |                                       | SecretNotFound          | denied KeyMissing          | empty       |                           | failed | KeyMissing          |
| 2h old        | target: {deletionPolicy: Merge}                                               |                                       | PropertyNotFound        | stale                      | old         | PropertyNotFound          | stale  |                     |
| 2h old        |                                                                               |                                       | InvalidData             | denied InvalidData         | old         |                           | failed | InvalidData         |
| 2h old        |                                                                               |                                       | CredentialsNotFound     | denied CredentialsNotFound | old         |                           | failed | CredentialsNotFound |
| 2h old        |                                                                               | on-failure: allow                     | InvalidData             | pending                    | old         | InvalidData               | failed |                     |
| 26h old       |                                                                               |                                       | BackendUnavailable      | denied BackendUnavailable  | old         |                           | failed | BackendUnavailable  |
| 26h old       |                                                                               | stale-if-error: 48h                   | BackendUnavailable      | stale                      | old         | BackendUnavailable        | stale  |                     |
| 26h old       | refreshInterval: 72h                                                          |                                       | new                     | fresh                      | old         |                           |        |                     |
| 26h old       | refreshInterval: 0s                                                           |                                       | new                     | fresh                      | old         |                           |        |                     |
| 26h old       | refreshInterval: 0s                                                           | max-age: 1h                           | new                     | fresh                      | new         |                           |        |                     |
| 26h old       | refreshPolicy: OnChange                                                       |                                       | new                     | fresh                      | old         |                           |        |                     |
| 26h old       | refreshPolicy: OnChange                                                       | max-age: 1h                           | new                     | fresh                      | new         |                           |        |                     |
| 26h old       | refreshPolicy: CreatedOnce                                                    |                                       | new                     | fresh                      | old         |                           |        |                     |
| 26h old       | refreshPolicy: CreatedOnce                                                    | max-age: 1h                           | new                     | fresh                      | old         | refreshPolicy CreatedOnce |        |                     |
| 26h old       | target: {immutable: true}                                                     | max-age: 1h                           | new                     | fresh                      | old         | target.immutable          |        |                     |
| 2h old        | syncWindows: {kind: allow, windows: [{schedule: "0 0 29 2 *", duration: 1m}]} |                                       | new                     | fresh                      | old         |                           |        |                     |
| 2h old        | syncWindows: {kind: allow, windows: [{schedule: "* * * * *", duration: 1h}]}  |                                       | new                     | fresh                      | new         |                           |        |                     |
| 2h old        | syncWindows: {kind: deny, windows: [{schedule: "* * * * *", duration: 1h}]}   |                                       | new                     | fresh                      | old         |                           |        |                     |
| 2h old        | syncWindows: {kind: deny, windows: [{schedule: "* * * * *", duration: 1h}]}   | max-age: 1h                           | new                     | fresh                      | new         |                           |        |                     |
| tampered      | syncWindows: {kind: deny, windows: [{schedule: "* * * * *", duration: 1h}]}   |                                       | new                     | fresh                      | new         |                           |        |                     |
| missing       | syncWindows: {kind: deny, windows: [{schedule: "* * * * *", duration: 1h}]}   |                                       | new                     | fresh                      | new         |                           |        |                     |
| missing       |                                                                               |                                       | new                     | fresh                      | new         |                           |        |                     |
| missing       |                                                                               |                                       | BackendUnavailable      | denied BackendUnavailable  | none        |                           | failed | BackendUnavailable  |
| missing       |                                                                               |                                       | SecretNotFound          | denied SecretNotFound      | none        |                           | failed | SecretNotFound      |
| missing       | target: {deletionPolicy: Delete}                                              |                                       | SecretNotFound          | denied SecretNotFound      | none        |                           | failed | SecretNotFound      |
| missing       |                                                                               |                                       | store gone              | denied StoreNotFound       | none        |                           | failed | StoreNotFound       |
| missing       |                                                                               | on-failure: allow                     | BackendUnavailable      | pending                    | none        | BackendUnavailable        | failed |                     |
| missing       |                                                                               | optional                              | BackendUnavailable      | fresh                      | none        | BackendUnavailable        | failed |                     |
| tampered      |                                                                               |                                       | new                     | fresh                      | new         |                           |        |                     |
| tampered      |                                                                               |                                       | BackendUnavailable      | denied BackendUnavailable  | tampered    |                           | failed | BackendUnavailable  |
| tampered      |                                                                               |                                       | SecretNotFound          | denied SecretNotFound      | tampered    |                           | failed | SecretNotFound      |
| tampered      |                                                                               |                                       | store gone              | denied StoreNotFound       | tampered    |                           | failed | StoreNotFound       |
| tampered      | refreshPolicy: CreatedOnce                                                    |                                       | new                     | fresh                      | new         |                           |        |                     |
| of older spec |                                                                               |                                       | new                     | fresh                      | new         |                           |        |                     |
| of older spec |                                                                               |                                       | BackendUnavailable      | denied BackendUnavailable  | old         |                           | failed | BackendUnavailable  |
| of older spec |                                                                               |                                       | SecretNotFound          | denied SecretNotFound      | old         |                           | failed | SecretNotFound      |
| of older spec |                                                                               |                                       | CredentialsNotFound     | denied CredentialsNotFound | old         |                           | failed | CredentialsNotFound |
| of older spec | target: {immutable: true}                                                     |                                       | new                     | fresh                      | old         |                           |        |                     |
`;

export interface FreshnessRow {
  readonly title: string;
  /** `missing`, `tampered`, `of older spec` or its age. */
  readonly secret: string;
  readonly spec: Manifest;
  readonly annotations: Readonly<Record<string, string>>;
  readonly isOptional: boolean;
  readonly backend: string;
  readonly answer: string;
  readonly secretThen: string;
  readonly warning: string;
  readonly audit: string;
  readonly event: string;
}

/** How old the Secret of a row is, ms; undefined where there is none. */
export const AGE_MS: Readonly<Record<string, number>> = {
  ...{ '30m old': 1_800_000, '2h old': 7_200_000, '26h old': 93_600_000 },
  ...{ tampered: 0, 'of older spec': 0 },
};

export const freshnessRows: readonly FreshnessRow[] = TABLE.trim().split('\n').slice(2).map(readRow);

function readRow(line: string): FreshnessRow {
  const cells = line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
  const [secret = '', spec = '', pod = '', backend = '', answer = '', secretThen = '', warning = '', audit = ''] =
    cells;
  const [event = ''] = cells.slice(8);
  const words = pod.split(', ').filter((word) => word !== '');
  const annotations = words.filter((word) => word !== 'optional').map((word) => word.split(': '));
  const conditions = [spec, pod].filter((text) => text !== '').join(' and ');
  return {
    title: `${secret}${conditions === '' ? '' : ` with ${conditions}`}, backend ${backend}: ${answer}`,
    spec: parse(`{${spec}}`) as Manifest,
    annotations: Object.fromEntries(annotations.map(([key, value = '']) => [`latchkey.dev/${key}`, value])),
    isOptional: words.includes('optional'),
    ...{ secret, backend, answer, secretThen, warning, audit, event },
  };
}

/** The code of an answer that is a denial. */
export const codeOfDenial = (message: string): string | undefined => /\[([A-Z]\w+)\]/.exec(message)?.[1];

/** The expected audit annotation, for the one Secret `db`. */
export function auditOf({ audit, answer, warning }: FreshnessRow): Readonly<Record<string, string>> {
  return audit === '' ? {} : { [audit]: `db=${warning === '' ? answer.replace('denied ', '') : warning}` };
}

/** What was warned of as the table says it, or all of it where that is not so. */
export function shortened(warnings: readonly string[], { warning }: FreshnessRow): string {
  const [only = '', ...others] = warnings;
  return warning !== '' && others.length === 0 && only.includes(warning) ? warning : warnings.join('\n');
}
