// Searches of the scripted library: hits with every score, and how an answer came about.

import type {
  Document,
  Findings,
  Passage,
  PassageHit,
  PassageQuery,
  SourceRef,
  WhyAnswer,
} from '../../generated/domain';
import { leaseText } from '../texts';
import { busy } from './ingests';
import { passagesOf } from './passages';
import type { ScriptedShelves } from './shelves';

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

export class ScriptedFinding {
  /** The next search finds nothing close enough. */
  blind = false;
  private why = new Map<string, WhyAnswer>();

  constructor(private shelves: ScriptedShelves) {}

  async searchPassages(query: PassageQuery): Promise<Findings> {
    const words = query.text.toLowerCase().match(/\p{Script=Han}|[\p{L}\p{N}]{3,}/gu) ?? [];
    const within = (wanted: readonly string[], value: string) => wanted.length === 0 || wanted.includes(value);
    const all = [...this.shelves.documentsById.values()].filter(
      ({ row }) =>
        this.shelves.byId.has(row.collection) &&
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
    const lease = [...this.shelves.documentsById.values()].find(({ text }) => text === leaseText);
    const all = [...this.shelves.documentsById.values()].filter(
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
    const inside = [...this.shelves.documentsById.values()].filter(({ row }) => collections.includes(row.collection));
    const all = [...new Set([...inside.map(({ row }) => row.id), ...documents])];
    const findings = await this.searchPassages({ ...noQuery, text: query, documents: all, k: 6 });
    this.why.set(message, { findings, sources: this.sources(collections, documents).sources, wholeDocuments: false });
  }

  whyAnswer = async (message: string): Promise<WhyAnswer | null> => this.why.get(message) ?? null;
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
