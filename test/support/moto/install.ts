// Installs moto before the suites run in parallel: node test/support/moto/install.ts
import { installPythonServer } from '../python/environment.ts';
import { motoEnvironment } from './environment.ts';

await installPythonServer(motoEnvironment);
