/**
 * dist/: the core as a few files that start fast; the SDKs stay in node_modules and are loaded on first use. The worker
 * that makes certificates is an entry of its own, found beside the file that starts it.
 */
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

const outdir = 'dist';
await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { main: 'src/main.ts', 'issue-worker': 'certs/issue-worker.ts' },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minify: true,
  keepNames: true,
  metafile: true,
  chunkNames: '[name]-[hash]',
  external: ['@aws-sdk/*', '@smithy/*'],
  // CommonJS packages inside an ES module still call require for Node's own modules.
  banner: { js: "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);" },
  logLevel: 'warning',
});
const sizeBytes = Object.values(metafile.outputs).reduce((sum, { bytes }) => sum + bytes, 0);
process.stdout.write(
  `dist: ${Object.keys(metafile.outputs).length} files, ${(sizeBytes / 1_048_576).toFixed(1)} MiB\n`,
);
