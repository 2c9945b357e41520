// The library as the window holds it: collections, the ingestions in flight, and the document that is open beside.

import { SvelteMap } from 'svelte/reactivity';
import { m } from '$i18n';
import type { Backend, Listener } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type {
  Collection,
  CollectionSettings,
  Document,
  DocumentState,
  Fault,
  IngestEvent,
  IngestStarted,
  Quote,
  SkippedFile,
  SourceRef,
} from '$ipc/generated/domain';
import { soon } from '$lib/soon';
import type { Toasts } from './toasts.svelte';

/** The palette that collections choose from. */
export const colours = ['blue', 'green', 'amber', 'rose', 'violet', 'slate'] as const;

export const standardSettings = (): CollectionSettings => ({
  embeddingModel: '@cf/baai/bge-m3',
  providerUrl: null,
  passageTokens: 400,
  overlapTokens: 60,
  topK: 8,
  maxDistance: null,
  rerank: false,
});

/** Documents that belong to one conversation only lie in a collection of that name. */
export const ofConversation = (id: string): string => `conversation:${id}`;

/** The collection that is made by itself bears this id, and this name until somebody gives it another: it is shown in the
    language in use. Who calls it by this very name sees it in that language too. */
const standardCollection = { id: 'library', name: 'Library' };

const isUnnamed = ({ id, name }: Collection): boolean =>
  id === standardCollection.id && name === standardCollection.name;

/** A collection under the name that a person reads. */
const named = (collection: Collection): Collection =>
  isUnnamed(collection) ? { ...collection, name: m.library_default() } : collection;

/** Something is being done with it. */
export const inWork = (state: DocumentState): boolean =>
  state.kind === 'queued' || state.kind === 'reading' || state.kind === 'embedding' || state.kind === 'paused';

/** What the panel beside shows: a document, and the passage of it to mark. */
export interface Reading {
  document: string;
  title: string;
  page: number | null;
  /** The passage's words; null shows the document from its beginning. */
  quote: string | null;
  /** Where the passage stands, in characters, when that is known. */
  known: { start: number; end: number } | null;
}

/** One ingestion in flight. */
export class Ingest {
  phase = $state<'counting' | 'asking' | 'working' | 'paused' | 'over'>('counting');
  files = $state(0);
  documents = $state.raw({ done: 0, all: 0 });
  passages = $state.raw({ done: 0, all: 0 });
  quote = $state.raw<Quote | null>(null);
  /** Its price was accepted, or there is none: it goes on without asking. */
  agreed = false;
  skipped = $state.raw<SkippedFile[]>([]);
  /** It waits for a limit or a busy model, until then. */
  pause = $state.raw<{ fault: Fault; until: number } | null>(null);
  result = $state.raw<{ ready: number; failed: number; neurons: number } | null>(null);
  /** Why it ended before everything was done. */
  fault = $state.raw<Fault | null>(null);
  /** The one document that it is about, where it is about one. */
  subject: Document | null = null;
  /** Its collection was made for it alone, and goes when the price is refused and nothing is left in it. */
  ondeclined: (() => void) | null = null;
  /** States of its documents, for the count of ready ones. */
  rows = new SvelteMap<string, Document>();

  constructor(
    readonly run: string,
    readonly collection: Collection,
  ) {}

  /** Documents of it that cannot be asked yet: by the run's own count, else by what is known of its rows. */
  get unready(): number {
    const { done, all } = this.documents;
    return all > 0 ? all - done : [...this.rows.values()].filter(({ state }) => inWork(state)).length;
  }

  /** One of its documents changed. */
  follow(document: Document): void {
    this.rows.set(document.id, document);
    // With a reason it waits by itself, and goes on by itself.
    if (document.state.kind === 'paused' && !document.state.fault && this.phase === 'working') this.phase = 'paused';
  }

  apply(event: IngestEvent): void {
    switch (event.kind) {
      case 'counting':
        this.files = event.files;
        break;
      case 'document':
        this.rows.set(event.document.id, event.document);
        break;
      case 'skipped':
        this.skipped = [...this.skipped, event.file];
        break;
      case 'quoted':
        this.quote = event.quote;
        this.phase = this.agreed ? 'working' : 'asking';
        break;
      case 'progress':
        this.documents = { done: event.documentsDone, all: event.documents };
        this.passages = { done: event.passagesDone, all: event.passages };
        this.pause = null;
        if (this.phase !== 'paused') this.phase = 'working';
        break;
      case 'waiting':
        this.pause = { fault: event.fault, until: Date.now() + event.delayMs };
        break;
      case 'finished':
        this.result = { ready: event.ready, failed: event.failed, neurons: event.neurons };
        this.fault = event.fault ?? null;
        this.phase = 'over';
        break;
    }
  }
}

/** Where something new goes: a collection's id, null for the default one. */
type Place = string | null;

export class Library {
  #stored = $state.raw<Collection[]>([]);
  collections = $derived(this.#stored.map(named));
  state = $state<'idle' | 'loading' | 'ready' | 'failed'>('idle');
  failed = $state.raw<Fault | null>(null);
  /** The collection that the view shows; null shows all. */
  chosen = $state<string | null>(null);
  ingests = new SvelteMap<string, Ingest>();
  /** The search box takes the focus once it is there. */
  searchWanted = $state(false);
  /** The document in the panel beside. */
  reading = $state.raw<Reading | null>(null);
  /** A document that waits for its password. */
  locked = $state.raw<{ document: Document; wrong: boolean } | null>(null);
  /** What `#` offers, besides collections: documents whose name matches. */
  suggested = $state.raw<Document[]>([]);
  byId = $derived(new Map(this.collections.map((collection) => [collection.id, collection])));
  /** The ingestion whose quote is shown. */
  quoting = $state<string | null>(null);
  asking = $derived.by(() => {
    const ingest = this.ingests.get(this.quoting ?? '');
    return ingest?.phase === 'asking' && ingest.quote ? ingest : null;
  });
  #listeners = new Set<Listener<Document[]>>();
  #names = new SvelteMap<string, Document>();
  #suggesting = '';
  /** Counts changed: asks for the collections anew, at most twice a second. */
  #recount = soon(500, () => void this.load());
  /** Those that are begun here are known a moment later. */
  #attachSoon = soon(600, () => void this.attach());
  /** Of ten thousand files the news come by the thousand: the lists hear of them once a frame. */
  #news = new Map<string, Document>();
  #spread = soon(16, () => {
    const news = [...this.#news.values()];
    this.#news.clear();
    for (const listener of this.#listeners) listener(news);
  });
  /** The document whose password was tried last. */
  #tried: string | null = null;

  constructor(
    private backend: Backend,
    private toasts: Toasts,
    private trouble: (fault: Fault) => void,
    /** Something can be spent: the simulator's runs ask nobody. */
    private spends: () => boolean = () => true,
    /** The model that the person wants new collections to begin with; null: the standard one. */
    private embeddingModel: () => string | null = () => null,
  ) {}

  /** What a new collection begins with. */
  newSettings(): CollectionSettings {
    const standard = standardSettings();
    return { ...standard, embeddingModel: this.embeddingModel() ?? standard.embeddingModel };
  }

  async load(): Promise<void> {
    if (this.state === 'idle') this.state = 'loading';
    try {
      this.#stored = await this.backend.collections();
      if (this.chosen !== null && !this.byId.has(this.chosen)) this.chosen = null;
      this.state = 'ready';
    } catch (error) {
      this.failed = asFault(error);
      this.state = 'failed';
    }
  }

  /** Takes up the ingestions that went on while no window looked. */
  async attach(): Promise<void> {
    try {
      for (const started of await this.backend.activeIngests()) {
        if (this.ingests.has(started.run)) continue;
        const ingest = this.#track(started);
        await this.backend.attachIngest(started.run, (event) => this.#hear(ingest, event));
      }
    } catch (error) {
      this.trouble(asFault(error));
    }
  }

  // --- news -----------------------------------------------------------------------------------------------------------

  /** Tells of changed rows, until the returned function is called. */
  listen(listener: Listener<Document[]>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Rows changed; none named: anything may have. */
  changed(documents: Document[]): void {
    let strange = false;
    for (const document of documents) {
      this.#news.set(document.id, document);
      if (this.#names.has(document.id)) this.#names.set(document.id, document);
      const ingest = [...this.ingests.values()].find(({ rows }) => rows.has(document.id));
      ingest?.follow(document);
      if (!ingest && inWork(document.state)) strange = true;
    }
    if (documents.length > 0) this.#spread();
    else for (const listener of this.#listeners) listener(documents);
    this.#recount();
    // An ingestion that was not begun here: a followed folder, another embedding model.
    if (strange) this.#attachSoon();
  }

  // --- adding ---------------------------------------------------------------------------------------------------------

  addPicked(place: Place, folder: boolean): Promise<Ingest | null> {
    return this.#start((events) => this.backend.addPicked(place, folder, events));
  }

  /** `each` is told of every document of it, once. */
  addGrant(place: Place, grant: string, each?: (document: Document) => void): Promise<Ingest | null> {
    const told = new Set<string>();
    return this.#start((events) =>
      this.backend.addGrant(place, grant, (event) => {
        events(event);
        if (event.kind !== 'document' || told.has(event.document.id)) return;
        told.add(event.document.id);
        each?.(event.document);
      }),
    );
  }

  /** Files that came together and belong to a conversation that has not begun: one collection of their own, named
      after the folder or the first of them. The same folder again goes where it went before. `declined` is told when
      the price is refused and nothing is left of it. */
  async addGroup(name: string, grant: string, declined: (collection: string) => void): Promise<Ingest | null> {
    const known = this.collections.find((each) => each.name === name);
    try {
      const colour = colours[this.collections.length % colours.length] ?? 'blue';
      const collection = known ?? (await this.backend.createCollection(name, colour, this.newSettings()));
      this.#put(collection);
      const ingest = await this.addGrant(collection.id, grant);
      if (ingest && !known) {
        ingest.ondeclined = () =>
          void this.#attempt(async () => {
            await this.load();
            if ((this.byId.get(collection.id)?.documents ?? 0) > 0) return;
            await this.backend.deleteCollection(collection.id);
            this.#stored = this.#stored.filter(({ id }) => id !== collection.id);
            declined(collection.id);
          });
      }
      return ingest;
    } catch (error) {
      this.trouble(asFault(error));
      return null;
    }
  }

  addText(place: Place, title: string, text: string): Promise<Ingest | null> {
    return this.#start((events) => this.backend.addText(place, title, text, events));
  }

  addAddress(place: Place, address: string): Promise<Ingest | null> {
    return this.#start((events) => this.backend.addAddress(place, address, events));
  }

  convert(document: Document): Promise<Ingest | null> {
    return this.#start((events) => this.backend.convertDocument(document.id, events), document);
  }

  /** Reads a document again. An encrypted one is asked for its password first. */
  async retry(document: Document, password: string | null = null): Promise<void> {
    if (password === null && document.state.kind === 'failed' && document.state.fault.code === 'fileEncrypted') {
      this.locked = { document, wrong: false };
      return;
    }
    this.locked = null;
    this.#tried = password === null ? null : document.id;
    await this.#start((events) => this.backend.retryDocument(document.id, password, events));
  }

  /** Everything again that failed in a collection; what its last run left goes on. */
  async retryFailed({ id }: Pick<Collection, 'id'>): Promise<void> {
    await this.#attempt(async () => {
      const ingest = await this.#begin((events) => this.backend.retryFailed(id, events), null);
      if (!ingest) this.toasts.show(m.library_retry_none());
    });
  }

  /** A password was tried: the file still asks for one. */
  #tellWrong(document: Document): void {
    if (document.id !== this.#tried || document.state.kind !== 'failed') return;
    this.#tried = null;
    if (document.state.fault.code === 'fileEncrypted') this.locked = { document, wrong: true };
  }

  async #start(
    begin: (events: Listener<IngestEvent>) => Promise<IngestStarted | null>,
    subject: Document | null = null,
  ): Promise<Ingest | null> {
    try {
      return await this.#begin(begin, subject);
    } catch (error) {
      this.trouble(asFault(error));
      return null;
    }
  }

  /** Starts an ingestion. Events that come before its run is known wait for it. */
  async #begin(
    begin: (events: Listener<IngestEvent>) => Promise<IngestStarted | null>,
    subject: Document | null,
  ): Promise<Ingest | null> {
    const early: IngestEvent[] = [];
    let ingest: Ingest | null = null;
    const started = await begin((event) => (ingest ? this.#hear(ingest, event) : early.push(event)));
    if (!started) return null;
    ingest = this.#track(started);
    ingest.subject = subject;
    for (const event of early) this.#hear(ingest, event);
    this.#recount();
    return ingest;
  }

  #track(started: IngestStarted): Ingest {
    const ingest = new Ingest(started.run, named(started.collection));
    ingest.agreed = !this.spends();
    this.ingests.set(started.run, ingest);
    return ingest;
  }

  #hear(ingest: Ingest, event: IngestEvent): void {
    ingest.apply(event);
    // A second quote waits in its bar until the first is answered.
    if (event.kind === 'quoted' && !ingest.agreed && this.asking === null) this.quoting = ingest.run;
    if (event.kind === 'document') {
      this.changed([event.document]);
      this.#tellWrong(event.document);
    }
    if (event.kind !== 'finished') return;
    this.#recount();
    // What was left out, or why it ended early, stays in sight until it is put away.
    if (!ingest.fault && (ingest.skipped.length === 0 || ingest.quote)) this.ingests.delete(ingest.run);
  }

  dismiss(ingest: Ingest): void {
    this.ingests.delete(ingest.run);
  }

  // --- an ingestion in flight -----------------------------------------------------------------------------------------

  async answer(ingest: Ingest, accept: boolean): Promise<void> {
    const { quote } = ingest;
    if (!quote) return;
    ingest.agreed = accept;
    ingest.phase = 'working';
    await this.#attempt(() => (accept ? this.backend.acceptQuote(quote.id) : this.backend.declineQuote(quote.id)));
    if (!accept) {
      this.ingests.delete(ingest.run);
      ingest.ondeclined?.();
    }
    this.#recount();
  }

  async pause(ingest: Ingest): Promise<void> {
    ingest.phase = 'paused';
    await this.#attempt(() => this.backend.pauseIngest(ingest.run));
  }

  /** Goes on; one that waits for a limit tries at once. */
  async resume(ingest: Ingest): Promise<void> {
    ingest.phase = ingest.quote || ingest.passages.all > 0 ? 'working' : 'counting';
    ingest.pause = null;
    await this.#attempt(() => this.backend.resumeIngest(ingest.run));
  }

  async stop(ingest: Ingest): Promise<void> {
    await this.#attempt(() => this.backend.stopIngest(ingest.run));
  }

  // --- collections ----------------------------------------------------------------------------------------------------

  /** The key of another provider goes to the backend before the collection that needs it, once, and is not kept here. */
  async create(name: string, colour: string, settings: CollectionSettings, key = ''): Promise<void> {
    await this.#attempt(async () => {
      await this.#handOver(settings, key);
      const collection = await this.backend.createCollection(name, colour, settings);
      this.#put(collection);
      this.chosen = collection.id;
    });
  }

  async update(
    collection: Collection,
    name: string,
    colour: string,
    settings: CollectionSettings,
    key = '',
  ): Promise<void> {
    await this.#attempt(async () => {
      await this.#handOver(settings, key);
      // Saved under the name that it is shown with, it was not renamed.
      const stored = this.#stored.find(({ id }) => id === collection.id);
      const kept = stored && name === named(stored).name ? stored.name : name;
      this.#put(await this.backend.updateCollection(collection.id, kept, colour, settings));
    });
    // A new embedding model embeds everything anew: that run was not begun here.
    await this.attach();
  }

  async #handOver({ providerUrl }: CollectionSettings, key: string): Promise<void> {
    if (providerUrl === null || key.trim() === '') return;
    const kept = await this.backend.setProviderKey(providerUrl, key.trim());
    if (kept === 'session') this.toasts.show(m.library_provider_key_session());
  }

  async delete(collection: Collection): Promise<void> {
    await this.#attempt(async () => {
      await this.backend.deleteCollection(collection.id);
      this.#stored = this.#stored.filter((each) => each.id !== collection.id);
      if (this.chosen === collection.id) this.chosen = null;
      this.toasts.show(m.library_deletedCollection({ name: collection.name }), {
        label: m.undo(),
        run: () => void this.#attempt(async () => this.#put(await this.backend.undeleteCollection(collection.id))),
      });
    });
  }

  async follow(collection: Collection): Promise<void> {
    await this.#attempt(async () => {
      const changed = await this.backend.watchFolder(collection.id);
      if (changed) this.#put(changed);
    });
    await this.attach();
  }

  async unfollow(collection: Collection): Promise<void> {
    await this.#attempt(async () => this.#put(await this.backend.unwatchFolder(collection.id)));
  }

  #put(collection: Collection): void {
    const known = this.byId.has(collection.id);
    this.#stored = known
      ? this.#stored.map((each) => (each.id === collection.id ? collection : each))
      : [...this.#stored, collection];
  }

  // --- documents ------------------------------------------------------------------------------------------------------

  async deleteDocuments(documents: Document[]): Promise<void> {
    const ids = documents.map((each) => each.id);
    await this.#attempt(async () => {
      await this.backend.deleteDocuments(ids);
      if (this.reading && ids.includes(this.reading.document)) this.reading = null;
      this.changed([]);
      const text =
        documents.length === 1 && documents[0]
          ? m.library_deletedOne({ name: documents[0].name })
          : m.library_deletedMany({ documents: m.library_documents_many({ count: documents.length }) });
      this.toasts.show(text, { label: m.undo(), run: () => void this.#undelete(ids) });
    });
  }

  async #undelete(ids: string[]): Promise<void> {
    await this.#attempt(() => this.backend.undeleteDocuments(ids));
    this.changed([]);
  }

  async move(documents: Document[], collection: Collection): Promise<void> {
    await this.#attempt(() =>
      this.backend.moveDocuments(
        documents.map((each) => each.id),
        collection.id,
      ),
    );
    this.changed([]);
    // Another collection may cut or embed otherwise.
    await this.attach();
  }

  /** Documents whose names match what was typed behind `#`. */
  async suggest(name: string): Promise<void> {
    this.#suggesting = name;
    try {
      const found = await this.backend.documents({
        collection: null,
        name: name || null,
        sort: 'added',
        descending: true,
        offset: 0,
        limit: 8,
      });
      if (this.#suggesting !== name) return;
      this.suggested = found.documents;
      for (const document of found.documents) this.#names.set(document.id, document);
    } catch {
      // No offer is shown then; the library itself says what is wrong.
      this.suggested = [];
    }
  }

  /** A document that was seen before; others are asked for, and come later. */
  document(id: string): Document | undefined {
    return this.#names.get(id);
  }

  async learn(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      if (this.#names.has(id)) continue;
      try {
        this.#names.set(id, (await this.backend.documentText(id)).document);
      } catch {
        // It was deleted: its chip keeps its id and can be taken away.
      }
    }
  }

  // --- reading --------------------------------------------------------------------------------------------------------

  read(document: Pick<Document, 'id' | 'name'>): void {
    this.reading = { document: document.id, title: document.name, page: null, quote: null, known: null };
  }

  readSource(source: SourceRef): void {
    const { document, title, page, text, start, end } = source;
    const known = start === undefined || end === undefined ? null : { start, end };
    this.reading = { document, title, page, quote: text, known };
  }

  async exportVectors(format: Parameters<Backend['exportVectors']>[0]): Promise<void> {
    await this.#attempt(async () => {
      const file = await this.backend.exportVectors(format);
      if (file) this.toasts.show(m.toast_exported({ file }));
    });
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.trouble(asFault(error));
    }
  }
}
