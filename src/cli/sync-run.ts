import { isForeignIn } from '../stores/views.ts';
import type { ExternalSecret } from '../api/external-secrets.ts';
import { secrets } from '../api/resources.ts';
import { asLatchkeyError, type ErrorCode } from '../core/errors.ts';
import { describeStores } from '../core/external-secret/sources.ts';
import { targetName } from '../core/external-secret/target-name.ts';
import type { StoreKey } from '../core/store/store-key.ts';
import type { StoreVerdict } from '../core/store/store-status.ts';
import { inParallel } from './in-parallel.ts';
import type { Synced } from '../stores/sync.ts';
import { Progress } from './progress.ts';
import { say } from './sentences.ts';
import { byTarget, select, type StoreToSync } from './sync-selection.ts';
import { openWorkspace, type Workspace, type WorkspaceSettings } from './workspace.ts';

export interface SyncSettings extends Omit<WorkspaceSettings, 'defaultStaleIfErrorMs'> {
  readonly namespace?: string;
  readonly dryRun?: boolean;
}

/** Why one was not synced, or did not succeed. */
interface Trouble {
  readonly cause: string;
  readonly code?: ErrorCode;
}

type NotDone = 'failed' | 'left-alone' | 'not-tried';

export interface StoreRow extends Partial<Trouble> {
  readonly kind: StoreKey['kind'];
  readonly namespace?: string;
  readonly name: string;
  readonly result: Extract<StoreVerdict, string> | NotDone;
}

export interface ExternalSecretRow extends Partial<Trouble> {
  readonly namespace: string;
  readonly externalSecret: string;
  readonly secret: string;
  readonly result: Synced['done'] | NotDone;
  /** How many keys the Secret has, if there is one. */
  readonly keys?: number;
  /** Of each key's value, where nothing but manifests was worked on. */
  readonly sizesBytes?: Readonly<Record<string, number>>;
}

export interface SyncReport {
  /** Nothing was written, except into memory. */
  readonly isDryRun: boolean;
  readonly stores: readonly StoreRow[];
  readonly externalSecrets: readonly ExternalSecretRow[];
}

/** Enough to fill the batches of a backend, and no burden to an API server. */
const AT_ONCE = 32;
/** As long as a fetch may take: a store that hangs does not use up the time of all others. */
const LONGEST_LOOK_MS = 30_000;

/** @throws LatchkeyError for names that are nowhere, manifests that cannot be read, clusters that cannot be reached. */
export async function sync(settings: SyncSettings, names: readonly string[]): Promise<SyncReport> {
  const isOffline = settings.cluster !== true;
  const isDryRun = isOffline || settings.dryRun === true;
  const workspace = await openWorkspace(
    // No pod is judged here.
    { ...settings, defaultStaleIfErrorMs: 0 },
    { isReadOnly: isDryRun && !isOffline },
  );
  const interrupted = new AbortController();
  const interrupt = (): void => {
    say('stopping when what has begun is done; once more ends it at once');
    interrupted.abort();
  };
  for (const signal of SIGNALS) process.once(signal, interrupt);
  try {
    const { stores, externalSecrets } = select(workspace.wiring.views, names, settings.namespace);
    const progress = new Progress(stores.length + externalSecrets.length, 'stores and ExternalSecrets');
    const run = new SyncRun(workspace, settings.controllerClass, isOffline, interrupted.signal, progress);
    // At the same time: a store that does not answer when it is looked at must not use up the time of the others' Secrets.
    const rows = await Promise.all([run.stores(stores), run.externalSecrets(externalSecrets)]);
    progress.clear();
    return { isDryRun, stores: rows[0], externalSecrets: rows[1] };
  } finally {
    // Before the handlers go: what is due is written also by a command that was interrupted.
    await workspace.close();
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export function isGood({ result }: StoreRow | ExternalSecretRow): boolean {
  return result !== 'failed' && result !== 'not-tried';
}

class SyncRun {
  readonly #workspace: Workspace;
  readonly #controllerClass: string | undefined;
  readonly #isOffline: boolean;
  readonly #interrupted: AbortSignal;
  readonly #progress: Progress;

  constructor(
    workspace: Workspace,
    controllerClass: string | undefined,
    isOffline: boolean,
    interrupted: AbortSignal,
    progress: Progress,
  ) {
    this.#workspace = workspace;
    this.#controllerClass = controllerClass;
    this.#isOffline = isOffline;
    this.#interrupted = interrupted;
    this.#progress = progress;
  }

  async stores(stores: readonly StoreToSync[]): Promise<readonly StoreRow[]> {
    const rows = await inParallel(stores, AT_ONCE, async ({ storeKey, store }) => {
      const { kind, name, namespace } = storeKey;
      const outcome = await this.#store({ storeKey, store });
      const row = { kind, ...(namespace !== undefined && { namespace }), name, ...outcome };
      this.#progress.step(isGood(row));
      return row;
    });
    return rows.toSorted(
      (a, b) => compare(a.kind, b.kind) || compare(a.namespace, b.namespace) || compare(a.name, b.name),
    );
  }

  async externalSecrets(externalSecrets: readonly ExternalSecret[]): Promise<readonly ExternalSecretRow[]> {
    const groups = await inParallel(byTarget(externalSecrets), AT_ONCE, async (group) => {
      const rows: ExternalSecretRow[] = [];
      for (const externalSecret of group) {
        const { namespace = '', name } = externalSecret.metadata;
        const outcome = await this.#externalSecret(externalSecret);
        const row = { namespace, externalSecret: name, secret: targetName(externalSecret), ...outcome };
        this.#progress.step(isGood(row));
        rows.push(row);
      }
      return rows;
    });
    return groups
      .flat()
      .toSorted((a, b) => compare(a.namespace, b.namespace) || compare(a.externalSecret, b.externalSecret));
  }

  async #store({ storeKey, store }: StoreToSync): Promise<Pick<StoreRow, 'result'> & Partial<Trouble>> {
    const stopped = this.#stopped();
    if (stopped !== undefined) return stopped;
    const { wiring, signal } = this.#workspace;
    try {
      const looking = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_LOOK_MS)]);
      const verdict = await wiring.storeSyncer.syncStore(storeKey, store, looking);
      if (verdict === undefined) return leftAlone(`it belongs to controller "${store.spec.controller}"`);
      return typeof verdict === 'string' ? { result: verdict } : failed(verdict.error);
    } catch (cause) {
      return failed(cause);
    }
  }

  async #externalSecret(
    externalSecret: ExternalSecret,
  ): Promise<Pick<ExternalSecretRow, 'result' | 'keys' | 'sizesBytes'> & Partial<Trouble>> {
    const stopped = this.#stopped();
    if (stopped !== undefined) return stopped;
    const { wiring, signal } = this.#workspace;
    if (isForeignIn(wiring.views, externalSecret, this.#controllerClass)) {
      return leftAlone(`it belongs to another controller (${describeStores(externalSecret)})`);
    }
    const { namespace: name = '' } = externalSecret.metadata;
    const namespace = wiring.views.namespaces.get({ name }) ?? {
      ...{ name, labels: {}, annotations: {}, isTerminating: false },
    };
    try {
      const { done, missing, secret } = await wiring.syncer.syncExternalSecret({
        ...{ externalSecret, namespace, signal },
        notBeforeMs: Date.now(),
        isFirst: false,
        isAskedFor: false,
      });
      return {
        result: done,
        ...(secret !== undefined && { keys: secret.keys.size }),
        ...(secret !== undefined && this.#isOffline && { sizesBytes: await this.#sizesBytes(secret) }),
        ...(missing.length > 0 && { cause: `the backend does not have ${missing.join(', ')}` }),
      };
    } catch (cause) {
      return failed(cause);
    }
  }

  async #sizesBytes({ namespace, name }: { readonly namespace: string; readonly name: string }) {
    const { cluster, signal } = this.#workspace;
    const { data = {} } = (await cluster.get(secrets, { namespace, name }, { signal })) ?? {};
    return Object.fromEntries(Object.entries(data).map(([key, base64]) => [key, Buffer.byteLength(base64, 'base64')]));
  }

  /** Set when nothing more is to be begun. */
  #stopped(): ({ readonly result: 'not-tried' } & Trouble) | undefined {
    if (this.#interrupted.aborted) return { result: 'not-tried', cause: 'the command was stopped before' };
    return this.#workspace.signal.aborted ? { result: 'not-tried', cause: '--timeout had passed' } : undefined;
  }
}

function failed(cause: unknown): { readonly result: 'failed' } & Trouble {
  const { message, code } = asLatchkeyError(cause);
  return { result: 'failed', cause: message, code };
}

function leftAlone(cause: string): { readonly result: 'left-alone' } & Trouble {
  return { result: 'left-alone', cause };
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : Number(a > b);
}
