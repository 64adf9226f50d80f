import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { externalSecret, fakeStore, toYamlDocuments, type Manifest } from '../../../support/latchkey/manifests.ts';
import { createTemporaryDirectory } from '../../../support/process/temporary-directory.ts';
import { SentinelCollector } from '../../../support/sentinel/sentinel.ts';
import { documentsOf, latchkey } from './support.ts';

const sentinels = new SentinelCollector();
const user = sentinels.mint();
const password = sentinels.mint();

const store = fakeStore('store', 'shop', { user, password, binary: '\u0000\u0001' });

function templated(name: string, template: Manifest, data: Readonly<Record<string, string>> = {}): Manifest {
  return externalSecret({
    ...{ name, namespace: 'shop', store: 'store' },
    data: { user: 'user', password: 'password', ...data },
    spec: { target: { template } },
  });
}

async function render(manifests: readonly Manifest[], args: readonly string[] = [], lookup: readonly Manifest[] = []) {
  await using directory = await createTemporaryDirectory('render');
  const [file, other] = [join(directory.path, 'a.yaml'), join(directory.path, 'b.yaml')];
  await writeFile(file, toYamlDocuments(...manifests));
  await writeFile(other, toYamlDocuments(store, ...lookup));
  return await latchkey(['render', '-f', file, '--lookup', other, ...args]);
}

describe('latchkey render', () => {
  it('prints what a Secret would be, values redacted, rendered labels too, and no hash', async () => {
    const template = {
      type: 'kubernetes.io/basic-auth',
      metadata: { labels: { team: 'shop', user: '{{ .user }}' }, annotations: { note: 'plain' } },
      data: { username: '{{ .user }}', password: '{{ .password | b64enc }}' },
    };
    const { exitCode, stdout, stderr } = await render([templated('db', template)]);
    assert.deepEqual([exitCode, stderr], [0, '']);
    const [secret] = documentsOf(stdout) as unknown as [Record<string, Record<string, unknown>>];
    assert.equal(secret['type'], 'kubernetes.io/basic-auth');
    assert.equal(secret['stringData']?.['username'], `[redacted], ${user.length} bytes`);
    assert.deepEqual(secret['metadata']?.['annotations'], { note: 'plain' });
    const { team, user: label } = (secret['metadata']?.['labels'] ?? {}) as Record<string, string>;
    assert.deepEqual([team, label], ['shop', '[redacted]']);
    assert.doesNotMatch(stdout, /data-hash/);
    sentinels.collect('stdout', stdout);
    sentinels.assertUnseen();
  });

  it('prints values on demand: text as text, bytes in base64', async () => {
    const template = { mergePolicy: 'Merge', data: { greeting: 'for {{ .user }}' } };
    const { stdout } = await render([templated('db', template, { binary: 'binary' })], ['--show-values']);
    const [secret] = documentsOf(stdout) as unknown as [Record<string, Record<string, unknown>>];
    assert.deepEqual(secret['stringData'], { user, password, greeting: `for ${user}` });
    assert.deepEqual(secret['data'], { binary: 'AAE=' });
  });

  it('reads templates out of the manifests beside it', async () => {
    const templateFrom = [{ configMap: { name: 'texts', items: [{ key: 'app.conf' }] } }];
    const metadata = { name: 'texts', namespace: 'shop' };
    const texts = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'app.conf': 'user={{ .user }}' } };
    const { exitCode, stdout } = await render([templated('db', { templateFrom })], ['--show-values'], [texts]);
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`app\\.conf: user=${user}`));
  });

  it('takes manifests of v1beta1 alike', async () => {
    const old = { ...templated('db', { data: { a: '{{ .user }}' } }), apiVersion: 'external-secrets.io/v1beta1' };
    const { exitCode, stdout } = await render([old]);
    assert.equal(exitCode, 0);
    assert.match(stdout, /a: "\[redacted\], \d+ bytes"/);
  });

  it('shows the place of a failure with a caret, and goes on with the others', async () => {
    const bad = templated('bad', { data: { 'app.conf': 'first\n  é = {{ .usr | upper }}\n' } });
    const good = templated('good', { data: { a: '{{ .user }}' } });
    const { exitCode, stdout, stderr } = await render([bad, good]);
    assert.equal(exitCode, 1);
    assert.match(stdout, /name: good/);
    assert.equal(
      stderr,
      [
        'latchkey: ExternalSecret "shop/bad": spec.target.template.data["app.conf"], line 2, column 10: there is no key "usr" [TemplateError]',
        '  2 |   é = {{ .usr | upper }}',
        '    |          ^',
        '',
      ].join('\n'),
    );
  });

  it('says what fails without any value', async () => {
    for (const text of ['{{ fail .password }}', '{{ .password | mustFromJson }}', '{{ range .user }}{{ end }}']) {
      const { exitCode, stdout, stderr } = await render([templated('db', { data: { a: text } })]);
      assert.deepEqual([exitCode, stdout], [1, '']);
      sentinels.collect(text, stderr);
    }
    sentinels.assertUnseen();
  });

  it('ends with 2 where there is no ExternalSecret', async () => {
    const { exitCode, stderr } = await render([store]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /there is no ExternalSecret to render/);
  });
});
