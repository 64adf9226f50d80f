import type { JudgedNeed, NeedOutcome } from '../core/admission/decision.ts';
import { asLatchkeyError, type ErrorCode } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import { REASONS } from '../core/reason-catalogue.ts';
import { openSession, type Session, type SessionSettings } from './session.ts';
import { coloured, lineFormatter } from './table.ts';
import type { Workload } from './workloads.ts';

/** One Secret that one workload needs, or one line about the workload as a whole (then `secret` is missing). */
export interface CheckRow {
  readonly workload: string;
  readonly secret?: string;
  readonly usedBy?: readonly string[];
  readonly externalSecret?: string;
  /** What would happen, in words. */
  readonly result: string;
  /** Reason code of a failure. */
  readonly code?: ErrorCode;
  /** False when the pod would be denied or wait for ever. */
  readonly isHad: boolean;
}

export async function check(settings: SessionSettings, isDryRun: boolean): Promise<readonly CheckRow[]> {
  const session = await openSession(settings);
  try {
    const rows: CheckRow[] = [];
    for (const workload of session.workloads) rows.push(...(await rowsOf(session, workload, isDryRun)));
    return rows;
  } finally {
    await session.close();
  }
}

async function rowsOf(session: Session, workload: Workload, isDryRun: boolean): Promise<readonly CheckRow[]> {
  const { description } = workload;
  try {
    const review = await session.review(workload, isDryRun);
    if (review.state !== 'reviewed') {
      const result = `${review.state === 'pod-opted-out' ? 'opted out' : 'namespace not opted in'}: Latchkey does nothing`;
      return [{ workload: description, result, isHad: true }];
    }
    const notes = review.notes.map((note) => ({ workload: description, result: note, isHad: true }));
    if (review.judged.length === 0 && notes.length === 0) {
      return [{ workload: description, result: 'refers to no Secret', isHad: true }];
    }
    return [...review.judged.map((judged) => rowOf(description, judged)), ...notes];
  } catch (cause) {
    const { message, code } = asLatchkeyError(cause);
    return [{ workload: description, result: `denied: ${message}`, code, isHad: false }];
  }
}

function rowOf(workload: string, { need, outcome }: JudgedNeed): CheckRow {
  const isFailed = outcome.state === 'failed' || outcome.state === 'absent';
  return {
    workload,
    secret: printable(need.secretName),
    usedBy: need.references.map(({ place }) => printable(place)),
    ...externalSecretOf(outcome),
    result: `${need.isOptional && isFailed ? 'optional; ' : ''}${resultOf(outcome)}`,
    ...(outcome.state === 'failed' ? { code: outcome.error.code } : {}),
    isHad: need.isOptional || !isFailed,
  };
}

function externalSecretOf(outcome: NeedOutcome): Pick<CheckRow, 'externalSecret'> {
  const name =
    outcome.state === 'failed'
      ? outcome.source?.externalSecret
      : 'externalSecret' in outcome
        ? outcome.externalSecret
        : undefined;
  return name === undefined ? {} : { externalSecret: printable(name) };
}

function resultOf(outcome: NeedOutcome): string {
  switch (outcome.state) {
    case 'fresh':
      return 'fresh';
    case 'stale':
      return `an older value would be used: ${outcome.error.message}`;
    case 'wouldFetch':
      return `${outcome.reason}, would be fetched`;
    case 'unmanaged':
      return outcome.error === undefined
        ? 'exists, no ExternalSecret makes it'
        : `no ExternalSecret makes it, and it could not be looked at: ${outcome.error.message}`;
    case 'absent':
      return 'missing, and no ExternalSecret makes it';
    case 'failed':
      return outcome.source === undefined ? outcome.error.message : `${outcome.source.store}: ${outcome.error.message}`;
  }
}

export function printJson(rows: readonly CheckRow[]): string {
  return `${JSON.stringify({ rows }, undefined, 2)}\n`;
}

/** Columns as wide as their content; the places a Secret is used in stand below it. */
export function printTable(rows: readonly CheckRow[], isColoured: boolean): string {
  if (rows.length === 0) return 'No workload among these manifests.\n';
  const cells = rows.map(({ workload, secret = '-', externalSecret = '-' }) => [workload, secret, externalSecret]);
  const titles = ['WORKLOAD', 'SECRET', 'EXTERNALSECRET'];
  const line = lineFormatter([titles, ...cells]);
  const body = rows.map((row, index) => {
    const code = row.code === undefined ? '' : ` [${row.code}]`;
    const text = `${row.result}${code}`;
    const remedy = row.code === undefined ? [] : [`remedy: ${REASONS[row.code].remedy}`];
    const places = [...(row.usedBy ?? []), ...remedy].map((each) => `    ${each}\n`).join('');
    return line([...(cells[index] ?? []), coloured(text, row.isHad, isColoured)]) + places;
  });
  return line([...titles, 'RESULT']) + body.join('');
}
