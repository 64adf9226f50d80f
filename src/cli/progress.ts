/** One line on standard error that says how far a command is; nothing where nobody looks at it. */
export class Progress {
  readonly #total: number;
  readonly #what: string;
  #done = 0;
  #failed = 0;

  constructor(total: number, what: string) {
    this.#total = total;
    this.#what = what;
  }

  step(isGood: boolean): void {
    this.#done += 1;
    if (!isGood) this.#failed += 1;
    const failed = this.#failed === 0 ? '' : `, ${this.#failed} failed`;
    this.#write(`${this.#done} of ${this.#total} ${this.#what}${failed}`);
  }

  /** Leaves the line to whatever comes next. */
  clear(): void {
    this.#write('');
  }

  #write(line: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
  }
}
