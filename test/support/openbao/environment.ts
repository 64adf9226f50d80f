import { join } from 'node:path';
import type { PythonServer } from '../python/environment.ts';

/** OpenBao as a Python environment; `version` is the one that requirements.txt pins. */
export const openBaoEnvironment: PythonServer = {
  name: 'openbao',
  version: '2.7.2',
  requirementsFile: join(import.meta.dirname, 'requirements.txt'),
};
