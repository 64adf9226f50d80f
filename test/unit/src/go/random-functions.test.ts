/** Functions whose results differ each time, or with the time: what holds of every result. */
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { createGoLibraries } from '../../../../src/go/go-libraries.ts';
import { renderText } from './rendering.ts';

// Keys of RSA are made slowly in WebAssembly; that they are beyond the default limit is documented.
const libraries = createGoLibraries({ timeLimitMs: 120_000 });
const render = (template: string): Promise<string> => renderText(libraries, template, { user: 'fake-user' });
after(() => libraries.close());

describe('random functions', () => {
  const patterns: Readonly<Record<string, RegExp>> = {
    '{{ randAlphaNum 40 }}': /^[A-Za-z0-9]{40}$/,
    '{{ randAlpha 40 }}': /^[A-Za-z]{40}$/,
    '{{ randNumeric 40 }}': /^[0-9]{40}$/,
    '{{ randAscii 40 }}': /^[ -~]{40}$/,
    '{{ randBytes 16 }}': /^[A-Za-z0-9+/]{22}==$/,
    '{{ uuidv4 }}': /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    '{{ shuffle "abcdefghijklmnopqrstuvwxyz" }}': /^(?!.*(.).*\1)[a-z]{26}$/,
    '{{ bcrypt .user }}': /^\$2a\$10\$[./A-Za-z0-9]{53}$/,
    '{{ htpasswd .user "p" }}': /^fake-user:\$2a\$10\$[./A-Za-z0-9]{53}$/,
    '{{ htpasswd .user "p" "bcrypt" }}': /^fake-user:\$2a\$10\$/,
    '{{ encryptAES "fake-key" .user }}': /^[A-Za-z0-9+/=]{44}$/,
  };
  for (const [template, pattern] of Object.entries(patterns)) {
    it(`${template} has its form, and is another one each time`, async () => {
      const results = [await render(template), await render(template)];
      for (const result of results) assert.match(result, pattern);
      assert.notEqual(results[0], results[1]);
    });
  }

  it('randInt stays between its bounds', async () => {
    const numbers = (await render('{{ range 200 }}{{ randInt 3 6 }} {{ end }}')).trim().split(' ');
    assert.deepEqual([...new Set(numbers)].sort(), ['3', '4', '5']);
  });

  it('what encryptAES makes, decryptAES reads', async () => {
    assert.equal(await render('{{ encryptAES "fake-key" .user | decryptAES "fake-key" }}'), 'fake-user');
  });

  it('derivePassword gives the same for the same', async () => {
    const derived = await render('{{ derivePassword 1 "long" "fake" "fake-user" "fake.example" }}');
    assert.equal(derived.length, 14);
    assert.equal(await render('{{ derivePassword 1 "long" "fake" "fake-user" "fake.example" }}'), derived);
  });
});

describe('functions that make keys and certificates', () => {
  for (const type of ['rsa', 'ecdsa', 'ed25519']) {
    it(`genPrivateKey "${type}" makes a key that can be read`, async () => {
      const key = createPrivateKey(await render(`{{ genPrivateKey "${type}" }}`));
      assert.equal(key.asymmetricKeyType, type === 'ecdsa' ? 'ec' : type);
    });
  }

  it('authorities sign certificates', async () => {
    const [authority = '', signed = ''] = (
      await render(
        '{{ $key := genPrivateKey "ecdsa" }}{{ $ca := genCAWithKey "fake-ca" 1 $key }}' +
          '{{ $ca.Cert }}={{ (genSignedCertWithKey "fake.example" (list "192.0.2.1") (list "a.example") 1 $ca (genPrivateKey "ed25519")).Cert }}',
      )
    ).split(/(?<=-----\n)=/);
    const certificate = new X509Certificate(signed);
    assert.ok(certificate.verify(new X509Certificate(authority).publicKey));
    assert.match(certificate.subjectAltName ?? '', /192\.0\.2\.1.*a\.example|a\.example.*192\.0\.2\.1/);
    assert.equal(certificate.checkHost('a.example'), 'a.example');
  });

  it('certificates sign themselves', async () => {
    const own = await render('{{ (genSelfSignedCertWithKey "fake" nil nil 1 (genPrivateKey "ecdsa")).Cert }}');
    const certificate = new X509Certificate(own);
    assert.ok(certificate.verify(certificate.publicKey));
  });

  it('make RSA keys where they are given none', async () => {
    const all = await render(
      '{{ $ca := genCA "fake-ca" 1 }}{{ (genSignedCert "a" nil nil 1 $ca).Key }}{{ (genSelfSignedCert "b" nil nil 1).Key }}' +
        '{{ (buildCustomCert ($ca.Cert | b64enc) ($ca.Key | b64enc)).Key }}',
    );
    assert.equal(all.match(/-----BEGIN RSA PRIVATE KEY-----/g)?.length, 3);
  });
});

describe('functions of the time', () => {
  it('now is now, everywhere in UTC', async () => {
    const [seconds, zone] = (await render('{{ now | unixEpoch }} {{ now | date "MST" }}')).split(' ');
    assert.ok(Math.abs(Number(seconds) - Date.now() / 1_000) < 120);
    assert.equal(zone, 'UTC');
  });

  it('ago and durationRound count from now', async () => {
    assert.match(await render('{{ ago (dateModify "-90m" now) }}'), /^1h3\dm/);
    assert.equal(await render('{{ durationRound (dateModify "-25h" now) }}'), '1d');
  });
});
