import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkAuthorities, readAuthorities } from '../../../providers/shared/authorities.ts';
import { LatchkeyError } from '../../../src/core/errors.ts';
import { credentialsFrom } from '../../contract/context.ts';
import { failure } from '../../contract/secrets-client.suite.ts';
import { createAuthority } from '../../support/latchkey/client-certificate.ts';

const { signal } = new AbortController();
const path = 'spec.provider.x';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const one = (await createAuthority()).certificatePem.trim();
const other = (await createAuthority()).certificatePem.trim();
const unreadable = '-----BEGIN CERTIFICATE-----\nZmFrZQ==\n-----END CERTIFICATE-----\n';
const store = { kind: 'SecretStore', name: 's', namespace: 'team-a' } as const;
const clusterStore = { kind: 'ClusterSecretStore', name: 's', namespace: undefined } as const;

const read = (source: Parameters<typeof readAuthorities>[0], values: Record<string, string> = {}) => {
  const credentials = {
    ...credentialsFrom(values),
    readConfigMapKey: async ({ name, key }: { name: string; key?: string }) => values[`map:${name}/${key}`] ?? '',
  };
  return readAuthorities(source, path, { credentials }, signal);
};

describe('the authorities of a store', () => {
  it('are the system’s where none are named', async () => {
    assert.equal(await read({}), undefined);
    assert.equal(await read({ caBundle: '' }), undefined);
  });

  it('are PEM, or base64 of PEM, as many as there are, without what stands around them', async () => {
    assert.equal(await read({ caBundle: base64(`# ours\n${one}\n\n${other}\n`) }), `${one}\n${other}`);
    assert.equal(await read({ caBundle: base64(base64(one)) }), one);
  });

  it('are read from a Secret or a ConfigMap', async () => {
    const selector = { name: 'ca', key: 'ca.crt' };
    assert.equal(await read({ caProvider: { type: 'Secret', ...selector } }, { 'ca/ca.crt': one }), one);
    assert.equal(await read({ caProvider: { type: 'ConfigMap', ...selector } }, { 'map:ca/ca.crt': base64(one) }), one);
    const both = { caBundle: base64(one), caProvider: { type: 'Secret', ...selector } } as const;
    assert.equal(await read(both, { 'ca/ca.crt': other }), one);
  });

  it('that cannot be read are never left out in silence', async () => {
    for (const [caBundle, words] of [
      ['fake', 'holds no certificate in PEM'],
      [`${one}\n${unreadable}`, 'holds a certificate that cannot be read'],
    ] as const) {
      const error = await failure(read({ caBundle: base64(caBundle) }));
      assert.deepEqual([error.code, error.message], ['InvalidProviderConfig', `${path}.caBundle ${words}`]);
      const caProvider = { type: 'Secret', name: 'ca', key: 'ca.crt' } as const;
      const found = await failure(read({ caProvider }, { 'ca/ca.crt': caBundle }));
      assert.deepEqual(
        [found.code, found.message],
        ['CredentialsNotFound', `${path}.caProvider names a Secret key that ${words}`],
      );
    }
  });

  it('stay within the store’s reach', () => {
    const check = (namespace: string | undefined, of: typeof store | typeof clusterStore): string | undefined => {
      const caProvider = { type: 'Secret', name: 'ca', ...(namespace === undefined ? {} : { namespace }) } as const;
      try {
        checkAuthorities({ caProvider }, path, of);
        return undefined;
      } catch (error) {
        assert.ok(error instanceof LatchkeyError);
        return error.message;
      }
    };
    assert.equal(check(undefined, store), undefined);
    assert.equal(check('team-a', store), undefined);
    assert.equal(
      check('team-b', store),
      `${path}.caProvider.namespace is "team-b", but a SecretStore reads its own namespace only`,
    );
    assert.equal(check('team-b', clusterStore), undefined);
    assert.equal(check(undefined, clusterStore), `${path}.caProvider.namespace is required in a ClusterSecretStore`);
  });
});
