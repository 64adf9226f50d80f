import { printable } from '../../src/core/names.ts';
import type { DocumentRef } from '../../src/ports/provider.ts';
import type { AwsCall } from './errors.ts';

/** What a service is asked for, in words. */
export interface ServiceCalls {
  read(ref: DocumentRef): AwsCall;
  readTags(ref: DocumentRef): AwsCall;
  readBatch(): AwsCall;
  list(): AwsCall;
  /** Nothing yet, only who asks is looked at. */
  use(): AwsCall;
}

/** @param noun what the service calls a document. */
export function serviceCalls(backend: string, noun: 'secret' | 'parameter'): ServiceCalls {
  const call = (purpose: string, subject: string, malformed: string): AwsCall => ({
    backend,
    purpose,
    subject,
    invalid: { code: 'InvalidExternalSecret', words: `${backend} does not accept ${malformed}` },
  });
  const ofOne = (ref: DocumentRef, purpose: string): AwsCall => {
    const one = `${noun} "${printable(ref.key)}"`;
    const subject = ref.version ? `${one} in version "${printable(ref.version)}"` : one;
    return call(`${purpose} ${one}`, subject, `${subject}: no ${noun} can have that name`);
  };
  const ofMany = (purpose: string, malformed: string): AwsCall => call(purpose, `such ${noun}s`, malformed);
  return {
    read: (ref) => ofOne(ref, 'read'),
    readTags: ({ key }) => ofOne({ key }, 'read the tags of'),
    readBatch: () => ofMany(`read several ${noun}s at once`, `one of the names of ${noun}s`),
    list: () => ofMany(`list ${noun}s`, 'this search'),
    use: () => ofMany('ask for anything', 'the request'),
  };
}
