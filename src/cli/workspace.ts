import { text as readText } from 'node:stream/consumers';
import { providers } from '../../providers/index.ts';
import { FolderCluster } from '../cluster/folder/folder-cluster.ts';
import {
  manifestFiles,
  parseManifestDocuments,
  readManifestDocuments,
  type ManifestDocument,
} from '../cluster/folder/manifests.ts';
import { openCluster } from '../cluster/open-cluster.ts';
import { readOnly } from '../cluster/read-only-cluster.ts';
import { LatchkeyError } from '../core/errors.ts';
import { systemClock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { wireAdmission, type AdmissionSettings, type Wiring } from '../wiring.ts';
import { Impatience } from './impatience.ts';

export interface WorkspaceSettings extends AdmissionSettings {
  /** Files and folders; `-` = standard input. Without any, the cluster itself. */
  readonly filename?: readonly string[];
  /** Files and folders that things are looked up in, and that are not asked about themselves. */
  readonly lookup?: readonly string[];
  readonly cluster?: boolean;
  readonly kubeconfig?: string;
  readonly timeoutMs: number;
}

/** What a command works on: the server's own parts, over manifests alone or a cluster. */
export interface Workspace {
  /** The manifests that are asked about, in their order. */
  readonly documents: readonly ManifestDocument[];
  readonly cluster: Cluster;
  readonly wiring: Wiring;
  /** Aborts when the command has taken as long as it may. */
  readonly signal: AbortSignal;
  /** Writes what is due. */
  close(): Promise<void>;
}

/** Versions are keyed with zeros: the installation's key stays in its cluster, so they differ from a cluster's own. */
const OFFLINE_VERSION_KEY = '00'.repeat(32);

/** @throws LatchkeyError for manifests that cannot be read and clusters that cannot be reached. */
export async function openWorkspace(
  settings: WorkspaceSettings,
  { isReadOnly }: { readonly isReadOnly: boolean },
): Promise<Workspace> {
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(settings.timeoutMs)]);
  const { filename = [], lookup = [] } = settings;
  if (filename.length === 0 && settings.cluster !== true) {
    throw new LatchkeyError('ClusterRejected', 'nothing to look at: name manifests with -f, or use --cluster');
  }
  const documents = await readPaths(filename);
  using impatience = new Impatience();
  const { logger } = impatience;
  const opened =
    settings.cluster === true
      ? await openCluster(settings, logger, signal)
      : folderOf([...documents, ...(await readPaths(lookup))]);
  const cluster = isReadOnly ? readOnly(opened) : opened;
  const wiring = wireAdmission({
    ...{ cluster, settings, logger },
    registry: providers,
    environment: process.env,
    versionKey: () => OFFLINE_VERSION_KEY,
    clock: systemClock,
    metrics: createMetrics(),
    ...(settings.cluster === true ? {} : { externalSecretWaitMs: 0 }),
  });
  const close = async (): Promise<void> => {
    stopping.abort();
    await wiring.close();
  };
  try {
    await wiring.views.start(AbortSignal.any([signal, impatience.signal]));
  } catch (cause) {
    await close();
    if (cause instanceof LatchkeyError) throw cause;
    const kinds = wiring.views.awaited.join(', ');
    throw new LatchkeyError('ClusterUnavailable', `the cluster gave no list of ${kinds} within --timeout`, { cause });
  }
  return { documents, cluster, wiring, signal, close };
}

async function readPaths(paths: readonly string[]): Promise<readonly ManifestDocument[]> {
  return (await Promise.all(paths.map(readPath))).flat();
}

async function readPath(path: string): Promise<readonly ManifestDocument[]> {
  if (path === '-') return parseManifestDocuments(await readText(process.stdin), 'standard input');
  return (await Promise.all((await manifestFiles(path)).map(readManifestDocuments))).flat();
}

function folderOf(documents: readonly ManifestDocument[]): FolderCluster {
  const folder = new FolderCluster(systemClock);
  for (const { object } of documents.flatMap(({ objects }) => objects)) folder.load(object);
  return folder;
}
