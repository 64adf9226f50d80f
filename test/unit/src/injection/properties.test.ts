/** What holds for every pod and every annotation. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PatchOperation } from '../../../../src/api/admission.ts';
import type { Container, Pod } from '../../../../src/api/kubernetes.ts';
import { applyOperations } from '../../../../src/core/admission/patch.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { injectionOf } from '../../../../src/core/injection/annotations.ts';
import { injectPod } from '../../../../src/core/injection/inject-pod.ts';
import { isInlineReference, parseInlineReference } from '../../../../src/core/inline/reference.ts';

const names = fc.constantFrom('a', 'b', 'c', 'constructor', '__proto__', 'x-1');
const secretNames = fc.constantFrom('db-secret', 'api-secret', 'risky-secret', 'foreign');
const envNames = fc.constantFrom('A', 'B', 'token', '__proto__', 'constructor');
const unknown = fc.dictionary(fc.stringMatching(/^future[A-Z][a-z]{0,5}$/), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 2,
  noNullPrototype: true,
});
const securityContext = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

const containers = fc.uniqueArray(
  fc
    .record({
      name: names,
      env: fc.option(fc.array(fc.record({ name: envNames, value: fc.string() }), { maxLength: 3 }), { nil: undefined }),
      volumeMounts: fc.option(
        fc.array(fc.record({ name: fc.constant('own'), mountPath: fc.constantFrom('/own', '/m/a', '/m') }), {
          maxLength: 1,
        }),
        { nil: undefined },
      ),
      envFrom: fc.option(
        fc.array(
          fc.oneof(
            fc.record({ configMapRef: fc.constant({ name: 'settings' }) }),
            fc.record({ secretRef: fc.record({ name: secretNames }) }),
            fc.record({ prefix: fc.constant('P_'), secretRef: fc.record({ name: secretNames }) }),
          ),
          { maxLength: 2 },
        ),
        { nil: undefined },
      ),
      later: unknown,
    })
    .map(({ later, ...known }) => ({ ...later, ...known, securityContext })),
  { selector: ({ name }) => name, minLength: 1, maxLength: 3 },
);
const pods: fc.Arbitrary<Pod> = fc
  .record({
    containers,
    initContainers: fc.option(containers, { nil: undefined }),
    volumes: fc.option(fc.constant([{ name: 'own', emptyDir: {} }]), { nil: undefined }),
    later: unknown,
    isSeen: fc.boolean(),
  })
  .map(({ later, isSeen, ...spec }) => {
    const annotations = isSeen ? { 'latchkey.dev/status': 'fresh' } : {};
    return JSON.parse(
      JSON.stringify({ kind: 'Pod', metadata: { name: 'web', annotations }, spec: { ...later, ...spec } }),
    ) as Pod;
  });

const es = fc.constantFrom('db', 'api', 'risky');
const annotations = fc
  .record({
    env: fc.uniqueArray(fc.tuple(envNames, es), { selector: ([name]) => name, maxLength: 3 }),
    envFrom: fc.uniqueArray(fc.tuple(es, fc.constantFrom('', 'P_')), { selector: String, maxLength: 3 }),
    volumes: fc.uniqueArray(fc.tuple(es, fc.constantFrom('/m/a', '/m/b', '/m/c')), {
      selector: ([, path]) => path,
      maxLength: 3,
    }),
    containers: fc.option(fc.constantFrom('a', 'a, b', 'nobody'), { nil: undefined }),
  })
  .map((wanted) => ({
    'latchkey.dev/env': wanted.env.map(([name, from]) => `${name}=${from}#token`).join(', '),
    'latchkey.dev/env-from': JSON.stringify(
      wanted.envFrom.map(([externalSecret, prefix]) => ({ externalSecret, prefix })),
    ),
    'latchkey.dev/volumes': wanted.volumes.map(([from, path]) => `${from}=${path}`).join(', '),
    ...(wanted.containers === undefined ? {} : { 'latchkey.dev/containers': wanted.containers }),
  }));

const KEYS: Readonly<Record<string, readonly string[]>> = {
  'db-secret': ['token', 'A'],
  'api-secret': ['token'],
  'risky-secret': ['PATH', 'token', 'user'],
};
const context = {
  targets: new Map(['db', 'api', 'risky'].map((name) => [name, `${name}-secret`])),
  keysOf: (secret: string): readonly string[] | undefined => KEYS[secret],
};

/** Undefined when the pod is denied for a mount path that is taken. */
async function inject(pod: Pod, asked: Readonly<Record<string, string>>) {
  const injection = await injectionOf(asked, undefined, false);
  if (injection === undefined) return { operations: [], warnings: [] };
  try {
    return injectPod(pod, injection, context);
  } catch (error) {
    assert.ok(error instanceof LatchkeyError && error.code === 'InvalidAnnotation', String(error));
    return undefined;
  }
}

/** What a container sees under each name, and where it comes from: of envFrom and of env the last, and env before envFrom. */
function seenBy({ envFrom = [], env = [] }: Container): ReadonlyMap<string, string> {
  const sources = envFrom.flatMap(({ secretRef, prefix = '' }) =>
    (KEYS[secretRef?.name ?? ''] ?? []).map((key) => [`${prefix}${key}`, `${secretRef?.name}#${key}`] as const),
  );
  const own = env.map(({ name, value, valueFrom }) => {
    const ref = valueFrom?.secretKeyRef;
    return [name, ref === undefined ? `= ${value}` : `${ref.name}#${ref.key}`] as const;
  });
  return new Map([...sources, ...own]);
}

/** Every value below a path, without those that were there before. */
function added(operations: readonly PatchOperation[]): string {
  return JSON.stringify(operations.flatMap((each) => ('value' in each ? [each.value] : [])));
}

describe('injection into any pod', () => {
  const check = (law: (pod: Pod, asked: Readonly<Record<string, string>>) => Promise<void>): Promise<void> =>
    fc.assert(fc.asyncProperty(pods, annotations, law), { numRuns: 500 });

  it('applies, and leaves the pod that it was given as it was', () =>
    check(async (pod, asked) => {
      const before = JSON.stringify(pod);
      const injected = await inject(pod, asked);
      applyOperations(pod, injected?.operations ?? []);
      assert.equal(JSON.stringify(pod), before);
    }));

  it('only adds: what was there stays, in its order, unknown fields and security contexts included', () =>
    check(async (pod, asked) => {
      const injected = await inject(pod, asked);
      assert.ok((injected?.operations ?? []).every(({ op }) => op === 'add'));
      assertContains(applyOperations(pod, injected?.operations ?? []), pod, '');
    }));

  it('adds references to Secrets and never a value', () =>
    check(async (pod, asked) => {
      assert.doesNotMatch(added((await inject(pod, asked))?.operations ?? []), /"(value|stringData|data)":/);
    }));

  it('is minimal: no operation can be left out', () =>
    check(async (pod, asked) => {
      const operations = (await inject(pod, asked))?.operations ?? [];
      const whole = JSON.stringify(applyOperations(pod, operations));
      operations.forEach((_, index) => {
        const fewer = operations.filter((_each, position) => position !== index);
        let partial: string;
        try {
          partial = JSON.stringify(applyOperations(pod, fewer));
        } catch {
          return; // A later one needs it.
        }
        assert.notEqual(partial, whole);
      });
    }));

  it('gives each env the value that Kubernetes’ own order says: of env-from the last, then what the container has', () =>
    check(async (pod, asked) => {
      const fresh = { ...pod, metadata: { name: 'web' } };
      const [injection, injected] = [await injectionOf(asked, undefined, false), await inject(fresh, asked)];
      if (injection === undefined || injected === undefined) return;
      const after = applyOperations(fresh, injected.operations);
      for (const [index, own] of (fresh.spec.containers ?? []).entries()) {
        if (injection.containers?.names.has(own.name) === false) continue;
        const model = new Map<string, string>();
        for (const { externalSecret, prefix } of injection.envFrom) {
          const isOwn = own.envFrom?.some(
            (each) => each.secretRef?.name === `${externalSecret}-secret` && (each.prefix ?? '') === prefix,
          );
          const keys = isOwn === true ? [] : (KEYS[`${externalSecret}-secret`] ?? []);
          for (const key of keys) {
            if (prefix !== '' || key !== 'PATH') model.set(`${prefix}${key}`, `${externalSecret}-secret#${key}`);
          }
        }
        for (const [name, source] of seenBy({ ...own, env: [] })) model.set(name, source);
        for (const { name, externalSecret, key } of injection.env) model.set(name, `${externalSecret}-secret#${key}`);
        for (const [name, source] of seenBy({ ...own, envFrom: [] })) model.set(name, source);
        const seen = seenBy(after.spec.containers?.[index] ?? own);
        assert.deepEqual(seen, model);
      }
    }));

  it('is idempotent', () =>
    check(async (pod, asked) => {
      const injected = await inject(pod, asked);
      if (injected === undefined) return;
      const admitted = applyOperations(pod, injected.operations);
      assert.deepEqual((await inject(admitted, asked))?.operations, []);
    }));
});

describe('text of any kind', () => {
  const keys = ['env', 'env-from', 'volumes', 'containers'].map((name) => `latchkey.dev/${name}`);
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string().map((text) => `[${text}`),
    fc.string().map((text) => `- ${text}`),
    fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify([value])),
    fc.stringMatching(/^[-A-Za-z=#,/{}[\]: &*!]{0,40}$/),
  );

  it('in an annotation is read or refused in one sentence, and nothing of Object is touched', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), texts, async (key, text) => {
        const asked = { 'latchkey.dev/env-from': 'db', [key]: text };
        try {
          await injectionOf(asked, undefined, false);
        } catch (error) {
          assert.ok(error instanceof LatchkeyError && error.code === 'InvalidAnnotation', String(error));
          assert.ok(error.message.startsWith(`annotation ${key} of the pod`), error.message);
          assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}]/u);
          assert.ok(error.message.length < 400);
        }
        assert.deepEqual(Object.keys(Object.prototype), []);
      }),
    );
  });

  it('behind an inline scheme is read or refused in one sentence that does not quote it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webPath()), (rest) => {
        try {
          parseInlineReference(`latchkey://${rest}`, 'env A of container "app"');
        } catch (error) {
          assert.ok(error instanceof LatchkeyError && error.code === 'InvalidReference', String(error));
          assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}]/u);
        }
      }),
    );
  });

  it('that makes an inline reference comes out as it went in, once it is escaped', () => {
    const part = fc.stringMatching(/^[A-Za-z0-9#?%_. -]{1,20}$/).filter((text) => !/\.\.|%(2e|2f|5c)/i.test(text));
    fc.assert(
      fc.property(fc.constantFrom('SecretStore', 'ClusterSecretStore'), part, part, (storeKind, key, property) => {
        const escape = (text: string): string => text.replaceAll(/[%#?]/g, encodeURIComponent);
        const scheme = storeKind === 'SecretStore' ? 'latchkey' : 'latchkey+cluster';
        const value = `${scheme}://vault/${escape(key)}?version=7#${escape(property)}`;
        assert.ok(isInlineReference(value));
        const expected = { storeKind, storeName: 'vault', key, property, version: '7' };
        assert.deepEqual(parseInlineReference(value, 'env A'), expected);
      }),
    );
  });
});

describe('an annotation as large as can be', () => {
  const refused: Readonly<Record<string, readonly [text: string, sentence: RegExp]>> = {
    '17 KiB of text': [`db${' '.repeat(17 * 1_024)}`, /is longer than 16 KiB/],
    '65 items': [Array.from({ length: 65 }, (_, index) => `es-${index}`).join(','), /has 65 items, and 64 are allowed/],
    'aliases that would expand without end': [
      `- &a [x, x]\n- &b [*a, *a]\n- &c [*b, *b]\n- &d [*c, *c]`,
      /has anchors, aliases or tags/,
    ],
    'depth without end': ['['.repeat(4_000), /is no YAML list|is no map of fields/],
  };
  for (const [what, [text, sentence]] of Object.entries(refused)) {
    it(`is refused for ${what}`, async () => {
      await assert.rejects(injectionOf({ 'latchkey.dev/env-from': text }, undefined, false), (error) => {
        assert.ok(error instanceof LatchkeyError);
        assert.match(error.message, sentence);
        return true;
      });
    });
  }
});

/** Every field of `smaller` is in `larger`; of lists, every entry in the same order. */
function assertContains(larger: unknown, smaller: unknown, path: string): void {
  if (Array.isArray(smaller)) {
    assert.ok(Array.isArray(larger), path);
    let position = 0;
    for (const entry of smaller as readonly unknown[]) {
      const found = larger.findIndex((each, index) => index >= position && contains(each, entry));
      assert.ok(found >= 0, `${path}: an entry is gone or has moved`);
      position = found + 1;
    }
  } else if (typeof smaller === 'object' && smaller !== null) {
    for (const [key, value] of Object.entries(smaller)) {
      assertContains((larger as Record<string, unknown>)[key], value, `${path}/${key}`);
    }
  } else assert.equal(larger, smaller, path);
}

function contains(larger: unknown, smaller: unknown): boolean {
  try {
    assertContains(larger, smaller, '');
    return true;
  } catch {
    return false;
  }
}
