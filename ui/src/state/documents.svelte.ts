// The list of documents: pages from disk as they come into view, kept true by the news that arrive.

import type { Backend } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type { Document, Fault } from '$ipc/generated/domain';
import { debounce } from '$lib/debounce';

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
  /** Which question the rows answer: late answers to older ones are dropped. */
  #question = 0;
  #again;
  #type;

  constructor(private backend: Backend) {
    this.#again = debounce(250, () => void this.load());
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

  async load(): Promise<void> {
    const question = ++this.#question;
    this.#asked = new Set([0]);
    try {
      const found = await this.#ask(0);
      if (question !== this.#question) return;
      this.rows = Array.from({ length: found.total }, (_, index) => found.documents[index]);
      this.state = 'ready';
      this.failed = null;
    } catch (error) {
      this.failed = asFault(error);
      this.state = 'failed';
    }
  }

  /** The view shows these: fetches the pages that are missing. */
  show(start: number, end: number): void {
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
    let stranger = documents.length === 0;
    for (const each of documents) {
      const ours = this.collection === null || each.collection === this.collection;
      if (ours && !this.rows.some((row) => row?.id === each.id)) stranger = true;
    }
    if (this.rows.some((row) => row && news.has(row.id))) {
      this.rows = this.rows.map((row) => (row && news.get(row.id)) || row);
    }
    if (stranger) this.#again();
  }
}
