// Collections and documents of the scripted library.

import type {
  Collection,
  CollectionSettings,
  Document,
  DocumentPage,
  DocumentQuery,
  DocumentState,
  DocumentText,
  Passage,
  PlacedLine,
} from '../../generated/domain';
import { fault, hour } from '../scenario';
import { leasePages, leaseText, pdfOf, reportPages, reportText } from '../texts';
import { passagesOf } from './passages';

/** A document with what was read from it. */
export interface Shelved {
  row: Document;
  text: string;
  encrypted?: boolean;
}

export const standard: CollectionSettings = {
  embeddingModel: '@cf/baai/bge-m3',
  providerUrl: null,
  passageTokens: 400,
  overlapTokens: 60,
  topK: 8,
  maxDistance: null,
  rerank: false,
};

export class ScriptedShelves {
  readonly byId = new Map<string, Collection>();
  readonly documentsById = new Map<string, Shelved>();
  private bin = new Map<string, Collection>();
  private binned = new Map<string, Shelved>();
  private counter = 0;

  constructor(private now: number) {}

  // --- collections ----------------------------------------------------------------------------------------------------

  async collections(): Promise<Collection[]> {
    return [...this.byId.values()]
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
    this.byId.delete(id);
  }

  async undeleteCollection(id: string): Promise<Collection> {
    const collection = this.bin.get(id);
    if (!collection) throw fault('notFound');
    this.byId.set(id, collection);
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
    const rows = [...this.documentsById.values()]
      .map((each) => each.row)
      .filter(
        (row) =>
          (query.collection ? row.collection === query.collection : this.byId.has(row.collection)) &&
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
      this.documentsById.delete(id);
    }
  }

  async undeleteDocuments(ids: string[]): Promise<void> {
    for (const id of ids) {
      const found = this.binned.get(id);
      if (found) this.documentsById.set(id, found);
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
    const found = this.documentsById.get(url.slice(url.lastIndexOf('/') + 1));
    return pdfOf(found?.text === reportText ? reportPages : leasePages);
  };

  async passages(id: string, offset: number, limit: number): Promise<Passage[]> {
    const { row, text } = this.document(id);
    return passagesOf(row, text).slice(offset, offset + limit);
  }

  // --- for the other parts -----------------------------------------------------------------------------------------------

  private next(kind: string): string {
    this.counter += 1;
    return `${kind}-${this.counter}`;
  }

  shelf(id: string, name: string, colour: string, settings: CollectionSettings = standard): Collection {
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
    this.byId.set(id, collection);
    return collection;
  }

  shelve(
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
    this.documentsById.set(found.row.id, found);
    return found;
  }

  collection(id: string): Collection {
    const collection = this.byId.get(id);
    if (!collection) throw fault('notFound');
    return collection;
  }

  document(id: string): Shelved {
    const found = this.documentsById.get(id);
    if (!found) throw fault('notFound');
    return found;
  }

  count(collection: Collection): Collection {
    const rows = [...this.documentsById.values()]
      .map(({ row }) => row)
      .filter((row) => row.collection === collection.id);
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
}
