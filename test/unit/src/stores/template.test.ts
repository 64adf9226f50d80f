import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { ExternalSecret } from '../../../../src/api/external-secrets.ts';
import type { KubernetesObject } from '../../../../src/api/kubernetes.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { TemplateError } from '../../../../src/core/template/template-error.ts';
import { createGoLibraries } from '../../../../src/go/go-libraries.ts';
import type { GoLibraries } from '../../../../src/ports/go-libraries.ts';
import { DEFAULT_TEMPLATE_SETTINGS, TemplateRenderer, type TemplateSettings } from '../../../../src/stores/template.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { secretValues } from '../go/rendering.ts';
import { handClock } from './support/clock.ts';

const libraries = createGoLibraries({ timeLimitMs: 10_000 });
after(() => libraries.close());

/** Fails the test when it is asked for anything: what is plain needs none of it. */
const noLibraries = new Proxy(libraries, {
  get: (_, name) => (name === 'inNamespace' ? () => noLibraries : assert.fail(`${String(name)} is not to be used`)),
});

interface Given {
  readonly values?: Readonly<Record<string, string>>;
  readonly objects?: readonly object[];
  readonly settings?: Partial<TemplateSettings>;
  readonly go?: GoLibraries;
}

async function compose(template: object | undefined, given: Given = {}) {
  const { values = { user: 'fake-user', password: 'fake-password' }, objects = [], settings = {} } = given;
  const cluster = new FolderCluster(handClock());
  for (const object of objects) cluster.load(object as KubernetesObject);
  const spec = template === undefined ? {} : { target: { template } };
  const own = make.externalSecret({ name: 'db', namespace: 'shop', data: {}, spec }) as unknown as ExternalSecret;
  const externalSecret = { ...own, metadata: { ...own.metadata, labels: { team: 'shop' } } };
  const renderer = new TemplateRenderer(cluster, given.go ?? libraries, { ...DEFAULT_TEMPLATE_SETTINGS, ...settings });
  const content = await renderer.compose(externalSecret, secretValues(values), AbortSignal.timeout(60_000));
  const { labels, annotations, finalizers } = content.metadata;
  const data = Object.fromEntries([...content.data].map(([key, value]) => [key, value.reveal().toString('utf8')]));
  return { data, labels, annotations, finalizers };
}

async function failure(template: object, given: Given = {}): Promise<LatchkeyError> {
  try {
    await compose(template, given);
  } catch (error) {
    if (error instanceof LatchkeyError) return error;
    throw error;
  }
  return assert.fail('it is rendered');
}

const configMap = (name: string, data: Readonly<Record<string, string>>): object => {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data };
};
const secret = (name: string, data: Readonly<Record<string, string>>): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'shop' },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, btoa(value)])),
});
const fetched = { user: 'fake-user', password: 'fake-password' };

describe('the content of a Secret', () => {
  it('is what was fetched, and the metadata of the ExternalSecret, without a template', async () => {
    const { data, labels } = await compose(undefined, { go: noLibraries });
    assert.deepEqual([data, labels], [fetched, { team: 'shop' }]);
  });

  it('is what was fetched, and no metadata, with an empty template', async () => {
    const { data, labels } = await compose({}, { go: noLibraries });
    assert.deepEqual([data, labels], [fetched, {}]);
  });

  it('is only what templates for data give', async () => {
    const { data } = await compose({ data: { url: 'db://{{ .user }}:{{ .password }}@db', plain: 'text' } });
    assert.deepEqual(data, { url: 'db://fake-user:fake-password@db', plain: 'text' });
  });

  it('has what was fetched below it with mergePolicy Merge', async () => {
    const { data } = await compose({ mergePolicy: 'Merge', data: { user: '{{ .user | upper }}', more: 'x' } });
    assert.deepEqual(data, { user: 'FAKE-USER', password: 'fake-password', more: 'x' });
  });

  it('keeps what was fetched when only metadata is templated', async () => {
    const template = { metadata: { labels: { owner: '{{ .user }}' }, annotations: { note: 'for {{ .user }}' } } };
    const { data, labels, annotations } = await compose(template);
    assert.deepEqual([data, labels, annotations], [fetched, { owner: 'fake-user' }, { note: 'for fake-user' }]);
  });

  it('needs no Go libraries where there is no action', async () => {
    const template = { data: { a: 'plain }}' }, metadata: { labels: { b: 'c' } } };
    const { data, labels } = await compose(template, { go: noLibraries });
    assert.deepEqual([data, labels], [{ a: 'plain }}' }, { b: 'c' }]);
  });

  it('takes other delimiters, where the operator sets them', async () => {
    const settings = { templateLeftDelimiter: '[[', templateRightDelimiter: ']]' };
    const { data } = await compose({ data: { a: '[[ .user ]]{{ .user }}' } }, { settings });
    assert.deepEqual(data, { a: 'fake-user{{ .user }}' });
  });
});

describe('templateFrom', () => {
  const objects = [
    configMap('texts', { 'app.conf': 'user={{ .user }}', map: 'a: {{ .user }}\nb: 010', plain: 'c: yes' }),
    secret('hidden', { 'key.txt': 'p={{ .password }}', map: 'b: from-secret' }),
    { ...configMap('texts', { 'app.conf': 'of another namespace' }), metadata: { name: 'texts', namespace: 'other' } },
  ];
  const items = (key: string, templateAs?: string): object => ({ items: [{ key, ...(templateAs && { templateAs }) }] });

  it('takes templates out of ConfigMaps, Secrets and literals', async () => {
    const templateFrom = [
      { configMap: { name: 'texts', ...items('app.conf') } },
      { secret: { name: 'hidden', ...items('key.txt', 'Values') } },
      { literal: 'x: {{ .user }}\nport: 5432' },
    ];
    const { data } = await compose({ templateFrom }, { objects });
    assert.deepEqual(data, {
      'app.conf': 'user=fake-user',
      'key.txt': 'p=fake-password',
      x: 'fake-user',
      port: '5432',
    });
  });

  it('lets later results take the place of earlier ones, and template.data that of all', async () => {
    const templateFrom = [
      {
        configMap: { name: 'texts', ...items('map', 'KeysAndValues') },
        secret: { name: 'hidden', ...items('map', 'KeysAndValues') },
      },
      { literal: 'a: literal\nz: literal' },
    ];
    const { data } = await compose({ templateFrom, data: { z: 'data' } }, { objects });
    assert.deepEqual(data, { a: 'literal', b: 'from-secret', z: 'data' });
    const alone = await compose(
      { templateFrom: [{ configMap: { name: 'texts', ...items('map', 'KeysAndValues') } }] },
      { objects },
    );
    assert.deepEqual(alone.data, { a: 'fake-user', b: '8' });
    const plain = await compose(
      { templateFrom: [{ configMap: { name: 'texts', ...items('plain', 'KeysAndValues') } }] },
      { objects },
    );
    assert.deepEqual(plain.data, { c: 'true' });
  });

  it('gives labels and annotations, below those of template.metadata', async () => {
    const templateFrom = [
      { literal: 'team: {{ .user }}\nenv: prod', target: 'labels' },
      { configMap: { name: 'texts', ...items('app.conf') }, target: 'Annotations' },
    ];
    const metadata = { labels: { team: 'shop' } };
    const result = await compose({ templateFrom, metadata }, { objects });
    assert.deepEqual(result.labels, { team: 'shop', env: 'prod' });
    assert.deepEqual(result.annotations, { 'app.conf': 'user=fake-user' });
    // There is templateFrom, if none for data.
    assert.deepEqual(result.data, {});
  });

  it('decodes what comes out by valuesDecodingStrategy, and nothing else', async () => {
    const templateFrom = [{ literal: 'a: {{ .user | b64enc }}', valuesDecodingStrategy: 'Base64' }];
    const { data } = await compose({ templateFrom, data: { b: '{{ .user | b64enc }}' } });
    assert.deepEqual(data, { a: 'fake-user', b: btoa('fake-user') });
    const wrong = await failure({ templateFrom: [{ literal: 'a: "{{ .user }}!"', valuesDecodingStrategy: 'Base64' }] });
    assert.match(wrong.message, /templateFrom\[0\]\.literal: the value is not what decodingStrategy Base64 decodes$/);
  });

  it('names what is missing', async () => {
    const from = (source: object): object => ({ templateFrom: [{ literal: 'a: b' }, source] });
    const cases: readonly (readonly [object, string])[] = [
      [
        from({ configMap: { name: 'no', ...items('k') } }),
        'spec.target.template.templateFrom[1]: ConfigMap "no" does not exist',
      ],
      [
        from({ secret: { name: 'no', ...items('k') } }),
        'spec.target.template.templateFrom[1]: Secret "no" does not exist',
      ],
      [
        from({ configMap: { name: 'texts', ...items('k') } }),
        'key "k" of ConfigMap "texts" (spec.target.template.templateFrom[1]): there is no such key',
      ],
    ];
    for (const [template, message] of cases) {
      const error = await failure(template, { objects });
      assert.deepEqual([error.code, error.message], ['TemplateError', message]);
    }
  });
});

describe('a template that fails', () => {
  it('is told of by field, key, line, column and function', async () => {
    const error = await failure({ data: { ok: '{{ .user }}', 'app.conf': 'x\n  {{ .usr }}' } });
    const where = 'spec.target.template.data["app.conf"], line 2, column 6';
    assert.equal(error.message, `${where}: there is no key "usr"`);
    assert.ok(error instanceof TemplateError);
    assert.equal(error.place.lineText?.reveal().toString(), '  {{ .usr }}');
    const failed = await failure({ metadata: { labels: { a: '{{ fail .password }}' } } });
    assert.equal(failed.message, 'spec.target.template.metadata.labels["a"], line 1, column 4: template called fail');
  });

  it('says nothing of a template that is secret itself', async () => {
    const objects = [secret('hidden', { t: 'fake-hidden\n{{ .fakeHidden }}' })];
    const error = await failure({ templateFrom: [{ secret: { name: 'hidden', items: [{ key: 't' }] } }] }, { objects });
    assert.equal(
      error.message,
      'key "t" of Secret "hidden" (spec.target.template.templateFrom[0]), line 2, column 4: there is no key',
    );
    assert.ok(error instanceof TemplateError);
    assert.equal(error.place.lineText, undefined);
  });

  it('gives names that Kubernetes refuses, without the names: they may be values', async () => {
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ literal: '"{{ .password }}!": x' }, /a name that it gives cannot be a key of a Secret/],
      [{ literal: '"{{ .password }}!": x', target: 'Labels' }, /a name that it gives cannot be that of a label/],
      [{ literal: 'a: "{{ .password }}!"', target: 'Labels' }, /what it gives cannot be the value of a label/],
      [
        { literal: '"{{ .password }}!": x', target: 'Annotations' },
        /a name that it gives cannot be that of an annotation/,
      ],
      [{ literal: '- {{ .password }}' }, /what comes out cannot be used: the text is YAML, but no map/],
      [{ literal: 'plain text' }, /the text is YAML, but no map of names and values/],
    ];
    for (const [entry, pattern] of cases) {
      const { message } = await failure({ templateFrom: [entry] });
      assert.match(message, pattern);
      assert.doesNotMatch(message, /fake-password/);
    }
  });
});

describe('labels that give trust, and finalizers', () => {
  const label = 'argocd.argoproj.io/secret-type';

  it('are refused wherever they come from', async () => {
    for (const template of [
      { metadata: { labels: { [label]: 'cluster' } } },
      { templateFrom: [{ literal: `${label}: cluster`, target: 'Labels' }] },
      { templateFrom: [{ literal: `{{ "${label}" }}: cluster`, target: 'labels' }] },
    ]) {
      const error = await failure(template);
      assert.deepEqual([error.code, /--allowed-template-metadata/.test(error.message)], ['TargetForbidden', true]);
    }
    const error = await failure({ metadata: { finalizers: ['fake.example/keep'] } });
    assert.match(error.message, /^the finalizer "fake\.example\/keep" is set by a template only where/);
  });

  it('are set where the operator lists them', async () => {
    const settings = { allowedTemplateMetadata: [label, 'fake.example/keep'] };
    const template = { metadata: { labels: { [label]: 'cluster' }, finalizers: ['fake.example/keep'] } };
    const { labels, finalizers } = await compose(template, { settings });
    assert.deepEqual([labels, finalizers], [{ [label]: 'cluster' }, ['fake.example/keep']]);
  });
});
