/** What the functions for keys, certificates and stores give, against what OpenSSL made. */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { createGoLibraries } from '../../../../src/go/go-libraries.ts';
import { goldenMaterial } from '../../../support/golden.ts';
import { renderFailure, renderText } from './rendering.ts';

const file = goldenMaterial;
const text = (name: string): string => file(name).toString('latin1');

// Making and opening stores derives keys from passwords, on a machine that may be busy.
const libraries = createGoLibraries({ timeLimitMs: 20_000 });
after(() => libraries.close());

const values = {
  chain: file('chain.p12'),
  open: file('open.p12'),
  legacy: file('legacy.p12'),
  disjunct: file('disjunct.p12'),
  leaf: file('leaf.crt'),
  intermediate: file('intermediate.crt'),
  root: file('root.crt'),
  other: file('other.crt'),
  key: file('leaf.key'),
  pkcs1: file('leaf.pkcs1.key'),
  ec: file('ec.key'),
  sec1: file('ec.sec1.key'),
  mixed: `junk before\n${text('root.crt')}between\n${text('leaf.key')}${text('leaf.crt')}${text('intermediate.crt')}`,
  shuffled: text('root.crt') + text('leaf.crt') + text('intermediate.crt'),
  full: text('leaf.crt') + text('intermediate.crt') + text('root.crt'),
  rsaJwk: file('leaf.jwk'),
  rsaPublicJwk: file('leaf.pub.jwk'),
  ecJwk: file('ec.jwk'),
  ecPublicJwk: file('ec.pub.jwk'),
  edJwk: file('ed25519.jwk'),
  symmetricJwk: '{"kty":"oct","k":"ZmFrZQ"}',
  sha1: file('oaep-sha1.bin'),
  sha256: file('oaep-sha256.bin'),
  sha512: file('oaep-sha512.bin'),
  text: 'no PEM at all',
  empty: '',
};
const render = (template: string): Promise<string> => renderText(libraries, template, values);
const full = text('leaf.crt') + text('intermediate.crt') + text('root.crt');

describe('functions for keys and certificates', () => {
  const cases: Readonly<Record<string, string>> = {
    '{{ .open | pkcs12key }}': text('leaf.key'),
    '{{ .chain | pkcs12keyPass "fake-password" }}': text('leaf.key'),
    '{{ .legacy | pkcs12keyPass "fake-password" }}': text('leaf.key'),
    '{{ .disjunct | pkcs12keyPass "fake-password" }}': text('ec.key'),
    '{{ .open | pkcs12cert }}': full,
    '{{ .chain | pkcs12certPass "fake-password" }}': full,
    '{{ .legacy | pkcs12certPass "fake-password" }}': text('leaf.crt'),
    // Not one chain: as they stand in the store.
    '{{ .disjunct | pkcs12certPass "fake-password" }}': text('other.crt') + text('root.crt'),
    '{{ filterPEM "CERTIFICATE" .mixed }}': text('root.crt') + text('leaf.crt') + text('intermediate.crt'),
    '{{ filterPEM "private key" .mixed }}': text('leaf.key'),
    '{{ filterPEM "PUBLIC KEY" .leaf }}': '',
    '{{ filterPEM "CERTIFICATE" .empty }}': '',
    '{{ filterCertChain "leaf" .shuffled }}': text('leaf.crt'),
    '{{ filterCertChain "intermediate" .shuffled }}': text('intermediate.crt'),
    '{{ filterCertChain "root" .shuffled }}': text('root.crt'),
    '{{ filterCertChain "leaf" .root }}': '',
    '{{ filterCertChain "intermediate" .root }}': '',
    '{{ filterCertChain "root" .leaf }}': '',
    '{{ filterCertChain "fake" .shuffled }}': '',
    '{{ certSANs .leaf | join "," }}':
      'fake.example,*.fake.example,192.0.2.1,2001:db8::1,fake@fake.example,spiffe://fake.example/ns/shop',
    '{{ certSANs .mixed | len }}': '0',
    '{{ certSANs .root }}': '[]',
    '{{ jwkPublicKeyPem .rsaJwk }}': text('leaf.pub'),
    '{{ jwkPublicKeyPem .rsaPublicJwk }}': text('leaf.pub'),
    '{{ jwkPublicKeyPem .ecPublicJwk }}': text('ec.pub'),
    '{{ jwkPublicKeyPem .edJwk }}': text('ed25519.pub'),
    '{{ jwkPrivateKeyPem .rsaJwk }}': text('leaf.key'),
    '{{ jwkPrivateKeyPem .ecJwk }}': text('ec.key'),
    '{{ jwkPrivateKeyPem .edJwk }}': text('ed25519.key'),
    '{{ rsaDecrypt "RSA-OAEP" "SHA256" .sha256 .key }}': 'fake-secret',
    '{{ rsaDecrypt "RSA-OAEP" "None" .sha256 .pkcs1 }}': 'fake-secret',
    '{{ rsaDecrypt "RSA-OAEP" "SHA1" .sha1 .key }}': 'fake-secret',
    '{{ rsaDecrypt "RSA-OAEP" "SHA512" .sha512 .key }}': 'fake-secret',
    '{{ rsaDecrypt "None" "" .text "" }}': 'no PEM at all',
    // Stores are salted, so they are opened again.
    '{{ pemToPkcs12 .leaf .key | b64dec | pkcs12key }}': text('leaf.key'),
    '{{ pemToPkcs12Pass .full .pkcs1 "p" | b64dec | pkcs12certPass "p" }}': text('leaf.crt'),
    '{{ pemToPkcs12Pass .other .sec1 "p" | b64dec | pkcs12keyPass "p" }}': text('ec.key'),
    '{{ fullPemToPkcs12 .full .key | b64dec | pkcs12cert }}': full,
    '{{ fullPemToPkcs12Pass .full .key "p" | b64dec | pkcs12certPass "p" }}': full,
    '{{ toYaml (dict "b" 1 "a" (list "x" true)) }}': 'a:\n- x\n- true\nb: 1',
    '{{ (fromYaml "a: [1, yes]").a }}': '[1 true]',
    '{{ (fromYaml "a: {").Error | contains "yaml" }}': 'true',
    '{{ hexdec "66616b65" }}': 'fake',
    '{{ htpasswd "u" "p" "sha" }}': `u:{SHA}${createHash('sha1').update('p').digest('base64')}`,
    '{{ hexdec "x" }}': "encoding/hex: invalid byte: U+0078 'x'",
  };

  for (const [template, want] of Object.entries(cases)) {
    it(template, async () => {
      assert.equal(await render(template), want);
    });
  }

  it('make a trust store that holds the certificates', async () => {
    for (const template of ['{{ pemTruststoreToPKCS12 .full }}', '{{ pemTruststoreToPKCS12Pass .full "p" }}']) {
      const store = Buffer.from(await render(template), 'base64');
      // Encrypted like any other store: that it is one is all that can be seen from outside.
      assert.equal(store[0], 0x30);
      assert.ok(store.length > 3 * new X509Certificate(text('root.crt')).raw.length);
    }
  });
});

describe('functions for keys and certificates that fail', () => {
  const cases: Readonly<Record<string, string>> = {
    '{{ pkcs12key .text }}': 'pkcs12key fails: the PKCS#12 store cannot be read or made',
    '{{ .chain | pkcs12certPass "fake-wrong" }}':
      'pkcs12certPass fails: the password of the PKCS#12 store is another one',
    '{{ filterPEM "CERTIFICATE" .text }}': 'filterPEM fails: there is text that is no PEM block of that kind',
    '{{ filterCertChain "leaf" .text }}':
      'filterCertChain fails: there is no certificate, or none that issues no other',
    '{{ filterCertChain "leaf" (print .leaf .other) }}': 'filterCertChain fails: the certificates are not one chain',
    '{{ filterCertChain "leaf" .key }}': 'filterCertChain fails: a PEM block holds no certificate that can be read',
    '{{ certSANs .text }}': 'certSANs fails: there is no PEM block',
    '{{ certSANs .key }}': 'certSANs fails: a PEM block holds no certificate that can be read',
    '{{ jwkPublicKeyPem .text }}': 'jwkPublicKeyPem fails: that is no JSON Web Key',
    '{{ jwkPublicKeyPem .symmetricJwk }}': 'jwkPublicKeyPem fails: that is no JSON Web Key',
    '{{ jwkPrivateKeyPem .rsaPublicJwk }}': 'jwkPrivateKeyPem fails: the JSON Web Key holds no private key',
    '{{ rsaDecrypt "fake" "" "" "" }}': 'rsaDecrypt fails: the scheme is neither None nor RSA-OAEP',
    '{{ rsaDecrypt "RSA-OAEP" "SHA1" .sha256 .key }}':
      'rsaDecrypt fails: it cannot be decrypted with that key and hash',
    '{{ rsaDecrypt "RSA-OAEP" "SHA1" .sha1 .ec }}': 'rsaDecrypt fails: the key is no RSA key',
    '{{ rsaDecrypt "RSA-OAEP" "SHA1" .sha1 .leaf }}':
      'rsaDecrypt fails: the private key cannot be read (PKCS#1, PKCS#8 and SEC 1 can)',
    '{{ pemToPkcs12 .text .key }}': 'pemToPkcs12 fails: there is no PEM block',
    '{{ pemToPkcs12 .leaf .text }}': 'pemToPkcs12 fails: there is no PEM block',
    '{{ fullPemToPkcs12 (print .leaf .text) .key }}':
      'fullPemToPkcs12 fails: there is text that is no PEM block of that kind',
    '{{ pemTruststoreToPKCS12 .text }}': 'pemTruststoreToPKCS12 fails: there is text that is no PEM block of that kind',
  };
  for (const [template, want] of Object.entries(cases)) {
    it(template, async () => {
      assert.match(await renderFailure(libraries, template, values), new RegExp(`: the function ${escaped(want)}$`));
    });
  }
});

function escaped(literal: string): string {
  return literal.replaceAll(/[.*+?^${}()|[\]\\#]/g, '\\$&');
}
