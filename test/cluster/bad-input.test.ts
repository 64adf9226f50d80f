/** Input that no Secret can be made of: a clear status and Event, and the Secret that is there stays as it is. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as make from '../support/latchkey/manifests.ts';
import { startReconciling, type Reconciling } from '../support/latchkey/reconciling.ts';
import { ScriptedBackend, scriptedStore } from '../support/latchkey/scripted-backend.ts';

const NAMESPACE = 'bad';
/** Stands in every value: nothing that is told may have it. */
const SECRET = 'hunter2';

const backend = new ScriptedBackend();
let world: Reconciling;

const fakeData: Readonly<Record<string, string>> = {
  good: `${SECRET}-good`,
  'a/b': SECRET,
  a_b: SECRET,
  'a-b': SECRET,
  ключ: SECRET,
  object: JSON.stringify({ 'x/y': SECRET, x_y: SECRET }),
  member: JSON.stringify({ ['n'.repeat(254)]: SECRET }),
  dots: JSON.stringify({ '..': SECRET }),
  letters: JSON.stringify({ ключ: SECRET }),
  list: JSON.stringify([SECRET]),
  notJson: `{${SECRET}`,
  notBase64: `${SECRET}!`,
  unpadded: 'aHVudGVyMg',
  nothing: JSON.stringify({ k: null }),
  one: JSON.stringify({ k: SECRET }),
  two: JSON.stringify({ k: `${SECRET}2` }),
};

before(async () => {
  world = await startReconciling(backend.registry);
  await world.apply(
    make.namespace(NAMESPACE),
    make.fakeStore('store', NAMESPACE, fakeData),
    scriptedStore('scripted', NAMESPACE),
  );
  backend.values.set('zeros', Buffer.from(`a\0${SECRET}`));
  backend.values.set('latin1', Buffer.from([0xff, 0xfe, 0x00, 0xe4]));
  backend.values.set('member', Buffer.from([...Buffer.from('{"k":"'), 0xff, ...Buffer.from('"}')]));
  backend.values.set('most', Buffer.alloc(1_048_576, 'x'));
  backend.values.set('half', Buffer.alloc(600_000, 'y'));
});

after(async () => {
  await world?.stop();
});

const entry = (key: string, more: make.Manifest = {}): make.Manifest => ({
  data: [{ secretKey: 'key', remoteRef: { key, ...more } }],
});
const scripted = (key: string, more: make.Manifest = {}): make.Manifest => ({
  ...entry(key, more),
  secretStoreRef: { name: 'scripted' },
});
const from = (...dataFrom: readonly make.Manifest[]): make.Manifest => ({ data: [], dataFrom });
const extract = (key: string, more: make.Manifest = {}): make.Manifest => from({ extract: { key, ...more } });
const find = (regexp: string, more: make.Manifest = {}): make.Manifest => from({ find: { name: { regexp }, ...more } });
const rewritten = (regexp: string, ...rewrite: readonly make.Manifest[]): make.Manifest =>
  from({ find: { name: { regexp } }, rewrite });
const regexp = (source: string, target: string): make.Manifest => ({ regexp: { source, target } });
const merge = (fields: make.Manifest): make.Manifest => ({ merge: fields });

const find0 = 'spec.dataFrom[0].find';
const extract0 = 'spec.dataFrom[0].extract';
const data0 = 'spec.data[0] (secretKey "key")';
const unreadable = 'the regular expression cannot be read';

/** What is asked for, and the sentence that status and Event say. */
const CASES: Readonly<Record<string, readonly [make.Manifest, string | RegExp]>> = {
  'a find whose expression is not closed': [
    find('(a'),
    `${find0}: ${unreadable}: a ( is not closed [InvalidExternalSecret]`,
  ],
  'a find with a look-ahead': [
    find('a(?=b)'),
    `${find0}: ${unreadable}: RE2 has no look-around and no backreferences, nor what else begins with (? [InvalidExternalSecret]`,
  ],
  'a find that repeats too often': [
    find('((a{900}){900}){900}'),
    `${find0}: ${unreadable}: something is to be repeated more than 1000 times, or {n,m} runs backwards [InvalidExternalSecret]`,
  ],
  'a find of nothing that is there by tags': [
    from({ find: { tags: { a: 'b' } } }),
    `${find0}: the fake provider finds by name only [InvalidExternalSecret]`,
  ],
  'a rewrite whose expression is wrong': [
    rewritten('^good$', regexp('[', 'x')),
    `${find0}: rewrite[0].regexp: ${unreadable}: a [ is not closed [InvalidExternalSecret]`,
  ],
  'a rewrite whose second step is wrong': [
    rewritten('^good$', regexp('g', 'x'), regexp('*', 'x')),
    `${find0}: rewrite[1].regexp: ${unreadable}: nothing stands before a repetition [InvalidExternalSecret]`,
  ],
  'a rewrite that explodes': [
    rewritten('^good$', ...Array.from({ length: 3 }, () => regexp('.', '$0'.repeat(1_000)))),
    /^spec\.dataFrom\[0\]\.find: rewrite\[[12]\]\.regexp: (what comes out is larger than 8 MiB|replacing by the regular expression takes more (than 250 ms|memory than is allowed)) \[InvalidExternalSecret\]$/,
  ],
  'a rewrite to a key that no Secret takes': [
    rewritten('^good$', regexp('good', 'go od')),
    `${find0}: "go od" cannot be a key of a Secret (letters, digits, "-", "." and "_" only) [InvalidData]`,
  ],
  'two names that become one key': [
    find('^a.b$'),
    `${find0}: two names become the key "a_b": rewrite them, or use conversionStrategy Unicode [InvalidData]`,
  ],
  'two members that become one key': [
    extract('object'),
    `${extract0}: two names become the key "x_y": rewrite them, or use conversionStrategy Unicode [InvalidData]`,
  ],
  'a key that is too long': [
    extract('member'),
    `${extract0}: key "${'n'.repeat(39)}…" has 254 characters, a Secret allows 253 [InvalidData]`,
  ],
  'a key of two dots': [
    extract('dots'),
    `${extract0}: ".." cannot be a key of a Secret (letters, digits, "-", "." and "_" only) [InvalidData]`,
  ],
  'a key of other letters': [
    extract('letters'),
    `${extract0}: "ключ" cannot be a key of a Secret (letters, digits, "-", "." and "_" only) [InvalidData]`,
  ],
  'an extract of a list': [extract('list'), `${extract0}: the value is not a JSON object [InvalidData]`],
  'an extract of what is no JSON': [extract('notJson'), `${extract0}: the value is not a JSON object [InvalidData]`],
  'base64 that is none': [
    entry('notBase64', { decodingStrategy: 'Base64' }),
    `${data0}: the value is not what decodingStrategy Base64 decodes [InvalidData]`,
  ],
  'base64 without padding': [
    entry('unpadded', { decodingStrategy: 'Base64URL' }),
    `${data0}: the value is not what decodingStrategy Base64URL decodes [InvalidData]`,
  ],
  'a member that is no base64': [
    extract('one', { decodingStrategy: 'Base64' }),
    `${extract0}: key "k": the value is not what decodingStrategy Base64 decodes [InvalidData]`,
  ],
  'a NUL byte that is forbidden': [
    scripted('zeros', { nullBytePolicy: 'Fail' }),
    `${data0}: the value holds a NUL byte, which nullBytePolicy Fail forbids [InvalidData]`,
  ],
  'a merge of objects that share a member': [
    rewritten('^(one|two)$', merge({})),
    `${find0}: rewrite[0].merge: several of the merged objects have a member "k" [InvalidData]`,
  ],
  'a merge of what is no object': [
    rewritten('^(one|list)$', merge({})),
    `${find0}: rewrite[0].merge: the value of "list" is not a JSON object and cannot be merged [InvalidData]`,
  ],
  'a merge into one object without a key for it': [
    rewritten('^one$', merge({ strategy: 'JSON' })),
    `${find0}: rewrite[0].merge: strategy JSON needs the key "into" [InvalidExternalSecret]`,
  ],
  'a merge with a priority that is not there': [
    rewritten('^one$', merge({ priority: ['gone'] })),
    `${find0}: rewrite[0].merge: priority names the key "gone", which is not there [InvalidData]`,
  ],
  'more than a Secret holds': [
    {
      secretStoreRef: { name: 'scripted' },
      data: ['most', 'half'].map((key) => ({ secretKey: key, remoteRef: { key } })),
    },
    'the values have 1648576 bytes together, and a Secret holds 1048576 at most [InvalidData]',
  ],
  'a source that asks for nothing': [
    from({ sourceRef: { storeRef: { name: 'store' } } }),
    'spec.dataFrom[0] has neither extract nor find [InvalidExternalSecret]',
  ],
  'a property that is not there': [
    entry('one', { property: 'gone' }),
    `${data0}: secret "one" has no property "gone" [PropertyNotFound]`,
  ],
};

describe('an ExternalSecret that asks for', () => {
  for (const [index, [what, [spec, sentence]]] of Object.entries(CASES).entries()) {
    it(`${what} says so, and leaves the Secret as it is`, async () => {
      const name = `case-${index}`;
      await world.apply(make.externalSecret({ name, namespace: NAMESPACE, data: { key: 'good' } }));
      assert.equal(await world.sync(NAMESPACE, name), 'created');
      const before = await world.secret(NAMESPACE, name);
      await world.apply(make.externalSecret({ name, namespace: NAMESPACE, data: {}, spec }));
      await world.sync(NAMESPACE, name);
      const status = await world.status(NAMESPACE, name);
      const said = status.replace('False SecretSyncedError: ', '');
      if (typeof sentence === 'string') assert.equal(said, sentence);
      else assert.match(said, sentence);
      assert.deepEqual(await world.secret(NAMESPACE, name), before);
      const events = await world.events('ExternalSecret', NAMESPACE, name);
      assert.deepEqual(events, ['Normal Created: secret created', `Warning UpdateFailed: ${said}`]);
      assert.ok(![status, ...events].join().includes(SECRET));
    });
  }
});

describe('bytes of any kind', () => {
  const cases: Readonly<Record<string, readonly [make.Manifest, Readonly<Record<string, string>>]>> = {
    'that are no UTF-8': [scripted('latin1'), { key: Buffer.from([0xff, 0xfe, 0x00, 0xe4]).toString('base64') }],
    'with NUL': [scripted('zeros'), { key: btoa(`a\0${SECRET}`) }],
    'that are no UTF-8, decoded as base64 only if they are': [
      scripted('latin1', { decodingStrategy: 'Auto' }),
      { key: Buffer.from([0xff, 0xfe, 0x00, 0xe4]).toString('base64') },
    ],
    'that JSON cannot have, inside a JSON text': [
      { ...extract('member'), secretStoreRef: { name: 'scripted' } },
      { k: Buffer.from([0xff]).toString('base64') },
    ],
    'as many as a Secret holds': [scripted('most'), { key: Buffer.alloc(1_048_576, 'x').toString('base64') }],
    'none at all': [entry('nothing', { property: 'k' }), { key: '' }],
  };
  for (const [index, [what, [spec, data]]] of Object.entries(cases).entries()) {
    it(`${what} arrive as they are`, async () => {
      const name = `bytes-${index}`;
      await world.apply(make.externalSecret({ name, namespace: NAMESPACE, data: {}, spec }));
      assert.equal(await world.sync(NAMESPACE, name), 'created', await world.status(NAMESPACE, name));
      assert.deepEqual((await world.secret(NAMESPACE, name))?.data, data);
      assert.equal(await world.sync(NAMESPACE, name), 'unchanged');
    });
  }
});
