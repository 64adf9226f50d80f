import { LatchkeyError, type ErrorCode } from '../core/errors.ts';
import { SecretValue } from '../core/secret-value.ts';
import type { GoLibraries } from '../ports/go-libraries.ts';
import { reportedFailure } from './failures.ts';
import { CallFailed, ModuleRunner, type RunnerOptions } from './module-runner.ts';
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

const LARGEST_REQUEST_BYTES = 32 * 1_048_576;
const DEFAULTS: RunnerOptions = { timeLimitMs: 250, longestQueue: 1_000, idleMs: 5 * 60_000 };

/** Nothing is loaded before the first call. */
export function createGoLibraries(options: Partial<RunnerOptions> = {}): GoLibraries {
  const limits = { ...DEFAULTS, ...options };
  const runner = new ModuleRunner(limits);

  async function call(operation: Operation, writer: RequestWriter, signal: AbortSignal): Promise<ResponseReader> {
    const { code, what } = operation;
    const request = writer.finish();
    if (request.length > LARGEST_REQUEST_BYTES) {
      throw new LatchkeyError(code, `${what} is refused for more than 32 MiB at once`);
    }
    try {
      const response = new ResponseReader(await runner.run(operation.number, request, signal));
      const kind = response.text();
      if (kind !== '') throw reportedFailure(code, kind, response.text());
      return response;
    } catch (error) {
      throw error instanceof CallFailed ? new LatchkeyError(code, `${what} ${consequences[error.failure]}`) : error;
    }
  }

  const consequences = {
    time: `takes more than ${limits.timeLimitMs} ms`,
    memory: 'takes more memory than is allowed',
    crash: 'makes the Go library for it fail',
  };

  return {
    async jsonPaths(queries, signal) {
      const documents = [...new Set(queries.map(({ document }) => document))];
      const numbers = new Map(documents.map((document, number) => [document, number]));
      const writer = new RequestWriter();
      writer.list(documents, (document) => writer.bytes(document.reveal()));
      writer.list(queries, ({ document, paths }) => {
        writer.number(numbers.get(document) ?? 0).list(paths, (path) => writer.text(path));
      });
      const response = await call(JSON_PATHS, writer, signal);
      return queries.map(() => {
        const exists = response.flag();
        const bytes = response.bytes();
        return exists ? new SecretValue(bytes) : undefined;
      });
    },

    async matches(expression, texts, signal) {
      const writer = new RequestWriter().text(expression);
      writer.list(texts, (text) => writer.text(text));
      const response = await call(MATCHES, writer, signal);
      return texts.map(() => response.flag());
    },

    async replaceAll(expression, replacement, texts, signal) {
      const writer = new RequestWriter().text(expression).text(replacement);
      writer.list(texts, (text) => writer.text(text));
      const response = await call(REPLACE_ALL, writer, signal);
      return texts.map(() => response.text());
    },

    async yamlMap(text, signal) {
      const response = await call(YAML_MAP, new RequestWriter().bytes(text.reveal()), signal);
      const members = Array.from({ length: response.number() }, () => [response.text(), response.bytes()] as const);
      return new Map(members.map(([name, bytes]) => [name, new SecretValue(bytes)]));
    },

    close: () => runner.close(),
  };
}
