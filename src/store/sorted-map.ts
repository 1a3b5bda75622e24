/**
 * A map in key order with cheap ranges by prefix: a hash map beside a sorted array of its keys. Inserting moves the
 * tail of the array, a plain memory move, which for some ten thousand keys costs less than a balanced tree would.
 */
export class SortedMap<V> {
  #values = new Map<string, V>();
  #keys: string[] = [];

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#indexOf(key), 0, key);
    this.#values.set(key, value);
  }

  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false;
    this.#keys.splice(this.#indexOf(key), 1);
    return true;
  }

  /** Takes all of `entries` in place of what was there. */
  replace(entries: Iterable<readonly [string, V]>): void {
    this.#values = new Map(entries);
    this.#keys = [...this.#values.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  /** The keys that start with `prefix`, in order. */
  keys(prefix: string): readonly string[] {
    const start = this.#indexOf(prefix);
    let end = start;
    while (end < this.#keys.length && this.#keys[end]!.startsWith(prefix)) end++;
    return this.#keys.slice(start, end);
  }

  /** The values of the keys that start with `prefix`, in key order. */
  values(prefix: string): readonly V[] {
    return this.keys(prefix).map(key => this.#values.get(key)!);
  }

  /** Where `key` is, or would be. */
  #indexOf(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
