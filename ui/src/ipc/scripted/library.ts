// The library of the scripted backend: documents that are read and embedded before one's eyes, hits with every score.

import type { Listener } from '../backend';
import type {
  Collection,
  CollectionSettings,
  Document,
  DocumentPage,
  DocumentQuery,
  DocumentState,
  DocumentText,
  Fault,
  FaultCode,
  Findings,
  IngestEvent,
  IngestStarted,
  Passage,
  PassageHit,
  PassageQuery,
  PlacedLine,
  SourceRef,
  VectorFormat,
  VectorInfo,
  WhyAnswer,
} from '../generated/domain';
import { fusionText, leasePages, leaseText, notesText, pdfOf, reportPages, reportText } from './texts';

export type LibraryScene = 'none' | 'some' | 'full' | 'indexing';

/** What the library needs of the backend around it. */
export interface Host {
  id(kind: string): string;
  changed(documents: Document[]): void;
  spend(neurons: number): void;
  /** Nothing is spent: a quote is told and not waited for. */
  simulated(): boolean;
}

interface Shelved {
  row: Document;
  text: string;
  encrypted?: boolean;
}

interface Run {
  id: string;
  collection: string;
  documents: Shelved[];
  quote: string | null;
  paused: boolean;
  stopped: boolean;
  log: IngestEvent[];
  listeners: Set<Listener<IngestEvent>>;
}

const hour = 3_600_000;
const paid = 0.00308;

const standard: CollectionSettings = {
  embeddingModel: '@cf/baai/bge-m3',
  providerUrl: null,
  passageTokens: 400,
  overlapTokens: 60,
  topK: 8,
  maxDistance: null,
  rerank: false,
};

export class ScriptedLibrary {
  /** Milliseconds between two steps of an ingestion. */
  pace = 70;
  /** The next search finds nothing close enough. */
  blind = false;
  private shelves = new Map<string, Collection>();
  private shelved = new Map<string, Shelved>();
  private bin = new Map<string, Collection>();
  private binned = new Map<string, Shelved>();
  private runs = new Map<string, Run>();
  private why = new Map<string, WhyAnswer>();
  private counter = 0;

  constructor(
    private host: Host,
    private now: number,
    scene: LibraryScene,
  ) {
    if (scene !== 'none') this.fill(scene);
  }

  // --- collections ----------------------------------------------------------------------------------------------------

  async collections(): Promise<Collection[]> {
    return [...this.shelves.values()]
      .filter((each) => !each.id.startsWith('conversation:'))
      .map((each) => this.count(each));
  }

  async createCollection(name: string, colour: string, settings: CollectionSettings): Promise<Collection> {
    return this.count(this.shelf(this.next('collection'), name, colour, settings));
  }

  async updateCollection(id: string, name: string, colour: string, settings: CollectionSettings): Promise<Collection> {
    const collection = this.collection(id);
    Object.assign(collection, { name, colour, settings: { ...settings } });
    return this.count(collection);
  }

  async deleteCollection(id: string): Promise<void> {
    this.bin.set(id, this.collection(id));
    this.shelves.delete(id);
  }

  async undeleteCollection(id: string): Promise<Collection> {
    const collection = this.bin.get(id);
    if (!collection) throw fault('notFound');
    this.shelves.set(id, collection);
    return this.count(collection);
  }

  async watchFolder(id: string): Promise<Collection | null> {
    this.collection(id).folder = '/home/ada/Documents/Research';
    return this.count(this.collection(id));
  }

  async unwatchFolder(id: string): Promise<Collection> {
    this.collection(id).folder = null;
    return this.count(this.collection(id));
  }

  // --- documents ------------------------------------------------------------------------------------------------------

  async documents(query: DocumentQuery): Promise<DocumentPage> {
    const wanted = query.name?.toLowerCase() ?? '';
    const rows = [...this.shelved.values()]
      .map((each) => each.row)
      .filter(
        (row) =>
          (query.collection ? row.collection === query.collection : this.shelves.has(row.collection)) &&
          row.name.toLowerCase().includes(wanted),
      );
    const by: Record<string, (a: Document, b: Document) => number> = {
      name: (a, b) => a.name.localeCompare(b.name),
      size: (a, b) => a.size - b.size,
      passages: (a, b) => a.passages - b.passages,
      state: (a, b) => a.state.kind.localeCompare(b.state.kind),
      added: (a, b) => a.addedAt - b.addedAt,
    };
    rows.sort(by[query.sort ?? 'added'] ?? by.added);
    if (query.descending) rows.reverse();
    return {
      documents: rows.slice(query.offset, query.offset + query.limit).map((row) => ({ ...row })),
      total: rows.length,
    };
  }

  async deleteDocuments(ids: string[]): Promise<void> {
    for (const id of ids) {
      this.binned.set(id, this.document(id));
      this.shelved.delete(id);
    }
  }

  async undeleteDocuments(ids: string[]): Promise<void> {
    for (const id of ids) {
      const found = this.binned.get(id);
      if (found) this.shelved.set(id, found);
    }
  }

  async moveDocuments(ids: string[], collection: string): Promise<void> {
    for (const id of ids) this.document(id).row.collection = collection;
  }

  async documentText(id: string): Promise<DocumentText> {
    const { row, text } = this.document(id);
    const sections = passagesOf(row, text).map(({ headingPath, page, start, end }) => ({
      headingPath,
      page,
      start,
      end,
      kind: 'prose',
    }));
    const pdf = row.format === 'pdf' && (text === leaseText || text === reportText);
    return { document: { ...row }, text, sections, pdfUrl: pdf ? `media://document/${id}` : null };
  }

  /** Its pages are simple enough to be marked by their words. */
  placedLines = async (document: string, _start: number, _end: number): Promise<PlacedLine[]> => {
    this.document(document);
    return [];
  };

  documentBytes = async (url: string): Promise<Uint8Array> => {
    const found = this.shelved.get(url.slice(url.lastIndexOf('/') + 1));
    return pdfOf(found?.text === reportText ? reportPages : leasePages);
  };

  async passages(id: string, offset: number, limit: number): Promise<Passage[]> {
    const { row, text } = this.document(id);
    return passagesOf(row, text).slice(offset, offset + limit);
  }

  // --- ingestion ------------------------------------------------------------------------------------------------------

  async addPicked(collection: string | null, folder: boolean, events: Listener<IngestEvent>): Promise<IngestStarted> {
    const names = folder
      ? ['Meeting 03-12.md', 'Meeting 03-19.md', 'Budget.xlsx', 'Photos.zip', 'Minutes.docx']
      : ['Lease 2025.pdf', 'Notes on embeddings.md'];
    return this.add(collection, names, events);
  }

  addGrant = (collection: string | null, _grant: string, events: Listener<IngestEvent>) =>
    this.add(collection, ['Dropped report.pdf', 'Dropped notes.md'], events);
  addText = (collection: string | null, title: string, text: string, events: Listener<IngestEvent>) =>
    this.add(collection, [title], events, text);

  async addAddress(collection: string | null, address: string, events: Listener<IngestEvent>): Promise<IngestStarted> {
    if (!/^https?:\/\/\S+\.\S+/.test(address)) throw fault('invalidInput');
    return this.add(collection, [new URL(address).hostname], events, notesText, address);
  }

  async acceptQuote(quote: string): Promise<void> {
    const run = [...this.runs.values()].find((each) => each.quote === quote);
    if (!run) throw fault('notFound');
    run.quote = null;
    void this.embed(run);
  }

  async declineQuote(quote: string): Promise<void> {
    const run = [...this.runs.values()].find((each) => each.quote === quote);
    if (!run) return;
    for (const { row } of run.documents) this.shelved.delete(row.id);
    this.finish(run);
  }

  async pauseIngest(id: string): Promise<void> {
    const run = this.run(id);
    run.paused = true;
    for (const each of run.documents) if (busy(each.row.state)) this.put(run, each, { kind: 'paused' });
  }

  async resumeIngest(id: string): Promise<void> {
    const run = this.run(id);
    run.paused = false;
    void this.embed(run);
  }

  async stopIngest(id: string): Promise<void> {
    const run = this.run(id);
    run.stopped = true;
    for (const each of run.documents) {
      if (each.row.state.kind !== 'ready') this.put(run, each, { kind: 'failed', fault: fault('stopped') });
    }
    this.finish(run);
  }

  activeIngests = async (): Promise<IngestStarted[]> =>
    [...this.runs.values()].map((run) => ({ run: run.id, collection: this.count(this.collection(run.collection)) }));

  async attachIngest(id: string, events: Listener<IngestEvent>): Promise<void> {
    const run = this.run(id);
    for (const event of run.log) events(event);
    run.listeners.add(events);
  }

  async retryDocument(id: string, password: string | null, events: Listener<IngestEvent>): Promise<IngestStarted> {
    const found = this.document(id);
    if (found.encrypted && password !== 'open sesame') return this.refuse(found, events);
    found.encrypted = false;
    found.text ||= notesText;
    return this.begin(found.row.collection, [found], events);
  }

  async retryFailed(collection: string, events: Listener<IngestEvent>): Promise<IngestStarted | null> {
    const failed = [...this.shelved.values()].filter(
      ({ row }) => row.collection === collection && row.state.kind === 'failed',
    );
    if (!failed.length) return null;
    for (const each of failed) each.text ||= notesText;
    return this.begin(collection, failed, events);
  }

  async convertDocument(id: string, events: Listener<IngestEvent>): Promise<IngestStarted> {
    const found = this.document(id);
    const run = this.track(found.row.collection, [found], events);
    void this.step().then(async () => {
      found.text ||= notesText;
      found.row.passages = passagesOf(found.row, found.text).length;
      // What reading costs depends on what is in the file: nobody can say it before.
      run.quote = this.host.id('quote');
      const quote = {
        id: run.quote,
        documents: 1,
        skipped: [],
        passages: 0,
        tokens: 0,
        neurons: null,
        shareOfDay: null,
      };
      this.tell(run, { kind: 'quoted', quote });
      if (this.host.simulated()) await this.acceptQuote(run.quote);
    });
    return { run: run.id, collection: this.count(this.collection(run.collection)) };
  }

  // --- finding --------------------------------------------------------------------------------------------------------

  async searchPassages(query: PassageQuery): Promise<Findings> {
    const words = query.text.toLowerCase().match(/\p{Script=Han}|[\p{L}\p{N}]{3,}/gu) ?? [];
    const within = (wanted: readonly string[], value: string) => wanted.length === 0 || wanted.includes(value);
    const all = [...this.shelved.values()].filter(
      ({ row }) =>
        this.shelves.has(row.collection) &&
        within(query.collections, row.collection) &&
        within(query.documents, row.id) &&
        within(query.formats, row.format) &&
        row.addedAt >= (query.addedSince ?? 0),
    );
    const pool = new Map<string, PassageHit>();
    for (const { row, text } of all) {
      for (const passage of passagesOf(row, text)) {
        const lower = `${passage.headingPath.join(' ')} ${passage.text}`.toLowerCase();
        const found = words.filter((word) => lower.includes(word)).length;
        if (found === 0 || this.blind || pool.has(passage.text)) continue;
        const likeness = 0.42 + 0.5 * (found / (words.length + 1)) - passage.ordinal * 0.004;
        pool.set(passage.text, hitOf(row, passage, likeness, found > words.length / 3 ? found * 2.31 : null));
      }
    }
    const near = [...pool.values()].filter(({ distance }) => (distance ?? 0) <= (query.maxDistance ?? 2));
    const hits = rank(near, query.mode, query.rerank === true).slice(0, query.k || 8);
    return {
      query: query.text,
      mode: query.mode,
      considered: all.reduce((sum, { row }) => sum + row.passages, 0),
      vectorHits: query.mode === 'keyword' ? 0 : Math.min(50, pool.size),
      keywordHits: query.mode === 'vector' ? 0 : [...pool.values()].filter((hit) => hit.keywordScore !== null).length,
      reranked: query.rerank === true,
      hits,
      beyondThreshold: pool.size - near.length,
      beyondBudget: hits.length > 4 ? 1 : 0,
      pendingDocuments: all.filter(({ row }) => busy(row.state) || row.state.kind === 'queued').length,
      documents: all.length,
      fault: null,
    };
  }

  /** What an answer over these collections and documents would be given. */
  sources(collections: string[], documents: string[]): { sources: SourceRef[]; considered: number } {
    const lease = [...this.shelved.values()].find(({ text }) => text === leaseText);
    const all = [...this.shelved.values()].filter(
      ({ row }) => collections.includes(row.collection) || documents.includes(row.id),
    );
    const considered = all.reduce((sum, { row }) => sum + row.passages, 0);
    if (this.blind || !lease) return { sources: [], considered };
    const parts = passagesOf(lease.row, leaseText);
    const sources = [1, 6, 3, 8].flatMap((ordinal, index) => {
      const passage = parts[ordinal];
      return passage
        ? [
            {
              n: index + 1,
              document: lease.row.id,
              title: lease.row.name,
              page: passage.page,
              passage: passage.id,
              score: 0.0325 - index * 0.003,
              distance: 0.214 + index * 0.061,
              text: passage.text,
              start: passage.start,
              end: passage.end,
            },
          ]
        : [];
    });
    return { sources, considered };
  }

  /** Remembers how an answer came about. */
  async explain(message: string, query: string, collections: string[], documents: string[]): Promise<void> {
    // Both are attached: neither narrows the other.
    const inside = [...this.shelved.values()].filter(({ row }) => collections.includes(row.collection));
    const all = [...new Set([...inside.map(({ row }) => row.id), ...documents])];
    const findings = await this.searchPassages({ ...noQuery, text: query, documents: all, k: 6 });
    this.why.set(message, { findings, sources: this.sources(collections, documents).sources, wholeDocuments: false });
  }

  whyAnswer = async (message: string): Promise<WhyAnswer | null> => this.why.get(message) ?? null;

  async vectorInfo(): Promise<VectorInfo[]> {
    const rows = [...this.shelved.values()].reduce((sum, { row }) => sum + row.passages, 0);
    return rows === 0
      ? []
      : [
          {
            model: '@cf/baai/bge-m3',
            dimensions: 1024,
            pooling: null,
            metric: 'cosine',
            rows,
            bytes: rows * (1024 * 4 + 160),
          },
        ];
  }

  exportVectors = async (format: VectorFormat): Promise<string> => `/home/ada/Documents/edgewise-vectors.${format}`;

  // --- inside ---------------------------------------------------------------------------------------------------------

  private next(kind: string): string {
    this.counter += 1;
    return `${kind}-${this.counter}`;
  }

  private fill(scene: LibraryScene): void {
    this.shelf('library', 'Library', 'blue');
    this.shelf('research', 'Research', 'violet', { ...standard, rerank: true }).folder = '/home/ada/Documents/Research';
    this.shelf('home', 'Flat and contracts', 'amber');
    const ready: DocumentState = { kind: 'ready' };
    this.shelve('home', 'Lease 14 Harbour Row.pdf', 'pdf', leaseText, ready, 3);
    this.shelve('home', 'House rules.docx', 'docx', notesText, ready, 4);
    this.shelve('home', 'Insurance scan.pdf', 'pdf', notesText, {
      kind: 'partly',
      emptyPages: [3, 4, 5, 9, 17, 18, 19, 40, 41, 42, 77, 78],
      pages: 80,
    });
    this.shelve('home', 'Payslip March.pdf', 'pdf', '', { kind: 'failed', fault: fault('fileEncrypted') }).encrypted =
      true;
    this.shelve('research', '检索方法笔记.md', 'markdown', fusionText, ready);
    this.shelve('research', 'Notes on embeddings.md', 'markdown', notesText, ready);
    this.shelve('research', 'Survey responses 2025.xlsx', 'xlsx', notesText, ready, 6);
    this.shelve('research', 'Broken archive.epub', 'epub', '', {
      kind: 'failed',
      fault: fault('fileUnreadable', { detail: 'the central directory of the zip is cut short' }),
    });
    this.shelve('library', 'Retrieval slides.pptx', 'pptx', notesText, ready, 42);
    this.shelve('library', 'scan-0012.png', 'image', '', { kind: 'failed', fault: fault('formatUnknown') });
    this.shelve('library', 'Interview 02.mp3', 'audio', '', { kind: 'failed', fault: fault('formatUnknown') });
    this.shelve('library', 'Workers AI limits', 'html', notesText, ready).row.address =
      'https://developers.cloudflare.com/workers-ai/platform/limits/';
    if (scene === 'full') {
      this.shelve('research', 'Proceedings.pdf', 'pdf', reportText, ready, 120);
      for (let index = 0; index < 4000; index += 1)
        this.shelve('research', `Paper ${String(index + 1).padStart(4, '0')}.pdf`, 'pdf', '', ready, 4 + (index % 30));
    }
    if (scene === 'indexing') this.indexing();
  }

  /** An ingestion that stands in the middle, for as long as the window is open. */
  private indexing(): void {
    const home = this.shelves.get('home');
    if (home) home.trouble = fault('dailyAllowanceSpent');
    const documents = [
      this.shelve(
        'research',
        'Thesis draft 7.docx',
        'docx',
        notesText,
        { kind: 'embedding', done: 120, total: 412 },
        168,
      ),
      this.shelve('research', 'Interview 03.vtt', 'subtitles', notesText, { kind: 'reading' }),
      this.shelve('research', 'Interview 04.vtt', 'subtitles', notesText, { kind: 'queued' }),
      this.shelve('research', 'Atlas of methods.pdf', 'pdf', notesText, { kind: 'paused' }, 310),
    ];
    const progress: IngestEvent = {
      kind: 'progress',
      documentsDone: 3,
      documents: 10,
      passagesDone: 688,
      passages: 2310,
    };
    const run = this.track('research', documents, () => {});
    run.paused = true;
    this.tell(run, progress);
    this.tell(run, { kind: 'waiting', fault: fault('rateLimited'), delayMs: 12_000 });
    const tomorrow = new Date(Date.now()).setUTCHours(24, 0, 0, 0);
    const waits = this.shelve('home', 'House history.epub', 'epub', notesText, {
      kind: 'paused',
      fault: fault('dailyAllowanceSpent'),
    });
    const spent = this.track('home', [waits], () => {});
    this.tell(spent, { kind: 'progress', documentsDone: 0, documents: 1, passagesDone: 96, passages: 240 });
    this.tell(spent, {
      kind: 'waiting',
      fault: fault('dailyAllowanceSpent'),
      delayMs: tomorrow - Date.now(),
    });
  }

  private shelf(id: string, name: string, colour: string, settings: CollectionSettings = standard): Collection {
    const collection: Collection = {
      id,
      name,
      colour,
      settings: { ...settings },
      documents: 0,
      passages: 0,
      embedded: 0,
      folder: null,
      createdAt: this.now,
    };
    this.shelves.set(id, collection);
    return collection;
  }

  private shelve(
    collection: string,
    name: string,
    format: string,
    text: string,
    state: DocumentState,
    pages: number | null = null,
  ): Shelved {
    const passages = text
      ? passagesOf({ id: '' } as Document, text).length * (pages && pages > 3 ? pages : 1)
      : (pages ?? 0);
    const found: Shelved = {
      row: {
        id: this.next('document'),
        collection,
        name,
        title: /^# (.+)$/m.exec(text)?.[1] ?? null,
        format,
        size: 9_000 + text.length * 21 + (pages ?? 1) * 34_000,
        pages: state.kind === 'partly' ? state.pages : pages,
        passages: state.kind === 'failed' || state.kind === 'queued' || state.kind === 'reading' ? 0 : passages,
        neurons: state.kind === 'ready' || state.kind === 'partly' ? passages * 3.08 : 0,
        state,
        address: null,
        addedAt: this.now - this.counter * 5 * hour,
      },
      text,
    };
    this.shelved.set(found.row.id, found);
    return found;
  }

  private collection(id: string): Collection {
    const collection = this.shelves.get(id);
    if (!collection) throw fault('notFound');
    return collection;
  }

  private document(id: string): Shelved {
    const found = this.shelved.get(id);
    if (!found) throw fault('notFound');
    return found;
  }

  private run(id: string): Run {
    const run = this.runs.get(id);
    if (!run) throw fault('notFound');
    return run;
  }

  private count(collection: Collection): Collection {
    const rows = [...this.shelved.values()].map(({ row }) => row).filter((row) => row.collection === collection.id);
    const passages = rows.reduce((sum, row) => sum + row.passages, 0);
    const waiting = rows.reduce(
      (sum, { state }) => sum + (state.kind === 'embedding' ? state.total - state.done : 0),
      0,
    );
    return {
      ...collection,
      settings: { ...collection.settings },
      documents: rows.length,
      passages,
      embedded: Math.max(0, passages - waiting),
    };
  }

  private async add(
    id: string | null,
    names: string[],
    events: Listener<IngestEvent>,
    text = notesText,
    address: string | null = null,
  ): Promise<IngestStarted> {
    const collection = id ?? 'library';
    if (!this.shelves.has(collection)) {
      const private_ = collection.startsWith('conversation:');
      this.shelf(collection, private_ ? 'This conversation' : 'Library', private_ ? 'slate' : 'blue');
    }
    const documents: Shelved[] = [];
    for (const name of names) {
      if (name.endsWith('.zip')) continue;
      const format = /\.(\w+)$/.exec(name)?.[1] ?? (address ? 'html' : 'text');
      const lease = format === 'pdf';
      const found = this.shelve(
        collection,
        name,
        format === 'md' ? 'markdown' : format,
        lease ? leaseText : text,
        { kind: 'queued' },
        lease ? 3 : null,
      );
      found.row.address = address;
      found.row.addedAt = Date.now();
      documents.push(found);
    }
    return this.begin(
      collection,
      documents,
      events,
      names.filter((name) => name.endsWith('.zip')),
    );
  }

  private track(collection: string, documents: Shelved[], events: Listener<IngestEvent>): Run {
    const run: Run = {
      id: this.host.id('ingest'),
      collection,
      documents,
      quote: null,
      paused: false,
      stopped: false,
      log: [],
      listeners: new Set([events]),
    };
    this.runs.set(run.id, run);
    return run;
  }

  private begin(
    collection: string,
    documents: Shelved[],
    events: Listener<IngestEvent>,
    skipped: string[] = [],
  ): IngestStarted {
    const run = this.track(collection, documents, events);
    void this.read(run, skipped);
    return { run: run.id, collection: this.count(this.collection(collection)) };
  }

  /** Reads a document that asks for another password. */
  private refuse(found: Shelved, events: Listener<IngestEvent>): IngestStarted {
    const run = this.track(found.row.collection, [found], events);
    void this.step().then(() => {
      this.put(run, found, { kind: 'failed', fault: fault('fileEncrypted') });
      this.finish(run);
    });
    return { run: run.id, collection: this.count(this.collection(run.collection)) };
  }

  private async read(run: Run, skipped: string[]): Promise<void> {
    await this.step();
    this.tell(run, { kind: 'counting', files: run.documents.length + skipped.length });
    for (const name of skipped) this.tell(run, { kind: 'skipped', file: { name, fault: fault('formatUnknown') } });
    for (const each of run.documents) this.put(run, each, { kind: 'queued' });
    for (const each of run.documents) {
      await this.step();
      if (run.stopped) return;
      this.put(run, each, { kind: 'reading' });
      await this.step();
      each.row.passages = passagesOf(each.row, each.text).length;
    }
    if (run.stopped) return;
    const passages = run.documents.reduce((sum, { row }) => sum + row.passages, 0);
    run.quote = this.host.id('quote');
    this.tell(run, {
      kind: 'quoted',
      quote: {
        id: run.quote,
        documents: run.documents.length,
        skipped: skipped.map((name) => ({ name, fault: fault('formatUnknown') })),
        passages: passages * 40 + 12,
        tokens: (passages * 40 + 12) * 510,
        neurons: (passages * 40 + 12) * paid * 1000,
        shareOfDay: ((passages * 40 + 12) * paid) / 10,
      },
    });
    if (this.host.simulated()) await this.acceptQuote(run.quote);
  }

  private async embed(run: Run): Promise<void> {
    const total = run.documents.reduce((sum, { row }) => sum + row.passages, 0);
    for (const each of run.documents) {
      if (each.row.state.kind === 'ready') continue;
      for (let done = 0; done < each.row.passages; done += 1) {
        this.put(run, each, { kind: 'embedding', done, total: each.row.passages });
        const before = run.documents.filter(({ row }) => row.state.kind === 'ready');
        this.tell(run, {
          kind: 'progress',
          documentsDone: before.length,
          documents: run.documents.length,
          passagesDone: before.reduce((sum, { row }) => sum + row.passages, 0) + done,
          passages: total,
        });
        await this.step();
        if (run.stopped || run.paused) return;
      }
      each.row.neurons += each.row.passages * 3.08;
      this.put(run, each, { kind: 'ready' });
    }
    this.finish(run);
  }

  private finish(run: Run): void {
    this.runs.delete(run.id);
    const neurons = run.documents.reduce((sum, { row }) => sum + row.neurons, 0);
    this.host.spend(neurons);
    this.tell(run, {
      kind: 'finished',
      ready: run.documents.filter(({ row }) => row.state.kind === 'ready').length,
      failed: run.documents.filter(({ row }) => row.state.kind === 'failed').length,
      neurons,
    });
  }

  private put(run: Run, found: Shelved, state: DocumentState): void {
    found.row.state = state;
    this.tell(run, { kind: 'document', document: { ...found.row } });
    this.host.changed([{ ...found.row }]);
  }

  private tell(run: Run, event: IngestEvent): void {
    run.log.push(event);
    for (const listener of run.listeners) listener(event);
  }

  private step = (): Promise<void> => new Promise((done) => setTimeout(done, this.pace));
}

const noQuery: PassageQuery = {
  text: '',
  collections: [],
  documents: [],
  formats: [],
  addedSince: null,
  k: 0,
  mode: 'hybrid',
  rerank: null,
  maxDistance: null,
};

const fault = (code: FaultCode, more: Partial<Fault> = {}): Fault => ({ code, ...more });

const busy = (state: DocumentState): boolean => state.kind === 'reading' || state.kind === 'embedding';

/** Paragraphs are the passages; headings above them are their path. */
function passagesOf(row: Pick<Document, 'id' | 'format'>, text: string): Passage[] {
  const found: Passage[] = [];
  const path: string[] = [];
  let report: number | null = null;
  let at = 0;
  for (const part of text.split('\n\n')) {
    const heading = /^(#+) (.*)$/.exec(part);
    if (heading) path.splice((heading[1] ?? '#').length - 1, 9, heading[2] ?? '');
    else if (part) {
      if (text === reportText && heading === null && path.length > 0)
        report = Number(/\d+/.exec(path.at(-1) ?? '')?.[0]);
      const page = text === leaseText ? leasePages.findIndex((page) => page.includes(part)) + 1 : report;
      found.push({
        id: `${row.id}-${found.length}`,
        ordinal: found.length,
        text: part,
        headingPath: [...path],
        page,
        // Characters and not UTF-16 units; the samples have none beyond the first plane.
        start: at,
        end: at + part.length,
        tokens: Math.ceil(part.length / 4),
        embedded: true,
      });
    }
    at += part.length + 2;
  }
  return found;
}

function hitOf(row: Document, passage: Passage, likeness: number, keywordScore: number | null): PassageHit {
  return {
    passage: passage.id,
    document: row.id,
    title: row.name,
    collection: row.collection,
    page: passage.page,
    headingPath: passage.headingPath,
    text: passage.text,
    start: passage.start,
    end: passage.end,
    score: 0,
    vectorScore: likeness,
    distance: 1 - likeness,
    vectorRank: null,
    keywordScore,
    keywordRank: null,
    rerankScore: null,
  };
}

/** Ranks both sides and fuses them by reciprocal rank. */
function rank(hits: PassageHit[], mode: PassageQuery['mode'], rerank: boolean): PassageHit[] {
  const byVector = [...hits].sort((a, b) => (b.vectorScore ?? 0) - (a.vectorScore ?? 0));
  byVector.forEach((hit, index) => (hit.vectorRank = index + 1));
  const byKeyword = hits.filter((hit) => hit.keywordScore !== null);
  byKeyword.sort((a, b) => (b.keywordScore ?? 0) - (a.keywordScore ?? 0));
  byKeyword.forEach((hit, index) => (hit.keywordRank = index + 1));
  for (const hit of hits) {
    if (mode === 'keyword') Object.assign(hit, { vectorScore: null, distance: null, vectorRank: null });
    if (mode === 'vector') Object.assign(hit, { keywordScore: null, keywordRank: null });
    hit.score =
      (hit.vectorRank === null ? 0 : 1 / (60 + hit.vectorRank)) +
      (hit.keywordRank === null ? 0 : 1 / (60 + hit.keywordRank));
    if (rerank) hit.rerankScore = Math.min(0.998, hit.score * 28);
  }
  return hits.filter((hit) => hit.score > 0).sort((a, b) => b.score - a.score);
}
