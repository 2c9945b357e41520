// A search over the passages of the library, as it is typed.

import type { Backend } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type { Fault, Findings, SearchMode } from '$ipc/generated/domain';
import { debounce } from '$lib/debounce';

/** How many hits may be asked for; the second is what a search begins with. */
export const counts = [10, 20, 50, 100] as const;

/** Kinds of documents that a search can be narrowed to, with the formats they are made of. */
export const kinds = {
  pdf: ['pdf'],
  writing: ['docx', 'odt', 'rtf', 'markdown', 'text', 'epub'],
  sheets: ['xlsx', 'xlsb', 'xls', 'ods', 'csv', 'tsv'],
  slides: ['pptx', 'odp'],
  web: ['html', 'xml'],
  mail: ['email', 'mbox', 'outlookMessage'],
  code: ['code', 'json', 'jsonLines'],
  speech: ['srt', 'vtt', 'audio'],
  pictures: ['image', 'png', 'jpeg', 'webp', 'svg'],
} as const;

export type Kind = keyof typeof kinds;

/** Days back, for documents added since. */
export const periods = { day: 1, week: 7, month: 30, year: 365 } as const;

export type Period = keyof typeof periods;

/** What a search is narrowed to, beside its collection. */
export interface Narrow {
  kind: Kind | null;
  period: Period | null;
  documents: { id: string; name: string }[];
  /** The greatest cosine distance; null = the collection's. */
  distance: number | null;
}

const wide = (): Narrow => ({ kind: null, period: null, documents: [], distance: null });

export class PassageSearch {
  text = $state('');
  mode = $state<SearchMode>('hybrid');
  rerank = $state(false);
  count = $state<number>(counts[1]);
  narrow = $state.raw<Narrow>(wide());
  findings = $state.raw<Findings | null>(null);
  failed = $state.raw<Fault | null>(null);
  busy = $state(false);
  #question = 0;
  #later;

  constructor(
    private backend: Backend,
    /** The collection to search; null = all. */
    private within: () => string | null,
    private now: () => number = () => Date.now(),
  ) {
    // A search embeds its query, which costs a little: it waits for a pause in typing.
    this.#later = debounce(450, () => this.run());
  }

  /** It is being searched, or said what to search in. */
  get active(): boolean {
    return this.asked || this.narrow.documents.length > 0;
  }

  get asked(): boolean {
    return this.text.trim() !== '';
  }

  write(text: string): void {
    this.text = text;
    if (this.asked) this.#later();
    else this.#forget();
  }

  set(change: { mode?: SearchMode; rerank?: boolean; count?: number }): void {
    Object.assign(this, change);
    this.run();
  }

  /** Narrows the search, beside what it is narrowed to. */
  only(change: Partial<Narrow>): void {
    this.narrow = { ...this.narrow, ...change };
    this.run();
  }

  get narrowed(): boolean {
    const { kind, period, documents, distance } = this.narrow;
    return kind !== null || period !== null || documents.length > 0 || distance !== null;
  }

  widen(): void {
    this.only(wide());
  }

  clear(): void {
    this.text = '';
    this.narrow = wide();
    this.#forget();
  }

  #forget(): void {
    this.#later.cancel();
    this.#question += 1;
    this.findings = this.failed = null;
    this.busy = false;
  }

  run(): void {
    this.#later.cancel();
    if (this.asked) void this.#ask();
  }

  async #ask(): Promise<void> {
    const question = ++this.#question;
    const collection = this.within();
    const { kind, period, documents, distance } = this.narrow;
    this.busy = true;
    try {
      const found = await this.backend.searchPassages({
        text: this.text.trim(),
        collections: collection === null ? [] : [collection],
        documents: documents.map(({ id }) => id),
        formats: kind === null ? [] : [...kinds[kind]],
        addedSince: period === null ? null : this.now() - periods[period] * 86_400_000,
        k: this.count,
        mode: this.mode,
        rerank: this.rerank,
        maxDistance: distance,
      });
      if (question !== this.#question) return;
      this.findings = found;
      this.failed = null;
    } catch (error) {
      if (question === this.#question) this.failed = asFault(error);
    } finally {
      if (question === this.#question) this.busy = false;
    }
  }
}
