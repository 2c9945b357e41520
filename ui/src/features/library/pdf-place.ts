// Where a passage stands in a PDF: on its page, or across that and the next.

import { bare, place, type Around, type Span } from '$lib/place';

/** Pages' runs of text, as their text layers have them. */
export type RunsOf = (page: number) => Promise<string[]>;

export type Marks = ReadonlyMap<number, Span[]>;

/** Marks for the passage by page; null when it cannot be placed. `page` counts from 1; null: it is looked for. */
export async function placeInPages(
  runs: RunsOf,
  pages: number,
  quote: string,
  page: number | null,
  around: Around | null,
): Promise<Marks | null> {
  if (page === null) {
    const found = await onlyPage(runs, pages, quote);
    return found === null ? null : placeInPages(runs, pages, quote, found, around);
  }
  if (page < 1 || page > pages) return null;
  const own = (await runs(page)).join(' ');
  const spans = place(own, quote, around);
  if (spans) return new Map([[page, spans]]);
  if (page === pages) return null;
  const next = (await runs(page + 1)).join(' ');
  return across(page, own, place(`${own} ${next}`, quote, around));
}

/** Spans of two pages' joined text, by page. */
function across(page: number, own: string, spans: readonly Span[] | null): Marks | null {
  if (!spans) return null;
  const second = own.length + 1;
  const first = spans.filter(({ start }) => start < own.length);
  const rest = spans.filter(({ end }) => end > second);
  return new Map([
    [page, first.map(({ start, end }) => ({ start, end: Math.min(end, own.length) }))],
    [page + 1, rest.map(({ start, end }) => ({ start: Math.max(0, start - second), end: end - second }))],
  ]);
}

/** The one page on which the very words begin. */
async function onlyPage(runs: RunsOf, pages: number, quote: string): Promise<number | null> {
  const wanted = bare(quote).text;
  let found: number | null = null;
  let before = '';
  for (let page = 1; page <= pages; page += 1) {
    const text = bare((await runs(page)).join(' ')).text;
    const begins = text.includes(wanted)
      ? page
      : (before.slice(-wanted.length) + text.slice(0, wanted.length)).includes(wanted)
        ? page - 1
        : null;
    if (begins !== null && found !== null) return null;
    found ??= begins;
    before = text;
  }
  return found;
}
