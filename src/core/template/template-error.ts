import { LatchkeyError } from '../errors.ts';
import type { SecretValue } from '../secret-value.ts';

/** Where in a template something is wrong. Lines and columns count from 1, columns in characters. */
export interface TemplatePlace {
  /** Which of the templates that were rendered together. */
  readonly template: number;
  /** Missing, like what follows, when the template as a whole is meant. */
  readonly line?: number;
  readonly column?: number;
  /** That line, unless the template itself is secret. */
  readonly lineText?: SecretValue;
}

/** A template that cannot be rendered. */
export class TemplateError extends LatchkeyError {
  readonly place: TemplatePlace;
  readonly #problem: string;
  readonly #where: string;

  /** @param where Outermost first: which object, field, key. */
  constructor(problem: string, place: TemplatePlace, where = '') {
    const { line, column } = place;
    const inTemplate = line === undefined ? '' : `line ${line}, column ${column}`;
    const parts = [[where, inTemplate].filter(Boolean).join(', '), problem];
    super('TemplateError', parts.filter(Boolean).join(': '));
    this.place = place;
    this.#problem = problem;
    this.#where = where;
  }

  override within(where: string): TemplateError {
    const all = this.#where === '' ? where : `${where}: ${this.#where}`;
    return new TemplateError(this.#problem, this.place, all);
  }
}
