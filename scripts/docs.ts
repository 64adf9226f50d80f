/** Writes the pages of docs/ that are made from the code. A test holds them equal. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { troubleshootingPage } from '../src/core/reason-catalogue.ts';

const file = join(import.meta.dirname, '../docs/troubleshooting.md');
const options = await resolveConfig(file);
await writeFile(file, await format(troubleshootingPage(), { ...options, filepath: file }));
