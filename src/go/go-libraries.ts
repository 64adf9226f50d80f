import { LatchkeyError, type ErrorCode } from '../core/errors.ts';
import { SecretValue } from '../core/secret-value.ts';
import { TemplateError } from '../core/template/template-error.ts';
import type { GoLibraries, JsonPathQuery, TemplateCall, TemplateRules } from '../ports/go-libraries.ts';
import { reportedFailure } from './failures.ts';
import { CallFailed, ModuleRunner, type RunnerOptions } from './module-runner.ts';
import { templateFailure } from './template-failures.ts';
import { RequestWriter, ResponseReader } from './wire.ts';

/** A function of src/go/module/main.go. */
interface Operation {
  readonly number: number;
  /** For messages: what is being done. */
  readonly what: string;
  /** Whose fault it is when it cannot be done. */
  readonly code: ErrorCode;
}

const JSON_PATHS: Operation = { number: 1, what: 'reading properties', code: 'InvalidData' };
const MATCHES: Operation = { number: 2, what: 'matching the regular expression', code: 'InvalidExternalSecret' };
const REPLACE_ALL: Operation = {
  number: 3,
  what: 'replacing by the regular expression',
  code: 'InvalidExternalSecret',
};
const YAML_MAP: Operation = { number: 4, what: 'reading the YAML text', code: 'InvalidData' };

const RENDER = 5;

const LARGEST_REQUEST_BYTES = 32 * 1_048_576;
const DEFAULTS: RunnerOptions = { timeLimitMs: 250, longestQueue: 1_000, idleMs: 5 * 60_000 };

interface GoOptions extends RunnerOptions {
  /** How long rendering the templates of one call may take, where that is something else. */
  readonly templateTimeLimitMs: number;
}

/** Nothing is loaded before the first call, and what templates need not before the first template. */
export function createGoLibraries(options: Partial<GoOptions> = {}): GoLibraries {
  const limits = { ...DEFAULTS, ...options };
  const { templateTimeLimitMs = limits.timeLimitMs } = options;
  const runners: Runners = {
    libraries: new ModuleRunner('go-libraries', limits),
    templates: new ModuleRunner('go-templates', { ...limits, timeLimitMs: templateTimeLimitMs }),
    limitsMs: { libraries: limits.timeLimitMs, templates: templateTimeLimitMs },
  };
  return new LibrariesInNamespace(runners, '');
}

interface Runners {
  readonly libraries: ModuleRunner;
  readonly templates: ModuleRunner;
  readonly limitsMs: { readonly libraries: number; readonly templates: number };
}

/** What is said of a call that has ended its thread. */
function consequence({ failure }: CallFailed, limitMs: number): string {
  const consequences = {
    time: `takes more than ${limitMs} ms`,
    memory: 'takes more memory than is allowed',
    crash: 'makes the Go library for it fail',
  };
  return consequences[failure];
}

class LibrariesInNamespace implements GoLibraries {
  readonly #runners: Runners;
  readonly #namespace: string;

  constructor(runners: Runners, namespace: string) {
    this.#runners = runners;
    this.#namespace = namespace;
  }

  inNamespace(namespace: string): GoLibraries {
    return new LibrariesInNamespace(this.#runners, namespace);
  }

  async jsonPaths(
    queries: readonly JsonPathQuery[],
    signal: AbortSignal,
  ): Promise<readonly (SecretValue | undefined)[]> {
    const { list: documents, numberOf } = distinct(queries.map(({ document }) => document));
    const writer = new RequestWriter();
    writer.list(documents, (document) => writer.bytes(document.reveal()));
    writer.list(queries, ({ document, paths }) => {
      writer.number(numberOf(document)).list(paths, (path) => writer.text(path));
    });
    const response = await this.#call(JSON_PATHS, writer, signal);
    return queries.map(() => {
      const exists = response.flag();
      const bytes = response.bytes();
      return exists ? new SecretValue(bytes) : undefined;
    });
  }

  async matches(expression: string, texts: readonly string[], signal: AbortSignal): Promise<readonly boolean[]> {
    const writer = new RequestWriter().text(expression);
    writer.list(texts, (text) => writer.text(text));
    const response = await this.#call(MATCHES, writer, signal);
    return texts.map(() => response.flag());
  }

  async replaceAll(
    expression: string,
    replacement: string,
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const writer = new RequestWriter().text(expression).text(replacement);
    writer.list(texts, (text) => writer.text(text));
    const response = await this.#call(REPLACE_ALL, writer, signal);
    return texts.map(() => response.text());
  }

  async yamlMap(text: SecretValue, signal: AbortSignal): Promise<ReadonlyMap<string, SecretValue>> {
    return membersIn(await this.#call(YAML_MAP, new RequestWriter().bytes(text.reveal()), signal));
  }

  async render(
    templates: readonly TemplateCall[],
    { delimiters: [left, right], isKeyDemanded }: TemplateRules,
    signal: AbortSignal,
  ): Promise<readonly ReadonlyMap<string, SecretValue>[]> {
    const { list: sets, numberOf } = distinct(templates.map(({ values }) => values));
    const writer = new RequestWriter().text(left).text(right).flag(isKeyDemanded);
    writer.list(sets, (set) => {
      writer.list([...set], ([name, value]) => writer.text(name).bytes(value.reveal()));
    });
    writer.list(templates, ({ text, values, isMap }) => {
      writer.bytes(text.reveal()).number(numberOf(values)).flag(isMap);
    });
    const request = writer.finish();
    if (request.length > LARGEST_REQUEST_BYTES) {
      throw new TemplateError('templates and values are refused for more than 32 MiB at once', { template: 0 });
    }
    try {
      const response = await this.#run(this.#runners.templates, RENDER, request, signal);
      const kind = response.text();
      if (kind !== '') throw templateFailure(kind, response.text(), response, templates);
      return templates.map(() => membersIn(response));
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      const problem = consequence(error, this.#runners.limitsMs.templates);
      throw new TemplateError(`rendering it ${problem}`, { template: error.progress });
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#runners.libraries.close(), this.#runners.templates.close()]);
  }

  async #call(operation: Operation, writer: RequestWriter, signal: AbortSignal): Promise<ResponseReader> {
    const { number, code, what } = operation;
    const request = writer.finish();
    if (request.length > LARGEST_REQUEST_BYTES) {
      throw new LatchkeyError(code, `${what} is refused for more than 32 MiB at once`);
    }
    try {
      const response = await this.#run(this.#runners.libraries, number, request, signal);
      const kind = response.text();
      if (kind !== '') throw reportedFailure(code, kind, response.text());
      return response;
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      throw new LatchkeyError(code, `${what} ${consequence(error, this.#runners.limitsMs.libraries)}`);
    }
  }

  async #run(
    runner: ModuleRunner,
    operation: number,
    request: Uint8Array,
    signal: AbortSignal,
  ): Promise<ResponseReader> {
    return new ResponseReader(await runner.run(operation, request, { namespace: this.#namespace, signal }));
  }
}

/** Each once, and under which number it then stands: what several items share crosses to the thread once. */
function distinct<T>(items: readonly T[]): { readonly list: readonly T[]; numberOf(item: T): number } {
  const numbers = new Map<T, number>();
  for (const item of items) if (!numbers.has(item)) numbers.set(item, numbers.size);
  return { list: [...numbers.keys()], numberOf: (item) => numbers.get(item) ?? 0 };
}

function membersIn(response: ResponseReader): ReadonlyMap<string, SecretValue> {
  const members = Array.from({ length: response.number() }, () => [response.text(), response.bytes()] as const);
  return new Map(members.map(([name, bytes]) => [name, new SecretValue(bytes)]));
}
