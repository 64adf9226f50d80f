import type { ErrorCode } from './errors.ts';

/** What a reason code means and what to do about it; docs/troubleshooting.md is made from this. */
export interface Reason {
  readonly means: string;
  readonly remedy: string;
}

/** Every code that stands in brackets in a denial, a warning, a status or what a command prints. */
export const REASONS: Readonly<Record<ErrorCode | 'SecretUnmanaged', Reason>> = {
  BackendUnavailable: {
    means:
      'The backend that the SecretStore names cannot be reached, closed the connection, answered with a server error or is sealed.',
    remedy:
      'Look at the backend and the way to it from the namespace of Latchkey. Until it is back, values that exist are used for as long as `latchkey.dev/stale-if-error` allows.',
  },
  BackendTimeout: {
    means:
      'The backend gave no answer within the time that there was: what the API server gives an admission, or 30 s.',
    remedy:
      'Create the pod again (controllers do by themselves): a first fetch goes on for up to 30 s, so that the next try finds the Secret. If it stays, look at the backend’s load.',
  },
  BackendThrottled: {
    means: 'The backend asks for fewer requests (status 429 or its throttling error).',
    remedy:
      'Raise `spec.refreshInterval` of the ExternalSecrets, or the backend’s quota; `latchkey_provider_requests_total` shows who asks how often.',
  },
  BackendResponseInvalid: {
    means: 'The backend’s answer cannot be understood, has no value in it or is longer than 4 MiB.',
    remedy:
      'Check that the SecretStore’s address is that of the backend and of no proxy or log-in page before it, and that the secret is not empty.',
  },
  BackendAuthFailed: {
    means: 'The backend refused the credentials that the SecretStore names.',
    remedy:
      'Check the Secret that `spec.provider.*.auth` of the store names: key, token, role; renew it if it has expired. The next pod uses the new one.',
  },
  BackendPermissionDenied: {
    means: 'The backend accepts the credentials but does not let them read this secret.',
    remedy: 'Give the identity of the store the right to read the key that the message names.',
  },
  SecretNotFound: {
    means: 'The backend says that it has no secret, or no version, of the name in `remoteRef`.',
    remedy: 'Correct `remoteRef.key` or `remoteRef.version` of the ExternalSecret, or make the secret at the backend.',
  },
  PropertyNotFound: {
    means: 'The secret is there but has no such `remoteRef.property`.',
    remedy: 'Correct the property; names are those of the document’s members and count capitals.',
  },
  StoreNotFound: {
    means: 'There is no SecretStore of that name in the namespace, or no ClusterSecretStore of that name.',
    remedy: 'Correct `spec.secretStoreRef` of the ExternalSecret, `kind` included, or apply the store.',
  },
  StoreForbidden: {
    means:
      'The store’s `spec.conditions` do not let this namespace use it, its annotation `latchkey.dev/inline-keys` does not allow the key of an inline reference, or an annotation of the namespace does not permit the key or the AWS role.',
    remedy:
      'Ask whoever owns the store, or the namespace (docs/multi-tenancy.md), to allow it; it works from the next pod on.',
  },
  InvalidProviderConfig: {
    means: 'The provider’s section of the store is wrong, incomplete, or leads to an address that stores may not use.',
    remedy:
      'Correct the field that the message names; `latchkey check --resolve` on a pod that needs the store says the same before you apply it.',
  },
  CredentialsNotFound: {
    means: 'The Secret, or the key in it, that the store takes its credentials from does not exist.',
    remedy: 'Make the Secret that the message names, in the namespace that it names.',
  },
  InvalidExternalSecret: {
    means: 'The ExternalSecret cannot be resolved as it is written.',
    remedy: 'Correct the field that the message names.',
  },
  TemplateError: {
    means:
      'A template of the ExternalSecret cannot be read, fails, or takes more time or memory than it may; or what comes out cannot stand where it should.',
    remedy:
      'The message names template, line, column and function; `latchkey render -f` shows the place. [templates.md](templates.md) has every function and limit.',
  },
  InvalidAnnotation: {
    means:
      'An annotation `latchkey.dev/…` of the pod or its namespace cannot be read, or what it asks for collides with the pod.',
    remedy:
      'Correct the item that the message names (docs/injection.md has the grammar); try it with `latchkey check -f pod.yaml`.',
  },
  InvalidReference: {
    means: 'An env value begins like an inline reference and is none.',
    remedy:
      'Write `latchkey://<SecretStore>/<key>[?version=…][#property]`, with `%23`, `%3F` and `%25` for `#`, `?` and `%` inside a part.',
  },
  ExternalSecretNotFound: {
    means: 'An annotation names an ExternalSecret that the pod’s namespace does not have, also not 2 s later.',
    remedy: 'Apply the ExternalSecret, correct the name, or make the item `optional`.',
  },
  Unsupported: {
    means:
      'A field or provider is used that this version does not act on; it is refused so that nothing is ignored silently.',
    remedy: 'Remove the field that the message names, or keep this ExternalSecret with the controller that knows it.',
  },
  InvalidData: {
    means:
      'The fetched value does not have the form that the ExternalSecret asks for, for example no JSON object for `dataFrom.extract`.',
    remedy:
      'Correct the value at the backend, or what the ExternalSecret makes of it; the message names the place, never the value.',
  },
  KeyMissing: {
    means: 'The pod names a key of a Secret that its ExternalSecret does not make.',
    remedy: 'Add the key to `spec.data` of the ExternalSecret, or correct it in the pod.',
  },
  TargetForbidden: {
    means:
      'The Secret may not be written: something else controls it, it is of a protected type, of a type that cannot be changed, or another ExternalSecret makes it.',
    remedy: 'Choose another `spec.target.name`, or delete the Secret if it is left over.',
  },
  ClusterUnavailable: {
    means: 'The API server could not be reached, or others kept changing the object while it was being written.',
    remedy: 'Nothing to do: it is tried again by itself, and with the next pod.',
  },
  ClusterForbidden: {
    means: 'The API server refused Latchkey a right that it needs.',
    remedy: 'Compare the ClusterRole `latchkey` with webhook-config/rbac.yaml.',
  },
  ClusterRejected: {
    means: 'The API server refused an object, the namespace is being deleted, or a manifest cannot be read.',
    remedy: 'Look at the object that the message names.',
  },
  QuotaExceeded: {
    means: 'A ResourceQuota of the namespace lets no further object be made.',
    remedy:
      'Raise the quota that the message names (`kubectl describe resourcequota -n NAMESPACE`), or delete what is not needed; the next pod is served.',
  },
  Overloaded: {
    means:
      'This replica has more to do than it may take on: more than 1000 Secrets of the namespace wait to be fetched, or pods ask for more than 100 new ones a second.',
    remedy: 'Controllers try again by themselves; add replicas if it stays.',
  },
  Internal: {
    means: 'A bug of Latchkey.',
    remedy: 'Look at the log of Latchkey for the type of the error, and report it.',
  },
  SecretUnmanaged: {
    means:
      'A warning: the pod names a Secret that does not exist and that no ExternalSecret makes, so the kubelet waits for it.',
    remedy: 'Apply the ExternalSecret or make the Secret; the pod starts once it is there.',
  },
};

/** The end of every denial: where its code is explained. */
export function whereToLook(code: ErrorCode): string {
  return `(what to do: docs/troubleshooting.md#${code.toLowerCase()}, or latchkey check)`;
}

/** docs/troubleshooting.md, codes in alphabetical order. */
export function troubleshootingPage(): string {
  const sections = Object.entries(REASONS)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { means, remedy }]) => `## ${code}\n\n${means}\n\n${remedy}\n`);
  return [
    '# Troubleshooting\n',
    'Every denial, warning and status of Latchkey has a code in brackets. A denial names pod, Secret, ExternalSecret, store, key and',
    'cause, and the section of this page that says what the code means and what to do. Of more than three failures three are told in',
    'full and the others counted; `latchkey check` shows all of them, with the same reasons, before you deploy or afterwards.\n',
    'In an emergency `kubectl label namespace NAME latchkey.dev/break-glass=yes` lifts every denial in that namespace at once, with Latchkey',
    'dead or alive; pods then start with what is there. Remove the label afterwards.\n',
    'Latchkey itself: `kubectl get pods -n latchkey-system`, `kubectl logs -n latchkey-system deployment/latchkey`.\n',
    ...sections,
  ].join('\n');
}
