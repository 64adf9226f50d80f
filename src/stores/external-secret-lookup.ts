import { setTimeout as sleep } from 'node:timers/promises';
import type { ExternalSecret } from '../api/external-secrets.ts';
import type { LiveLook } from './live-look.ts';
import { assertClaim, type Views } from './views.ts';

/** Between looks for one that is awaited; the live look itself asks the API server once a second at most. */
const LOOK_EVERY_MS = 100;

/** Finds ExternalSecrets that somebody names. */
export class ExternalSecretLookup {
  readonly #views: Views;
  readonly #liveLook: LiveLook;
  readonly #waitMs: number;

  /** @param waitMs how long one that is not there is waited for: applied together with its pod, it may come second. */
  constructor(views: Views, liveLook: LiveLook, waitMs: number) {
    this.#views = views;
    this.#liveLook = liveLook;
    this.#waitMs = waitMs;
  }

  /**
   * The ExternalSecret, when it makes its Secret; undefined when there is none of that name, or none was found by the time
   * that `signal` aborts.
   * @throws LatchkeyError `TargetForbidden` when its Secret is another's, and the cluster's when it cannot be listed.
   */
  async find(namespace: string, name: string, signal: AbortSignal): Promise<ExternalSecret | undefined> {
    const found = this.#known(namespace, name) ?? (await this.#awaited(namespace, name, signal));
    if (found === undefined) return undefined;
    assertClaim(this.#views, found);
    return found;
  }

  #known(namespace: string, name: string): ExternalSecret | undefined {
    const found = this.#views.externalSecrets.get({ namespace, name });
    return found?.metadata.deletionTimestamp === undefined ? found : undefined;
  }

  async #awaited(namespace: string, name: string, signal: AbortSignal): Promise<ExternalSecret | undefined> {
    for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
      await this.#liveLook.refresh(namespace);
      const found = this.#known(namespace, name);
      if (found !== undefined || waitedMs >= this.#waitMs || signal.aborted) return found;
      await sleep(LOOK_EVERY_MS);
    }
  }
}
