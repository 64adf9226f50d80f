/** Holds the import direction of ARCHITECTURE.md: what a folder may import, and which folder may import a package. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { parseSync } from 'oxc-parser';

const root = join(import.meta.dirname, '..');
const sources = globSync('{src,providers,certs,webhook-config}/**/*.ts', { cwd: root }).sort();

/** Folder (longest prefix wins) → prefixes of what its files may import from the project. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'src/api/': ['src/api/'],
  'src/core/': ['src/core/', 'src/api/'],
  'src/ports/': ['src/ports/', 'src/core/', 'src/api/'],
  'src/stores/': ['src/stores/', 'src/ports/', 'src/core/', 'src/api/'],
  'src/events/': ['src/events/', 'src/ports/', 'src/core/', 'src/api/'],
  'src/webhook/': ['src/webhook/', 'src/events/', 'src/stores/', 'src/ports/', 'src/core/', 'src/api/'],
  'src/controllers/': ['src/controllers/', 'src/stores/', 'src/ports/', 'src/core/', 'src/api/'],
  'src/cluster/': ['src/cluster/', 'src/ports/', ...adapterCore(), 'src/api/'],
  'src/telemetry/': ['src/telemetry/', 'src/ports/'],
  'src/go/': ['src/go/', 'src/ports/', ...adapterCore(), 'src/core/template/', 'src/api/'],
  'src/config/': ['src/config/', 'src/core/duration.ts', 'src/core/names.ts'],
  'providers/shared/': ['providers/shared/', 'src/ports/', ...adapterCore(), 'src/api/'],
  'certs/': ['certs/', 'src/ports/', ...adapterCore(), 'src/api/'],
  'webhook-config/': ['webhook-config/', 'src/ports/', ...adapterCore(), 'src/api/'],
};

/** Package → the only places that may import it. */
const FENCED: Readonly<Record<string, readonly string[]>> = {
  express: ['src/webhook/'],
  '@kubernetes/client-node': ['src/cluster/kubernetes/'],
  'node-forge': ['certs/'],
  'fast-json-patch': ['src/core/admission/patch.ts'],
  pino: ['src/telemetry/'],
  'prom-client': ['src/telemetry/'],
  commander: ['src/cli/'],
  'lru-cache': ['src/stores/', 'src/events/'],
  zod: ['providers/', 'src/config/'],
  yaml: ['src/core/injection/grammar.ts', 'src/cluster/folder/', 'src/cli/'],
  re2js: ['src/core/patterns.ts'],
  croner: ['src/core/refresh/'],
  diff: ['src/cli/'],
  '@aws-sdk/': ['providers/aws/'],
  'node-vault': ['providers/vault/'],
};

const PURE_MODULES: readonly string[] = ['node:crypto', 'node:util'];

function adapterCore(): readonly string[] {
  return ['src/core/errors.ts', 'src/core/secret-value.ts', 'src/core/names.ts', 'src/core/json/'];
}

interface Import {
  readonly file: string;
  readonly specifier: string;
  /** Below the project's root; undefined for packages. */
  readonly target: string | undefined;
}

const imports: readonly Import[] = sources.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  const { module, errors } = parseSync(file, text);
  assert.deepEqual(errors, [], `${file} does not parse`);
  const dynamic = module.dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start + 1, end - 1));
  const fixed = module.staticImports.map(({ moduleRequest }) => moduleRequest.value);
  const exported = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest }) => (moduleRequest === null ? [] : [moduleRequest.value])),
  );
  return [...fixed, ...exported, ...dynamic].map((specifier) => ({
    file,
    specifier,
    target: specifier.startsWith('.') ? relative(root, join(root, dirname(file), specifier)) : undefined,
  }));
});

function allowedFor(file: string): readonly string[] | undefined {
  const provider = /^providers\/(?!shared\/)[^/]+\//.exec(file)?.[0];
  if (provider !== undefined) return [provider, 'providers/shared/', 'src/ports/', ...adapterCore(), 'src/api/'];
  const folder = Object.keys(ALLOWED)
    .filter((prefix) => file.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
  return folder === undefined ? undefined : ALLOWED[folder];
}

describe('the import direction', () => {
  it('is kept by every file', () => {
    const wrong = imports.filter(({ file, target }) => {
      const allowed = allowedFor(file);
      return target !== undefined && allowed !== undefined && !allowed.some((prefix) => target.startsWith(prefix));
    });
    assert.deepEqual(wrong, []);
  });

  it('lets each fenced package be imported from its own place only', () => {
    const wrong = imports.filter(({ file, specifier }) =>
      Object.entries(FENCED).some(
        ([name, places]) =>
          (specifier === name || specifier.startsWith(name.endsWith('/') ? name : `${name}/`)) &&
          !places.some((place) => file.startsWith(place)),
      ),
    );
    assert.deepEqual(wrong, []);
  });

  it('keeps the core free of I/O, clock, randomness and environment', () => {
    const pure = sources.filter((file) => file.startsWith('src/core/') || file.startsWith('src/api/'));
    const impureText = /\b(Date\.now|Math\.random|process\.|setTimeout|setInterval|fetch\()|new Date\(\)/;
    const wrong = pure.filter((file) => impureText.test(readFileSync(join(root, file), 'utf8')));
    const modules = imports.filter(
      ({ file, specifier }) =>
        pure.includes(file) && specifier.startsWith('node:') && !PURE_MODULES.includes(specifier),
    );
    assert.deepEqual({ wrong, modules }, { wrong: [], modules: [] });
  });

  it('imports files by their real extension', () => {
    assert.deepEqual(
      imports.filter(({ target }) => target !== undefined && !/\.(ts|json)$/.test(target)),
      [],
    );
  });
});

describe('the tests', () => {
  it('mock no modules and skip nothing without saying why', () => {
    const files = globSync('test/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('architecture.test.ts'));
    const forbidden = /mock\.module|\.only\(|\bit\.skip\(|\bdescribe\.skip\(/;
    assert.deepEqual(
      files.filter((file) => forbidden.test(readFileSync(join(root, file), 'utf8'))),
      [],
    );
  });
});
