/**
 * dist/: the core as a few files that start fast; the SDKs stay in node_modules and are loaded on first use. The
 * workers, for certificates and for the Go libraries, are entries of their own, and like the libraries themselves are found
 * beside the file that starts them.
 */
import { copyFile, rm } from 'node:fs/promises';
import { build, type Plugin } from 'esbuild';
import { MODULES } from './go-module/build.ts';

/**
 * client-node's KubeConfig imports undici for requests through its generated clients. Latchkey makes none, and undici
 * would be a third of the bundle.
 */
const withoutUndici: Plugin = {
  name: 'without-undici',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'left-out' }));
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({
      contents: `
        class LeftOut { constructor() { throw new Error('undici is not in the bundle'); } }
        export { LeftOut as Agent, LeftOut as ProxyAgent, LeftOut as FormData };
        export const fetch = () => new LeftOut();`,
    }));
  },
};

const outdir = 'dist';
await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: {
    main: 'src/main.ts',
    'issue-worker': 'certs/issue-worker.ts',
    'module-worker': 'src/go/module-worker.ts',
  },
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
  external: ['@aws-sdk/*', '@smithy/*', 'node-vault'],
  plugins: [withoutUndici],
  // CommonJS packages inside an ES module still call require for Node's own modules.
  banner: { js: "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);" },
  logLevel: 'warning',
});
for (const { name } of MODULES) await copyFile(`src/go/${name}.wasm.br`, `${outdir}/${name}.wasm.br`);
const sizeBytes = Object.values(metafile.outputs).reduce((sum, { bytes }) => sum + bytes, 0);
process.stdout.write(
  `dist: ${Object.keys(metafile.outputs).length} files, ${(sizeBytes / 1_048_576).toFixed(1)} MiB\n`,
);
