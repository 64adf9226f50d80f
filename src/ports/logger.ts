/** What may stand in a log line besides its message. Names, codes, counts and durations; never values or bodies. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Static messages, data in fields. `error` is printed as name, code and cause's name only. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields, error?: unknown): void;
  error(message: string, fields?: LogFields, error?: unknown): void;
}
