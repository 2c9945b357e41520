// One open conversation: its path, the bodies near the view, the run in flight, the message being written.

import { SvelteMap } from 'svelte/reactivity';
import type { Backend, Listener } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type {
  ConversationOptions,
  ConversationSummary,
  Fault,
  MessageView,
  Parameters,
  PathItem,
  QueuedMessage,
  RunEvent,
  Started,
  Transcript,
} from '$ipc/generated/domain';
import { Composer } from './composer.svelte';
import { MessageState } from './message.svelte';

/** Bodies kept in memory; those far from the view are let go beyond this. */
const keptBodies = 600;

export const noParameters = (): Parameters => ({
  temperature: null,
  topP: null,
  topK: null,
  maxTokens: null,
  seed: null,
  frequencyPenalty: null,
  presencePenalty: null,
  repetitionPenalty: null,
  reasoningEffort: null,
  stop: [],
  json: false,
  jsonSchema: null,
});

export interface ChatHooks {
  /** A new conversation got its row. */
  begun(chat: Chat, summary: ConversationSummary): void;
  /** May neurons be spent? Asks the person when their limit for a day is reached, or when the picture that `text` asks for
      would pass it. */
  maySpend(text?: string): Promise<boolean>;
  /** A call failed in a way that concerns no single message. */
  trouble(fault: Fault): void;
  /** The last request could not reach the service. */
  offline(): boolean;
  /** A request reached the service, or could not. */
  reached(yes: boolean): void;
}

export class Chat {
  id = $state<string | null>(null);
  summary = $state.raw<ConversationSummary | null>(null);
  options = $state<ConversationOptions>() as ConversationOptions;
  path = $state.raw<PathItem[]>([]);
  state = $state<'loading' | 'ready' | 'failed'>('ready');
  failed = $state.raw<Fault | null>(null);
  temporary = $state(false);
  bodies = new SvelteMap<string, MessageState>();
  /** The run in flight, and the answer it writes. */
  run = $state.raw<{ id: string; message: string } | null>(null);
  /** The message whose text is being edited. */
  editing = $state<string | null>(null);
  /** The answer for which the model picker was opened. */
  regenerating = $state<string | null>(null);
  /** Kept here, so that scrolling away does not lose it. */
  editText = $state('');
  composer: Composer;
  /** Between pressing Send and the first word of the backend. */
  sending = $state(false);
  #wanted = new Set<string>();
  #fetching = false;
  /** The person wants something else than the next in the queue: that waits for it. */
  #holding = 0;
  /** Being sent now; resolves when that is stored or refused. */
  #starting: Promise<unknown> = Promise.resolve();

  constructor(
    private backend: Backend,
    private hooks: ChatHooks,
    options: ConversationOptions,
  ) {
    this.options = options;
    this.composer = new Composer(
      backend,
      () => ({ conversation: this.id, temporary: this.temporary }),
      () => this.options,
    );
  }

  get busy(): boolean {
    return this.run !== null || this.sending;
  }

  /** The last answer on the path. */
  get lastAnswer(): string | null {
    return this.path.findLast((item) => item.role === 'assistant')?.id ?? null;
  }

  get lastQuestion(): string | null {
    return this.path.findLast((item) => item.role === 'user')?.id ?? null;
  }

  // --- loading --------------------------------------------------------------------------------------------------------

  async open(id: string): Promise<void> {
    this.id = id;
    this.state = 'loading';
    try {
      this.#take(await this.backend.transcript(id));
      this.state = 'ready';
    } catch (error) {
      this.failed = asFault(error);
      this.state = 'failed';
    }
  }

  async restoreDraft(): Promise<void> {
    // What is typed in a temporary conversation is kept nowhere, and what was typed elsewhere is not shown in it.
    if (this.temporary) return;
    try {
      this.composer.restore(await this.backend.draft(this.id));
    } catch (error) {
      this.hooks.trouble(asFault(error));
    }
  }

  /** The view shows these: fetches the bodies that are missing, lets far ones go. */
  show(start: number, end: number): void {
    for (const item of this.path.slice(start, end)) if (!this.bodies.has(item.id)) this.#wanted.add(item.id);
    if (this.#wanted.size > 0 && !this.#fetching) queueMicrotask(() => void this.#fetch());
    if (this.bodies.size > keptBodies) this.#letGo(start, end);
  }

  async #fetch(): Promise<void> {
    if (this.#fetching) return;
    this.#fetching = true;
    try {
      while (this.#wanted.size > 0) {
        const ids = [...this.#wanted].slice(-40);
        for (const id of ids) this.#wanted.delete(id);
        for (const view of await this.backend.messages(ids)) this.#put(view);
      }
    } catch (error) {
      this.hooks.trouble(asFault(error));
    } finally {
      this.#fetching = false;
    }
  }

  #letGo(start: number, end: number): void {
    const near = new Set(this.path.slice(Math.max(0, start - 150), end + 150).map((item) => item.id));
    for (const [id, body] of this.bodies) if (!near.has(id) && !body.streaming) this.bodies.delete(id);
  }

  #take(transcript: Transcript): void {
    this.summary = transcript.conversation;
    this.options = transcript.options;
    this.path = transcript.path;
    for (const view of transcript.tail) this.#put(view);
    this.composer.restore(transcript.draft);
    const live = transcript.tail.findLast((view) => view.run !== null);
    if (live?.run && this.run?.id !== live.run) this.#attach(live.run, live.message.id);
    else if (!live && transcript.conversation.streaming && !this.run)
      void this.#attachHidden(transcript.conversation.id);
  }

  /** The answer in flight is a version that is not shown: the conversation is busy with it all the same. */
  async #attachHidden(conversation: string): Promise<void> {
    try {
      const hidden = (await this.backend.activeRuns()).find((each) => each.conversation === conversation);
      if (hidden && !this.busy) this.#attach(hidden.run, hidden.message);
    } catch (error) {
      this.hooks.trouble(asFault(error));
    }
  }

  #put(view: MessageView): MessageState {
    const known = this.bodies.get(view.message.id);
    if (!known) {
      const body = new MessageState(view);
      this.bodies.set(view.message.id, body);
      return body;
    }
    if (!known.streaming) known.take(view);
    return known;
  }

  // --- runs -----------------------------------------------------------------------------------------------------------

  /** The window came after the run began: replays it. */
  #attach(run: string, message: string): void {
    this.run = { id: run, message };
    this.bodies.get(message)?.rewind();
    this.backend
      .attachRun(run, 0, (event) => this.#hear(event))
      .catch((error: unknown) => {
        this.run = null;
        // The run ended meanwhile: its message says how.
        if (asFault(error).code === 'notFound') void this.#refresh(message);
        else this.hooks.trouble(asFault(error));
      });
  }

  async #refresh(message: string): Promise<void> {
    const body = this.bodies.get(message);
    const [view] = await this.backend.messages([message]);
    if (view) {
      if (body) body.phase = 'idle';
      this.#put(view);
    }
  }

  /** Starts a run. Events that come before its answer is known wait for it. */
  async #start(begin: (events: Listener<RunEvent>) => Promise<Started>): Promise<Started> {
    let early: RunEvent[] | null = [];
    this.sending = true;
    try {
      const beginning = begin((event) => {
        if (early) early.push(event);
        else this.#hear(event);
      });
      this.#starting = beginning.catch(() => {});
      const started = await beginning;
      this.#began(started);
      for (const event of early) this.#hear(event);
      early = null;
      return started;
    } finally {
      this.sending = false;
    }
  }

  #began({ run, conversation, question, answer, path }: Started): void {
    const isNew = this.id === null;
    this.id = conversation.id;
    this.summary = conversation;
    if (question) this.#put(question);
    const body = this.#put(answer);
    body.take(answer);
    body.begin();
    this.path = path;
    this.run = { id: run, message: answer.message.id };
    this.state = 'ready';
    if (isNew) this.hooks.begun(this, conversation);
  }

  #hear(event: RunEvent): void {
    this.bodies.get(event.message)?.apply(event);
    const { kind } = event.what;
    if (kind === 'patch' || kind === 'finished') this.hooks.reached(true);
    else if (event.what.kind === 'failed' && event.what.fault.code === 'offline') this.hooks.reached(false);
    if (kind !== 'finished' && kind !== 'failed' && kind !== 'stopped') return;
    if (this.run?.id === event.run) this.run = null;
    this.composer.measure();
    if (kind === 'finished') void this.#sendNext();
  }

  async #sendNext(): Promise<void> {
    const [first] = this.composer.queue;
    if (!first || this.#holding > 0 || !(await this.hooks.maySpend(first.text))) return;
    // While the person was asked, another message may have gone, or this one.
    if (this.busy || this.#holding > 0) return;
    const next = this.composer.dequeue(first.id);
    if (next) await this.#send(next);
  }

  // --- what the person does ---------------------------------------------------------------------------------------------

  /** The service can be reached again: what waits goes. */
  async resume(): Promise<void> {
    if (!this.busy) await this.#sendNext();
  }

  /** Sends what is in the box; while an answer streams, or the service is out of reach, it waits in the queue. */
  async send(): Promise<void> {
    if (this.composer.empty) return;
    if (!this.#waits && !(await this.hooks.maySpend(this.composer.text))) return;
    // A second press of Enter may have been quicker.
    if (this.composer.empty) return;
    if (this.#waits) this.composer.enqueue();
    else await this.#send(this.composer.take());
  }

  get #waits(): boolean {
    return this.busy || (this.hooks.offline() && this.path.length > 0);
  }

  /** A queued message goes now: the answer in flight is stopped first, and the message waits for its end. */
  async sendQueued(id: number): Promise<void> {
    if (!(await this.hooks.maySpend(this.composer.queue.find((each) => each.id === id)?.text))) return;
    await this.#afterTheRun(async () => {
      const queued = this.composer.dequeue(id);
      if (queued) await this.#send(queued);
    });
  }

  editQueued(id: number): void {
    this.composer.edit(id);
  }

  /** Does something that needs the conversation to itself: ends what is in flight, and lets nothing of the queue begin
      in between. */
  async #afterTheRun<T>(work: () => Promise<T>): Promise<T> {
    this.#holding += 1;
    try {
      await this.#starting;
      await this.stop();
      return await work();
    } finally {
      this.#holding -= 1;
    }
  }

  #send(message: QueuedMessage): Promise<void> {
    const sending = this.#sendOut(message);
    this.#starting = sending;
    return sending;
  }

  async #sendOut({ text, attachments }: QueuedMessage): Promise<void> {
    const message = { text, attachments };
    const begins = this.id === null;
    this.composer.leave(message);
    this.sending = true;
    await this.composer.settled();
    const draft = this.composer.left;
    try {
      await this.#start((events) =>
        this.backend.sendMessage(
          {
            conversation: this.id,
            parent: null,
            text,
            attachments: attachments.map((each) => each.id),
            options: begins ? $state.snapshot(this.options) : null,
            temporary: this.temporary,
            draft,
          },
          events,
        ),
      );
      await this.composer.sent(draft, begins);
    } catch (error) {
      this.composer.putBack(message, asFault(error));
    }
  }

  async regenerate(message: string, model: string | null = null): Promise<boolean> {
    return this.#try((events) => this.backend.regenerate(message, model, events), await this.#questionOf(message));
  }

  /** The words that an answer answers; of a question its own. */
  async #questionOf(id: string): Promise<string | undefined> {
    const of = this.bodies.get(id)?.view.message;
    const question = of?.role === 'assistant' ? of.parent : id;
    if (question === null) return undefined;
    try {
      const view = this.bodies.get(question)?.view ?? (await this.backend.messages([question]))[0];
      return view?.message.text;
    } catch {
      // The backend will say what is wrong with it.
      return undefined;
    }
  }

  continueAnswer(message: string): Promise<boolean> {
    return this.#try((events) => this.backend.continueAnswer(message, events));
  }

  beginEdit(message: string): void {
    this.editText = this.bodies.get(message)?.view.message.text ?? '';
    this.editing = message;
  }

  async edit(message: string, text: string): Promise<boolean> {
    const attachments = this.bodies.get(message)?.view.message.attachments ?? [];
    const done = await this.#try(
      (events) =>
        this.backend.editMessage(
          message,
          text,
          attachments.map((each) => each.id),
          events,
        ),
      text,
    );
    if (done) this.editing = null;
    return done;
  }

  async #try(begin: (events: Listener<RunEvent>) => Promise<Started>, text?: string): Promise<boolean> {
    if (!(await this.hooks.maySpend(text))) return false;
    try {
      await this.#afterTheRun(() => this.#start(begin));
      return true;
    } catch (error) {
      this.hooks.trouble(asFault(error));
      return false;
    }
  }

  /** Ends the answer in flight; what arrived is stored when this returns. */
  async stop(): Promise<void> {
    const { run } = this;
    if (!run) return;
    try {
      await this.backend.stopRun(run.id);
    } catch (error) {
      if (asFault(error).code !== 'notFound') this.hooks.trouble(asFault(error));
    }
  }

  async selectVersion(message: string): Promise<void> {
    try {
      this.#take(await this.backend.selectVersion(message));
    } catch (error) {
      this.hooks.trouble(asFault(error));
    }
  }

  /** Attaches collections or documents of the library, beside those that are attached. */
  async attach({ collections = [], documents = [] }: { collections?: string[]; documents?: string[] }): Promise<void> {
    await this.setOptions({
      collections: [...new Set([...this.options.collections, ...collections])],
      documents: [...new Set([...this.options.documents, ...documents])],
    });
  }

  async detach(id: string): Promise<void> {
    await this.setOptions({
      collections: this.options.collections.filter((each) => each !== id),
      documents: this.options.documents.filter((each) => each !== id),
    });
  }

  async setOptions(change: Partial<ConversationOptions>): Promise<void> {
    Object.assign(this.options, change);
    this.composer.measure();
    if (this.id === null) return;
    if (change.model !== undefined && this.summary) this.summary = { ...this.summary, model: change.model };
    try {
      await this.backend.setConversationOptions(this.id, $state.snapshot(this.options));
    } catch (error) {
      this.hooks.trouble(asFault(error));
    }
  }
}
