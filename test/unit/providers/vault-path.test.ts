import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { below, folderAt, metadataPath, secretPath } from '../../../providers/vault/path.ts';
import { LatchkeyError } from '../../../src/core/errors.ts';

type Case = readonly [
  version: 'v1' | 'v2',
  path: string | undefined,
  key: string,
  secretVersion: string | undefined,
  want: string,
];

/** As upstream's buildPath, and Go's path.Join after it, have them. */
const cases: Record<string, Case> = {
  'a key below the mount': ['v2', 'secret', 'team/db', undefined, 'secret/data/team/db'],
  'a key below the mount of KV v1': ['v1', 'secret', 'team/db', undefined, 'secret/team/db'],
  'a key that repeats the mount': ['v2', 'secret', 'secret/team/db', undefined, 'secret/data/team/db'],
  'a key that repeats the mount of KV v1': ['v1', 'secret', 'secret/team/db', undefined, 'secret/team/db'],
  'a key that repeats mount and data': ['v2', 'secret', 'secret/data/db', undefined, 'secret/data/db'],
  'a key in KV v1 whose folder is data': ['v1', 'secret', 'secret/data/db', undefined, 'secret/data/db'],
  'a key whose folder is data': ['v2', 'secret', 'data/db', undefined, 'secret/data/data/db'],
  'a key that only begins like the mount': ['v2', 'secret', 'secrets/db', undefined, 'secret/data/secrets/db'],
  'a mount of two segments': ['v2', 'team/kv', 'team/kv/db', undefined, 'team/kv/data/db'],
  'a mount with slashes around': ['v2', '/team/kv/', '/db/', undefined, 'team/kv/data/db'],
  'a key that begins with its mount': ['v2', undefined, 'secret/team/db', undefined, 'secret/data/team/db'],
  'a key with its own data': ['v2', undefined, 'team/kv/data/db', undefined, 'team/kv/data/db'],
  'a key of KV v1 that begins with its mount': ['v1', undefined, 'kv/team/db', undefined, 'kv/team/db'],
  'a mount without a key': ['v2', undefined, 'secret', undefined, 'secret/data'],
  'doubled slashes': ['v2', 'secret', 'team//db', undefined, 'secret/data/team/db'],
  'a version': ['v2', 'secret', 'db', '3', 'secret/data/db?version=3'],
  'an empty version': ['v2', 'secret', 'db', '', 'secret/data/db'],
  'an empty version of KV v1': ['v1', 'secret', 'db', '', 'secret/db'],
  'signs with a meaning in URLs': ['v2', 'a b', 'q?x=1#f%2e', undefined, 'a%20b/data/q%3Fx%3D1%23f%252e'],
  'letters beyond ASCII': ['v2', 'secret', 'pässwörd', undefined, 'secret/data/p%C3%A4ssw%C3%B6rd'],
  'half a surrogate pair': ['v2', 'secret', '\ud83d', undefined, 'secret/data/%EF%BF%BD'],
  'what node-vault would take for a slash': ['v2', 'secret', 'a&#x2F;b', undefined, 'secret/data/a%26%23x2F%3Bb'],
  'dots that are names': ['v2', 'secret', 'tls.crt/...', undefined, 'secret/data/tls.crt/...'],
};

const refused: Record<string, readonly [version: 'v1' | 'v2', key: string, secretVersion?: string]> = {
  '"../../sys/raw" cannot be the key of a secret in Vault': ['v2', '../../sys/raw'],
  '"a/./b" cannot be the key of a secret in Vault': ['v1', 'a/./b'],
  '"secret/../sys" cannot be the key of a secret in Vault': ['v2', 'secret/../sys'],
  '"" cannot be the key of a secret in Vault': ['v2', ''],
  '"//" cannot be the key of a secret in Vault': ['v2', '//'],
  '"latest" is no version: in Vault they are numbers': ['v2', 'a', 'latest'],
  '"1&list=true" is no version: in Vault they are numbers': ['v2', 'a', '1&list=true'],
  'KV v1 keeps no versions, so secret "a" has none to choose': ['v1', 'a', '1'],
};

describe('the path of a secret in Vault', () => {
  for (const [sentence, [version, path, key, secretVersion, want]] of Object.entries(cases)) {
    it(`of ${sentence} is ${want}`, () => {
      const ref = secretVersion === undefined ? { key } : { key, version: secretVersion };
      assert.equal(secretPath(ref, { path, version }), want);
    });
  }

  for (const [message, [version, key, secretVersion]] of Object.entries(refused)) {
    it(`is refused: ${message}`, () => {
      const ref = secretVersion === undefined ? { key } : { key, version: secretVersion };
      assert.throws(
        () => secretPath(ref, { path: 'secret', version }),
        (error) => {
          assert.ok(error instanceof LatchkeyError);
          assert.deepEqual([error.code, error.message], ['InvalidExternalSecret', message]);
          return true;
        },
      );
    });
  }
});

describe('what KV v2 keeps beside a secret', () => {
  it('is found by the same keys', () => {
    const at = (key: string, path: string | undefined): string => metadataPath(key, { path, version: 'v2' });
    assert.equal(at('team/db', 'secret'), 'secret/metadata/team/db');
    assert.equal(at('secret/data/team/db', 'secret'), 'secret/metadata/team/db');
    assert.equal(at('secret/team/db', undefined), 'secret/metadata/team/db');
    assert.equal(at('team/kv/data/db', undefined), 'team/kv/metadata/db');
    assert.throws(() => metadataPath('a', { path: 'secret', version: 'v1' }), {
      message: 'KV v1 keeps no metadata, so secret "a" has none',
    });
  });
});

describe('a folder in Vault', () => {
  const at = (path: string, mount: string | undefined, version: 'v1' | 'v2' = 'v2') =>
    folderAt(path, { path: mount, version });

  it('is below the mount, which its path may repeat', () => {
    assert.deepEqual(at('', 'secret'), { data: 'secret/data/', metadata: 'secret/metadata/' });
    assert.equal(at('team a', 'secret').metadata, 'secret/metadata/team%20a/');
    assert.equal(at('secret/team', 'secret').metadata, 'secret/metadata/team/');
    assert.equal(at('secret/data', undefined).metadata, 'secret/metadata/');
    assert.equal(at('secret', undefined).metadata, 'secret/metadata/');
    assert.equal(at('team/kv/data/app', undefined).data, 'team/kv/data/app/');
    assert.equal(at('app', 'old', 'v1').data, 'old/app/');
  });

  it('needs a mount, and leads nowhere else', () => {
    assert.throws(() => at('', undefined), { message: /^find needs a path that begins with a mount/ });
    assert.throws(() => at('../sys', 'secret'), { message: '"../sys" cannot be a folder in Vault' });
  });

  it('has what its listing names, and nothing beyond it', () => {
    const folder = at('', 'secret');
    assert.equal(below(folder, 'data')?.data, 'secret/data/data');
    assert.equal(below(folder, 'sub#1/')?.metadata, 'secret/metadata/sub%231/');
    for (const name of ['..', '../sys/', '.', '', '/']) assert.equal(below(folder, name), undefined);
  });
});
