import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { parse } from 'yaml';

/** The part of a structural schema that says something about types. */
interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly nullable?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

interface Crd {
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

const root = join(import.meta.dirname, '../..');

/** Where the types are. */
export const TYPES_FILE = join(root, 'src/api/crds.gen.ts');

/** SecretStore and ClusterSecretStore have the same spec and status, which a test of the CRDs holds. */
const CRDS = ['externalsecrets', 'secretstores'];

/** The TypeScript of spec and status of each kind, as the stored version of its CRD has them. */
export async function crdTypes(): Promise<string> {
  const types = CRDS.flatMap((plural) => {
    const crd = parse(readFileSync(join(root, `crds/external-secrets.io_${plural}.yaml`), 'utf8')) as Crd;
    const { kind } = crd.spec.names;
    const stored = crd.spec.versions.find(({ storage }) => storage);
    const { spec, status } = stored?.schema.openAPIV3Schema.properties ?? {};
    if (spec === undefined || status === undefined) throw new Error(`the CRD of ${kind} has no spec or no status`);
    return [declaration(`${kind}Spec`, spec), declaration(`${kind}Status`, status)];
  });
  const text = [
    '/** Made from crds/ by `npm run types`; a test holds it equal. Change the CRDs, not this file. */',
    "import type { Condition, Json } from './kubernetes.ts';",
    ...types,
  ].join('\n\n');
  return format(text, { ...(await resolveConfig(TYPES_FILE)), filepath: TYPES_FILE });
}

function declaration(name: string, schema: Schema): string {
  return `${comment(schema)}export interface ${name} ${members(schema)}`;
}

function typeOf(schema: Schema): string {
  if (isCondition(schema)) return 'Condition';
  const type = schema['x-kubernetes-int-or-string'] === true ? 'number | string' : plainTypeOf(schema);
  return schema.nullable === true ? `${type} | null` : type;
}

function plainTypeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  switch (schema.type) {
    case 'array':
      return `readonly (${schema.items === undefined ? 'Json' : typeOf(schema.items)})[]`;
    case 'object': {
      // What may have any member is for the provider to read, which knows more of it than a schema does.
      const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
      if (schema.properties !== undefined && !isOpen) return members(schema);
      return `Readonly<Record<string, ${schema.additionalProperties === undefined ? 'Json' : typeOf(schema.additionalProperties)}>>`;
    }
    case 'integer':
      return 'number';
    case 'string':
    case 'boolean':
      return schema.type;
    default:
      throw new Error(`no type is known for ${JSON.stringify(schema)}`);
  }
}

/** Kubernetes has one type for the conditions of all kinds. */
function isCondition({ properties = {} }: Schema): boolean {
  return ['type', 'status', 'reason', 'message', 'lastTransitionTime'].every((name) => name in properties);
}

function members({ properties = {}, required = [] }: Schema): string {
  const lines = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? '' : '?';
    // Go's zero value: manifests that no API server has judged may spell unset so.
    const empty = optional === '?' && schema.enum !== undefined ? "'' | " : '';
    return `${comment(schema)}readonly ${name}${optional}: ${empty}${typeOf(schema)};`;
  });
  return `{\n${lines.join('\n')}\n}`;
}

function comment({ description }: Schema): string {
  return description === undefined ? '' : `/** ${description.replaceAll(/\s+/g, ' ').replaceAll('*/', '*\\/')} */\n`;
}
