// Heights of the rows of a long list: estimates until a row was measured, sums in O(log n).
//
// A binary indexed tree (Fenwick 1994): 10,000 rows cost some 80 kB, and a changed height moves 14 numbers.

export class Heights {
  private height: Float64Array = new Float64Array(0);
  private tree: Float64Array = new Float64Array(1);
  private measured: Uint8Array = new Uint8Array(0);

  get length(): number {
    return this.height.length;
  }

  get total(): number {
    return this.top(this.length);
  }

  /** Begins anew with estimates. `keep(i)` gives a known height or undefined. */
  reset(length: number, estimate: (index: number) => number, keep: (index: number) => number | undefined): void {
    this.height = new Float64Array(length);
    this.measured = new Uint8Array(length);
    this.tree = new Float64Array(length + 1);
    for (let index = 0; index < length; index += 1) {
      const known = keep(index);
      this.measured[index] = known === undefined ? 0 : 1;
      this.height[index] = known ?? estimate(index);
    }
    // Builds the tree in O(n): each node hands its sum to its parent.
    for (let node = 1; node <= length; node += 1) {
      this.tree[node] = (this.tree[node] ?? 0) + (this.height[node - 1] ?? 0);
      const parent = node + (node & -node);
      if (parent <= length) this.tree[parent] = (this.tree[parent] ?? 0) + (this.tree[node] ?? 0);
    }
  }

  of(index: number): number {
    return this.height[index] ?? 0;
  }

  /** Sets a measured height. Returns by how much it differs from what was assumed. */
  set(index: number, height: number): number {
    const change = height - this.of(index);
    this.measured[index] = 1;
    if (change === 0 || index >= this.length) return 0;
    this.height[index] = height;
    for (let node = index + 1; node <= this.length; node += node & -node) {
      this.tree[node] = (this.tree[node] ?? 0) + change;
    }
    return change;
  }

  isMeasured(index: number): boolean {
    return this.measured[index] === 1;
  }

  /** Distance of the row's upper edge from the start of the list. */
  top(index: number): number {
    let sum = 0;
    for (let node = Math.min(index, this.length); node > 0; node -= node & -node) sum += this.tree[node] ?? 0;
    return sum;
  }

  /** The row at that distance from the start; the last one beyond the end. */
  at(offset: number): number {
    let node = 0;
    let rest = Math.max(0, offset);
    for (let step = highestBit(this.length); step > 0; step >>= 1) {
      const next = node + step;
      const sum = this.tree[next] ?? 0;
      if (next <= this.length && sum <= rest) {
        node = next;
        rest -= sum;
      }
    }
    return Math.max(0, Math.min(node, this.length - 1));
  }

  /** The rows that touch `[from, to)`, as a half-open range. */
  range(from: number, to: number): { start: number; end: number } {
    if (this.length === 0) return { start: 0, end: 0 };
    return { start: this.at(from), end: Math.min(this.length, this.at(to) + 1) };
  }
}

const highestBit = (value: number): number => (value === 0 ? 0 : 1 << (31 - Math.clz32(value)));
