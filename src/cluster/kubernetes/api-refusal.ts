import { LatchkeyError } from '../../core/errors.ts';
import { printable } from '../../core/names.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * What an answer of the API server says about the way there or about rights; undefined when it is the caller's to judge
 * (success, 404, 409, 422).
 *
 * Two admission plug-ins refuse with 403 as well, and only their messages tell that from a lack of rights. Nothing but
 * names of objects is taken from those.
 *
 * @param what was asked for, for messages: `create Secret "shop/db"`.
 */
export function refusalOf(answer: ApiAnswer, what: string): LatchkeyError | undefined {
  const { status } = answer;
  const quota = exceededQuota(answer);
  if (quota !== undefined) {
    return new LatchkeyError('QuotaExceeded', `ResourceQuota "${printable(quota)}" leaves no room to ${what}`);
  }
  if (isOwnerUnknown(answer)) {
    return new LatchkeyError(
      'ClusterUnavailable',
      `the API server could not ${what}: it does not know the kind ExternalSecret yet, as for up to 30 s after it has started`,
    );
  }
  if (status === 401 || status === 403) {
    return new LatchkeyError(
      'ClusterForbidden',
      `the API server does not let Latchkey ${what} (${describeAnswer(answer)})`,
    );
  }
  if (status === 429 || status >= 500) {
    return new LatchkeyError('ClusterUnavailable', `the API server could not ${what} (${describeAnswer(answer)})`);
  }
  return undefined;
}

/** Status code and the machine-readable reason; never the message, which may quote what was sent. */
export function describeAnswer({ status, body }: ApiAnswer): string {
  const reason = (body as { reason?: unknown } | undefined)?.reason;
  return typeof reason === 'string' ? `${status} ${printable(reason, 60)}` : String(status);
}

/** Name of the ResourceQuota that the plug-in of that name refused for. */
function exceededQuota(answer: ApiAnswer): string | undefined {
  return / is forbidden: exceeded quota: ([a-z0-9.-]{1,253}),/.exec(messageOf403(answer))?.[1];
}

/** OwnerReferencesPermissionEnforcement looks kinds up in a list that it reads anew every 30 s. */
function isOwnerUnknown(answer: ApiAnswer): boolean {
  return / is forbidden: cannot set blockOwnerDeletion .* cannot find RESTMapping /.test(messageOf403(answer));
}

function messageOf403({ status, body }: ApiAnswer): string {
  const message = (body as { message?: unknown } | undefined)?.message;
  return status === 403 && typeof message === 'string' ? message : '';
}
