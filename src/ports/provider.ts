import type { SecretKeySelector, StoreKind } from '../api/external-secrets.ts';
import type { Json } from '../api/kubernetes.ts';
import type { LatchkeyError } from '../core/errors.ts';
import type { SecretValue } from '../core/secret-value.ts';

/** One whole secret at a backend. `property` is not part of it: one fetch serves every property of a document. */
export interface DocumentRef {
  /** The backend's own name for the secret, as the ExternalSecret spells it. */
  readonly key: string;
  /** Empty = the backend's current version. */
  readonly version?: string;
}

/** Answer to one reference of a batch. One item's error is its own. */
export type DocumentResult = { readonly document: SecretValue } | { readonly error: LatchkeyError };

/** A logged-in connection to one backend for one identity. Closed by whoever made it; `close` may be called twice. */
export interface SecretsClient {
  /**
   * Fetches one document.
   * @throws LatchkeyError `SecretNotFound` when the backend says that it does not exist, never for an outage;
   * `BackendAuthFailed`, `BackendPermissionDenied`, `BackendThrottled`, `BackendTimeout`, `BackendUnavailable`,
   * `BackendResponseInvalid` for what else can go wrong. Messages name the key, never a value.
   */
  getSecret(ref: DocumentRef, signal: AbortSignal): Promise<SecretValue>;
  /** Fetches many in as few calls as the backend allows; answers in the order of `refs`. */
  getSecrets?(refs: readonly DocumentRef[], signal: AbortSignal): Promise<readonly DocumentResult[]>;
  close(): Promise<void>;
}

/** How a provider reads inside its documents; providers/shared has the ready-made ones. */
export interface DocumentReader {
  /** One property's bytes, `undefined` when the document has none of that name. */
  property(document: SecretValue, property: string): SecretValue | undefined;
  /** All members (`dataFrom.extract`). @throws LatchkeyError `InvalidData` when the document is no JSON object. */
  map(document: SecretValue): ReadonlyMap<string, SecretValue>;
}

/** Reads credentials on behalf of one store, within what its kind allows. */
export interface CredentialReader {
  /**
   * @param field path of the selector in the store, for messages (`spec.provider.aws.auth.secretRef.accessKeyIDSecretRef`).
   * @throws LatchkeyError `CredentialsNotFound` when Secret or key is missing.
   */
  readSecretKey(selector: SecretKeySelector, field: string, signal: AbortSignal): Promise<SecretValue>;
}

export interface ClientContext {
  /** For messages and session names. */
  readonly store: { readonly kind: StoreKind; readonly name: string; readonly namespace: string | undefined };
  /** The value under the provider's key in `spec.provider`, unchecked. */
  readonly config: Json;
  readonly credentials: CredentialReader;
  /** May a store without explicit credentials use the identity that Latchkey itself runs under? */
  readonly isAmbientIdentityAllowed: boolean;
  /** Hosts, as `URL.hostname` spells them, that a store's URLs may lead to wherever they are (`--allowed-backend-hosts`). */
  readonly allowedBackendHosts: readonly string[];
  /** Endpoint overrides and SDK settings of this process (`AWS_SECRETSMANAGER_ENDPOINT` …). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Called once per request that leaves for the backend. */
  readonly onRequest: (call: string, status: string, durationSeconds: number) => void;
}

export interface Provider {
  /**
   * Builds a client; reads credentials, may log in.
   * @throws LatchkeyError `InvalidProviderConfig`, `Unsupported` (with the field's path), `CredentialsNotFound`, or a
   * backend's error when a login is refused.
   */
  newClient(context: ClientContext, signal: AbortSignal): Promise<SecretsClient>;
  readonly documents: DocumentReader;
}

/** What each providers/<name>/index.ts exports. Importing it loads no SDK. */
export interface ProviderModule {
  createProvider(): Provider;
}

/** Name in `spec.provider` → module, loaded on first use. */
export type ProviderRegistry = Readonly<Record<string, () => Promise<ProviderModule>>>;
