/** A process of its own for directory-source.test.ts: loads from the directory it is given and prints what it got. */
import { createDirectorySource } from '../../../certs/directory-source.ts';
import { deadline, names, recordingLogger } from './support.ts';

const source = createDirectorySource({ directory: process.argv[2] ?? '', names, logger: recordingLogger() });
process.stdout.write(JSON.stringify(await source.load(deadline())));
