// Ingestions of the scripted library: documents are read, quoted and embedded before one's eyes.

import type { Listener } from '../../backend';
import type { Document, DocumentState, IngestEvent, IngestStarted } from '../../generated/domain';
import { fault } from '../scenario';
import { leaseText, notesText } from '../texts';
import { passagesOf } from './passages';
import type { Shelved, ScriptedShelves } from './shelves';

/** What the ingestions need of the backend around them. */
export interface Host {
  id(kind: string): string;
  changed(documents: Document[]): void;
  spend(neurons: number): void;
  /** Nothing is spent: a quote is told and not waited for. */
  simulated(): boolean;
}

/** One in flight. */
export interface Run {
  id: string;
  collection: string;
  documents: Shelved[];
  quote: string | null;
  paused: boolean;
  stopped: boolean;
  log: IngestEvent[];
  listeners: Set<Listener<IngestEvent>>;
}

const paid = 0.00308;

export const busy = (state: DocumentState): boolean => state.kind === 'reading' || state.kind === 'embedding';

export class ScriptedIngests {
  /** Milliseconds between two steps. */
  pace = 70;
  private runs = new Map<string, Run>();

  constructor(
    private host: Host,
    private shelves: ScriptedShelves,
  ) {}

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
    for (const { row } of run.documents) this.shelves.documentsById.delete(row.id);
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
    [...this.runs.values()].map((run) => ({
      run: run.id,
      collection: this.shelves.count(this.shelves.collection(run.collection)),
    }));

  async attachIngest(id: string, events: Listener<IngestEvent>): Promise<void> {
    const run = this.run(id);
    for (const event of run.log) events(event);
    run.listeners.add(events);
  }

  async retryDocument(id: string, password: string | null, events: Listener<IngestEvent>): Promise<IngestStarted> {
    const found = this.shelves.document(id);
    if (found.encrypted && password !== 'open sesame') return this.refuse(found, events);
    found.encrypted = false;
    found.text ||= notesText;
    return this.begin(found.row.collection, [found], events);
  }

  async retryFailed(collection: string, events: Listener<IngestEvent>): Promise<IngestStarted | null> {
    const failed = [...this.shelves.documentsById.values()].filter(
      ({ row }) => row.collection === collection && row.state.kind === 'failed',
    );
    if (!failed.length) return null;
    for (const each of failed) each.text ||= notesText;
    return this.begin(collection, failed, events);
  }

  async convertDocument(id: string, events: Listener<IngestEvent>): Promise<IngestStarted> {
    const found = this.shelves.document(id);
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
    return { run: run.id, collection: this.shelves.count(this.shelves.collection(run.collection)) };
  }

  // --- inside ---------------------------------------------------------------------------------------------------------

  private run(id: string): Run {
    const run = this.runs.get(id);
    if (!run) throw fault('notFound');
    return run;
  }

  private async add(
    id: string | null,
    names: string[],
    events: Listener<IngestEvent>,
    text = notesText,
    address: string | null = null,
  ): Promise<IngestStarted> {
    const collection = id ?? 'library';
    if (!this.shelves.byId.has(collection)) {
      const private_ = collection.startsWith('conversation:');
      this.shelves.shelf(collection, private_ ? 'This conversation' : 'Library', private_ ? 'slate' : 'blue');
    }
    const documents: Shelved[] = [];
    for (const name of names) {
      if (name.endsWith('.zip')) continue;
      const format = /\.(\w+)$/.exec(name)?.[1] ?? (address ? 'html' : 'text');
      const lease = format === 'pdf';
      const found = this.shelves.shelve(
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

  track(collection: string, documents: Shelved[], events: Listener<IngestEvent>): Run {
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
    return { run: run.id, collection: this.shelves.count(this.shelves.collection(collection)) };
  }

  /** Reads a document that asks for another password. */
  private refuse(found: Shelved, events: Listener<IngestEvent>): IngestStarted {
    const run = this.track(found.row.collection, [found], events);
    void this.step().then(() => {
      this.put(run, found, { kind: 'failed', fault: fault('fileEncrypted') });
      this.finish(run);
    });
    return { run: run.id, collection: this.shelves.count(this.shelves.collection(run.collection)) };
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

  tell(run: Run, event: IngestEvent): void {
    run.log.push(event);
    for (const listener of run.listeners) listener(event);
  }

  private step = (): Promise<void> => new Promise((done) => setTimeout(done, this.pace));
}
