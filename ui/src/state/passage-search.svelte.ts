// A search over the passages of the library, as it is typed.

import type { Backend } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type { Fault, Findings, SearchMode } from '$ipc/generated/domain';
import { debounce } from '$lib/debounce';

/** Hits asked for. */
const shown = 20;

export class PassageSearch {
  text = $state('');
  mode = $state<SearchMode>('hybrid');
  rerank = $state(false);
  findings = $state.raw<Findings | null>(null);
  failed = $state.raw<Fault | null>(null);
  busy = $state(false);
  #question = 0;
  #later;

  constructor(
    private backend: Backend,
    /** The collection to search; null = all. */
    private within: () => string | null,
  ) {
    // A search embeds its query, which costs a little: it waits for a pause in typing.
    this.#later = debounce(450, () => this.run());
  }

  get active(): boolean {
    return this.text.trim() !== '';
  }

  write(text: string): void {
    this.text = text;
    if (this.active) this.#later();
    else this.clear();
  }

  set(change: { mode?: SearchMode; rerank?: boolean }): void {
    Object.assign(this, change);
    this.run();
  }

  clear(): void {
    this.#later.cancel();
    this.#question += 1;
    this.text = '';
    this.findings = this.failed = null;
    this.busy = false;
  }

  run(): void {
    this.#later.cancel();
    if (this.active) void this.#ask();
  }

  async #ask(): Promise<void> {
    const question = ++this.#question;
    const collection = this.within();
    this.busy = true;
    try {
      const found = await this.backend.searchPassages({
        text: this.text.trim(),
        collections: collection === null ? [] : [collection],
        documents: [],
        formats: [],
        addedSince: null,
        k: shown,
        mode: this.mode,
        rerank: this.rerank,
        maxDistance: null,
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
