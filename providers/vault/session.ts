import { LatchkeyError } from '../../src/core/errors.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import { untilAborted } from '../shared/abort.ts';
import { transportError } from '../shared/transport-error.ts';
import { readGrant } from './answer.ts';
import type { Grant } from './answer.ts';
import type { LogIn } from './auth.ts';
import { readLogIn } from './credentials.ts';
import { logInError, vaultError } from './errors.ts';
import type { Question, VaultServer } from './server.ts';

/** One log-in serves every caller, so no single caller's signal ends it. */
const LOG_IN_LIMIT_MS = 10_000;
const REVOKE_LIMIT_MS = 5_000;
/** After a failed renewal the old token is used for that long before the next try. */
const RETRY_AFTER_MS = 5_000;
/** The same credentials are not tried again before: Vault locks users out, and directories lock accounts. */
const REFUSED_FOR_MS = 30_000;
/** Rights may have been given since a token was made, which only a new one shows; not for each refusal, though. */
const NEW_RIGHTS_AFTER_MS = 30_000;

/** Whoever a store asks as. */
export interface Session {
  /** Does work with the token of the moment, and once more with another when Vault refuses that one. */
  use<T>(work: (token: string | undefined) => Promise<T>, signal: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

/** A token that somebody else takes care of, or none. */
export function fixedSession(token: string | undefined): Session {
  return { use: (work) => work(token), close: async () => undefined };
}

interface Held extends Grant {
  readonly obtainedAtMs: number;
  readonly expiresAtMs: number;
  /** From then on it is renewed before it is used. */
  readonly dueAtMs: number;
}

/** A token that is obtained by logging in, kept alive by renewals for as long as Vault lets it, and revoked at the end. */
export class LogInSession implements Session {
  readonly #server: VaultServer;
  readonly #logIn: LogIn;
  readonly #namespace: string | undefined;
  readonly #credentials: ClientContext['credentials'];
  #held: Held | undefined;
  /** Being obtained or renewed: whoever needs it waits for it. */
  #pending: Promise<Held> | undefined;
  #refusal: { readonly error: LatchkeyError; readonly untilMs: number } | undefined;

  constructor(
    server: VaultServer,
    logIn: LogIn,
    namespace: string | undefined,
    credentials: ClientContext['credentials'],
  ) {
    this.#server = server;
    this.#logIn = logIn;
    this.#namespace = namespace;
    this.#credentials = credentials;
  }

  /** Logs in now. @throws LatchkeyError a credential's or a backend's error. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#current(signal);
  }

  async use<T>(work: (token: string) => Promise<T>, signal: AbortSignal): Promise<T> {
    const held = await this.#current(signal);
    try {
      return await work(held.token);
    } catch (error) {
      if (!mayBeMended(error, held)) throw error;
      return await work((await this.#insteadOf(held, error.code, signal)).token);
    }
  }

  /** @throws LatchkeyError when Vault could not be told that the token is no longer needed. */
  async close(): Promise<void> {
    const pending = this.#pending?.catch(() => undefined);
    const held = pending === undefined ? this.#held : await pending;
    this.#held = undefined;
    if (held !== undefined) await this.#revoke(held);
  }

  async #current(signal: AbortSignal): Promise<Held> {
    const held = this.#held;
    if (held !== undefined && held.dueAtMs > Date.now()) return held;
    return this.#once(() => (held === undefined ? this.#obtain() : this.#prolong(held)), signal);
  }

  async #insteadOf(refused: Held, code: ErrorCode, signal: AbortSignal): Promise<Held> {
    // Somebody else may have been refused it first.
    if (this.#held !== undefined && this.#held.token !== refused.token) return this.#held;
    return this.#once(async () => {
      const held = await this.#obtain();
      // It is still good. That Vault could not be told is in the metrics, and it ends by itself.
      if (code === 'BackendPermissionDenied') await this.#revoke(refused).catch(() => undefined);
      return held;
    }, signal);
  }

  async #once(work: () => Promise<Held>, signal: AbortSignal): Promise<Held> {
    this.#pending ??= work()
      .then((held) => (this.#held = held))
      .finally(() => (this.#pending = undefined));
    try {
      return await untilAborted(this.#pending, signal);
    } catch (error) {
      throw transportError(undefined, this.#server.name, signal) ?? error;
    }
  }

  /** Rides out a failure for as long as the old token lasts. */
  async #prolong(held: Held): Promise<Held> {
    try {
      return (held.isRenewable ? await this.#renew(held) : undefined) ?? (await this.#obtain());
    } catch (error) {
      if (held.expiresAtMs <= Date.now()) throw error;
      return { ...held, dueAtMs: Date.now() + RETRY_AFTER_MS };
    }
  }

  async #obtain(): Promise<Held> {
    if (this.#refusal !== undefined && this.#refusal.untilMs > Date.now()) throw this.#refusal.error;
    try {
      return await this.#logInOnce(AbortSignal.timeout(LOG_IN_LIMIT_MS));
    } catch (error) {
      if (error instanceof LatchkeyError && error.code === 'BackendAuthFailed') {
        this.#refusal = { error, untilMs: Date.now() + REFUSED_FOR_MS };
      }
      throw error;
    }
  }

  async #logInOnce(signal: AbortSignal): Promise<Held> {
    const { path, field } = this.#logIn;
    const body = await readLogIn(this.#logIn, this.#credentials, signal);
    const nowMs = Date.now();
    const question = { call: 'Login', path, namespace: this.#namespace, body } as const;
    const grant = await this.#server.ask(
      question,
      (answer) => {
        const granted = answer.status === 200 ? readGrant(answer.body) : undefined;
        if (granted === undefined) throw logInError(answer, this.#server.name, field);
        return granted;
      },
      signal,
    );
    return heldFrom(grant, nowMs);
  }

  /** @returns `undefined` when Vault does not let it live much longer: then it is time for a new one. */
  async #renew(held: Held): Promise<Held | undefined> {
    const nowMs = Date.now();
    const grant = await this.#server.ask(
      this.#aboutItself('RenewSelf', held, 'renew-self'),
      // Why not does not matter: a new log-in is next, and tells.
      (answer) => (answer.status === 200 ? readGrant(answer.body) : undefined),
      AbortSignal.timeout(LOG_IN_LIMIT_MS),
    );
    // Near its end Vault gives less and less, in whole seconds.
    if (grant === undefined || grant.seconds * 3 < held.seconds * 2) return undefined;
    return { ...heldFrom(grant, nowMs), seconds: held.seconds, token: held.token };
  }

  async #revoke(held: Held): Promise<void> {
    if (held.isBatch || held.expiresAtMs <= Date.now()) return;
    await this.#server.ask(
      this.#aboutItself('RevokeSelf', held, 'revoke-self'),
      (answer) => {
        if (answer.status === 200 || answer.status === 204) return;
        const error = vaultError(answer, {
          backend: this.#server.name,
          verb: 'revoke',
          subject: 'itself',
          version: 'v2',
        });
        // A token that Vault does not know is gone already.
        if (error.code !== 'BackendAuthFailed') throw error;
      },
      AbortSignal.timeout(REVOKE_LIMIT_MS),
    );
  }

  #aboutItself(call: Question['call'], { token }: Held, path: string): Question {
    return { call, path: `auth/token/${path}`, token, namespace: this.#namespace, body: {} };
  }
}

/** Due when a third of its life is left. */
function heldFrom(grant: Grant, nowMs: number): Held {
  const lifeMs = grant.seconds === 0 ? Infinity : grant.seconds * 1_000;
  return { ...grant, obtainedAtMs: nowMs, expiresAtMs: nowMs + lifeMs, dueAtMs: nowMs + (lifeMs * 2) / 3 };
}

function mayBeMended(error: unknown, { obtainedAtMs }: Held): error is LatchkeyError {
  if (!(error instanceof LatchkeyError)) return false;
  if (error.code === 'BackendAuthFailed') return true;
  return error.code === 'BackendPermissionDenied' && Date.now() - obtainedAtMs > NEW_RIGHTS_AFTER_MS;
}
