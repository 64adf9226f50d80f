import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { issueInWorker } from '../../../../certs/issue.ts';
import { followClientAuthority, readClientAuthority } from '../../../../src/config/client-authority.ts';
import { InvalidSetting } from '../../../../src/config/settings.ts';

let directory: string;
let file: string;
let authorities: readonly string[];
const signal = AbortSignal.timeout(60_000);

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'latchkey-client-ca-'));
  file = join(directory, 'ca.crt');
  const valid = { notBeforeMs: Date.now() - 1_000, notAfterMs: Date.now() + 3_600_000 };
  const issue = async (): Promise<string> => (await issueInWorker({ issuer: valid }, signal)).issuer.certificatePem;
  authorities = [await issue(), await issue()];
});

after(() => rm(directory, { recursive: true }));

describe('the file of --client-ca', () => {
  it('may hold several authorities, with words around them', async () => {
    await writeFile(file, `# ours\n${authorities[0]}\n# theirs\n${authorities[1]}`);
    const pem = await readClientAuthority(file, signal);
    assert.equal(pem.match(/BEGIN CERTIFICATE/g)?.length, 2);
    assert.doesNotMatch(pem, /#/);
  });

  const unusable: readonly [what: string, text: string | undefined, problem: RegExp][] = [
    ['that is missing', undefined, /^--client-ca: .*ca\.crt cannot be read$/],
    ['that is empty', '', /^--client-ca: .*ca\.crt holds no certificate in PEM$/],
    [
      'that holds a key',
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
      /holds no certificate in PEM$/,
    ],
    [
      'with a certificate that is none',
      '-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----',
      /^--client-ca: block 1 of .*ca\.crt is no certificate$/,
    ],
  ];
  for (const [what, text, problem] of unusable) {
    it(`${what} is refused in one sentence that names flag and file`, async () => {
      await rm(file, { force: true });
      if (text !== undefined) await writeFile(file, text);
      await assert.rejects(
        readClientAuthority(file, signal),
        (error) => error instanceof InvalidSetting && problem.test(error.message),
      );
    });
  }

  it('is read again when it changes; one that cannot be used is told of once, and the last authorities stay', async () => {
    await writeFile(file, authorities[0] ?? '');
    const following = new AbortController();
    const heard: string[] = [];
    const { promise: changed, resolve: onChanged } = Promise.withResolvers<void>();
    const { promise: complained, resolve: onComplained } = Promise.withResolvers<void>();
    const done = followClientAuthority(file, {
      known: await readClientAuthority(file, signal),
      onChange: (pem) => {
        heard.push(pem.includes(authorities[1]?.split('\n')[1] ?? '?') ? 'second' : 'other');
        onChanged();
      },
      onUnusable: () => {
        heard.push('unusable');
        onComplained();
      },
      signal: following.signal,
      pollMs: 5,
    });
    await writeFile(file, 'half a fi');
    await complained;
    await writeFile(file, authorities[1] ?? '');
    await changed;
    following.abort();
    await done;
    assert.deepEqual(heard, ['unusable', 'second']);
  });
});
