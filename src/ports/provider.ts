import type {
  ConfigMapKeySelector,
  SecretKeySelector,
  ServiceAccountSelector,
  StoreKind,
} from '../api/external-secrets.ts';
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

/** What `dataFrom[].find` looks for: secrets that have the name and all the tags, as far as these are given. */
export interface FindQuery {
  /** Where to look; what a path is, each backend decides. */
  readonly path?: string;
  /**
   * For each name, whether the wanted expression (RE2, not anchored) matches the backend's full name of a secret. Names of
   * one page of a listing go together, since the expression is judged in a worker.
   * @throws LatchkeyError `InvalidExternalSecret` for an expression that RE2 does not accept.
   */
  readonly matchNames?: (names: readonly string[]) => Promise<readonly boolean[]>;
  readonly tags?: Readonly<Record<string, string>>;
}

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
  /**
   * All secrets that a query finds, by the backend's full name; none is no error. At most {@link MOST_FOUND}.
   * @throws LatchkeyError as `getSecret`; `InvalidExternalSecret` for a query that the backend cannot answer, or that finds more.
   */
  findSecrets?(query: FindQuery, signal: AbortSignal): Promise<ReadonlyMap<string, SecretValue>>;
  /** What the backend keeps beside the value (`metadataPolicy: Fetch`): labels or tags, as the text of a JSON object. */
  getMetadata?(ref: DocumentRef, signal: AbortSignal): Promise<SecretValue>;
  /** Asks the backend whether it accepts who this client is. Missing where nothing can be asked without reading a secret. */
  validate?(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** More secrets than this are never handed out for one `find`. */
export const MOST_FOUND = 1_000;

/** A property, read; or the gjson paths to try, in this order. None to try = the document has no such property. */
export type PropertyReading = { readonly value: SecretValue } | { readonly paths: readonly string[] };

/** How a provider reads inside its documents; providers/shared has the ready-made ones. */
export interface DocumentReader {
  /** Reads what a plain name can read at once; what takes gjson is left to whoever has it. */
  property(document: SecretValue, property: string): PropertyReading;
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
  /** @throws LatchkeyError `CredentialsNotFound` when ConfigMap or key is missing. */
  readConfigMapKey(selector: ConfigMapKeySelector, field: string, signal: AbortSignal): Promise<string>;
  /** @throws LatchkeyError `CredentialsNotFound` when there is no such service account. */
  readServiceAccount(
    selector: ServiceAccountSelector,
    field: string,
    signal: AbortSignal,
  ): Promise<ServiceAccountIdentity>;
  /**
   * A token of a service account (TokenRequest), for the audiences given, never for the API server's own.
   * @throws LatchkeyError `CredentialsNotFound`, or `InvalidProviderConfig` when no audience is named.
   */
  requestToken(request: TokenRequest, field: string, signal: AbortSignal): Promise<ServiceAccountToken>;
}

export interface ServiceAccountIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface TokenRequest {
  readonly serviceAccount: ServiceAccountSelector;
  /** Whom the token is for; those that the selector names are added. */
  readonly audiences: readonly string[];
  /** Asked for; the API server gives at least 600. */
  readonly expirationSeconds: number;
}

export interface ServiceAccountToken {
  readonly token: SecretValue;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** Something that works, though not as well as it could: for the operator to know, once. */
export type NoticeCode = 'BatchReadRefused';

export interface ClientContext {
  /** For messages and session names. */
  readonly store: { readonly kind: StoreKind; readonly name: string; readonly namespace: string | undefined };
  /** Of the ExternalSecret that asks; `undefined`: nobody asks yet, the store itself is being looked at. */
  readonly namespace: string | undefined;
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
  /** Called at most once per client and code. @param sentence in our own words, naming the store. */
  readonly onNotice: (code: NoticeCode, sentence: string) => void;
}

export interface Provider {
  /**
   * Judges a store's section alone, without I/O.
   * @throws LatchkeyError `InvalidProviderConfig`, or `Unsupported` with the field's path.
   */
  validateStore(store: Pick<ClientContext, 'store' | 'config' | 'allowedBackendHosts'>): void;
  /**
   * Builds a client; reads credentials, may log in.
   * @throws LatchkeyError `InvalidProviderConfig`, `Unsupported` (with the field's path), `CredentialsNotFound`, or a
   * backend's error when a login is refused.
   */
  newClient(context: ClientContext, signal: AbortSignal): Promise<SecretsClient>;
  readonly documents: DocumentReader;
  /** Upstream converts the names that `find` gives before it rewrites them with some providers, after it with others. */
  readonly convertsFoundNames?: true;
}

/** What each providers/<name>/index.ts exports. Importing it loads no SDK. */
export interface ProviderModule {
  createProvider(): Provider;
}

/** Name in `spec.provider` → module, loaded on first use. */
export type ProviderRegistry = Readonly<Record<string, () => Promise<ProviderModule>>>;
