/** Writes the types of the CRDs. A test holds them equal. */
import { writeFile } from 'node:fs/promises';
import { crdTypes, TYPES_FILE } from './types/crd-types.ts';

await writeFile(TYPES_FILE, await crdTypes());
