// The list of conversations: pages from disk, kept in order by the news that arrive.

import type { Backend } from '$ipc/backend';
import type { ConversationSummary } from '$ipc/generated/domain';

const page = 100;

const newestFirst = (a: ConversationSummary, b: ConversationSummary): number =>
  Number(b.pinned) - Number(a.pinned) || b.updatedAt - a.updatedAt;

export class Conversations {
  rows = $state.raw<ConversationSummary[]>([]);
  /** There are more on disk. */
  more = $state(false);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  failed = $state.raw<unknown>(null);
  archived = $state(false);
  /** The row whose title is being edited. */
  renaming = $state<string | null>(null);
  #fetching = false;

  constructor(private backend: Backend) {}

  async load(): Promise<void> {
    this.state = 'loading';
    try {
      const found = await this.backend.conversations(0, page, this.archived);
      this.rows = found.conversations;
      this.more = found.more;
      this.state = 'ready';
    } catch (fault) {
      this.failed = fault;
      this.state = 'failed';
    }
  }

  async loadMore(): Promise<void> {
    if (!this.more || this.#fetching) return;
    this.#fetching = true;
    try {
      const found = await this.backend.conversations(this.rows.length, page, this.archived);
      const known = new Set(this.rows.map((row) => row.id));
      this.rows = [...this.rows, ...found.conversations.filter((row) => !known.has(row.id))];
      this.more = found.more;
    } finally {
      this.#fetching = false;
    }
  }

  showArchived(archived: boolean): void {
    this.archived = archived;
    void this.load();
  }

  changed(row: ConversationSummary): void {
    const others = this.rows.filter((each) => each.id !== row.id);
    this.rows = row.archived === this.archived ? [...others, row].sort(newestFirst) : others;
  }

  removed(id: string): void {
    this.rows = this.rows.filter((row) => row.id !== id);
  }

  of(id: string | null): ConversationSummary | undefined {
    return this.rows.find((row) => row.id === id);
  }

  /** The conversation that many rows further, around the ends. */
  neighbour(id: string | null, step: number): string | null {
    if (this.rows.length === 0) return null;
    const at = this.rows.findIndex((row) => row.id === id);
    const next = at < 0 ? (step > 0 ? 0 : this.rows.length - 1) : (at + step + this.rows.length) % this.rows.length;
    return this.rows[next]?.id ?? null;
  }
}
