/** What templates come to where pods wait for them: the Secret, or a denial, a status and Events that say why. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SentinelCollector } from '../../../support/sentinel/sentinel.ts';
import { createWorld, database, pod } from './support/world.ts';

describe('a pod that waits for a templated Secret', () => {
  it('starts with what the template makes', async () => {
    const world = await createWorld();
    world.backend.values.set('prod/db', 'not-real-1');
    const template = {
      type: 'kubernetes.io/basic-auth',
      data: { username: 'admin', password: '{{ .password | upper }}' },
    };
    world.apply(database({ target: { template } }));
    assert.equal((await world.admit(pod())).allowed, true);
    const secret = await world.secret('db');
    assert.equal(secret?.type, 'kubernetes.io/basic-auth');
    assert.equal(await world.value('db', 'username'), 'admin');
    assert.equal(await world.value('db', 'password'), 'NOT-REAL-1');
    await world.wiring.close();
  });

  it('is denied with the place when a template fails, and neither it nor status nor Event has a value', async () => {
    const world = await createWorld();
    const sentinel = new SentinelCollector();
    const value = sentinel.mint();
    world.backend.values.set('prod/db', value);
    const failing = [
      '{{ .missing }}',
      '{{ fail .password }}',
      '{{ .password | mustFromJson }}',
      '{{ index (list .password) 7 }}',
      '{{ range .password }}{{ end }}',
      '{{ .password | mustToDate "2006" }}',
      `{{ if eq .password "${value}" }}{{ fail "${value}" }}{{ end }}`,
      '{{ range untilStep 0 (len .password | mul 1000000000) 1 }}{{ end }}',
    ];
    for (const text of failing) {
      world.apply(database({ target: { template: { data: { password: text } } } }));
      const { allowed, status } = await world.admit(pod());
      assert.equal(allowed, false);
      assert.match(status?.message ?? '', /spec\.target\.template\.data\["password"\]/);
      assert.match(status?.message ?? '', /\[TemplateError\]/);
      sentinel.collect('denial', JSON.stringify(status));
      await world.wiring.syncer.statuses.flush();
      const externalSecret = await world.externalSecret('db');
      const [condition] = externalSecret?.status?.conditions ?? [];
      assert.deepEqual([condition?.status, condition?.reason], ['False', 'SecretSyncedError']);
      sentinel.collect('status', JSON.stringify(externalSecret?.status));
    }
    sentinel.collect('Events', JSON.stringify(await world.events()));
    sentinel.assertUnseen();
    await world.wiring.close();
  });
});
