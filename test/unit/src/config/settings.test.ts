import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseServeSettings } from '../../../../src/cli/settings.ts';
import { InvalidSetting, parseHosts } from '../../../../src/config/settings.ts';

describe('--allowed-backend-hosts', () => {
  const cases: Record<string, readonly string[]> = {
    '': [],
    'vault.example': ['vault.example'],
    'Vault.EXAMPLE, 127.0.0.1 ,': ['vault.example', '127.0.0.1'],
    '::1,[fd00::0001]': ['[::1]', '[fd00::1]'],
    'bücher.example,0x7f.1': ['xn--bcher-kva.example', '127.0.0.1'],
  };
  for (const [text, want] of Object.entries(cases)) {
    it(`"${text}" is ${JSON.stringify(want)}, as URLs spell hosts`, () => assert.deepEqual(parseHosts(text), want));
  }

  for (const text of [
    'https://vault.example',
    'vault.example:443',
    'a/b',
    'a\\b',
    'u@a',
    'a?b',
    'a b',
    '[::1',
    '*',
    '*.example',
  ]) {
    it(`"${text}" is refused`, () => {
      assert.throws(() => parseHosts(text), InvalidSetting);
    });
  }

  it('is none by default, and a list for the server', () => {
    assert.deepEqual(parseServeSettings([]).allowedBackendHosts, []);
    assert.deepEqual(parseServeSettings(['--allowed-backend-hosts', 'a,b']).allowedBackendHosts, ['a', 'b']);
  });
});
