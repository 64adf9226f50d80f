/** Pods through the webhook as it is wired in production, over a folder of manifests. */
import assert from 'node:assert/strict';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { providers } from '../../../../providers/index.ts';
import type { AdmissionResponse, PatchOperation } from '../../../../src/api/admission.ts';
import type { Json, KubernetesObject, Pod } from '../../../../src/api/kubernetes.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import type { ErrorCode } from '../../../../src/core/errors.ts';
import { whereToLook } from '../../../../src/core/reason-catalogue.ts';
import { systemClock } from '../../../../src/ports/clock.ts';
import type { Logger } from '../../../../src/ports/logger.ts';
import { wireAdmission, type Wiring } from '../../../../src/wiring.ts';
import { observed, type ObservedCluster } from '../stores/support/observed-cluster.ts';
import { admissionSettings, noMetrics, silentLogger } from '../stores/support/world.ts';
import { contextIn, namespaceOf, type Case } from './cases.ts';

/** The webhook over one namespace with what context.yaml holds, and what else is given. */
export async function wire(
  namespace: string,
  each: Case,
  {
    objects = [],
    logger = silentLogger,
  }: { readonly objects?: readonly KubernetesObject[]; readonly logger?: Logger } = {},
): Promise<Wiring & { readonly cluster: ObservedCluster }> {
  const folder = new FolderCluster(systemClock);
  for (const object of [namespaceOf(each, namespace), ...contextIn(namespace), ...objects]) folder.load(object);
  const cluster = observed(folder);
  const wiring = wireAdmission({
    cluster,
    settings: admissionSettings,
    registry: providers,
    environment: {},
    versionKey: () => '00'.repeat(32),
    clock: systemClock,
    logger,
    metrics: noMetrics,
    externalSecretWaitMs: 0,
  });
  await wiring.views.start(AbortSignal.timeout(10_000));
  return { ...wiring, cluster };
}

/** What the webhook answers when such a pod is created, or, with `old`, when it gets ephemeral containers. */
export function ask({ admit }: Wiring, namespace: string, pod: Pod, old?: Pod): Promise<AdmissionResponse> {
  const json = (value: Pod): Json => JSON.parse(JSON.stringify(value)) as Json;
  const request = {
    uid: 'fixture',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    ...{ namespace, object: json(pod) },
  };
  const change =
    old === undefined
      ? { operation: 'CREATE' as const }
      : { operation: 'UPDATE' as const, subResource: 'ephemeralcontainers', oldObject: json(old) };
  return admit({ ...request, ...change }, AbortSignal.timeout(10_000));
}

/** Why the pod is denied, without the pointer to where its code is explained, which every denial ends with. */
export function sentenceOf({ status }: AdmissionResponse): string {
  const [, sentence = '', code = ''] = /^(.* \[(\w+)\]) \(what to do: [^)]+\)$/s.exec(status?.message ?? '') ?? [];
  const end = whereToLook(code as ErrorCode);
  assert.equal(status?.message, `${sentence} ${end}`, 'a denial, with where to look at its end');
  return sentence;
}

export const operationsOf = ({ patch = '' }: AdmissionResponse): readonly PatchOperation[] =>
  patch === '' ? [] : (JSON.parse(Buffer.from(patch, 'base64').toString()) as readonly PatchOperation[]);

export function patched(pod: Pod, operations: readonly PatchOperation[]): Pod {
  const copy = JSON.parse(JSON.stringify(pod)) as Pod;
  return jsonPatch.applyPatch(copy, operations as Operation[], true, false).newDocument;
}
