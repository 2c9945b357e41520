// The window's state as a whole: made once over a backend, handed to the components by context.

import { createContext } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import { language, m } from '$i18n';
import type { Backend, ExportFormat } from '$ipc/backend';
import { asFault, sentenceOf } from '$ipc/faults';
import type {
  AppEvent,
  AppInfo,
  Assistant,
  ConversationOptions,
  Fault,
  Grant,
  UsageToday,
} from '$ipc/generated/domain';
import { actionTable, keyOf, type ActionId } from '$lib/actions';
import { copyText } from '$lib/clipboard';
import { AccountBook } from './account.svelte';
import { Assistants } from './assistants.svelte';
import { Chat, noParameters } from './chat.svelte';
import { Commands } from './commands.svelte';
import { Conversations } from './conversations.svelte';
import { Library, ofConversation } from './library.svelte';
import { Pictures } from './pictures.svelte';
import { Preferences } from './preferences.svelte';
import { Router } from './router.svelte';
import { Shelf } from './shelf.svelte';
import { Toasts } from './toasts.svelte';

/** Conversations kept open in memory, so that going back is immediate. */
const keptChats = 8;

const isPicture = (name: string): boolean => /\.(png|jpe?g|webp|gif|bmp|avif)$/i.test(name);

export type Overlay = 'palette' | 'shortcuts' | 'search' | null;

export class App {
  info = $state.raw<AppInfo | null>(null);
  /** Even asking for the app's state failed. */
  broken = $state.raw<Fault | null>(null);
  today = $state.raw<UsageToday | null>(null);
  saving = $state.raw<Fault | null>(null);
  /** Settings and account are known: the first picture can be drawn. */
  ready = $state(false);
  overlay = $state<Overlay>(null);
  modelPickerOpen = $state(false);
  panelOpen = $state(false);
  /** On a narrow window the sidebar lies over the view, and is closed at first. */
  drawerOpen = $state(false);
  /** The person's soft limit is reached, and a message waits for their word. */
  asking = $state.raw<{ used: number; cap: number; answer: (go: boolean) => void } | null>(null);
  /** The last request could not reach the service. */
  offline = $state(false);
  /** Files hover over the window. */
  dropping = $state(false);
  /** They are pictures, all of them, by their names. */
  #pictures = $state(true);
  /** Files were dropped: the open view takes them. */
  dropped = $state.raw<Grant | null>(null);
  /** Which half of the overlay they are over: what happens when they are let go. */
  dropTarget = $state<'chat' | 'library'>('chat');
  /** Where in the view the files were let go. */
  dropPoint: { x: number; y: number } | null = null;
  chat = $state.raw<Chat>() as Chat;

  readonly commands = new Commands();
  readonly toasts = new Toasts();
  readonly router: Router;
  readonly preferences: Preferences;
  readonly account: AccountBook;
  readonly shelf: Shelf;
  readonly conversations: Conversations;
  readonly pictures: Pictures;
  readonly library: Library;
  readonly assistants: Assistants;
  #chats = new SvelteMap<string, Chat>();
  #fresh: Chat | null = null;
  #subscribed = false;
  #askedUntil = 0;
  /** The last question about spending: the next waits for its answer. */
  #asked: Promise<unknown> = Promise.resolve();

  constructor(readonly backend: Backend) {
    this.router = new Router();
    this.preferences = new Preferences(backend);
    this.account = new AccountBook(backend);
    this.shelf = new Shelf(backend, this.preferences);
    this.conversations = new Conversations(backend);
    this.pictures = new Pictures(backend, {
      standardModel: () => this.shelf.picture?.id ?? null,
      modelChosen: (imageModel) => this.preferences.set({ imageModel }),
      inView: () => this.router.route.view === 'images',
      toView: () => this.router.go('images'),
      toasts: this.toasts,
    });
    this.library = new Library(
      backend,
      this.toasts,
      (fault) => this.report(fault),
      () => this.account.state.current?.keptIn !== 'simulator',
      () => this.preferences.current.embeddingModel,
    );
    this.assistants = new Assistants(backend, this.toasts, (fault) => this.report(fault));
    this.chat = this.#newChat();
  }

  // --- start ----------------------------------------------------------------------------------------------------------

  /** Loads what the first picture needs; the rest follows behind it. */
  async start(): Promise<void> {
    try {
      // All of it is asked for at once: a question to the other side costs more than its answer.
      const kept = Promise.all([this.preferences.load(), this.account.load()]);
      kept.catch(() => {}); // Told below, unless the database has a screen of its own for it.
      const info = this.backend.appInfo();
      const heard = this.#subscribed ? null : this.backend.subscribe((event) => this.#hear(event));
      heard?.catch(() => {}); // Told below.
      this.info = await info;
      language.use(this.info.locale);
      const whole = this.info.database.kind === 'ok';
      if (whole) {
        await kept;
        // EDGEWISE_LOCALE wins over the setting, and is already in the app's answer.
        if (this.info.locale) language.use(this.info.locale);
        this.follow();
        performance.mark('answers-there');
        this.ready = true;
      }
      // The lists are asked for once their news are heard, so that none falls between; the window need not wait for either.
      await heard;
      this.#subscribed = true;
      if (whole) this.#fill();
    } catch (error) {
      this.broken = asFault(error);
    }
  }

  /** After a database screen was left. */
  async restart(): Promise<void> {
    this.broken = null;
    this.ready = false;
    this.#chats.clear();
    this.#fresh = null;
    await this.start();
  }

  #fill(): void {
    void this.conversations.load();
    void this.shelf.load();
    void this.assistants.load();
    void this.library.load();
    void this.library.attach();
    void this.refreshUsage();
  }

  /** The machine has a network again: what waits in the open conversation goes. */
  online(): void {
    if (!this.offline) return;
    this.offline = false;
    void this.chat.resume();
  }

  async refreshUsage(): Promise<void> {
    try {
      this.today = await this.backend.usageToday();
    } catch (error) {
      this.report(asFault(error));
    }
  }

  // --- conversations --------------------------------------------------------------------------------------------------

  /** Opens the conversation that the route names. */
  follow(): void {
    const { view, id } = this.router.route;
    if (view !== 'chat') return;
    if (id === null) {
      this.#fresh ??= this.#newChat();
      if (this.chat !== this.#fresh) this.chat = this.#fresh;
      void this.chat.restoreDraft();
      return;
    }
    if (this.chat.id === id) return;
    const known = this.#chats.get(id);
    if (known) {
      this.chat = known;
      return;
    }
    const chat = this.#newChat();
    this.chat = chat;
    this.#keep(id, chat);
    void chat.open(id);
  }

  newChat(temporary = false): void {
    if (temporary || this.#fresh?.temporary) this.#fresh = this.#newChat(temporary);
    this.router.go('chat', null);
    this.follow();
    this.drawerOpen = false;
    this.commands.run('focusComposer');
  }

  openChat(id: string, message: string | null = null): void {
    this.router.openMessage(id, message);
    this.drawerOpen = false;
  }

  /** The open conversation goes on as this assistant sets it, or as one without an assistant begins. */
  useAssistant(assistant: Assistant | undefined): void {
    const standard = { ...this.#standardOptions(), wholeDocuments: undefined };
    const options = assistant ? { ...standard, ...structuredClone(assistant.options) } : standard;
    options.collections = options.collections.filter((id) => this.library.byId.has(id));
    void this.chat.setOptions(options);
  }

  #standardOptions(): ConversationOptions {
    return {
      model: null,
      system: this.preferences?.current.systemPrompt ?? null,
      parameters: noParameters(),
      collections: [],
      documents: [],
    };
  }

  #newChat(temporary = false): Chat {
    const options = this.#standardOptions();
    const made = new Chat(
      this.backend,
      {
        begun: (chat, summary) => {
          this.#keep(summary.id, chat);
          if (this.#fresh === chat) this.#fresh = null;
          if (this.chat === chat) this.router.rename('chat', summary.id);
          this.conversations.changed(summary);
        },
        maySpend: (text) => this.#maySpend(text),
        trouble: (fault) => this.report(fault),
        offline: () => this.offline,
        reached: (yes) => (this.offline = !yes),
      },
      options,
    );
    made.temporary = temporary;
    return made;
  }

  #keep(id: string, chat: Chat): void {
    this.#chats.delete(id);
    this.#chats.set(id, chat);
    for (const [other, old] of this.#chats) {
      if (this.#chats.size <= keptChats) break;
      // What is typed there is on disk too; a person who comes back must not have to wait for it.
      if (old !== this.chat && !old.busy && !old.composer.holds) this.#chats.delete(other);
    }
  }

  async rename(id: string, title: string): Promise<void> {
    await this.attempt(async () => this.#changed(await this.backend.renameConversation(id, title)));
  }

  async pin(id: string, pinned: boolean): Promise<void> {
    await this.attempt(async () => this.#changed(await this.backend.pinConversation(id, pinned)));
  }

  async archive(id: string, archived: boolean): Promise<void> {
    await this.attempt(async () => {
      this.#changed(await this.backend.archiveConversation(id, archived));
      const text = archived ? m.toast_archived() : m.toast_unarchived();
      this.toasts.show(text, { label: m.undo(), run: () => void this.archive(id, !archived) });
    });
  }

  async delete(id: string): Promise<void> {
    await this.attempt(async () => {
      await this.#chats.get(id)?.stop();
      await this.backend.deleteConversation(id);
      this.#removed(id);
      this.toasts.show(m.toast_deleted(), { label: m.undo(), run: () => void this.undelete(id) });
    });
  }

  async undelete(id: string): Promise<void> {
    await this.attempt(async () => {
      this.#changed(await this.backend.undeleteConversation(id));
      this.openChat(id);
    });
  }

  async fork(message: string): Promise<void> {
    await this.attempt(async () => {
      const summary = await this.backend.forkConversation(message);
      this.#changed(summary);
      this.openChat(summary.id);
      this.toasts.show(m.toast_forked());
    });
  }

  async export(ids: string[], format: ExportFormat): Promise<void> {
    await this.attempt(async () => {
      const file = await this.backend.exportConversations(ids, format);
      if (file) this.toasts.show(m.toast_exported({ file }));
    });
  }

  #changed(summary: Parameters<Conversations['changed']>[0]): void {
    this.conversations.changed(summary);
    const chat = this.#chats.get(summary.id);
    if (chat) chat.summary = summary;
  }

  #removed(id: string): void {
    this.conversations.removed(id);
    this.#chats.delete(id);
    if (this.router.lastChat === id) this.router.lastChat = null;
    if (this.router.route.view === 'chat' && this.router.route.id === id) this.newChat();
  }

  /** Asks once a day, when the soft limit that the person set is reached; and for each picture that would pass it, as the
      view of pictures does. Play in the simulator costs nothing. */
  async #maySpend(text?: string): Promise<boolean> {
    const cap = this.preferences.current.softCap;
    if (cap === null || this.today?.simulated) return true;
    if (text !== undefined) {
      // Without a quote it is a message like any other.
      const quote = await this.backend.quoteMessage(text).catch(() => null);
      if (quote?.ask) return this.pictures.ask(quote);
    }
    const asked = this.#asked.then(() => this.#askToSpend(cap));
    this.#asked = asked;
    return asked;
  }

  async #askToSpend(cap: number): Promise<boolean> {
    const { today } = this;
    if (!today || today.neurons < cap || this.#askedUntil === today.resetsAt) return true;
    const go = await new Promise<boolean>((answer) => (this.asking = { used: today.neurons, cap, answer }));
    this.asking = null;
    if (go) this.#askedUntil = today.resetsAt;
    return go;
  }

  /** Opens the title for editing where it stands, in the list; the list is shown if it was hidden. */
  beginRename(id: string): void {
    this.preferences.set({ sidebarHidden: false });
    this.drawerOpen = true;
    this.conversations.renaming = id;
  }

  /** The keys that an action has now. */
  keys(id: ActionId): string {
    const action = actionTable.find((each) => each.id === id);
    return action ? keyOf(action, this.preferences.current.keys) : '';
  }

  // --- small things -----------------------------------------------------------------------------------------------------

  openLink(url: string): void {
    void this.attempt(() => this.backend.openLink(url));
  }

  async copy(text: string | Promise<string>): Promise<void> {
    await this.attempt(async () => {
      await copyText(text);
      this.toasts.show(m.toast_copied());
    });
  }

  /** Tells a fault that belongs to no place of its own. */
  report(fault: Fault): void {
    this.toasts.bad(sentenceOf(fault));
  }

  async attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.report(asFault(error));
    }
  }

  // --- files dropped on the window ------------------------------------------------------------------------------------

  /** The left half of the window is this conversation, the right half the library; within the library all of it is. */
  #aim(x: number): void {
    const half = (window.innerWidth * this.preferences.current.zoom) / 2;
    this.dropTarget = this.router.route.view === 'library' || x >= half ? 'library' : 'chat';
  }

  /** The view of pictures takes what hovers: their settings, or themselves as references. Documents have no place there,
      and are asked as everywhere else whether the conversation or the library gets them. */
  get dropsPictures(): boolean {
    return this.router.route.view === 'images' && this.#pictures;
  }

  #drop(grant: Grant): void {
    const pictures = grant.files.every(({ name, folder }) => !folder && isPicture(name));
    if (this.router.route.view === 'images' && pictures) this.dropped = grant;
    else if (this.dropTarget === 'library') void this.library.addGrant(this.library.chosen, grant.id);
    else {
      if (this.router.route.view !== 'chat') this.router.go('chat', this.router.lastChat);
      if (pictures) this.dropped = grant;
      else {
        this.follow();
        void this.addDocuments(grant);
      }
    }
  }

  /** Documents for one conversation only. One that has not begun has no place of its own yet: there a single file lies in
      the library and is attached; several, or a folder, become a collection that is attached as one. */
  async addDocuments(grant: Grant, chat = this.chat): Promise<void> {
    if (chat.id !== null) {
      const ingest = await this.library.addGrant(ofConversation(chat.id), grant.id);
      if (ingest) await chat.attach({ collections: [ingest.collection.id] });
      return;
    }
    const [first] = grant.files;
    if (grant.files.length <= 1 && !first?.folder) {
      await this.library.addGrant(null, grant.id, ({ id }) => void chat.attach({ documents: [id] }));
      return;
    }
    const name = first?.name ?? '';
    const group = grant.files.length === 1 ? name : m.library_group({ name, count: grant.files.length - 1 });
    const ingest = await this.library.addGroup(group, grant.id, (collection) => void chat.detach(collection));
    if (ingest) await chat.attach({ collections: [ingest.collection.id] });
  }

  #hear(event: AppEvent): void {
    switch (event.kind) {
      case 'conversationChanged':
        this.#changed(event.conversation);
        break;
      case 'conversationRemoved':
        this.#removed(event.id);
        break;
      case 'usageChanged':
        this.today = event.today;
        break;
      case 'accountChanged': {
        const another = this.account.state.current?.key !== event.state.current?.key;
        this.account.state = event.state;
        // Another account sees other models and has used other neurons.
        if (another) {
          void this.shelf.load();
          void this.refreshUsage();
        }
        break;
      }
      case 'catalogueChanged':
        void this.shelf.load();
        break;
      case 'savingTrouble':
        this.saving = event.fault;
        break;
      case 'drop':
        this.dropping = event.drop.phase === 'enter' || event.drop.phase === 'over';
        if (event.drop.phase === 'enter') this.#pictures = event.drop.names.every(isPicture);
        if ('x' in event.drop) this.#aim(event.drop.x);
        if (event.drop.phase === 'dropped') {
          this.dropPoint = event.drop;
          this.#drop(event.drop.grant);
        }
        break;
      case 'libraryChanged':
        this.library.changed(event.documents);
        break;
      case 'picture':
        this.pictures.hear(event.event);
        break;
    }
  }
}

export const [useApp, provideApp] = createContext<App>();
