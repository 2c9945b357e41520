// Finds a quoted passage in the text of a page or a document, so that it can be marked.
//
// The two were read by different programs: spaces, line breaks, hyphens, ligatures and running heads differ. So only
// letters and digits are compared. What cannot be placed with confidence is not placed: a wrong mark is worse than none.

import { align, type Run } from './alignment';

/** A stretch of the searched text, in UTF-16 units: from, to (exclusive). */
export interface Span {
  start: number;
  end: number;
}

/** What is known of a quote's surroundings in the text that it was cut from. */
export interface Around {
  /** What stands before and behind it. */
  before: string;
  after: string;
  /** It is the so-manieth, from 0, of so many like it in the stretch that is searched. */
  index: number;
  count: number;
}

interface Bare {
  text: string;
  /** For each unit of `text`, where its sign begins and ends in the original. */
  places: number[];
  ends: number[];
}

/** Letters and digits of a text, lower-case and without ligatures, with the way back. */
export function bare(text: string): Bare {
  let kept = '';
  const places: number[] = [];
  const ends: number[] = [];
  let at = 0;
  for (const sign of text) {
    for (const plain of sign.normalize('NFKC').toLowerCase()) {
      if (!/[\p{L}\p{N}]/u.test(plain)) continue;
      kept += plain;
      for (let unit = 0; unit < plain.length; unit += 1) {
        places.push(at);
        ends.push(at + sign.length);
      }
    }
    at += sign.length;
  }
  return { text: kept, places, ends };
}

/** Shorter quotes than this say too little to be sure of. */
const fewest = 6;
/** Letters of a piece that says enough to be known by; a CJK sign says as much as a syllable or two. */
const telling = 18;
const tellingCjk = 8;
const cjk = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
/** The share of the quote that must be found. */
const enough = 0.75;
/** Letters of the surroundings that are compared, and by how many the right place must lead. */
const surroundings = 48;
const lead = 8;

/** The stretch of the original behind a stretch of bare letters, with the stop behind its last one. */
function back(text: string, page: Bare, from: number, to: number): Span {
  const end = page.ends[to - 1] ?? text.length;
  const stop = /^[.!?…。！？]["”’』」)]?/.exec(text.slice(end, end + 2));
  return { start: page.places[from] ?? 0, end: end + (stop?.[0].length ?? 0) };
}

/** Where the quote stands in the text: one span, or several when something stands between; null when unsure. */
export function place(text: string, quote: string, around: Around | null = null): Span[] | null {
  const page = bare(text);
  const wanted = bare(quote).text;
  if (wanted.length < fewest) return null;
  const hits = allOf(page.text, wanted);
  if (hits.length > 0) {
    const at = chosen(page.text, wanted.length, hits, around);
    return at === null ? null : [back(text, page, at, at + wanted.length)];
  }
  return laidOver(text, page, wanted, around) ?? inCells(text, page, quote, wanted.length);
}

function allOf(text: string, wanted: string): number[] {
  const hits: number[] = [];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) hits.push(at);
  return hits;
}

/** Which of the places where the very words stand is meant; null when that cannot be told. */
function chosen(text: string, length: number, hits: readonly number[], around: Around | null): number | null {
  const [only] = hits;
  if (only !== undefined && hits.length === 1 && (around?.count ?? 1) === 1) return only;
  if (!around) return null;
  const before = bare(around.before).text.slice(-surroundings);
  const after = bare(around.after).text.slice(0, surroundings);
  const likeness = hits.map((at) => alikeBefore(text, at, before) + alikeBehind(text, at + length, after));
  const best = Math.max(...likeness);
  const rest = likeness.filter((each) => each > best - lead);
  // One of several was garbled: those that are left must prove themselves.
  const least = hits.length === around.count ? lead : (before.length + after.length) * enough;
  if (rest.length === 1 && best >= Math.max(lead, least)) return hits[likeness.indexOf(best)] ?? null;
  return hits.length === around.count ? (hits[around.index] ?? null) : null;
}

function alikeBefore(text: string, at: number, before: string): number {
  let count = 0;
  while (count < before.length && count < at && text[at - 1 - count] === before[before.length - 1 - count]) count += 1;
  return count;
}

function alikeBehind(text: string, at: number, after: string): number {
  let count = 0;
  while (count < after.length && text[at + count] === after[count]) count += 1;
  return count;
}

/** The quote with something between its parts. Its surroundings are laid over too, where they are known: they tell it
    from its near copies. */
function laidOver(text: string, page: Bare, wanted: string, around: Around | null): Span[] | null {
  const region = near(page.text, wanted);
  if (!region) return null;
  const before = bare(around?.before ?? '').text.slice(-surroundings);
  const after = bare(around?.after ?? '').text.slice(0, surroundings);
  const runs = align(page.text.slice(region.start, region.end), before + wanted + after)?.flatMap((run) =>
    within(run, before.length, before.length + wanted.length, region.start),
  );
  if (!runs || runs.reduce((sum, { start, end }) => sum + end - start, 0) < wanted.length * enough) return null;
  const spans = cleanEnds(text, page, wanted, runs);
  return spans && joined(text, spans);
}

/** The part of a run that belongs to the quote and not to its surroundings. */
function within(run: Run, from: number, to: number, region: number): Run[] {
  const first = Math.max(run.quote, from);
  const last = Math.min(run.quote + run.end - run.start, to);
  if (last <= first) return [];
  const start = region + run.start + first - run.quote;
  return [{ start, end: start + last - first, quote: first - from }];
}

/** In a long text, the stretch where most pieces of the quote lie; null when there are two of the kind. */
function near(text: string, wanted: string): Span | null {
  if (text.length <= 16_000) return { start: 0, end: text.length };
  const step = cjk.test(wanted) ? tellingCjk : telling;
  const reach = wanted.length * 2 + 600;
  const hits: number[] = [];
  for (let at = 0; at + step <= wanted.length; at += step)
    hits.push(...allOf(text, wanted.slice(at, at + step)).slice(0, 40));
  hits.sort((a, b) => a - b);
  let best = { from: 0, count: 0 };
  const counts = hits.map((from, index) => {
    let count = 0;
    while ((hits[index + count] ?? Infinity) < from + reach) count += 1;
    if (count > best.count) best = { from, count };
    return { from, count };
  });
  if (best.count === 0) return null;
  const rivals = counts.some(
    ({ from, count }) => Math.abs(from - best.from) > reach && count > best.count * (1 - (1 - enough) / 2),
  );
  return rivals ? null : { start: Math.max(0, best.from - reach), end: Math.min(text.length, best.from + 2 * reach) };
}

/** Letters between two runs that are none: a sign that one of the readers made up. */
const nothing = 2;
/** A piece that stands apart from the others must be longer than what two near copies have in common. */
const alone = 32;
const aloneCjk = 12;

/** Runs with next to nothing between them belong together. Alone, a short one says too little: the same few words stand
    elsewhere too. And where one ends at something foreign it may have taken a like letter of that: it ends with a word.
    Null when a group may as well stand elsewhere. */
function cleanEnds(text: string, page: Bare, wanted: string, runs: readonly Run[]): Span[] | null {
  const groups: Group[] = [];
  for (const { start, end, quote } of runs) {
    const last = groups.at(-1);
    if (last && start - last.end <= nothing) Object.assign(last, { end, to: quote + end - start });
    else groups.push({ start, end, from: quote, to: quote + end - start });
  }
  const spans: Span[] = [];
  for (const group of groups) {
    const least = cjk.test(page.text.slice(group.start, group.end)) ? aloneCjk : alone;
    if (groups.length > 1 && group.end - group.start < least) continue;
    if (groups.length > 1 && standsElsewhere(page.text, wanted, group)) return null;
    const { start, end } = wholeWords(page, group, group.from > 0, group.to < wanted.length);
    if (end > start) spans.push(back(text, page, start, end));
  }
  return spans.length > 0 ? spans : null;
}

/** A stretch of the text, and of the quote. */
interface Group extends Span {
  from: number;
  to: number;
}

/** Nearly all of it can be found outside of where it was laid. */
function standsElsewhere(text: string, wanted: string, { start, end, from, to }: Group): boolean {
  const length = cjk.test(wanted.slice(from, to)) ? 4 : 12;
  let pieces = 0;
  let found = 0;
  for (let at = from; at + length <= to; at += length / 2) {
    const piece = wanted.slice(at, at + length);
    pieces += 1;
    if (allOf(text, piece).some((hit) => hit + length <= start || hit >= end)) found += 1;
  }
  return pieces > 0 && found >= pieces * 0.8;
}

function wholeWords(page: Bare, group: Span, fromWord: boolean, toWord: boolean): Span {
  const apart = (at: number) => (page.places[at] ?? 0) > (page.ends[at - 1] ?? 0);
  let { start, end } = group;
  // Scripts without spaces have few ends of words: one sign is given up and not the line.
  const sign = (at: number) => cjk.test(page.text[at] ?? '');
  if (fromWord && !apart(start))
    do start += 1;
    while (start < end && !apart(start) && !sign(start));
  if (toWord) while (end > start && !apart(end) && !sign(end - 1)) end -= 1;
  if (toWord && sign(end - 1) && !apart(end)) end -= 1;
  return { start, end };
}

/** Tables and columns, which are read in different orders: each line or cell of the quote that stands in the text once. */
function inCells(text: string, page: Bare, quote: string, length: number): Span[] | null {
  const spans: Span[] = [];
  let found = 0;
  for (const cell of quote.split(/[\n\t|]+/)) {
    const wanted = bare(cell).text;
    if (wanted.length < (cjk.test(wanted) ? tellingCjk : telling)) continue;
    const [at, again] = allOf(page.text, wanted);
    if (at === undefined || again !== undefined) continue;
    found += wanted.length;
    spans.push(back(text, page, at, at + wanted.length));
  }
  if (spans.length === 0 || found < length * enough) return null;
  return joined(
    text,
    spans.sort((a, b) => a.start - b.start),
  );
}

/** Spans with next to nothing between them become one. */
function joined(text: string, spans: Span[]): Span[] {
  const whole: Span[] = [];
  for (const span of spans) {
    const last = whole.at(-1);
    if (last && bare(text.slice(last.end, span.start)).text.length <= nothing) last.end = Math.max(last.end, span.end);
    else whole.push({ ...span });
  }
  return whole;
}

/** Places counted in characters (Unicode scalar values), in UTF-16 units: one walk, however many there are. */
export function unitsOf(text: string, places: readonly number[]): number[] {
  const order = places.map((_, index) => index).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  const units = new Array<number>(places.length).fill(text.length);
  let characters = 0;
  let at = 0;
  for (const index of order) {
    const wanted = places[index] ?? 0;
    while (characters < wanted && at < text.length) {
      // The first half of a pair: a sign beyond the first plane.
      at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
      characters += 1;
    }
    units[index] = at;
  }
  return units;
}

/** One place counted in characters, in UTF-16 units. */
export function toUnits(text: string, start: number, end: number): Span {
  const [from = text.length, to = text.length] = unitsOf(text, [start, end]);
  return { start: from, end: to };
}

/** The known place when the quote really stands there, else where it can be found, else null. */
export function placeKnown(text: string, quote: string, known: { start: number; end: number } | null): Span[] | null {
  if (known && known.end > known.start) {
    const span = toUnits(text, known.start, known.end);
    if (bare(text.slice(span.start, span.end)).text === bare(quote).text) return [span];
  }
  return place(text, quote);
}

/** The surroundings of a quote whose place is known, within the stretch of the text that will be searched in another
    reading of it: a page. Null when the quote does not stand there. */
export function aroundOf(
  text: string,
  quote: string,
  known: { start: number; end: number },
  stretch: Span = { start: 0, end: text.length },
): Around | null {
  const span = toUnits(text, known.start, known.end);
  const wanted = bare(quote).text;
  if (wanted === '' || bare(text.slice(span.start, span.end)).text !== wanted) return null;
  const from = Math.min(stretch.start, span.start);
  const to = Math.max(stretch.end, span.end);
  const hits = allOf(bare(text.slice(from, to)).text, wanted);
  const own = bare(text.slice(from, span.start)).text.length;
  return {
    before: text.slice(Math.max(from, span.start - surroundings * 4), span.start),
    after: text.slice(span.end, Math.min(to, span.end + surroundings * 4)),
    index: Math.max(0, hits.indexOf(own)),
    count: Math.max(1, hits.length),
  };
}
