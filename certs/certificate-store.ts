import type { Entries } from './certificate-set.ts';

/** Entries as they were read, with what is needed to replace exactly them. */
export interface StoredEntries {
  readonly entries: Entries;
  /** Opaque; handed back to {@link CertificateStore.replace}. */
  readonly revision: string;
}

/**
 * Where a set is kept. Writing is compare-and-swap: `false` = somebody else was first, read again.
 * Failures are LatchkeyErrors.
 */
export interface CertificateStore {
  /** For log lines. */
  readonly name: string;
  /** Undefined when nothing is stored yet. */
  read(signal: AbortSignal): Promise<StoredEntries | undefined>;
  create(entries: Entries, signal: AbortSignal): Promise<boolean>;
  replace(entries: Entries, revision: string, signal: AbortSignal): Promise<boolean>;
  /** Calls `onHint` when the store may have changed; it need not notice everything. */
  watch?(onHint: () => void, signal: AbortSignal): void;
}
