// What a hit shows of its passage: readable text, from near the words that were asked for, which are marked.

import { readable, type Piece } from './plain';

/** Words that stand everywhere and tell nothing. */
const common = new Set(
  'a an and are as at be between by can do does for from has how i in is it may my no not of on or that the this to was what when where which who why will with you your'.split(
    ' ',
  ),
);
const han = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

/** The words of a question that are worth a mark, the longest first. */
export function wordsOf(query: string): string[] {
  const segments = new Intl.Segmenter(undefined, { granularity: 'word' }).segment(query.toLowerCase());
  // Not by `isWordLike`: to some engines a number is no word.
  const all = [...segments].map(({ segment }) => segment).filter((segment) => /[\p{L}\p{N}]/u.test(segment));
  const telling = all.filter((word) => (han.test(word) ? word.length > 1 : !common.has(word)));
  // What was written without a space may be one word, whatever the segmenter knows.
  const runs = query.match(new RegExp(`${han.source}{2,12}`, 'gu')) ?? [];
  const words = [...new Set([...runs, ...(telling.length > 0 ? telling : all)])];
  return words.sort((a, b) => b.length - a.length);
}

const escaped = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Letters from its beginning within which a passage shows a hit without being cut. */
const near = 160;

/** A passage of a document of this name as text to be read, with the words of the query marked. One whose first mark would be out of sight begins
    at the sentence of that mark. */
export function excerpt(name: string, passage: string, query: string): Piece[] {
  const text = readable(name, passage);
  const words = wordsOf(query);
  if (words.length === 0) return [{ text, hit: false }];
  // A word is found at its beginning, so that `deposit` marks `deposits` too; scripts without spaces have none.
  const sought = words.map((word) => (han.test(word) ? escaped(word) : `(?<![\\p{L}\\p{N}])${escaped(word)}`));
  const hits = [...text.matchAll(new RegExp(sought.join('|'), 'giu'))];
  const [first] = hits;
  let at = first && first.index > near ? sentenceBefore(text, first.index) : 0;
  const pieces: Piece[] = [];
  let before = at > 0 ? '… ' : '';
  for (const { index, 0: word } of hits) {
    before += text.slice(at, index);
    if (before) pieces.push({ text: before, hit: false });
    pieces.push({ text: word, hit: true });
    before = '';
    at = index + word.length;
  }
  pieces.push({ text: before + text.slice(at), hit: false });
  return pieces.filter((piece) => piece.text !== '');
}

/** Where the sentence begins that stands at a place; a long one is cut at a word. */
function sentenceBefore(text: string, at: number): number {
  const from = Math.max(0, at - near);
  const stretch = text.slice(from, at);
  const ends = [...stretch.matchAll(/[.!?…]["”’)]*\s+|[。！？；]["”’」』）]*\s*|\n\s*/gu)];
  const end = ends.at(-1);
  if (end) return from + end.index + end[0].length;
  const word = /\s/.exec(stretch);
  return word ? from + word.index + 1 : from;
}
