// Assistants: named options that a conversation begins with. One is copied into a conversation, which then goes its own way.

import { m } from '$i18n';
import type { Backend } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type { Assistant, ConversationOptions, Fault } from '$ipc/generated/domain';
import type { Toasts } from './toasts.svelte';

export class Assistants {
  /** Oldest first. */
  all = $state.raw<Assistant[]>([]);

  constructor(
    private backend: Backend,
    private toasts: Toasts,
    private trouble: (fault: Fault) => void,
  ) {}

  async load(): Promise<void> {
    await this.#attempt(async () => (this.all = await this.backend.assistants()));
  }

  /** The one that set exactly these options. */
  of(options: ConversationOptions): Assistant | undefined {
    const wanted = shape(options);
    return this.all.find((each) => shape(each.options) === wanted);
  }

  named(name: string): Assistant | undefined {
    const wanted = name.trim().toLowerCase();
    return this.all.find((each) => each.name.toLowerCase() === wanted);
  }

  /** The one after that with these options; the first after the last, and where none has them. */
  after(options: ConversationOptions): Assistant | undefined {
    const current = this.of(options);
    return this.all[current ? (this.all.indexOf(current) + 1) % this.all.length : 0];
  }

  /** Keeps these options under a name. One of that name is replaced. */
  async save(name: string, options: ConversationOptions): Promise<void> {
    await this.#attempt(async () => {
      const saved = await this.backend.saveAssistant(this.named(name)?.id ?? null, name, options);
      this.all = this.all.some((each) => each.id === saved.id)
        ? this.all.map((each) => (each.id === saved.id ? saved : each))
        : [...this.all, saved];
      this.toasts.show(m.assistant_saved({ name: saved.name }));
    });
  }

  async remove({ id, name, options }: Assistant): Promise<void> {
    await this.#attempt(async () => {
      await this.backend.deleteAssistant(id);
      this.all = this.all.filter((each) => each.id !== id);
      const undo = () =>
        void this.#attempt(() => this.backend.saveAssistant(id, name, options)).then(() => this.load());
      this.toasts.show(m.assistant_deleted({ name }), { label: m.undo(), run: undo });
    });
  }

  async #attempt(what: () => Promise<unknown>): Promise<void> {
    try {
      await what();
    } catch (error) {
      this.trouble(asFault(error));
    }
  }
}

/** Options as text that is the same for the same options, in whatever order they were written. */
function shape({ collections, documents, parameters, ...rest }: ConversationOptions): string {
  const sorted = (fields: object) =>
    Object.entries(fields)
      .filter(([, value]) => value !== null && value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([sorted(rest), sorted(parameters), collections.toSorted(), documents.toSorted()]);
}
