import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { buildManifests } from '../../../webhook-config/manifests.ts';
import {
  baseWebhook,
  begunWebhook,
  CONFIGURATION_NAME,
  trustedWebhook,
} from '../../../webhook-config/mutating-webhook.ts';
import { buildBindings, buildPolicies } from '../../../webhook-config/policy.ts';
import { GUARD_POLICY, NOTICE_POLICY } from '../../../webhook-config/rules.ts';
import { FAILURE_MODES } from '../../../webhook-config/parameters.ts';
import { isMirrorPod, isOptedOut, reservedNamespaces, scopeSelectors } from '../../../webhook-config/scope.ts';

const scope = { namespace: 'latchkey-system', excludedNamespaces: ['ci', 'kube-system'] };
const service = { service: { namespace: 'latchkey-system', name: 'latchkey', port: 443 } };
const url = { baseUrl: 'https://127.0.0.1:8443' };
const trust = { caBundlePem: 'PEM', path: '/segment/mutate' };

describe('the scope', () => {
  it('reserves the cluster’s namespaces, ours and the excluded ones, each once', () => {
    assert.deepEqual(reservedNamespaces(scope), [
      'ci',
      'kube-node-lease',
      'kube-public',
      'kube-system',
      'latchkey-system',
    ]);
  });

  it('is the same for the webhook and for the policies about pods that it should have seen', () => {
    const { namespaceSelector, objectSelector, matchConditions } = scopeSelectors(scope);
    const webhook = baseWebhook(scope, service, 'closed');
    assert.deepEqual(webhook['namespaceSelector'], namespaceSelector);
    assert.deepEqual(webhook['objectSelector'], objectSelector);
    assert.deepEqual(webhook['matchConditions'], matchConditions);
    for (const { metadata, spec } of buildPolicies(scope)) {
      assert.deepEqual(spec.matchConstraints.namespaceSelector, namespaceSelector, metadata.name);
      for (const { expression } of spec.validations) assert.ok(expression.endsWith(`|| (${isMirrorPod})`), expression);
      // The guard's second rule is about opted-out pods too, so the others spare them by itself.
      const isGuard = metadata.name === GUARD_POLICY;
      assert.deepEqual(spec.matchConstraints.objectSelector, isGuard ? undefined : objectSelector, metadata.name);
      const sparing = spec.validations.filter(({ expression }) => expression.includes(`|| (${isOptedOut})`));
      assert.equal(sparing.length, isGuard ? 2 : 0, metadata.name);
    }
  });

  it('has only conditions that no other webhook can change the outcome of', () => {
    const expressions = scopeSelectors(scope).matchConditions.map(({ expression }) => expression);
    assert.deepEqual(expressions, [
      "!(has(object.metadata.annotations) && 'kubernetes.io/config.mirror' in object.metadata.annotations)",
    ]);
  });
});

describe('the policies', () => {
  it('judge only the creation of pods, and admit what they cannot judge', () => {
    for (const { spec } of buildPolicies(scope)) {
      assert.equal(spec.failurePolicy, 'Ignore');
      assert.deepEqual(spec.matchConstraints.resourceRules, [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' },
      ]);
    }
  });

  it('deny only where the namespace is enabled and the glass unbroken', () => {
    const denying = buildBindings(scope).filter(({ spec }) => spec.validationActions.includes('Deny'));
    assert.deepEqual(
      denying.map(({ spec }) => spec.policyName),
      [GUARD_POLICY],
    );
    for (const { spec } of denying) {
      assert.deepEqual(spec.matchResources.namespaceSelector, {
        matchLabels: { 'latchkey.dev/injection': 'enabled' },
        matchExpressions: [{ key: 'latchkey.dev/break-glass', operator: 'DoesNotExist' }],
      });
    }
  });

  it('all fall away with their parameters, and every one is bound', () => {
    const bindings = buildBindings(scope);
    for (const { spec } of bindings) {
      assert.deepEqual(spec.paramRef, {
        name: 'latchkey',
        namespace: 'latchkey-system',
        parameterNotFoundAction: 'Allow',
      });
    }
    assert.deepEqual(new Set(bindings.map(({ spec }) => spec.policyName)), new Set([GUARD_POLICY, NOTICE_POLICY]));
  });
});

describe('the webhook', () => {
  it('is called for new pods and for ephemeral containers, and ignored when away', () => {
    const { rules, failurePolicy, reinvocationPolicy, sideEffects, timeoutSeconds } = baseWebhook(
      scope,
      service,
      'closed',
    );
    assert.deepEqual(
      { failurePolicy, reinvocationPolicy, sideEffects, timeoutSeconds },
      { failurePolicy: 'Ignore', reinvocationPolicy: 'IfNeeded', sideEffects: 'NoneOnDryRun', timeoutSeconds: 8 },
    );
    assert.deepEqual(
      (rules as readonly { operations: string[]; resources: string[] }[]).map(({ operations, resources }) => [
        operations,
        resources,
      ]),
      [
        [['CREATE'], ['pods']],
        [['UPDATE'], ['pods/ephemeralcontainers']],
      ],
    );
  });

  it('is required only in failure mode strict', () => {
    const policies = FAILURE_MODES.map((mode) => [mode, baseWebhook(scope, service, mode)['failurePolicy']]);
    assert.deepEqual(policies, [
      ['closed', 'Ignore'],
      ['closed-all', 'Ignore'],
      ['open', 'Ignore'],
      ['strict', 'Fail'],
    ]);
  });

  it('keeps the trust apart from what a chart owns', () => {
    const caBundle = Buffer.from('PEM').toString('base64');
    assert.deepEqual(baseWebhook(scope, service, 'closed').clientConfig, service);
    assert.equal(baseWebhook(scope, url, 'closed').clientConfig, undefined);
    assert.deepEqual(trustedWebhook(service, trust).clientConfig, { service: { path: '/segment/mutate' }, caBundle });
    assert.deepEqual(trustedWebhook(url, trust).clientConfig, {
      url: 'https://127.0.0.1:8443/segment/mutate',
      caBundle,
    });
    assert.deepEqual(begunWebhook(service, trust).clientConfig, {
      service: { ...service.service, path: '/segment/mutate' },
      caBundle,
    });
  });
});

describe('the rights in rbac.yaml', () => {
  it('name every object that is registered, and no other', async () => {
    const text = await readFile(join(import.meta.dirname, '../../../webhook-config/rbac.yaml'), 'utf8');
    const documents = parseAllDocuments(text).map(
      (document) => document.toJS() as { rules?: { resources: string[]; resourceNames?: string[] }[] },
    );
    const named = (resource: string): string[] =>
      documents
        .flatMap(({ rules = [] }) => rules)
        .filter(({ resources }) => resources.includes(resource))
        .flatMap(({ resourceNames = [] }) => resourceNames)
        .toSorted();
    const manifests = buildManifests({ scope, address: service, failureMode: 'closed' });
    const built = (kind: string): string[] =>
      manifests
        .filter((object) => object.kind === kind)
        .map(({ metadata }) => metadata.name)
        .toSorted();
    assert.deepEqual(named('validatingadmissionpolicies'), built('ValidatingAdmissionPolicy'));
    assert.deepEqual(named('validatingadmissionpolicybindings'), built('ValidatingAdmissionPolicyBinding'));
    assert.deepEqual(named('mutatingwebhookconfigurations'), [CONFIGURATION_NAME]);
    assert.deepEqual(named('configmaps'), built('ConfigMap'));
  });
});
