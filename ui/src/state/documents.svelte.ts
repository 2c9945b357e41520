// The list of documents: pages from disk as they come into view, kept true by the news that arrive.

import type { Backend } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type { Document, Fault } from '$ipc/generated/domain';
import { debounce } from '$lib/debounce';
import { soon } from '$lib/soon';

const page = 100;

export type SortBy = 'name' | 'state' | 'passages' | 'size' | 'added';

export class Documents {
  /** Rows by place; those that were never in view are absent. */
  rows = $state.raw<readonly (Document | undefined)[]>([]);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  failed = $state.raw<Fault | null>(null);
  collection = $state<string | null>(null);
  name = $state('');
  sort = $state<SortBy>('added');
  descending = $state(true);
  keys = $derived(this.rows.map((row, index) => row?.id ?? `row-${index}`));
  #asked = new Set<number>();
  /** The places in view. */
  #shown: [number, number] = [0, 1];
  /** Which question the rows answer: late answers to older ones are dropped. */
  #question = 0;
  /** Also while news go on coming. */
  #again = soon(250, () => void this.#renew());
  #type;

  constructor(private backend: Backend) {
    this.#type = debounce(150, () => void this.load());
  }

  get total(): number {
    return this.rows.length;
  }

  choose(collection: string | null): void {
    if (collection === this.collection && this.state === 'ready') return;
    this.collection = collection;
    void this.load();
  }

  find(name: string): void {
    this.name = name;
    this.#type();
  }

  order(sort: SortBy): void {
    this.descending = sort === this.sort ? !this.descending : sort !== 'name' && sort !== 'state';
    this.sort = sort;
    void this.load();
  }

  load(): Promise<void> {
    this.#shown = [0, 1];
    return this.#renew();
  }

  /** Reads the pages in view anew, and forgets the others: their rows may have moved. */
  async #renew(): Promise<void> {
    const question = ++this.#question;
    const [start, end] = this.#shown;
    const pages: number[] = [];
    for (let index = Math.floor(start / page); index * page < end; index += 1) pages.push(index);
    this.#asked = new Set(pages);
    try {
      const found = await Promise.all(pages.map((index) => this.#ask(index * page)));
      if (question !== this.#question) return;
      const rows: (Document | undefined)[] = Array.from({ length: found[0]?.total ?? 0 });
      found.forEach(({ documents }, at) => documents.forEach((row, index) => (rows[pages[at]! * page + index] = row)));
      this.rows = rows.slice(0, found[0]?.total);
      this.state = 'ready';
      this.failed = null;
    } catch (error) {
      this.failed = asFault(error);
      this.state = 'failed';
    }
  }

  /** The view shows these: fetches the pages that are missing. */
  show(start: number, end: number): void {
    this.#shown = [start, Math.max(end, start + 1)];
    for (let index = Math.floor(start / page); index * page < Math.min(end, this.total); index += 1) {
      if (!this.#asked.has(index)) void this.#fetch(index);
    }
  }

  async #fetch(index: number): Promise<void> {
    const question = this.#question;
    this.#asked.add(index);
    try {
      const found = await this.#ask(index * page);
      if (question !== this.#question) return;
      const rows = [...this.rows];
      rows.splice(index * page, found.documents.length, ...found.documents);
      this.rows = rows;
    } catch {
      // Scrolling there again asks again.
      this.#asked.delete(index);
    }
  }

  #ask(offset: number) {
    return this.backend.documents({
      collection: this.collection,
      name: this.name.trim() || null,
      sort: this.sort,
      descending: this.descending,
      offset,
      limit: page,
    });
  }

  /** Rows changed: those in the list are replaced in place; strangers, or none named, ask for the list anew. */
  changed(documents: Document[]): void {
    const news = new Map(documents.map((each) => [each.id, each]));
    const known = new Set<string>();
    const rows = this.rows.map((row) => {
      const fresh = row && news.get(row.id);
      if (fresh) known.add(fresh.id);
      return fresh ?? row;
    });
    if (known.size > 0) this.rows = rows;
    const ours = (each: Document) => this.collection === null || each.collection === this.collection;
    if (documents.length === 0 || documents.some((each) => ours(each) && !known.has(each.id))) this.#again();
  }
}
