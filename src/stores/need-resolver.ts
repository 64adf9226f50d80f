import type { ExternalSecret } from '../api/external-secrets.ts';
import { secrets } from '../api/resources.ts';
import type { NeedOutcome } from '../core/admission/decision.ts';
import type { Need } from '../core/admission/needs.ts';
import type { FreshnessPolicy } from '../core/admission/policy.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { describeStores } from '../core/external-secret/sources.ts';
import { assertResolvable } from '../core/external-secret/supported-fields.ts';
import { mergersOf } from '../core/external-secret/target-name.ts';
import { printable } from '../core/names.ts';
import {
  ageLimitMs,
  ALWAYS_FRESH_TOLERANCE_MS,
  judgeFreshness,
  unrefreshable,
  type Freshness,
  type FreshnessQuestion,
} from '../core/refresh/freshness.ts';
import { isForeign } from '../core/store/store-access.ts';
import type { SecretSummary } from '../core/target/secret-summary.ts';
import { syncedResourceVersion } from '../core/target/object-hash.ts';
import { opaqueVersion } from '../core/target/version.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';
import type { ColdPace } from './cold-pace.ts';
import type { AwaitedSecrets } from './awaited-secrets.ts';
import type { LiveLook } from './live-look.ts';
import { NEGATIVE_FOR_MS } from './refusals.ts';
import type { StoreLookup } from './store-lookup.ts';
import type { Synced, Syncer } from './sync.ts';
import { claimantOf, type NamespaceSummary, type Views } from './views.ts';

export interface NeedResolverOptions {
  readonly cluster: Cluster;
  readonly views: Views;
  readonly liveLook: LiveLook;
  readonly stores: StoreLookup;
  readonly syncer: Syncer;
  readonly pace: ColdPace;
  readonly awaited: AwaitedSecrets;
  /** Installation key of opaque versions; a function because it comes with the certificates. */
  readonly versionKey: () => string;
  readonly controllerClass: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface NeedQuestion {
  readonly namespace: NamespaceSummary;
  readonly need: Need;
  /** The ExternalSecret that makes the Secret, where that is known already. */
  readonly claimant?: ExternalSecret;
  readonly policy: FreshnessPolicy;
  readonly receivedAtMs: number;
  /** No provider call, no write, no log-in: only what would be done. */
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

/** Sees to one Secret that a pod needs: leaves it when fresh, brings it up to date when not, and says what came of it. */
export class NeedResolver {
  readonly #options: NeedResolverOptions;
  readonly #versions = new WeakMap<SecretSummary, { readonly versionKey: string; readonly version: string }>();

  constructor(options: NeedResolverOptions) {
    this.#options = options;
  }

  /** Never throws for what can be said about the need; failures are outcomes. */
  async resolve(question: NeedQuestion): Promise<NeedOutcome> {
    const { namespace, need } = question;
    let contributors: readonly ExternalSecret[] = [];
    try {
      contributors = await this.#contributors(question);
      if (contributors.length === 0) return await this.#unclaimed(question);
    } catch (cause) {
      return { state: 'failed', error: asLatchkeyError(cause) };
    }
    let worst: NeedOutcome | undefined;
    for (const [index, externalSecret] of contributors.entries()) {
      const isLast = index === contributors.length - 1;
      try {
        const outcome = await this.#ensure(question, externalSecret, isLast);
        if (outcome.state === 'absent') return outcome;
        if (worst === undefined || worst.state === 'fresh') worst = outcome;
      } catch (cause) {
        const error = asLatchkeyError(cause);
        if (error.code === 'Internal')
          this.#options.logger.error('seeing to a Secret failed', { namespace: namespace.name }, cause);
        return { state: 'failed', source: sourceOf(externalSecret), error };
      }
    }
    return worst ?? { state: 'failed', error: new LatchkeyError('Internal', `nobody makes "${need.secretName}"`) };
  }

  /** Whoever makes the Secret, then those who add keys to it; nobody = none of our business. */
  async #contributors({ namespace, need, claimant }: NeedQuestion): Promise<readonly ExternalSecret[]> {
    const { views, liveLook } = this.#options;
    const known = (): readonly ExternalSecret[] => {
      const maker = claimant ?? claimantOf(views, namespace.name, need.secretName);
      const mergers = mergersOf(views.targets.claimants(namespace.name, need.secretName));
      return maker === undefined ? mergers : [maker, ...mergers];
    };
    const found = known();
    if (found.length > 0) return found;
    await liveLook.refresh(namespace.name);
    return known();
  }

  async #unclaimed({ namespace, need, isDryRun, signal }: NeedQuestion): Promise<NeedOutcome> {
    const key = { namespace: namespace.name, name: need.secretName };
    try {
      const secret = await this.#options.cluster.get(secrets, key, { signal });
      if (secret !== undefined) return { state: 'unmanaged', secretType: secret.type ?? 'Opaque' };
      if (!isDryRun) this.#options.awaited.note(namespace.name, need.secretName);
      return { state: 'absent' };
    } catch (cause) {
      // Whatever keeps us from looking, the pod has nothing to do with us: the kubelet judges.
      const error = asLatchkeyError(cause);
      if (error.code === 'Internal') throw cause;
      return { state: 'unmanaged', error };
    }
  }

  /** @param isLast nobody after it adds a key any more. */
  async #ensure(question: NeedQuestion, externalSecret: ExternalSecret, isLast: boolean): Promise<NeedOutcome> {
    const { need, namespace, signal } = question;
    // Rights are judged before freshness: taking one away works at the next pod.
    const stores = await this.#options.stores.find(externalSecret, namespace, signal);
    const secret = this.#options.views.secrets.get({ namespace: namespace.name, name: need.secretName });
    const isForeignStore = stores.some(({ store }) => isForeign(store, this.#options.controllerClass));
    const freshness = this.#judge(question, { externalSecret, secret, isForeignStore });
    const name = externalSecret.metadata.name;
    if (freshness.verdict === 'fresh') return this.#fresh(externalSecret, secret);
    if (question.isDryRun) {
      assertResolvable(externalSecret);
      const reason = freshness.verdict === 'stale' ? 'is older than it may be' : freshness.reason;
      return { state: 'wouldFetch', externalSecret: name, reason };
    }
    if (this.#isJustSettled(question, externalSecret, freshness, secret)) {
      if (isLast) assertKeys(need, secret);
      return this.#fresh(externalSecret, secret);
    }
    let synced: Synced;
    try {
      synced = await this.#options.syncer.syncExternalSecret({
        externalSecret,
        namespace,
        stores,
        notBeforeMs: this.#notBefore(question, externalSecret),
        isFirst: freshness.verdict === 'unusable',
        isAskedFor: true,
        beforeWork: () => this.#options.pace.begin(namespace.name),
        signal,
      });
    } catch (cause) {
      return this.#fallBack(asLatchkeyError(cause), freshness, question, { name, secret });
    }
    if (synced.done === 'no-target') return { state: 'absent' };
    if (synced.secret === undefined) throw synced.done === 'retained' ? nothingGiven() : noneLeft();
    if (isLast) assertKeys(need, synced.secret);
    return this.#fresh(externalSecret, synced.secret);
  }

  #fresh(externalSecret: ExternalSecret, secret: SecretSummary | undefined): NeedOutcome {
    const ageless = unrefreshable(externalSecret);
    return {
      state: 'fresh',
      externalSecret: externalSecret.metadata.name,
      version: this.#version(secret),
      secretType: secret?.type ?? 'Opaque',
      ...(ageless !== undefined && { ageless }),
    };
  }

  /**
   * What a sync of this very spec found missing a moment ago is missing still: pods that are made again and again ask the
   * backend once in a while only.
   * @throws LatchkeyError `SecretNotFound` when that sync left no Secret.
   */
  #isJustSettled(
    { receivedAtMs }: NeedQuestion,
    externalSecret: ExternalSecret,
    freshness: Freshness,
    secret: SecretSummary | undefined,
  ): boolean {
    const last = this.#options.syncer.lastSync(externalSecret);
    const isOfThisSpec = last?.syncedResourceVersion === syncedResourceVersion(externalSecret.metadata);
    if (last === undefined || !isOfThisSpec || receivedAtMs - last.fetchStartedAtMs > NEGATIVE_FOR_MS) return false;
    if (last.removed !== undefined && (secret === undefined || secret.uid === last.removed.uid)) throw noneLeft();
    if (last.unwritten === 'retained' && secret === undefined) throw nothingGiven();
    return freshness.verdict === 'unusable' && freshness.missingKey !== undefined && secret !== undefined;
  }

  #judge(
    question: NeedQuestion,
    subject: Pick<FreshnessQuestion, 'externalSecret' | 'secret' | 'isForeignStore'>,
  ): Freshness {
    return judgeFreshness({
      ...subject,
      lastSync: this.#options.syncer.lastSync(subject.externalSecret),
      keys: question.need.keys,
      maxAgeMs: question.policy.maxAgeMs,
      nowMs: question.receivedAtMs,
    });
  }

  /** A fetch under way serves whoever would take its value for fresh. */
  #notBefore({ policy, receivedAtMs }: NeedQuestion, externalSecret: ExternalSecret): number {
    return receivedAtMs - Math.max(ageLimitMs(externalSecret, policy.maxAgeMs), ALWAYS_FRESH_TOLERANCE_MS);
  }

  /** An older value serves when no new one is to be had, for as long as stale-if-error allows; else the error stands. */
  #fallBack(
    error: LatchkeyError,
    freshness: Exclude<Freshness, { verdict: 'fresh' }>,
    { policy }: NeedQuestion,
    { name, secret }: { readonly name: string; readonly secret: SecretSummary | undefined },
  ): NeedOutcome {
    const isUsable = freshness.verdict === 'stale' && error.category !== 'our-side';
    if (!isUsable || freshness.ageMs - freshness.limitMs > policy.staleIfErrorMs || policy.staleIfErrorMs === 0) {
      throw error;
    }
    return { state: 'stale', externalSecret: name, version: this.#version(secret), ageMs: freshness.ageMs, error };
  }

  #version(secret: SecretSummary | undefined): string {
    if (secret === undefined) return '';
    const versionKey = this.#options.versionKey();
    const known = this.#versions.get(secret);
    if (known?.versionKey === versionKey) return known.version;
    const version = opaqueVersion(versionKey, secret.namespace, secret.name, secret.dataHash ?? '');
    this.#versions.set(secret, { versionKey, version });
    return version;
  }
}

function noneLeft(): LatchkeyError {
  return new LatchkeyError(
    'SecretNotFound',
    'the backend has none of what the ExternalSecret names, and its deletionPolicy Delete wants no Secret then',
  );
}

function nothingGiven(): LatchkeyError {
  return new LatchkeyError('KeyMissing', 'the stores give no key at all for the ExternalSecret, so it makes no Secret');
}

/** @throws LatchkeyError `KeyMissing` naming the first key that the ExternalSecret does not produce. */
function assertKeys(need: Need, secret: SecretSummary | undefined): void {
  const missing = need.keys.find((key) => secret?.keys.has(key) !== true);
  if (missing === undefined) return;
  throw new LatchkeyError(
    'KeyMissing',
    `the ExternalSecret does not produce the key "${printable(missing)}" that the pod names`,
  );
}

function sourceOf(externalSecret: ExternalSecret): { readonly externalSecret: string; readonly store: string } {
  return { externalSecret: externalSecret.metadata.name, store: describeStores(externalSecret) };
}
