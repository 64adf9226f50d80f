import type { ExternalSecret } from '../../api/external-secrets.ts';
import { asLatchkeyError, LatchkeyError } from '../errors.ts';
import { isSecretKey, LONGEST_KEY_CHARACTERS } from '../external-secret/convert-key.ts';
import { decodeValue } from '../external-secret/decode-value.ts';
import { isLabelValue, isQualifiedName, printable } from '../names.ts';
import type { SecretValue } from '../secret-value.ts';
import type { SecretMetadata } from '../target/build-secret.ts';
import type { TemplatePiece, TemplateTarget } from './plan.ts';
import { TemplateError } from './template-error.ts';

/** What a Secret is to hold. */
export interface SecretContent {
  readonly data: ReadonlyMap<string, SecretValue>;
  readonly metadata: SecretMetadata;
}

/** Names and texts; the name of a piece that has one counts for it. */
export type Rendered = ReadonlyMap<string, SecretValue>;

/** Labels by which other software trusts a Secret with what it does: Argo CD takes one for a cluster or repository. */
const TRUST_GIVING_LABELS: ReadonlySet<string> = new Set(['argocd.argoproj.io/secret-type']);

/**
 * Puts the results of all templates together, later ones over earlier ones. Fetched values are in the Secret only where
 * the template says so: by mergePolicy Merge, or by having no template for data.
 *
 * @param allowed Trust-giving labels and finalizers that the operator lets templates set.
 * @throws LatchkeyError `TargetForbidden` for others of them; TemplateError for what Kubernetes would refuse.
 */
export function composeContent(
  { spec }: ExternalSecret,
  values: ReadonlyMap<string, SecretValue>,
  pieces: readonly TemplatePiece[],
  rendered: readonly Rendered[],
  allowed: readonly string[],
): SecretContent {
  const { mergePolicy, data = {}, templateFrom = [], metadata = {} } = spec.target?.template ?? {};
  const keepsValues = mergePolicy === 'Merge' || (Object.keys(data).length === 0 && templateFrom.length === 0);
  const content = {
    data: new Map(keepsValues ? values : []),
    labels: new Map<string, SecretValue>(),
    annotations: new Map<string, SecretValue>(),
  };
  for (const [index, piece] of pieces.entries()) {
    for (const [rawName, raw] of rendered[index] ?? []) {
      const name = piece.name ?? rawName;
      const value = decoded(piece, raw);
      const problem = PROBLEMS[piece.target](name, value);
      if (problem !== undefined) throw new TemplateError(problem, { template: index }, piece.where);
      content[piece.target].set(name, value);
    }
  }
  const { finalizers = [] } = metadata;
  const trusted = [...content.labels.keys()].filter((label) => TRUST_GIVING_LABELS.has(label));
  assertAllowed('label', trusted, allowed);
  assertAllowed('finalizer', finalizers, allowed);
  const texts = (map: ReadonlyMap<string, SecretValue>): Readonly<Record<string, string>> =>
    Object.fromEntries([...map].map(([name, value]) => [name, value.reveal().toString('utf8')]));
  return {
    data: content.data,
    metadata: { labels: texts(content.labels), annotations: texts(content.annotations), finalizers },
  };
}

/**
 * What Kubernetes would refuse, without the name or text itself: both may come out of a value.
 */
const PROBLEMS: Readonly<Record<TemplateTarget, (name: string, value: SecretValue) => string | undefined>> = {
  data: (name) =>
    isSecretKey(name) && name.length <= LONGEST_KEY_CHARACTERS
      ? undefined
      : 'a name that it gives cannot be a key of a Secret (letters, digits, "-", "." and "_" only)',
  labels: (name, value) => {
    if (!isQualifiedName(name)) return 'a name that it gives cannot be that of a label';
    return isLabelValue(value.reveal().toString('utf8'))
      ? undefined
      : 'what it gives cannot be the value of a label (at most 63 letters, digits, "-", "." and "_")';
  },
  annotations: (name) => (isQualifiedName(name) ? undefined : 'a name that it gives cannot be that of an annotation'),
};

function decoded({ decodingStrategy, where }: TemplatePiece, value: SecretValue): SecretValue {
  try {
    return decodeValue(value, decodingStrategy === undefined ? {} : { decodingStrategy });
  } catch (cause) {
    throw asLatchkeyError(cause).within(where);
  }
}

function assertAllowed(what: string, names: readonly string[], allowed: readonly string[]): void {
  const refused = names.find((name) => !allowed.includes(name));
  if (refused === undefined) return;
  throw new LatchkeyError(
    'TargetForbidden',
    `the ${what} "${printable(refused, 80)}" is set by a template only where the operator lists it (--allowed-template-metadata)`,
  );
}
