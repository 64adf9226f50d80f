import type { providers } from '../../providers/index.ts';
import { awsSubjects } from './aws.subject.ts';
import { fakeSubject } from './fake.subject.ts';
import type { Subject } from './secrets-client.suite.ts';
import { vaultSubjects } from './vault.subject.ts';

/** At least one per provider: the compiler asks for it as soon as a provider is registered. */
export const subjects: Readonly<Record<keyof typeof providers, readonly Subject[]>> = {
  aws: awsSubjects,
  fake: [fakeSubject],
  vault: vaultSubjects,
};
