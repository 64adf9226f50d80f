/** What the answer to the API server says, whatever was found out about the pod. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as make from '../../../support/latchkey/manifests.ts';
import { createWorld, database, pod } from '../stores/support/world.ts';

/** Needs so many Secrets, each by an env of its own. */
function podNeeding(secretNames: readonly string[]): make.Manifest {
  const env = secretNames.map((name, index) => ({
    name: `ENV_${index}`,
    valueFrom: { secretKeyRef: { name, key: 'password' } },
  }));
  return { ...pod(), spec: { containers: [{ name: 'app', image: 'registry.example/app:1', env }] } };
}

const named = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `db-${index}`);

describe('a denial ends with where its code is explained', () => {
  it('when a Secret is why', async () => {
    const world = await createWorld();
    world.apply(database());
    const { status } = await world.admit(pod());
    assert.equal(
      status?.message,
      'latchkey: pod "shop/web" needs Secret "db" (env PASSWORD of container "app"), made by ExternalSecret "db" from SecretStore "store": spec.data[0] (secretKey "password"): there is no secret "prod/db" [SecretNotFound] (what to do: docs/troubleshooting.md#secretnotfound, or latchkey check)',
    );
  });

  it('when the pod as a whole is why', async () => {
    const world = await createWorld();
    const { status } = await world.admit(pod({ 'latchkey.dev/max-age': 'soon' }));
    assert.equal(
      status?.message,
      'latchkey: pod "shop/web": annotation latchkey.dev/max-age is "soon", which is not a duration such as 30s, 5m or 0s [InvalidAnnotation] (what to do: docs/troubleshooting.md#invalidannotation, or latchkey check)',
    );
  });
});

describe('an answer about a pod that needs very many Secrets', () => {
  it('tells ten warnings, the last of them how many are left out', async () => {
    const world = await createWorld();
    const { allowed, warnings = [] } = await world.admit(podNeeding(named(50)));
    assert.deepEqual([allowed, warnings.length], [true, 10]);
    assert.equal(warnings.at(-1), 'latchkey: and 41 more warnings; latchkey check shows them all');
  });

  it('denies it in one sentence of bounded length', async () => {
    const world = await createWorld();
    const externalSecrets = named(500).map((name) =>
      make.externalSecret({ name, namespace: 'shop', data: { password: 'no/such' } }),
    );
    world.apply(...externalSecrets);
    const { allowed, status } = await world.admit(podNeeding(named(500)));
    assert.equal(allowed, false);
    assert.match(status?.message ?? '', /; 497 more of its Secrets fail too \[SecretNotFound\] \(what to do: /);
    assert.ok((status?.message.length ?? Infinity) < 1_000, status?.message);
  });
});
