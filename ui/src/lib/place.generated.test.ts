// Generated documents, drawn as another program would read them, with quotes whose true places are known: how many are
// marked where they stand, and that none is marked anywhere else.

import { describe, expect, it } from 'vitest';
import { aroundOf, bare, place, placeKnown, type Span } from './place';

/** mulberry32: small, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

type Random = () => number;
const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;

const words =
  'tenant landlord office finance affidavit flat roof heating repair notice deposit months interest the of and with may must keeps returns before after whenever profile shuffle efficient waffle euros agreement clause early ending written'.split(
    ' ',
  );
const signs = '租期押金利息房东承租人修理屋顶暖气书面同意通知三个月归还合同条款提前结束向量检索段落距离融合排名';

type Kind = 'latin' | 'cjk' | 'alike' | 'mixed';

function sentence(random: Random, kind: Kind): string {
  if (kind === 'cjk' || (kind === 'mixed' && random() < 0.5)) {
    const length = 8 + Math.floor(random() * 22);
    return `${Array.from({ length }, () => pick(random, [...signs])).join('')}。`;
  }
  // Near copies: only a name and a number tell them apart.
  if (kind === 'alike')
    return `The ${pick(random, words)} pays ${100 + Math.floor(random() * 900)} euros for the repair of the ${pick(random, words)} in writing. `;
  const length = 5 + Math.floor(random() * 12);
  const said = Array.from({ length }, () => pick(random, words)).join(' ');
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}. `;
}

/** Sentences of a page; some stand in it more than once. */
function textOf(random: Random, kind: Kind, repeats: number): string[] {
  const said: string[] = [];
  const count = 14 + Math.floor(random() * 30);
  while (said.length < count)
    said.push(said.length > 3 && random() < repeats ? pick(random, said) : sentence(random, kind));
  return said;
}

interface Drawn {
  text: string;
  /** For each unit, the unit of the original it came from; -1: of something that stands between. */
  from: number[];
}

const ligatures: [string, string][] = [
  ['ffi', 'ﬃ'],
  ['ff', 'ﬀ'],
  ['fi', 'ﬁ'],
  ['fl', 'ﬂ'],
];

/** As a PDF's page reads: lines cut anywhere, hyphens, ligatures, running feet in the middle, letters lost. */
function drawn(random: Random, original: string, feet: number, losses: number): Drawn {
  let text = '';
  const from: number[] = [];
  const put = (piece: string, at: number) => {
    text += piece;
    for (let unit = 0; unit < piece.length; unit += 1) from.push(at);
  };
  let column = 0;
  for (let at = 0; at < original.length;) {
    const joined = ligatures.find(([plain]) => original.startsWith(plain, at));
    const sign = original[at] ?? '';
    if (joined && random() < 0.7) {
      put(joined[1], at);
      at += joined[0].length;
      column += 1;
      continue;
    }
    if (random() < feet) put(`\nMarlowe Lettings · page ${Math.floor(random() * 90)} · 第 3 页\n`, -1);
    if (random() >= losses || sign === ' ') put(sign, at);
    column += 1;
    at += 1;
    if (column > 60 + random() * 20) {
      if (/\w/.test(sign) && /\w/.test(original[at] ?? '')) put('-', -1);
      put('\n', -1);
      column = 0;
    }
  }
  return { text, from };
}

interface Told {
  right: number;
  nothing: number;
  wrong: string[];
}

/** What was marked, against where the quote stands. */
function judge(told: Told, page: Drawn, spans: Span[] | null, quote: Span): void {
  if (!spans) {
    told.nothing += 1;
    return;
  }
  let own = 0;
  let foreign = 0;
  for (const { start, end } of spans) {
    const { places } = bare(page.text.slice(start, end));
    for (const place of places) {
      const origin = page.from[start + place] ?? -1;
      if (origin >= quote.start && origin < quote.end) own += 1;
      else foreign += 1;
    }
  }
  const all = page.from.filter((origin) => origin >= quote.start && origin < quote.end).length;
  // A foreign letter or two between two runs are closed over; a word is not.
  if (foreign > 2) told.wrong.push(spans.map(({ start, end }) => page.text.slice(start, end)).join(' ¦ '));
  else if (own >= all * 0.6) told.right += 1;
  else told.nothing += 1;
}

interface Way {
  kind: Kind;
  repeats?: number;
  feet?: number;
  losses?: number;
  /** The quote's place in the original is known, as it is for every citation. */
  known?: boolean;
}

/** `PLACES=2000` tries longer. */
const tries = Number(process.env.PLACES ?? 40);

function run({ kind, repeats = 0, feet = 0, losses = 0, known = true }: Way): Told {
  const told: Told = { right: 0, nothing: 0, wrong: [] };
  for (let seed = 1; seed <= tries; seed += 1) {
    const random = randomOf(seed * 7919);
    const said = textOf(random, kind, repeats);
    const original = said.join('');
    const first = Math.floor(random() * (said.length - 4));
    const start = said.slice(0, first).join('').length;
    const quote = said.slice(first, first + 1 + Math.floor(random() * 4)).join('');
    const span = { start, end: start + quote.length };
    const page = drawn(random, original, feet, losses);
    const around = known ? aroundOf(original, quote, span) : null;
    judge(told, page, place(page.text, quote, around), span);
  }
  return told;
}

function check(way: Way, least: number): void {
  const told = run(way);
  const all = told.right + told.nothing + told.wrong.length;
  expect(told.wrong, 'marked where it does not stand').toEqual([]);
  expect(told.right / all, 'share that is marked where it stands').toBeGreaterThanOrEqual(least);
}

describe('generated pages', { timeout: tries * 1_500 }, () => {
  it('line_breaks_hyphens_and_ligatures_never_matter', () => {
    for (const kind of ['latin', 'cjk', 'mixed'] as const) check({ kind }, 1);
  });

  it('repeated_sentences_are_told_apart_by_where_they_stand', () => {
    check({ kind: 'latin', repeats: 0.4 }, 0.99);
    check({ kind: 'cjk', repeats: 0.4 }, 0.99);
    check({ kind: 'alike', repeats: 0.6 }, 0.99);
  });

  it('without_a_known_place_a_repeated_sentence_is_not_guessed_at', () => {
    check({ kind: 'latin', known: false }, 0.99);
    const told = run({ kind: 'latin', repeats: 0.5, known: false });
    expect(told.nothing).toBeGreaterThan(0);
  });

  it('running_feet_in_the_middle_are_marked_around', () => {
    check({ kind: 'latin', feet: 0.004 }, 0.9);
    check({ kind: 'cjk', feet: 0.02 }, 0.75);
    check({ kind: 'mixed', feet: 0.006 }, 0.85);
  });

  it('lost_letters_are_forgiven_and_near_copies_are_not_taken_for_it', () => {
    check({ kind: 'latin', losses: 0.03 }, 0.9);
    check({ kind: 'alike', losses: 0.02, feet: 0.004 }, 0.3);
    check({ kind: 'alike', repeats: 0.3, losses: 0.02, feet: 0.004 }, 0.2);
    check({ kind: 'latin', repeats: 0.4, losses: 0.02, feet: 0.004 }, 0.3);
  });

  it('what_does_not_stand_on_the_page_is_never_marked', () => {
    for (let seed = 1; seed <= 80; seed += 1) {
      const random = randomOf(seed * 104_729);
      for (const kind of ['latin', 'cjk', 'mixed'] as const) {
        const page = drawn(random, textOf(random, kind, 0.2).join(''), 0.003, 0.01);
        const quote = `${sentence(random, kind)}${sentence(random, kind)}`;
        if (bare(page.text).text.includes(bare(quote).text)) continue;
        expect(place(page.text, quote), quote).toBeNull();
      }
    }
  });

  it('a_known_place_in_the_same_text_is_always_exact', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = randomOf(seed * 31);
      const said = textOf(random, 'alike', 0.6).map((each) => (random() < 0.2 ? `😀${each}` : each));
      const first = Math.floor(random() * said.length);
      const start = [...said.slice(0, first).join('')].length;
      const quote = said[first] ?? '';
      const units = said.slice(0, first).join('').length;
      expect(placeKnown(said.join(''), quote, { start, end: start + [...quote].length })).toEqual([
        { start: units, end: units + quote.length },
      ]);
    }
  });
});
