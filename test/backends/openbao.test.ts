import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startOpenBao, type OpenBao } from '../support/openbao/openbao.ts';
import { findFreePort } from '../support/process/free-port.ts';
import { identifyProcess } from '../support/process/process-identity.ts';

describe('the OpenBao test server', { timeout: 10 * 60_000 }, () => {
  let bao: OpenBao;
  before(async () => {
    bao = await startOpenBao();
  });
  after(() => bao.stop());

  it('keeps a secret and gives it back', async () => {
    await bao.writer.call('POST', 'secret/data/orders/db', { data: { password: 'fake' } });
    const answer = await bao.writer.call('GET', 'secret/data/orders/db');
    assert.deepEqual((answer as { data: { data: unknown } }).data.data, { password: 'fake' });
  });

  it('names call and status, and nothing of the answer, when it refuses', async () => {
    await assert.rejects(bao.writer.call('GET', 'secret/data/nothing'), {
      message: 'OpenBao answered GET secret/data/nothing with status 404',
    });
  });

  it('listens on the port that it is given, with TLS when asked', async () => {
    const port = await findFreePort();
    await using other = await startOpenBao({ port, tls: true });
    assert.equal(other.endpoint, `https://127.0.0.1:${port}`);
    assert.match(other.ca ?? '', /^-----BEGIN CERTIFICATE-----/);
    await other.writer.enableKv('tls', 2);
  });

  it('leaves no process behind when it is stopped, also when stopped twice', async () => {
    await bao.stop();
    await bao.stop();
    assert.equal(identifyProcess(bao.pid), undefined);
  });
});
