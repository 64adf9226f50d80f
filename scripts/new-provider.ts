/**
 * Scaffolds a provider: `npm run new:provider -- NAME`. Makes its folder, its schema, its page of docs and its tests from
 * the templates beside this file, and registers it. What is left to do is marked TO WRITE; the contract suite fails there.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { insertSorted } from './new-provider/insert-sorted.ts';

const root = join(import.meta.dirname, '..');
const templates = join(import.meta.dirname, 'new-provider/templates');

const [name = ''] = process.argv.slice(2);
if (!/^[a-z][a-z0-9]*$/.test(name)) {
  fail('Say how the provider is called in spec.provider, as upstream spells it: npm run new:provider -- gitlab');
}
if (existsSync(join(root, 'providers', name))) fail(`There is a provider ${name} already.`);

const pascal = name.charAt(0).toUpperCase() + name.slice(1);
const words: readonly (readonly [placeholder: string, word: string])[] = [
  ['__name__', name],
  ['__Name__', pascal],
  ['__Title__', pascal],
  ['__NAME__', name.toUpperCase()],
];

const made: readonly (readonly [template: string, file: string])[] = [
  ['provider/index.ts', `providers/${name}/index.ts`],
  ['provider/schema.ts', `providers/${name}/schema.ts`],
  ['provider/provider.ts', `providers/${name}/provider.ts`],
  ['provider/client.ts', `providers/${name}/client.ts`],
  ['tests/subject.ts', `test/contract/${name}.subject.ts`],
  ['tests/config.test.ts', `test/unit/providers/${name}-config.test.ts`],
  ['docs/page.md', `docs/providers/${name}.md`],
];
for (const [template, file] of made) {
  const text = await readFile(join(templates, `${template}.template`), 'utf8');
  await write(
    file,
    words.reduce((filled, [placeholder, word]) => filled.replaceAll(placeholder, word), text),
  );
}

await edit('providers/index.ts', (text) =>
  insertSorted(text, /^ {2}\w+: \(\) => import\(/, `  ${name}: () => import('./${name}/index.ts'),`),
);
await edit('test/contract/subjects.ts', (text) => {
  const imported = `import { ${name}Subject } from './${name}.subject.ts';`;
  const withImport = insertSorted(text, /^import \{ \w+ \} from '\.\/\w+\.subject\.ts';/, imported);
  return insertSorted(withImport, /^ {2}\w+: (\[|\w+Subjects)/, `  ${name}: [${name}Subject],`);
});
await edit('providers/README.md', (text) =>
  insertSorted(
    text,
    /^\| `/,
    `| \`${name}\` | ${pascal} | to be written: [docs/providers/${name}.md](../docs/providers/${name}.md) | everything |`,
  ),
);

const suite = `node --test --test-name-pattern='^${name} as a SecretsClient' test/contract/providers.test.ts`;
for (const [, file] of made) process.stdout.write(`${file}\n`);
process.stdout.write(`
The provider is registered. What is left is marked:       grep -rn 'TO WRITE' providers/${name} test docs/providers/${name}.md
The contract suite on it, which fails at that:            ${suite}
`);

async function edit(file: string, change: (text: string) => string): Promise<void> {
  await write(file, change(await readFile(join(root, file), 'utf8')));
}

async function write(file: string, text: string): Promise<void> {
  const path = join(root, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
