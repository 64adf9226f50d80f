import type { StoreKind } from '../../api/external-secrets.ts';
import { printable } from '../names.ts';

/** Names a store. `namespace` is set for a SecretStore only. */
export interface StoreKey {
  readonly kind: StoreKind;
  readonly name: string;
  readonly namespace: string | undefined;
}

/** @param namespace of whoever asks; only a SecretStore is in one. */
export function storeKey(kind: StoreKind, name: string, namespace: string | undefined): StoreKey {
  return { kind, name, namespace: kind === 'SecretStore' ? namespace : undefined };
}

/** Tells every store from every other; not for people. */
export function storeId({ kind, namespace, name }: StoreKey): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

export function describeStore({ kind, name }: StoreKey): string {
  return `${kind} "${printable(name)}"`;
}

export function isSameStore(a: StoreKey, b: StoreKey): boolean {
  return a.kind === b.kind && a.name === b.name && a.namespace === b.namespace;
}
