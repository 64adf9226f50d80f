import { join } from 'node:path';
import type { ControlPlane } from '../control-plane/control-plane.ts';
import { kubectlOrThrow } from '../control-plane/kubectl.ts';

const root = join(import.meta.dirname, '../../..');

/** The user that Latchkey runs as, in the form the control plane has to know it from its start. */
export const LATCHKEY_USER = {
  name: 'system:serviceaccount:latchkey-system:latchkey',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:latchkey-system'],
};

export interface InstallOptions {
  /** Suites about admission count what it does alone: for them a Lease that nobody lets go of keeps everyone from reconciling. */
  readonly reconciles?: boolean;
}

/** What an installation brings before Latchkey starts: CRDs, its namespace, and the rights it runs with. */
export async function installLatchkey(
  controlPlane: ControlPlane,
  { reconciles = false }: InstallOptions = {},
): Promise<void> {
  const apply = (file: string, input?: string): Promise<string> =>
    kubectlOrThrow(controlPlane, ['apply', '--server-side', '-f', file], input === undefined ? {} : { input });
  await apply(join(root, 'webhook-config/rbac.yaml'));
  // Before the CRDs, which a Latchkey that runs already waits for.
  if (!reconciles) await apply('-', JSON.stringify(heldLease()));
  await apply(join(root, 'crds'));
  await kubectlOrThrow(controlPlane, ['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
}

function heldLease(): object {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: 'latchkey-system', name: 'latchkey' },
    spec: { holderIdentity: 'nobody', leaseDurationSeconds: 86_400 },
  };
}
