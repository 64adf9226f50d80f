/** A binary heap by time, earliest first; those of one time in any order. */
export class DueHeap<T extends { readonly atMs: number }> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    let index = this.#items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#timeOf(parent) <= item.atMs) break;
      this.#swap(index, parent);
      index = parent;
    }
  }

  pop(): T | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (first === undefined || last === undefined || this.#items.length === 0) return first;
    this.#items[0] = last;
    let index = 0;
    for (;;) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      const child = this.#timeOf(right) < this.#timeOf(left) ? right : left;
      if (this.#timeOf(child) >= last.atMs) return first;
      this.#swap(index, child);
      index = child;
    }
  }

  clear(): void {
    this.#items.length = 0;
  }

  #timeOf(index: number): number {
    return this.#items[index]?.atMs ?? Infinity;
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#items[a], this.#items[b]];
    if (first === undefined || second === undefined) return;
    this.#items[a] = second;
    this.#items[b] = first;
  }
}
