// The message being written: its text, its files, its place in the queue, and all of it as a draft on disk.
//
// What a person typed is at any moment in the box, in the queue or in a message that is stored: the draft holds the
// first two and also what is on its way to the third, until the backend has stored it (and, in the same transaction,
// made the draft what is left).

import type { Backend } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type {
  AttachedFiles,
  Attachment,
  ContextMeter,
  ConversationOptions,
  Draft,
  Fault,
  Grant,
  QueuedMessage,
  RefusedFile,
} from '$ipc/generated/domain';
import { debounce } from '$lib/debounce';

export interface Queued extends QueuedMessage {
  id: number;
}

/** Files that do not go with the message. */
export interface NotTaken {
  /** The model cannot look at them. */
  unfit: Attachment[];
  /** Something is wrong with them. */
  refused: RefusedFile[];
  /** Documents: the library takes them. */
  documents: Grant | null;
}

export interface Place {
  conversation: string | null;
  /** It is kept nowhere while it is not begun; once begun it lies with its conversation, in memory. */
  temporary: boolean;
}

export class Composer {
  text = $state('');
  attachments = $state.raw<Attachment[]>([]);
  queue = $state.raw<Queued[]>([]);
  meter = $state.raw<ContextMeter | null>(null);
  /** The last sending or attaching failed so. */
  fault = $state.raw<Fault | null>(null);
  #next = 1;
  /** What is being sent: it is neither in the box nor stored yet. */
  #leaving: QueuedMessage | null = null;
  /** The draft as it is on disk; `null` when that is not sure. */
  #saved: string | null = noDraft;
  #saving: Promise<void> = Promise.resolve();
  /** The draft was saved while something was on its way: that may have come after the message was stored. */
  #during = false;
  #save;
  #measure;
  /** Readings of the meter so far. */
  #readings = 0;

  constructor(
    private backend: Backend,
    private place: () => Place,
    private options: () => ConversationOptions,
  ) {
    this.#save = debounce(400, () => void this.#saveDraft());
    this.#measure = debounce(300, () => void this.#readMeter());
  }

  get empty(): boolean {
    return this.text.trim() === '' && this.attachments.length === 0;
  }

  /** There is something here that would be missed. */
  get holds(): boolean {
    return !this.empty || this.queue.length > 0;
  }

  /** Takes a draft from disk without saving it again, unless something was typed meanwhile. */
  restore(draft: Draft): void {
    if (this.holds || this.#leaving) return;
    this.text = draft.text;
    this.attachments = draft.attachments;
    this.queue = draft.queue.map((message) => ({ ...message, id: this.#next++ }));
    this.#saved = JSON.stringify(this.#draft());
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

  /** Empties the box and gives what was in it. Either [`sent`] or [`putBack`] follows. */
  take(): QueuedMessage {
    const taken = { text: this.text.trim(), attachments: this.attachments };
    this.text = '';
    this.attachments = [];
    this.leave(taken);
    return taken;
  }

  /** A message is on its way. */
  leave(message: QueuedMessage): void {
    this.#leaving = message;
    this.fault = null;
    this.#save.cancel();
  }

  /** What the draft becomes when the message on its way is stored. */
  get left(): Draft {
    return this.#draft(null);
  }

  /** No saving is going on. */
  settled(): Promise<void> {
    return this.#saving;
  }

  /** The message on its way is stored, and the draft on disk is `left`. `begun`: its conversation began with it. */
  async sent(left: Draft, begun: boolean): Promise<void> {
    this.#leaving = null;
    await this.#saving;
    this.#saved = this.#during ? null : JSON.stringify(left);
    if (this.#during && begun) await this.backend.saveDraft(null, emptyDraft()).catch(() => {});
    this.#during = false;
    await this.#saveDraft();
  }

  /** Sending failed: nothing that was typed may be lost. */
  putBack({ text, attachments }: QueuedMessage, fault: Fault | null): void {
    this.#leaving = null;
    this.text = this.text === '' ? text : `${text}\n\n${this.text}`;
    this.attachments = [...attachments, ...this.attachments];
    this.fault = fault;
    this.changed();
  }

  enqueue(): void {
    const taken = { text: this.text.trim(), attachments: this.attachments };
    this.queue = [...this.queue, { id: this.#next++, ...taken }];
    this.text = '';
    this.attachments = [];
    this.fault = null;
    this.#save();
    this.#save.flush();
    this.#measure();
  }

  /** Takes a message out of the queue. */
  dequeue(id?: number): Queued | undefined {
    const found = id === undefined ? this.queue[0] : this.queue.find((each) => each.id === id);
    this.queue = this.queue.filter((each) => each !== found);
    if (found) this.#save();
    return found;
  }

  /** Takes a message out of the queue and into the box. */
  edit(id: number): void {
    const queued = this.dequeue(id);
    if (queued) this.putBack(queued, null);
  }

  /** Keeps a file's bytes; says what is wrong with them if they cannot be taken. */
  async attach(name: string, bytes: Uint8Array): Promise<RefusedFile[]> {
    try {
      this.#add([await this.backend.attachBytes(name, bytes)]);
      return [];
    } catch (error) {
      return [{ name, fault: asFault(error) }];
    }
  }

  /** Files of the person's choice; the good ones are attached, whatever the others are. */
  async attachPicked(accept: (attachment: Attachment) => boolean): Promise<NotTaken> {
    return this.#attaching(() => this.backend.attachPicked(), accept);
  }

  /** Files that were dropped. */
  async attachGrant(grant: string, accept: (attachment: Attachment) => boolean): Promise<NotTaken> {
    return this.#attaching(() => this.backend.attachGrant(grant), accept);
  }

  detach(id: string): void {
    this.attachments = this.attachments.filter((each) => each.id !== id);
    this.#weighed();
  }

  flush(): void {
    this.#save.flush();
  }

  async #attaching(read: () => Promise<AttachedFiles>, accept: (attachment: Attachment) => boolean): Promise<NotTaken> {
    try {
      const { attached, refused, documents } = await read();
      this.#add(attached.filter(accept));
      return { unfit: attached.filter((each) => !accept(each)), refused, documents };
    } catch (error) {
      this.fault = asFault(error);
      return { unfit: [], refused: [], documents: null };
    }
  }

  #add(attachments: Attachment[]): void {
    this.attachments = [...this.attachments, ...attachments];
    this.#weighed();
  }

  /** A file came or went: its weight is told at once, as nobody is typing. */
  #weighed(): void {
    this.changed();
    this.#measure.flush();
  }

  #draft(leaving: QueuedMessage | null = this.#leaving): Draft {
    const waiting = this.queue.map(({ text, attachments }) => ({ text, attachments }));
    return {
      text: this.text,
      attachments: this.attachments,
      queue: leaving ? [leaving, ...waiting] : waiting,
    };
  }

  /** One saving after the other, so that the last one is what stays. */
  #saveDraft(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      const { conversation, temporary } = this.place();
      if (conversation === null && temporary) return;
      const draft = this.#draft();
      const text = JSON.stringify(draft);
      if (text === this.#saved) return;
      if (this.#leaving) this.#during = true;
      try {
        await this.backend.saveDraft(conversation, draft);
        this.#saved = text;
      } catch {
        // The banner of SavingTrouble tells; the text is still in the box and the next change tries again.
        this.#saved = null;
      }
    });
    return this.#saving;
  }

  /** One that was asked for before another may come after it, and knows less. */
  async #readMeter(): Promise<void> {
    const reading = ++this.#readings;
    try {
      const meter = await this.backend.contextMeter(
        this.place().conversation,
        $state.snapshot(this.options()),
        this.text,
        this.attachments.map((each) => each.id),
      );
      if (reading === this.#readings) this.meter = meter;
    } catch {
      if (reading === this.#readings) this.meter = null;
    }
  }
}

const emptyDraft = (): Draft => ({ text: '', attachments: [], queue: [] });
const noDraft = JSON.stringify(emptyDraft());
