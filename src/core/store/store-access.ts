import type { LabelSelector, SecretStore, StoreCondition } from '../../api/external-secrets.ts';
import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';
import { patternOf, WHAT_A_PATTERN_IS } from '../patterns.ts';
import type { StoreKey } from './store-key.ts';

interface NamespaceLabels {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Does a store belong to another controller, who refreshes its Secrets and writes the statuses?
 * @param controllerClass of the stores that are ours; undefined = none is.
 */
export function isForeign({ spec }: SecretStore, controllerClass: string | undefined): boolean {
  if (controllerClass === undefined) return true;
  return (spec.controller ?? '') !== '' && spec.controller !== controllerClass;
}

/**
 * Whether a namespace may use a ClusterSecretStore: no conditions = all may; else any member of any condition. Names are
 * matched by regular expressions wherever these match, as upstream does: whoever means the whole name anchors them.
 *
 * @throws LatchkeyError `StoreForbidden`, or `InvalidProviderConfig` for an expression that cannot be read.
 */
export async function assertStoreAccess(key: StoreKey, store: SecretStore, namespace: NamespaceLabels): Promise<void> {
  const conditions = store.spec.conditions ?? [];
  if (key.kind === 'SecretStore' || conditions.length === 0) return;
  if (conditions.some((condition) => isSelected(condition, namespace))) return;
  for (const [index, { namespaceRegexes = [] }] of conditions.entries()) {
    for (const [position, expression] of namespaceRegexes.entries()) {
      const pattern = await patternOf(store.spec, expression);
      if (pattern === undefined) {
        const field = `spec.conditions[${index}].namespaceRegexes[${position}]`;
        throw new LatchkeyError('InvalidProviderConfig', `${field} is not ${WHAT_A_PATTERN_IS}`);
      }
      if (pattern.matcher(namespace.name).find()) return;
    }
  }
  throw new LatchkeyError(
    'StoreForbidden',
    `its spec.conditions do not allow namespace "${printable(namespace.name)}"`,
  );
}

function isSelected(
  { namespaces = [], namespaceSelector }: StoreCondition,
  { name, labels }: NamespaceLabels,
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
        // The schema allows any word here.
        default:
          return false;
      }
    })
  );
}
