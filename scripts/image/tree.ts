import { chmod, copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rootCertificates } from 'node:tls';
import { runCommandOrThrow } from '../../test/support/process/run-command.ts';
import { addLibraries } from './libraries.ts';

const root = join(import.meta.dirname, '../..');
const timeoutMs = 120_000;
/** Left out of the bundle because they are large and loaded only when a store needs them. */
const SDKS = ['@aws-sdk/client-secrets-manager', '@aws-sdk/client-ssm', '@aws-sdk/client-sts', 'node-vault'];
const CA_BUNDLE = 'etc/ssl/certs/ca-certificates.crt';

/** How the image is run; its numbers are those of the tree's passwd. */
export const imageConfig = {
  Env: ['PATH=/usr/bin', 'NODE_ENV=production', 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'],
  User: '65532:65532',
  WorkingDir: '/app',
  Entrypoint: ['/usr/bin/node', '/app/main.js'],
  Cmd: ['serve'],
  ExposedPorts: { '8443/tcp': {}, '8080/tcp': {} },
} as const;

/** Writes everything that the image holds: Node with its libraries, CA bundle, passwd, the bundle, the SDKs. Nothing else. */
export async function buildImageTree(tree: string): Promise<void> {
  await runCommandOrThrow(process.execPath, [join(root, 'scripts/bundle.ts')], { cwd: root, timeoutMs });
  for (const name of ['tmp', 'etc', 'usr/bin', 'app']) await mkdir(join(tree, name), { recursive: true });
  await chmod(join(tree, 'tmp'), 0o1777);
  // The Node that runs this, which npm brought at its locked version.
  await copyFile(process.execPath, join(tree, 'usr/bin/node'));
  await addLibraries(tree);
  // Mozilla's authorities as Node carries them. The building machine's own may include some that only it should trust.
  await mkdir(dirname(join(tree, CA_BUNDLE)), { recursive: true });
  await writeFile(join(tree, CA_BUNDLE), `${rootCertificates.join('\n')}\n`);
  await writeFile(join(tree, 'etc/passwd'), 'latchkey:x:65532:65532:latchkey:/app:/sbin/nologin\n');
  await writeFile(join(tree, 'etc/group'), 'latchkey:x:65532:\n');
  await writeFile(join(tree, 'etc/nsswitch.conf'), 'hosts: files dns\n');
  await cp(join(root, 'dist'), join(tree, 'app'), { recursive: true });
  const { name, version, license } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  await writeFile(join(tree, 'app/package.json'), `${JSON.stringify({ name, version, license, type: 'module' })}\n`);
  for (const directory of packageClosure(SDKS)) {
    const target = join(tree, 'app', relative(root, directory));
    // A nested package is copied for itself.
    const filter = (file: string): boolean => !relative(directory, file).split('/').includes('node_modules');
    await cp(directory, target, { recursive: true, filter });
  }
}

/** Directories of packages and of all they depend on, as Node would find them. */
function packageClosure(names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const visit = (name: string, from: string): void => {
    const directory = locate(name, from);
    if (found.has(directory)) return;
    found.add(directory);
    for (const dependency of dependenciesOf(directory)) visit(dependency, directory);
  };
  for (const name of names) visit(name, root);
  return [...found];
}

function locate(name: string, from: string): string {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (directory === dirname(directory)) throw new Error(`package ${name}, needed in ${from}, is not installed`);
  }
}

function dependenciesOf(directory: string): readonly string[] {
  const file = join(directory, 'package.json');
  const { dependencies = {} } = JSON.parse(readFileSync(file, 'utf8')) as { dependencies?: Record<string, string> };
  return Object.keys(dependencies);
}
