#!/usr/bin/env node
import { requireNode24 } from './node-version.ts';

requireNode24();
const { run } = await import('./cli/program.ts');
process.exitCode = await run(process.argv);
