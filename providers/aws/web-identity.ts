import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import { loadSts, openLogIn, sessionName } from './log-in.ts';
import type { LogIn } from './log-in.ts';
import { AWS_PATH } from './schema.ts';
import type { AwsConfig } from './schema.ts';

const FIELD = `${AWS_PATH}.auth.jwt.serviceAccountRef`;
/** The annotations that EKS itself reads (IAM roles for service accounts). */
const ROLE_ANNOTATION = 'eks.amazonaws.com/role-arn';
const AUDIENCE_ANNOTATION = 'eks.amazonaws.com/audience';
const DEFAULT_AUDIENCE = 'sts.amazonaws.com';
/** The shortest that Kubernetes gives: a token is shown to STS once, and each log-in asks for a new one. */
const TOKEN_SECONDS = 600;

type ServiceAccountRef = NonNullable<NonNullable<AwsConfig['auth']>['jwt']>['serviceAccountRef'];

/**
 * The role that a service account's annotation names, assumed with a token of that service account.
 * @throws LatchkeyError `CredentialsNotFound`, or `InvalidProviderConfig` when it has no such annotation.
 */
export async function assumeRoleWithToken(
  serviceAccount: ServiceAccountRef,
  region: string,
  context: ClientContext,
  signal: AbortSignal,
): Promise<LogIn> {
  const { namespace, name, annotations } = await context.credentials.readServiceAccount(serviceAccount, FIELD, signal);
  const who = `service account "${printable(namespace)}/${printable(name)}"`;
  const role = annotations[ROLE_ANNOTATION];
  if (!role) {
    throw new LatchkeyError('InvalidProviderConfig', `${who}, named by ${FIELD}, has no annotation ${ROLE_ANNOTATION}`);
  }
  const audiences = [annotations[AUDIENCE_ANNOTATION] || DEFAULT_AUDIENCE];
  const { AssumeRoleWithWebIdentityCommand } = await loadSts();
  const subject = `role "${printable(role)}"`;
  return openLogIn(
    region,
    // The token is all the proof there is: the request is not signed, so nobody's credentials are looked for.
    unsigned,
    context,
    async (client, abortSignal) => {
      const wanted = { serviceAccount, audiences, expirationSeconds: TOKEN_SECONDS };
      const { token } = await context.credentials.requestToken(wanted, FIELD, abortSignal);
      const input = {
        RoleArn: role,
        RoleSessionName: sessionName(context),
        WebIdentityToken: token.reveal().toString(),
      };
      return client.send(new AssumeRoleWithWebIdentityCommand(input), { abortSignal });
    },
    {
      backend: `AWS STS in ${region}`,
      purpose: `assume ${subject}`,
      subject,
      who,
      invalid: {
        code: 'InvalidProviderConfig',
        words: `annotation ${ROLE_ANNOTATION} of ${who} is not a role that AWS STS accepts`,
      },
    },
  );
}

async function unsigned(): Promise<never> {
  throw new LatchkeyError('Internal', 'a request to AWS STS that needs no credentials asked for some');
}
