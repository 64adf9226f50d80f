import jsonPatch from 'fast-json-patch';
import type { PatchOperation } from '../../api/admission.ts';
import { SECRETS_ANNOTATION, STATUS_ANNOTATION } from '../../api/keys.ts';
import type { Pod } from '../../api/kubernetes.ts';
import type { PodStatus } from './decision.ts';

/** An annotation may hold 256 KiB in all; provenance must never be what breaks a pod. */
const LONGEST_PROVENANCE_CHARACTERS = 16_384;

/** The pod as it is to be: provenance written, nothing else touched. Never trusts what the annotations said before. */
export function withProvenance(pod: Pod, status: PodStatus, versions: Readonly<Record<string, string>>): Pod {
  const { [SECRETS_ANNOTATION]: _old, ...annotations } = pod.metadata.annotations ?? {};
  const provenance = provenanceOf(versions);
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: {
        ...annotations,
        [STATUS_ANNOTATION]: status,
        ...(provenance === undefined ? {} : { [SECRETS_ANNOTATION]: provenance }),
      },
    },
  };
}

/** JSON of ExternalSecret → version, sorted; too many are cut, and `…` says so. */
function provenanceOf(versions: Readonly<Record<string, string>>): string | undefined {
  const names = Object.keys(versions).sort();
  if (names.length === 0) return undefined;
  const kept: [string, string][] = [];
  let length = 2;
  for (const name of names) {
    const version = versions[name] ?? '';
    length += JSON.stringify(name).length + version.length + 4;
    if (length > LONGEST_PROVENANCE_CHARACTERS - 64) {
      kept.push(['…', `${names.length - kept.length} more`]);
      break;
    }
    kept.push([name, version]);
  }
  return JSON.stringify(Object.fromEntries(kept));
}

/** What {@link withProvenance} changes, as RFC 6902. */
export function provenanceOperations(before: Pod, after: Pod): readonly PatchOperation[] {
  const operations = jsonPatch.compare(before.metadata, after.metadata);
  return operations.map((operation) => ({ ...operation, path: `/metadata${operation.path}` }) as PatchOperation);
}

/** An object with a patch applied to it; it stays as it is itself. */
export function applyOperations<T extends object>(object: T, operations: readonly PatchOperation[]): T {
  if (operations.length === 0) return object;
  return jsonPatch.applyPatch(object, operations as PatchOperation[], true, false).newDocument;
}
