import type {
  ExternalSecret,
  LabelSelector,
  SecretStore,
  StoreCondition,
  StoreKind,
} from '../../api/external-secrets.ts';
import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';

/** Which store an ExternalSecret asks for. `namespace` is set for a SecretStore only. */
export interface StoreKey {
  readonly kind: StoreKind;
  readonly name: string;
  readonly namespace: string | undefined;
}

/** @throws LatchkeyError `InvalidExternalSecret` when no store is named. */
export function storeKeyOf(externalSecret: ExternalSecret): StoreKey {
  const { secretStoreRef } = externalSecret.spec;
  if (secretStoreRef?.name === undefined || secretStoreRef.name === '') {
    throw new LatchkeyError('InvalidExternalSecret', 'spec.secretStoreRef.name is missing, so no store can be asked');
  }
  const kind = secretStoreRef.kind === 'ClusterSecretStore' ? 'ClusterSecretStore' : 'SecretStore';
  return storeKey(kind, secretStoreRef.name, externalSecret.metadata.namespace);
}

/** @param namespace of whoever asks; only a SecretStore is in one. */
export function storeKey(kind: StoreKind, name: string, namespace: string | undefined): StoreKey {
  return { kind, name, namespace: kind === 'SecretStore' ? namespace : undefined };
}

/** Does a store belong to another controller, who refreshes its Secrets and writes the statuses? */
export function isForeign({ spec }: SecretStore, controllerClass: string): boolean {
  return (spec.controller ?? '') !== '' && spec.controller !== controllerClass;
}

export function describeStore({ kind, name }: StoreKey): string {
  return `${kind} "${printable(name)}"`;
}

/**
 * Whether a namespace may use a ClusterSecretStore: no conditions = all may; else any member of any condition.
 * @throws LatchkeyError `StoreForbidden`, or `Unsupported` for a condition by regular expression.
 */
export function assertStoreAccess(
  key: StoreKey,
  store: SecretStore,
  namespace: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): void {
  const conditions = store.spec.conditions ?? [];
  if (key.kind === 'SecretStore' || conditions.length === 0) return;
  if (conditions.some((condition) => isSelected(condition, namespace))) return;
  const regexes = conditions.findIndex(({ namespaceRegexes = [] }) => namespaceRegexes.length > 0);
  if (regexes !== -1) {
    throw new LatchkeyError('Unsupported', `spec.conditions[${regexes}].namespaceRegexes is not supported yet`);
  }
  throw new LatchkeyError(
    'StoreForbidden',
    `its spec.conditions do not allow namespace "${printable(namespace.name)}"`,
  );
}

function isSelected(
  { namespaces = [], namespaceSelector }: StoreCondition,
  { name, labels }: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): boolean {
  return namespaces.includes(name) || (namespaceSelector !== undefined && selects(namespaceSelector, labels));
}

/** Kubernetes label selection: all of matchLabels and matchExpressions. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const matchesLabels = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    matchesLabels &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
      }
    })
  );
}
