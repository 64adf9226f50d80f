import type { ExternalSecret } from '../api/external-secrets.ts';
import type { Secret } from '../api/kubernetes.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { inParallel } from './in-parallel.ts';
import { select } from './sync-selection.ts';
import { openWorkspace, type Workspace, type WorkspaceSettings } from './workspace.ts';

export interface RenderSettings extends Omit<WorkspaceSettings, 'defaultStaleIfErrorMs'> {
  readonly namespace?: string;
}

export interface RenderedSecret {
  readonly externalSecret: ExternalSecret;
  readonly outcome: { readonly secret: Secret } | { readonly error: LatchkeyError };
}

const AT_ONCE = 8;

/** @throws LatchkeyError for manifests that cannot be read, clusters that cannot be reached, and when there is nothing to render. */
export async function render(settings: RenderSettings): Promise<readonly RenderedSecret[]> {
  // No pod is judged here.
  const workspace = await openWorkspace({ ...settings, defaultStaleIfErrorMs: 0 }, { isReadOnly: true });
  try {
    const externalSecrets = wantedIn(workspace, settings);
    if (externalSecrets.length === 0)
      throw new LatchkeyError('ClusterRejected', 'there is no ExternalSecret to render');
    return await inParallel(externalSecrets, AT_ONCE, async (externalSecret) => {
      return { externalSecret, outcome: await outcomeOf(externalSecret, workspace) };
    });
  } finally {
    await workspace.close();
  }
}

/** Those in the named manifests, as the cluster completes them; without manifests those of the cluster. */
function wantedIn(
  { documents, wiring: { views } }: Workspace,
  { filename = [], namespace }: RenderSettings,
): readonly ExternalSecret[] {
  if (filename.length === 0) return select(views, [], namespace).externalSecrets;
  const manifests = documents.flatMap(({ objects }) => objects).map(({ object }) => object);
  return manifests
    .filter((object): object is ExternalSecret => object.kind === 'ExternalSecret')
    .map((manifest) => {
      const metadata = { ...manifest.metadata, namespace: manifest.metadata.namespace ?? 'default' };
      return { ...manifest, metadata };
    })
    .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
}

async function outcomeOf(
  externalSecret: ExternalSecret,
  { wiring, signal }: Workspace,
): Promise<RenderedSecret['outcome']> {
  const { namespace: name = '' } = externalSecret.metadata;
  const unknown = { name, labels: {}, annotations: {}, isTerminating: false };
  const namespace = wiring.views.namespaces.get({ name }) ?? unknown;
  try {
    return { secret: await wiring.syncer.preview({ externalSecret, namespace, signal }) };
  } catch (cause) {
    return { error: asLatchkeyError(cause) };
  }
}
