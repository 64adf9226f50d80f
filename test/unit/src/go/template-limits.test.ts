import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SecretValue } from '../../../../src/core/secret-value.ts';
import { TemplateError } from '../../../../src/core/template/template-error.ts';
import { createGoLibraries } from '../../../../src/go/go-libraries.ts';
import { SentinelCollector } from '../../../support/sentinel/sentinel.ts';
import { GO_RULES, renderFailure, renderText, secretValues } from './rendering.ts';

const MiB = 1_048_576;
const libraries = createGoLibraries();
after(() => libraries.close());

const ENDLESS = '{{ range untilStep 0 2000000000 1 }}{{ end }}';
const BOMB = '{{ repeat 2000000000 "x" }}';
const LONG_LOOP = '{{ range 2000000000 }}{{ end }}';

describe('a template that goes too far', () => {
  // On a busy machine any of them may run out of time first.
  const patient = createGoLibraries({ timeLimitMs: 20_000 });
  after(() => patient.close());

  it('in time fails', async () => {
    assert.equal(await renderFailure(libraries, LONG_LOOP), 'rendering it takes more than 250 ms');
  });

  it('in memory fails', async () => {
    for (const template of [BOMB, ENDLESS, '{{ $x := "xx" }}{{ range 40 }}{{ $x = print $x $x }}{{ end }}']) {
      assert.equal(await renderFailure(patient, template), 'rendering it takes more memory than is allowed');
    }
  });

  it('in depth fails, with the place', async () => {
    const bottomless = '{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}';
    const problem = 'templates call each other too deeply';
    assert.equal(await renderFailure(patient, bottomless), `line 1, column 29: ${problem}`);
    assert.match(await renderFailure(patient, `${'{{ ('.repeat(1)}${'('.repeat(100_000)}`), /line 1/);
  });

  it('in what comes out fails', async () => {
    assert.match(await renderFailure(patient, '{{ repeat 9000000 "x" }}'), /what comes out is larger than 8 MiB$/);
    const half = { text: SecretValue.fromText('{{ repeat 5000000 "x" }}'), values: new Map(), ...plainly };
    await assert.rejects(
      patient.render([half, half], GO_RULES, AbortSignal.timeout(60_000)),
      (error) => error instanceof TemplateError && error.place.template === 1,
    );
  });

  it('is the one that is named among many', async () => {
    const texts = ['{{ .user }}', '{{ .user }}', LONG_LOOP, '{{ .user }}'];
    const values = secretValues({ user: 'fake' });
    const calls = texts.map((text) => ({ text: SecretValue.fromText(text), values, ...plainly }));
    await assert.rejects(
      libraries.render(calls, GO_RULES, AbortSignal.timeout(60_000)),
      (error) => error instanceof TemplateError && error.place.template === 2,
    );
    assert.equal(await renderText(libraries, '{{ .user }}', { user: 'fake' }), 'fake');
  });
});

const plainly = { isMap: false, isConfidential: false };

describe('a hundred hostile templates in a row', () => {
  it('cost the others one turn at most, and no memory', { timeout: 240_000 }, async () => {
    const limitMs = 50;
    const hasty = createGoLibraries({ timeLimitMs: limitMs });
    try {
      await renderText(hasty, '{{ 1 }}');
      await renderFailure(hasty, BOMB);
      const beforeBytes = process.memoryUsage.rss();
      const hostile = hasty.inNamespace('hostile');
      const over = new AbortController();
      const attack = Promise.all(
        Array.from({ length: 100 }, (_, i) => renderFailure(hostile, i % 10 === 0 ? BOMB : LONG_LOOP)),
      ).finally(() => {
        over.abort();
      });
      const waits: number[] = [];
      while (!over.signal.aborted) {
        const startedAtMs = performance.now();
        assert.equal(await renderText(hasty.inNamespace('good'), '{{ .user | upper }}', { user: 'fake' }), 'FAKE');
        waits.push(performance.now() - startedAtMs);
        await sleep(20);
      }
      const failures = new Set(await attack);
      assert.deepEqual(
        [...failures].filter(
          (failure) => !/^rendering it takes more (than 50 ms|memory than is allowed)$/.test(failure),
        ),
        [],
      );
      // The deadline of an admission is 6.75 s; a turn is two calls at their longest on a busy machine, and two starts.
      assert.ok(Math.max(...waits) < 5_000, `the longest wait was ${Math.max(...waits).toFixed()} ms`);
      assert.ok(waits.length > 50, `${waits.length} good calls were answered meanwhile`);
      const grownMiB = (process.memoryUsage.rss() - beforeBytes) / MiB;
      assert.ok(grownMiB < 96, `it has grown by ${grownMiB.toFixed()} MiB`);
    } finally {
      await hasty.close();
    }
  });
});

describe('what is said of a template that fails', () => {
  it('has nothing of the values, nor of what the template says in quotes', async () => {
    const sentinel = new SentinelCollector();
    const secret = sentinel.mint();
    const quoted = JSON.stringify(secret);
    const failing = [
      ...['fail', 'mustFromJson', 'mustToDate "2006"', 'semver', 'genPrivateKey', 'mustRegexFind', 'urlParse "://" |'],
      ...['index (list 1)', 'index', 'slice', 'call', 'range', 'template', 'lt 1', 'mustDateModify', 'dig "a" "b"'],
      ...['pkcs12key', 'pkcs12cert', 'pkcs12keyPass "x"', 'certSANs', 'jwkPublicKeyPem', 'jwkPrivateKeyPem'],
      ...['filterPEM "CERTIFICATE"', 'filterCertChain "leaf"', 'pemTruststoreToPKCS12', 'pemToPkcs12 "x"'],
      ...['fullPemToPkcs12 "x"', 'rsaDecrypt "RSA-OAEP" "SHA1" "x"', 'rsaDecrypt .s "" ""', 'decryptAES "k"'],
      ...[
        'buildCustomCert "x"',
        'semverCompare ">1"',
        'toDecimal 1',
        'mustFirst',
        'mustLast',
        'mustRest',
        'mustInitial',
      ],
      ...['mustReverse', 'mustUniq', 'mustCompact', 'mustHas 1', 'mustWithout 1', 'mustSlice', 'mustChunk 1', 'concat'],
      ...[
        'first',
        'last',
        'rest',
        'append',
        'prepend',
        'join',
        'get',
        'set',
        'pick',
        'keys',
        'values',
        'merge',
        'until',
      ],
    ].flatMap((call) => [`{{ ${call} .s }}`, `{{ ${call} ${quoted} }}`]);
    const texts = [
      ...failing,
      `{{ .s.x }}`,
      `{{ ${quoted} 1 }}`,
      `{{ range .s }}{{ end }}`,
      `{{ template ${quoted} }}`,
      `{{ define ${quoted} }}{{ template ${quoted} }}{{ end }}{{ template ${quoted} }}`,
      `{{ ${quoted}`,
      `{{ "${secret} }}`,
      `{{ /* ${secret}`,
      `{{ .s | ${quoted} | }}`,
      `{{ printf ${quoted} | fail }}`,
      `{{ with .s }}{{ fail . }}{{ end }}`,
      `{{ (fromJson "{\\"a\\":1}").b | cat ${quoted} }}`,
      `{{ eq .s 1 }}`,
      `{{ repeat -1 .s }}`,
    ];
    let failed = 0;
    for (const text of texts) {
      for (const isMap of [false, true]) {
        const call = {
          text: SecretValue.fromText(text),
          values: secretValues({ s: secret }),
          isMap,
          isConfidential: false,
        };
        try {
          await libraries.render([call], GO_RULES, AbortSignal.timeout(60_000));
        } catch (error) {
          failed += 1;
          assert.ok(error instanceof TemplateError, String(error));
          const { stack, cause } = error;
          sentinel.collect(text.replaceAll(secret, '…'), `${stack} ${JSON.stringify(error)} ${String(cause)}`);
        }
      }
    }
    assert.ok(failed > 150, `${failed} failed`);
    sentinel.assertUnseen();
  });

  it('has no name out of a value that reads like what Go says', async () => {
    const values = { s: 'x map has no entry for key "fakeValue"' };
    const failure = await renderFailure(libraries, '{{ range .s }}{{ end }}', values);
    assert.equal(failure, 'line 1, column 10: there is no key');
  });

  it('has no name out of a template that is secret itself', async () => {
    const sentinel = new SentinelCollector();
    const name = sentinel.mint().replaceAll(/[^A-Za-z0-9]/g, '');
    for (const text of [`{{ .${name} }}`, `{{ ${name} 1 }}`, `{{ $${name} }}`, `{{ (dict).${name} }}`]) {
      const call = { text: SecretValue.fromText(text), values: new Map(), isMap: false, isConfidential: true };
      await assert.rejects(libraries.render([call], GO_RULES, AbortSignal.timeout(60_000)), (error) => {
        assert.ok(error instanceof TemplateError);
        assert.doesNotMatch(`${error.message} ${JSON.stringify(error)}`, new RegExp(name));
        assert.equal(error.place.lineText, undefined);
        return true;
      });
    }
  });
});
