/** Makes one call, prints the answer and leaves everything open. */
import { SecretValue } from '../../../../src/core/secret-value.ts';
import { createGoLibraries } from '../../../../src/go/go-libraries.ts';

const document = SecretValue.fromText('{"a":"fake"}');
const [value] = await createGoLibraries().jsonPaths([{ document, paths: ['a'] }], new AbortController().signal);
process.stdout.write(value?.reveal() ?? 'nothing');
