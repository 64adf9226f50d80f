import type { KubernetesObject } from '../api/kubernetes.ts';
import { syncedResourceVersion } from '../core/target/object-hash.ts';

/** Is an object another one than before for whoever acts on it: made anew, being deleted, other spec, labels or annotations? */
export function hasNewSpec({ metadata: before }: KubernetesObject, { metadata: after }: KubernetesObject): boolean {
  return (
    before.uid !== after.uid ||
    before.deletionTimestamp !== after.deletionTimestamp ||
    syncedResourceVersion(before) !== syncedResourceVersion(after)
  );
}
