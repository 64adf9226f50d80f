import type { SecretValue } from '../core/secret-value.ts';
import type { Delimiters } from '../core/template/delimiters.ts';

/** One look into a JSON document. */
export interface JsonPathQuery {
  readonly document: SecretValue;
  /** gjson paths, tried in order; the first that exists counts. */
  readonly paths: readonly string[];
}

/** One Go template, and what its dot is. */
export interface TemplateCall {
  readonly text: SecretValue;
  readonly values: ReadonlyMap<string, SecretValue>;
  /** Is what comes out YAML, names and texts? */
  readonly isMap: boolean;
  /** Is the template itself secret? Then errors name none of the fields and variables in it. */
  readonly isConfidential: boolean;
}

export interface TemplateRules {
  readonly delimiters: Delimiters;
  /** Is it an error to ask for a key that is missing? Else it becomes `<no value>`. */
  readonly isKeyDemanded: boolean;
}

/**
 * The Go libraries that say what External Secrets manifests mean: gjson, regexp (RE2), sigs.k8s.io/yaml, text/template with sprig.
 * Every method also
 * throws LatchkeyError `Overloaded` when too many calls wait, and the signal's reason when it aborts. A call that takes too
 * long or too much memory fails like one whose input is wrong.
 */
export interface GoLibraries {
  /**
   * gjson's `Result.String()` for each query; `undefined` where none of the paths exists. A document need not be JSON.
   * @throws LatchkeyError `InvalidData`
   */
  jsonPaths(queries: readonly JsonPathQuery[], signal: AbortSignal): Promise<readonly (SecretValue | undefined)[]>;
  /**
   * Whether the expression matches anywhere in each text.
   * @throws LatchkeyError `InvalidExternalSecret` when the expression cannot be read.
   */
  matches(expression: string, texts: readonly string[], signal: AbortSignal): Promise<readonly boolean[]>;
  /**
   * Each text with its matches replaced, `$1` and `${name}` standing for groups (`regexp.ReplaceAllString`).
   * @throws LatchkeyError `InvalidExternalSecret` when the expression cannot be read.
   */
  replaceAll(
    expression: string,
    replacement: string,
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly string[]>;
  /**
   * A YAML 1.1 text as names and texts, in the byte order of the names: numbers and booleans become texts, null is empty.
   * @throws LatchkeyError `InvalidData` when it is no YAML, or no map of texts.
   */
  yamlMap(text: SecretValue, signal: AbortSignal): Promise<ReadonlyMap<string, SecretValue>>;
  /**
   * What each template gives: names and texts in the byte order of the names, or one text without a name.
   * @throws TemplateError for the first that fails; places are in the given templates.
   */
  render(
    templates: readonly TemplateCall[],
    rules: TemplateRules,
    signal: AbortSignal,
  ): Promise<readonly ReadonlyMap<string, SecretValue>[]>;
  /** The same libraries. Calls of different namespaces take turns, by the time that they take. */
  inNamespace(namespace: string): GoLibraries;
  /** Ends what runs; calls made afterwards or not yet answered fail. May be called twice. */
  close(): Promise<void>;
}
