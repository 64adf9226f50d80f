// Installs OpenBao before the suites run in parallel: node test/support/openbao/install.ts
import { installPythonServer } from '../python/environment.ts';
import { openBaoEnvironment } from './environment.ts';

await installPythonServer(openBaoEnvironment);
