// What `/`, `@` and `#` offer while a message is typed.

import { matching } from '$lib/match';

export type Completion =
  | { kind: 'command'; key: string; label: string; note: string; start: number; run: () => void }
  | {
      kind: 'model' | 'assistant' | 'collection' | 'document';
      key: string;
      label: string;
      note: string;
      start: number;
      id: string;
    };

export interface Offers {
  commands: readonly { word: string; name: string; run: () => void }[];
  models: readonly { id: string; name: string; author: string }[];
  /** They stand before the models. */
  assistants?: readonly { id: string; name: string; note: string }[];
  /** Collections, then documents, of the library. */
  knowledge?: readonly { kind: 'collection' | 'document'; id: string; name: string; note: string }[];
}

const shown = 8;

/** What stands behind `#` at the caret; null when nothing does. A heading (`# `) is none. */
export const knowledgeAt = (text: string, caret: number): string | null =>
  /(?:^|\s)#([^\s#]*)$/.exec(text.slice(0, caret))?.[1] ?? null;

/** The completions at the caret: `/word` only at the start of the message, `@word` and `#word` at the start
    of any word. */
export function complete(text: string, caret: number, offers: Offers): Completion[] {
  const before = text.slice(0, caret);
  const command = /^\/(\S*)$/.exec(before);
  if (command) {
    const query = (command[1] ?? '').toLowerCase();
    return offers.commands
      .filter(({ word, name }) => word.startsWith(query) || name.toLowerCase().includes(query))
      .slice(0, shown)
      .map(({ word, name, run }) => ({ kind: 'command', key: word, label: `/${word}`, note: name, start: 0, run }));
  }
  const knowledge = knowledgeAt(text, caret);
  if (knowledge !== null) {
    return matching(offers.knowledge ?? [], knowledge, (each) => each.name)
      .slice(0, shown)
      .map(({ kind, id, name, note }) => ({
        kind,
        key: id,
        label: name,
        note,
        start: caret - knowledge.length - 1,
        id,
      }));
  }
  const mention = /(?:^|\s)@(\S*)$/.exec(before);
  if (!mention) return [];
  const query = mention[1] ?? '';
  const start = caret - query.length - 1;
  const assistants = matching(offers.assistants ?? [], query, (each) => each.name).map(({ id, name, note }) => ({
    kind: 'assistant' as const,
    key: id,
    label: name,
    note,
    start,
    id,
  }));
  const models = matching(offers.models, query, (model) => `${model.name} ${model.author}`).map(
    ({ id, name, author }) => ({ kind: 'model' as const, key: id, label: name, note: author, start, id }),
  );
  return [...assistants, ...models].slice(0, shown);
}
