import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { waitUntil } from '../support/process/wait-until.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

interface Version {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly additionalPrinterColumns: readonly {
    readonly name: string;
    readonly type: string;
    readonly jsonPath: string;
  }[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
  readonly subresources: unknown;
  readonly schema: { readonly openAPIV3Schema: Schema };
}

interface Crd {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: unknown;
    readonly conversion: unknown;
    readonly versions: readonly Version[];
  };
}

interface ExternalSecret {
  readonly apiVersion: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

const crdDirectory = join(import.meta.dirname, '..', '..', 'crds');
const manifestDirectory = join(import.meta.dirname, 'crds');

const storeColumns = [
  { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  { name: 'Capabilities', type: 'string', jsonPath: '.status.capabilities' },
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
];

const kinds = [
  {
    kind: 'ExternalSecret',
    plural: 'externalsecrets',
    shortName: 'es',
    scope: 'Namespaced',
    columns: [
      { name: 'StoreType', type: 'string', jsonPath: '.spec.secretStoreRef.kind' },
      { name: 'Store', type: 'string', jsonPath: '.spec.secretStoreRef.name' },
      { name: 'Refresh Interval', type: 'string', jsonPath: '.spec.refreshInterval' },
      { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
      { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
      { name: 'Last Sync', type: 'date', jsonPath: '.status.refreshTime' },
    ],
    selectableFields: [
      '.spec.secretStoreRef.name',
      '.spec.secretStoreRef.kind',
      '.spec.target.name',
      '.spec.refreshInterval',
    ],
  },
  {
    kind: 'SecretStore',
    plural: 'secretstores',
    shortName: 'ss',
    scope: 'Namespaced',
    columns: storeColumns,
    selectableFields: [],
  },
  {
    kind: 'ClusterSecretStore',
    plural: 'clustersecretstores',
    shortName: 'css',
    scope: 'Cluster',
    columns: storeColumns,
    selectableFields: [],
  },
];

describe('the CRD files', () => {
  it('are one for each kind', () => {
    const files = readdirSync(crdDirectory).filter((name) => name.endsWith('.yaml'));
    assert.deepEqual(files.sort(), kinds.map(({ plural }) => `external-secrets.io_${plural}.yaml`).sort());
  });

  for (const { kind, plural, shortName, scope, columns, selectableFields } of kinds) {
    describe(kind, () => {
      const crd = readCrd(plural);
      const [v1, v1beta1] = versionsOf(crd);

      it('has the names, the scope and the label that upstream gives it', () => {
        assert.equal(crd.metadata.name, `${plural}.external-secrets.io`);
        assert.equal(crd.metadata.labels['external-secrets.io/component'], 'controller');
        assert.equal(crd.spec.group, 'external-secrets.io');
        assert.equal(crd.spec.scope, scope);
        assert.deepEqual(crd.spec.conversion, { strategy: 'None' });
        assert.deepEqual(crd.spec.names, {
          kind,
          listKind: `${kind}List`,
          plural,
          singular: kind.toLowerCase(),
          shortNames: [shortName],
          categories: ['external-secrets'],
        });
      });

      it('stores v1, serves both versions and calls v1beta1 deprecated', () => {
        const traits = crd.spec.versions.map(({ name, served, storage, deprecated = false }) => {
          return { name, served, storage, deprecated };
        });
        assert.deepEqual(traits, [
          { name: 'v1', served: true, storage: true, deprecated: false },
          { name: 'v1beta1', served: true, storage: false, deprecated: true },
        ]);
      });

      it('has the columns, the selectable fields and the status subresource that upstream gives it', () => {
        assert.deepEqual(v1.additionalPrinterColumns, columns);
        const paths = (v1.selectableFields ?? []).map(({ jsonPath }) => jsonPath);
        assert.deepEqual(paths, selectableFields);
        assert.deepEqual(v1.subresources, { status: {} });
      });

      it('has in v1beta1 what it has in v1', () => {
        assert.deepEqual(v1beta1.schema, v1.schema);
        assert.deepEqual(v1beta1.additionalPrinterColumns, v1.additionalPrinterColumns);
        assert.deepEqual(v1beta1.selectableFields, v1.selectableFields);
        assert.deepEqual(v1beta1.subresources, v1.subresources);
      });

      it('describes every property', () => {
        const undescribed = [...propertiesOf(v1.schema.openAPIV3Schema)]
          .filter(({ schema }) => !/^[A-Z].*\.$/s.test(schema.description ?? ''))
          .map(({ path }) => path);
        // The API server allows no description on metadata; it has its own.
        assert.deepEqual(undescribed, ['metadata']);
      });
    });
  }

  it('give SecretStore and ClusterSecretStore the same spec and status', () => {
    const [store, clusterStore] = ['secretstores', 'clustersecretstores'].map((plural) => {
      const [v1] = versionsOf(readCrd(plural));
      return v1.schema.openAPIV3Schema.properties;
    });
    assert.deepEqual(store?.['spec'], clusterStore?.['spec']);
    assert.deepEqual(store?.['status'], clusterStore?.['status']);
  });

  it('have the defaults that upstream has and no other, since every default shows up in GitOps tools', () => {
    const defaults = kinds.flatMap(({ plural }) => {
      const [v1] = versionsOf(readCrd(plural));
      return [...propertiesOf(v1.schema.openAPIV3Schema)]
        .filter(({ schema }) => schema.default !== undefined)
        .map(({ path, schema }) => [path, schema.default]);
    });
    assert.deepEqual(Object.fromEntries(defaults), {
      'spec.data[].sourceRef.generatorRef.apiVersion': 'generators.external-secrets.io/v1alpha1',
      'spec.dataFrom[].rewrite[].merge.conflictPolicy': 'Error',
      'spec.dataFrom[].rewrite[].merge.into': '',
      'spec.dataFrom[].rewrite[].merge.priorityPolicy': 'Strict',
      'spec.dataFrom[].rewrite[].merge.strategy': 'Extract',
      'spec.dataFrom[].sourceRef.generatorRef.apiVersion': 'generators.external-secrets.io/v1alpha1',
      'spec.provider.aws.sessionTagsPolicy': 'None',
      ...Object.fromEntries(
        Object.entries({
          'auth.appRole.path': 'approle',
          'auth.cert.path': 'cert',
          'auth.jwt.path': 'jwt',
          'auth.kubernetes.mountPath': 'kubernetes',
          'auth.ldap.path': 'ldap',
          'auth.userPass.path': 'userpass',
          version: 'v2',
        }).map(([field, value]) => [`spec.provider.vault.${field}`, value]),
      ),
      'spec.refreshInterval': '1h0m0s',
      'spec.target': { creationPolicy: 'Owner', deletionPolicy: 'Retain' },
      'spec.target.creationPolicy': 'Owner',
      'spec.target.deletionPolicy': 'Retain',
      'spec.target.template.engineVersion': 'v2',
      'spec.target.template.mergePolicy': 'Replace',
      'spec.target.template.templateFrom[].configMap.items[].templateAs': 'Values',
      'spec.target.template.templateFrom[].secret.items[].templateAs': 'Values',
      'spec.target.template.templateFrom[].target': 'Data',
      'status.binding.name': '',
    });
  });
});

describe('the CRDs on an API server', () => {
  let controlPlane: ControlPlane;

  const run = (...args: string[]) => kubectl(controlPlane, args);
  const runOrThrow = (...args: string[]): Promise<string> => kubectlOrThrow(controlPlane, args);
  const dryRun = (object: object) =>
    kubectl(controlPlane, ['create', '--dry-run=server', '-f', '-'], { input: object });

  before(async () => {
    controlPlane = await startControlPlane();
    await runOrThrow('apply', '-f', crdDirectory);
    await runOrThrow('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');
  });
  after(() => controlPlane?.stop());

  describe('accept', { concurrency: 4 }, () => {
    for (const file of manifestsIn('valid')) {
      it(sentence(file), async () => {
        const { exitCode, stderr } = await run('create', '--dry-run=server', '-f', file);
        assert.equal(exitCode, 0, stderr);
      });
    }
  });

  describe('refuse', { concurrency: 4 }, () => {
    for (const file of manifestsIn('invalid')) {
      it(sentence(file), async () => {
        const [, wanted] = /^# want: (.+)$/m.exec(readFileSync(file, 'utf8')) ?? [];
        assert.ok(wanted !== undefined, 'the file must begin with "# want: <part of the message>"');
        const { exitCode, stderr } = await run('create', '--dry-run=server', '-f', file);
        assert.notEqual(exitCode, 0, 'it was accepted');
        assert.ok(stderr.includes(wanted), `wanted "${wanted}" in the message: ${stderr}`);
      });
    }
  });

  it('accept as many entries as the schema allows, so no rule costs more than the API server grants', async () => {
    const templateFrom = Array.from({ length: 1000 }, () => ({ literal: 'a: b', target: 'Annotations' }));
    const dataFrom = Array.from({ length: 1000 }, () => ({
      extract: { key: 'a' },
      sourceRef: { storeRef: { name: 's' } },
    }));
    for (const length of [300, 1000]) {
      const spec = { data: dataOf(length), dataFrom, target: { template: { templateFrom } } };
      const { exitCode, stderr } = await dryRun(externalSecret(spec));
      assert.equal(exitCode, 0, `${length} entries in data: ${stderr}`);
    }
  });

  it('refuse a repeated key among 300', async () => {
    const data = dataOf(300);
    const { stderr } = await dryRun(externalSecret({ data: [...data.slice(1), data[1]] }));
    assert.match(stderr, /Each secretKey in data may be used only once/);
  });

  it('write the defaults of target and refreshInterval into an ExternalSecret, and nothing into its entries', async () => {
    const data = [{ secretKey: 'a', remoteRef: { key: 'a' } }];
    const dataFrom = [{ find: { path: 'a' } }];
    const { stdout } = await kubectl(controlPlane, ['create', '--dry-run=server', '-o', 'json', '-f', '-'], {
      input: externalSecret({ data, dataFrom }),
    });
    assert.deepEqual((JSON.parse(stdout) as ExternalSecret).spec, {
      refreshInterval: '1h0m0s',
      target: { creationPolicy: 'Owner', deletionPolicy: 'Retain' },
      data,
      dataFrom,
    });
  });

  it('serve as v1 what was written as v1beta1, with a warning', async () => {
    const object = { ...externalSecret({ data: dataOf(1) }, 'older'), apiVersion: 'external-secrets.io/v1beta1' };
    const { exitCode, stderr } = await kubectl(controlPlane, ['create', '-f', '-'], { input: object });
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /Warning: .*v1beta1 ExternalSecret is deprecated; use external-secrets\.io\/v1/);
    const stored = await runOrThrow('get', 'externalsecret', 'older', '-o', 'json');
    assert.equal((JSON.parse(stored) as ExternalSecret).apiVersion, 'external-secrets.io/v1');
  });

  it('let kubectl get show the columns', async () => {
    const secretStoreRef = { kind: 'ClusterSecretStore', name: 'vault' };
    const object = externalSecret({ secretStoreRef, refreshInterval: '15m', data: dataOf(1) }, 'columns');
    await kubectlOrThrow(controlPlane, ['create', '-f', '-'], { input: object });
    const status = {
      refreshTime: new Date().toISOString(),
      conditions: [{ type: 'Ready', status: 'True', reason: 'SecretSynced', message: 'secret synced' }],
    };
    const patch = JSON.stringify({ status });
    await runOrThrow('patch', 'es', 'columns', '--subresource=status', '--type=merge', '-p', patch);
    const [header, row] = (await runOrThrow('get', 'es', 'columns')).trim().split('\n');
    const cells = (line: string | undefined): string[] => (line ?? '').trim().split(/ {2,}/);
    assert.deepEqual(cells(header), ['NAME', 'STORETYPE', 'STORE', 'REFRESH INTERVAL', 'STATUS', 'READY', 'LAST SYNC']);
    assert.deepEqual(cells(row).slice(0, -1), [
      'columns',
      'ClusterSecretStore',
      'vault',
      '15m',
      'SecretSynced',
      'True',
    ]);
    assert.match(cells(row).at(-1) ?? '', /^\d+s$/);
  });

  it('let ExternalSecrets be selected by their store', async () => {
    const named = (name: string) =>
      externalSecret({ secretStoreRef: { name: `store-${name}` }, data: dataOf(1) }, name);
    for (const name of ['one', 'two'])
      await kubectlOrThrow(controlPlane, ['create', '-f', '-'], { input: named(name) });
    const selector = 'spec.secretStoreRef.name=store-two';
    const found = await runOrThrow('get', 'externalsecrets', '--field-selector', selector, '-o', 'name');
    assert.equal(found.trim(), 'externalsecret.external-secrets.io/two');
  });

  it('list all kinds under the category external-secrets', async () => {
    const names = await runOrThrow('api-resources', '--categories=external-secrets', '-o', 'name');
    const wanted = kinds.map(({ plural }) => `${plural}.external-secrets.io`);
    assert.deepEqual(names.trim().split('\n').sort(), wanted.sort());
  });

  it('let kubectl explain print every field of a remoteRef with its description', async () => {
    const path = 'externalsecret.spec.data.remoteRef';
    const text = await explain(path);
    const [v1] = versionsOf(readCrd('externalsecrets'));
    const remoteRef =
      v1.schema.openAPIV3Schema.properties?.['spec']?.properties?.['data']?.items?.properties?.['remoteRef'];
    const fields = Object.entries(remoteRef?.properties ?? {});
    assert.equal(fields.length, 7);
    for (const [name, { description = '' }] of fields) {
      assert.match(text, new RegExp(`^  ${name}\t<string>`, 'm'));
      assert.ok(unwrapped(text).includes(unwrapped(description)), `the description of ${name} is in: ${text}`);
    }
  });

  for (const { kind, plural } of kinds) {
    for (const version of ['v1', 'v1beta1']) {
      it(`let kubectl explain print every field of ${kind} in ${version}`, async () => {
        const flags = ['--recursive', `--api-version=external-secrets.io/${version}`];
        const printed = fieldPathsIn(await explain(plural, ...flags));
        const [v1] = versionsOf(readCrd(plural));
        for (const { path } of propertiesOf(v1.schema.openAPIV3Schema)) {
          assert.ok(printed.has(path.replaceAll('[]', '')), `${path} is missing`);
        }
      });
    }
  }

  for (const version of ['v1', 'v1beta1']) {
    it(`have every field of ${version} described in what the API server publishes, where kubectl explain reads it`, async () => {
      await explain('externalsecrets', `--api-version=external-secrets.io/${version}`);
      const published = JSON.parse(
        await runOrThrow('get', '--raw', `/openapi/v3/apis/external-secrets.io/${version}`),
      ) as { readonly components: { readonly schemas: Readonly<Record<string, Schema>> } };
      for (const { kind } of kinds) {
        const schema = published.components.schemas[`io.external-secrets.${version}.${kind}`];
        const fields = [...propertiesOf(schema ?? {})];
        assert.ok(fields.length > 20, `${kind} has ${fields.length} fields`);
        const undescribed = fields.filter((field) => (field.schema.description ?? '').length < 10);
        assert.deepEqual(
          undescribed.map(({ path }) => `${kind} ${path}`),
          [],
        );
      }
    });
  }

  /** The API server publishes the schema a moment after it has established the CRD. */
  async function explain(path: string, ...flags: string[]): Promise<string> {
    let text = '';
    const what = `kubectl explain ${path} to know its fields`;
    await waitUntil(
      async () => {
        text = await runOrThrow('explain', path, ...flags);
        return text.includes('FIELDS:');
      },
      { what, timeoutMs: 20_000, intervalMs: 200 },
    );
    return text;
  }
});

function readCrd(plural: string): Crd {
  return parse(readFileSync(join(crdDirectory, `external-secrets.io_${plural}.yaml`), 'utf8')) as Crd;
}

function versionsOf(crd: Crd): readonly [Version, Version] {
  const [v1, v1beta1, ...others] = crd.spec.versions;
  assert.ok(v1 !== undefined && v1beta1 !== undefined && others.length === 0, 'there are two versions');
  return [v1, v1beta1];
}

/** Every property below a schema with its path, such as `spec.data[].secretKey`. */
function* propertiesOf(schema: Schema, parent = ''): Generator<{ path: string; schema: Schema }> {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const path = parent === '' ? name : `${parent}.${name}`;
    yield { path, schema: property };
    yield* propertiesOf(property, path);
    if (property.items !== undefined) yield* propertiesOf(property.items, `${path}[]`);
  }
}

/** The paths in what `kubectl explain --recursive` prints: a name and a type per line, two more spaces per level. */
function fieldPathsIn(text: string): Set<string> {
  const parents: string[] = [];
  const paths = new Set<string>();
  for (const [, indent = '', name = ''] of text.matchAll(/^( +)(\S+)\t</gm)) {
    parents.length = indent.length / 2 - 1;
    parents.push(name);
    paths.add(parents.join('.'));
  }
  return paths;
}

function manifestsIn(folder: 'valid' | 'invalid'): string[] {
  const directory = join(manifestDirectory, folder);
  return readdirSync(directory)
    .sort()
    .map((name) => join(directory, name));
}

function sentence(file: string): string {
  return basename(file, '.yaml').replaceAll('-', ' ');
}

function externalSecret(spec: object, name = 'x') {
  return { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name }, spec };
}

/** Entries whose keys are all different and as long as a key can be. */
function dataOf(length: number): object[] {
  return Array.from({ length }, (_, index) => {
    return { secretKey: `key-${index}-`.padEnd(253, 'x'), remoteRef: { key: 'a' } };
  });
}

function unwrapped(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
