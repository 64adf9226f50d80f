import { join } from 'node:path';
import type { PythonServer } from '../python/environment.ts';

/** moto as a Python environment; `version` is the one that requirements.txt pins. */
export const motoEnvironment: PythonServer = {
  name: 'moto',
  version: '5.2.5',
  requirementsFile: join(import.meta.dirname, 'requirements.txt'),
};
