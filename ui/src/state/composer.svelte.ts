// The message being written: its text, its files, its place in the queue, its draft on disk.

import type { Backend } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type { Attachment, ContextMeter, ConversationOptions, Fault } from '$ipc/generated/domain';
import { debounce } from '$lib/debounce';

export interface Queued {
  id: number;
  text: string;
  attachments: Attachment[];
}

export class Composer {
  text = $state('');
  attachments = $state.raw<Attachment[]>([]);
  queue = $state.raw<Queued[]>([]);
  meter = $state.raw<ContextMeter | null>(null);
  /** The last sending or attaching failed so. */
  fault = $state.raw<Fault | null>(null);
  #next = 1;
  #saved = '';
  #save;
  #measure;

  constructor(
    private backend: Backend,
    private conversation: () => string | null,
    private options: () => ConversationOptions,
  ) {
    this.#save = debounce(400, () => void this.#saveDraft());
    this.#measure = debounce(300, () => void this.#readMeter());
  }

  get empty(): boolean {
    return this.text.trim() === '' && this.attachments.length === 0;
  }

  /** Takes a draft from disk without saving it again. */
  restore(draft: string): void {
    this.text = this.#saved = draft;
    this.#measure();
  }

  write(text: string): void {
    this.text = text;
    this.changed();
  }

  /** The text changed (also by typing). */
  changed(): void {
    this.#save();
    this.#measure();
  }

  measure(): void {
    this.#measure();
  }

  /** Empties the box and gives what was in it. The draft on disk goes with the message that is sent. */
  take(): { text: string; attachments: Attachment[] } {
    const taken = { text: this.text.trim(), attachments: this.attachments };
    this.#save.cancel();
    this.text = this.#saved = '';
    this.attachments = [];
    this.fault = null;
    return taken;
  }

  /** Sending failed: nothing that was typed may be lost. */
  putBack(text: string, attachments: Attachment[], fault: Fault): void {
    this.text = this.text === '' ? text : `${text}\n\n${this.text}`;
    this.attachments = [...attachments, ...this.attachments];
    this.fault = fault;
    this.changed();
  }

  enqueue(): void {
    const { text, attachments } = this.take();
    this.queue = [...this.queue, { id: this.#next++, text, attachments }];
    void this.#saveDraft();
  }

  dequeue(id?: number): Queued | undefined {
    const found = id === undefined ? this.queue[0] : this.queue.find((each) => each.id === id);
    this.queue = this.queue.filter((each) => each !== found);
    return found;
  }

  async attach(name: string, bytes: Uint8Array): Promise<void> {
    await this.#attaching(async () => [await this.backend.attachBytes(name, bytes)]);
  }

  async attachPicked(accept: (attachment: Attachment) => boolean): Promise<Attachment[]> {
    return this.#attaching(() => this.backend.attachPicked(), accept);
  }

  async attachGrant(grant: string, accept: (attachment: Attachment) => boolean): Promise<Attachment[]> {
    return this.#attaching(() => this.backend.attachGrant(grant), accept);
  }

  detach(id: string): void {
    this.attachments = this.attachments.filter((each) => each.id !== id);
    this.#measure();
  }

  flush(): void {
    this.#save.flush();
  }

  /** Adds what was read; returns what `accept` refused. */
  async #attaching(
    read: () => Promise<Attachment[]>,
    accept: (attachment: Attachment) => boolean = () => true,
  ): Promise<Attachment[]> {
    try {
      const read_ = await read();
      this.attachments = [...this.attachments, ...read_.filter(accept)];
      this.#measure();
      return read_.filter((each) => !accept(each));
    } catch (error) {
      this.fault = asFault(error);
      return [];
    }
  }

  async #saveDraft(): Promise<void> {
    if (this.text === this.#saved) return;
    const text = this.text;
    try {
      await this.backend.saveDraft(this.conversation(), text);
      this.#saved = text;
    } catch {
      // The banner of SavingTrouble tells; the text is still in the box and the next change tries again.
    }
  }

  async #readMeter(): Promise<void> {
    try {
      this.meter = await this.backend.contextMeter(
        this.conversation(),
        $state.snapshot(this.options()),
        this.text,
        this.attachments.map((each) => each.id),
      );
    } catch {
      this.meter = null;
    }
  }
}
