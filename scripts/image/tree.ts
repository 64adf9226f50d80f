import { chmod, copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { runCommandOrThrow } from '../../test/support/process/run-command.ts';

const root = join(import.meta.dirname, '../..');
const timeoutMs = 120_000;
/** Left out of the bundle because they are large and loaded only when a store needs them. */
const SDKS = ['@aws-sdk/client-secrets-manager', '@aws-sdk/client-sts'];
const CA_BUNDLE = 'etc/ssl/certs/ca-certificates.crt';
/** What name resolution loads by itself, so that no link names it. */
const RESOLVER_LIBRARIES = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'];

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
  await addNode(tree);
  await add(`/${CA_BUNDLE}`, join(tree, CA_BUNDLE));
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

/** The Node that runs this, which npm brought at its locked version, and the libraries it is linked to. */
async function addNode(tree: string): Promise<void> {
  await add(process.execPath, join(tree, 'usr/bin/node'));
  const { stdout } = await runCommandOrThrow('ldd', [process.execPath], { timeoutMs });
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, file = '']) => file);
  const [first = ''] = libraries.filter((file) => file.endsWith('libc.so.6'));
  const resolver = RESOLVER_LIBRARIES.map((name) => join(dirname(first), name)).filter(existsSync);
  for (const file of [...libraries, ...resolver]) await add(file, join(tree, file));
}

async function add(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(realpathSync(from), to);
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
