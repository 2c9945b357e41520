// Finds a quoted passage in the text of a page or a document, so that it can be marked.
//
// The two were read by different programs: spaces, line breaks, hyphens, ligatures and running heads differ. So only
// letters and digits are compared. What cannot be placed with confidence is not placed: a wrong mark is worse than none.

/** A stretch of the searched text, in UTF-16 units: from, to (exclusive). */
export interface Span {
  start: number;
  end: number;
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
/** Letters of a piece that must occur exactly once to count as found; a CJK sign says as much as a syllable or two. */
const seed = 18;
const seedCjk = 8;
const cjk = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
/** The share of the quote that must be found. */
const enough = 0.75;

/** The stretch of the original behind a stretch of bare letters, with the stop behind its last one. */
function back(text: string, page: Bare, from: number, to: number): Span {
  const end = page.ends[to - 1] ?? text.length;
  const stop = /^[.!?…。！？]["”’』」)]?/.exec(text.slice(end, end + 2));
  return { start: page.places[from] ?? 0, end: end + (stop?.[0].length ?? 0) };
}

/** Where the quote stands in the text: one span, or several when something stands between; null when unsure. */
export function place(text: string, quote: string): Span[] | null {
  const page = bare(text);
  const wanted = bare(quote).text;
  if (wanted.length < fewest) return null;
  const at = page.text.indexOf(wanted);
  if (at >= 0) {
    const again = page.text.indexOf(wanted, at + 1);
    return again >= 0 ? null : [back(text, page, at, at + wanted.length)];
  }
  return inPieces(text, page, wanted);
}

/** The quote with gaps: pieces that occur once, grown as far as both agree. They may stand in another order: columns
    and cells of tables are read in different ones. */
function inPieces(text: string, page: Bare, wanted: string): Span[] | null {
  const spans: Span[] = [];
  let found = 0;
  for (let at = 0; at < wanted.length;) {
    const least = cjk.test(wanted[at] ?? '') ? seedCjk : seed;
    const piece = wanted.slice(at, at + least);
    const hit = piece.length < least ? -1 : page.text.indexOf(piece);
    if (hit < 0 || page.text.indexOf(piece, hit + 1) >= 0) {
      at += 1;
      continue;
    }
    let length = least;
    while (at + length < wanted.length && page.text[hit + length] === wanted[at + length]) length += 1;
    spans.push(back(text, page, hit, hit + length));
    found += length;
    at += length;
  }
  if (found / wanted.length < enough) return null;
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
    if (last && bare(text.slice(last.end, span.start)).text.length <= 2) last.end = Math.max(last.end, span.end);
    else whole.push({ ...span });
  }
  return whole;
}

/** A place counted in characters (Unicode scalar values), in UTF-16 units. */
export function toUnits(text: string, start: number, end: number): Span {
  let characters = 0;
  let at = 0;
  let from = text.length;
  for (const sign of text) {
    if (characters === start) from = at;
    if (characters >= end) break;
    at += sign.length;
    characters += 1;
  }
  return { start: Math.min(from, at), end: at };
}

/** The known place when the quote really stands there, else where it can be found, else null. */
export function placeKnown(text: string, quote: string, known: { start: number; end: number } | null): Span[] | null {
  if (known && known.end > known.start) {
    const span = toUnits(text, known.start, known.end);
    if (bare(text.slice(span.start, span.end)).text === bare(quote).text) return [span];
  }
  return place(text, quote);
}
