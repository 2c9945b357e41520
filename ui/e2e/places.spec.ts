// Marks in the viewer against the truth: generated documents of which every word's place is known, read by our own reader
// and drawn by pdf.js. A passage is marked where it stands, or not at all. The documents and their truth are made and
// checked by `cargo test -p ingest --test places`.

import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import type { DocumentText, PlacedLine } from '../src/ipc/generated/domain';
import { expect, test } from './window';

const folder = new URL('../../tests/fixtures/places/', import.meta.url);
const names = [
  'running',
  'columns',
  'typewriter',
  'hyphens',
  'ligatures',
  'repeated',
  'repeated-columns',
  'alike',
  'table',
  'chinese',
  'turned',
  'upside-down',
  'turned-left',
  'cropped',
  'scan-layer',
  'shuffled-words',
  'shuffled-turned',
  'shuffled-cropped',
] as const;

/** A passage of the text, in characters, and the words of its page that it is made of. */
interface Passage {
  page: number;
  start: number;
  end: number;
  words: number[];
}

interface Truth {
  name: string;
  width: number;
  height: number;
  text: string;
  sections: [page: number, start: number, end: number][];
  lines: [page: number, start: number, end: number, left: number, bottom: number, width: number, height: number][];
  /** By page: line, left, base line, width and size, from the upper left of the page as it is shown. */
  words: [line: number, left: number, base: number, width: number, size: number][][];
  passages: Passage[];
}

const truthOf = (name: string): Truth => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Truth;

const characters = (text: string, start: number, end: number): string => [...text].slice(start, end).join('');

/** A marked rectangle, in points from the upper left of its page. */
interface Marked {
  page: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

interface Marks {
  /** By the words in the text layer, by where lines are drawn, or not at all. */
  how: 'words' | 'lines' | 'nothing';
  rectangles: Marked[];
}

/** Has the window hold one document, as it was read. */
async function shelve(page: Page, document: DocumentText, pdf: string, lines: readonly Truth['lines'][number][]) {
  await page.evaluate(
    ({ document, pdf, lines }) => {
      const library = window.edgewise.backend.library.shelves;
      library.documentText = async () => document;
      library.documentBytes = async () => Uint8Array.from(atob(pdf), (letter) => letter.charCodeAt(0));
      library.placedLines = async (_id, start, end): Promise<PlacedLine[]> =>
        lines
          .filter(([, from, to]) => from < end && start < to)
          .map(([page, , , ...area]) => {
            const [left = 0, bottom = 0, width = 0, height = 0] = area.map((tenths) => tenths / 10);
            return { page, left, bottom, width, height };
          });
    },
    { document, pdf, lines },
  );
}

async function openTruth(page: Page, truth: Truth, { withLines = true } = {}): Promise<void> {
  const pdf = readFileSync(new URL(`${truth.name}.pdf`, folder)).toString('base64');
  const [row] = await page.evaluate(
    async () =>
      (
        await window.edgewise.backend.documents({
          ...{ collection: null, name: 'Lease', sort: 'name', descending: false, offset: 0, limit: 1 },
        })
      ).documents,
  );
  if (!row) throw new Error('the library is empty');
  const document: DocumentText = {
    document: { ...row, id: truth.name, name: `${truth.name}.pdf`, pages: 2 },
    text: truth.text,
    sections: truth.sections.map(([page, start, end]) => ({ headingPath: [], page, start, end, kind: 'prose' })),
    pdfUrl: `media://document/${truth.name}`,
  };
  await shelve(page, document, pdf, withLines ? truth.lines : []);
}

/** Opens a passage as a citation does, and waits until it is marked or the viewer says that it is not. */
function marksOf(
  page: Page,
  wanted: {
    document: string;
    page: number;
    quote: string;
    known: { start: number; end: number } | null;
    width: number;
  },
): Promise<Marks> {
  return page.evaluate(async ({ document, page, quote, known, width }): Promise<Marks> => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    window.edgewise.app.library.reading = { document, title: document, page, quote, known };
    await frame();
    await frame();
    const found = (): Marked[] =>
      [...globalThis.document.querySelectorAll<HTMLElement>('.panel .page')].flatMap((sheet) => {
        const box = sheet.getBoundingClientRect();
        const scale = box.width / width;
        const number = Number(/\d+/.exec(sheet.ariaLabel ?? '')?.[0]);
        // pdf.js puts spaces of its own between runs: a marked one of these shows nothing.
        const drawn = [...sheet.querySelectorAll('mark')].filter(
          (mark) => mark.closest('.areas') || (mark.textContent ?? '').trim() !== '',
        );
        return drawn.map((mark) => {
          const { left, top, right, bottom } = mark.getBoundingClientRect();
          return {
            page: number,
            left: (left - box.left) / scale,
            top: (top - box.top) / scale,
            right: (right - box.left) / scale,
            bottom: (bottom - box.top) / scale,
          };
        });
      });
    for (let waited = 0; waited < 600; waited += 1) {
      if (globalThis.document.querySelector('.panel .unplaced')) return { how: 'nothing', rectangles: found() };
      const rectangles = found();
      if (rectangles.length > 0) {
        const lines = globalThis.document.querySelector('.panel .areas mark') !== null;
        return { how: lines ? 'lines' : 'words', rectangles };
      }
      await frame();
    }
    throw new Error(`neither marked nor said to be unmarked: ${quote}`);
  }, wanted);
}

/** What is wrong with the marks; nothing where they are right, or there are none. */
type Fault = string | null;

/** How much of a word is under marks, 0 to 1. */
function covered(marks: readonly Marked[], page: number, [, left, base, width, size]: Truth['words'][number][number]) {
  const middle = base - size * 0.25;
  let share = 0;
  for (const mark of marks) {
    if (mark.page !== page || mark.top > middle || mark.bottom < middle) continue;
    share += Math.max(0, Math.min(mark.right, left + width) - Math.max(mark.left, left)) / width;
  }
  return Math.min(1, share);
}

/** What was marked, against the words that the passage is made of. By lines, a line's other words are marked with it. */
function judge({ how, rectangles }: Marks, truth: Truth, passage: Passage): Fault {
  if (how === 'nothing') return rectangles.length === 0 ? null : 'marked and said not to be';
  const own = new Set(passage.words);
  const page = truth.words[passage.page - 1] ?? [];
  const lines = new Set(passage.words.map((word) => page[word]?.[0]));
  let inside = 0;
  for (const [number, words] of truth.words.entries()) {
    for (const [index, word] of words.entries()) {
      const share = covered(rectangles, number + 1, word);
      const isOwn = number + 1 === passage.page && own.has(index);
      const mayBe = number + 1 === passage.page && how === 'lines' && lines.has(word[0]);
      if (isOwn && share > 0.5) inside += 1;
      if (!isOwn && !mayBe && share > 0.35)
        return `word ${index} of page ${number + 1} is marked by ${Math.round(share * 100)} %`;
    }
  }
  // And nothing is marked where no word is: each mark is over a word of the passage's lines.
  for (const mark of rectangles) {
    const over = page.some(
      ([line, left, base, width, size]) =>
        lines.has(line) &&
        mark.top < base - size * 0.25 &&
        mark.bottom > base - size * 0.25 &&
        mark.left < left + width &&
        mark.right > left,
    );
    if (mark.page !== passage.page || !over || mark.bottom - mark.top > 3 * (page[0]?.[4] ?? 12))
      return `a mark lies where no word of it is: ${JSON.stringify(mark)}`;
  }
  return inside >= own.size * 0.6 ? null : `${inside} of its ${own.size} words are marked`;
}

/** The next passage of the page, or the one before. */
const another = (truth: Truth, passage: Passage): Passage | undefined => {
  const at = truth.passages.indexOf(passage);
  return [truth.passages[at + 1], truth.passages[at - 1]].find((each) => each?.page === passage.page);
};

/** Passages of a document that stands open, and what the viewer made of them. */
async function measure(page: Page, truth: Truth): Promise<{ told: Record<string, number>; wrong: string[] }> {
  const told = { passages: 0, words: 0, lines: 0, nothing: 0, wrong: 0, seen: 0, controls: 0 };
  const wrong: string[] = [];
  for (const passage of truth.passages) {
    const quote = characters(truth.text, passage.start, passage.end);
    const known = { start: passage.start, end: passage.end };
    const marks = await marksOf(page, {
      ...{ document: truth.name, page: passage.page, quote, known, width: truth.width },
    });
    const fault = judge(marks, truth, passage);
    told.passages += 1;
    if (fault !== null) {
      told.wrong += 1;
      wrong.push(`page ${passage.page}, by ${marks.how}: ${fault}: ${quote}`);
    } else told[marks.how] += 1;
    // The judge would notice: against another passage's place the same marks are wrong.
    const other = another(truth, passage);
    if (!other || marks.how === 'nothing') continue;
    told.controls += 1;
    if (judge(marks, truth, other) !== null) told.seen += 1;
  }
  return { told, wrong };
}

test('what_does_not_stand_in_a_document_is_marked_nowhere', async ({ desk, page }) => {
  const truth = truthOf('columns');
  await desk.open({}, '#/library');
  await openTruth(page, truth);
  let count = 0;
  for (const name of ['running', 'typewriter', 'alike', 'table', 'chinese'] as const) {
    const other = truthOf(name);
    for (const passage of other.passages.slice(0, 6)) {
      const quote = characters(other.text, passage.start, passage.end);
      // As from a link: only the words, or words and a place where they do not stand.
      for (const known of [null, { start: passage.start, end: passage.end }]) {
        const marks = await marksOf(page, {
          ...{ document: truth.name, page: 1 + (count % 2), quote, known, width: truth.width },
        });
        expect(marks, quote).toEqual({ how: 'nothing', rectangles: [] });
        count += 1;
      }
    }
  }
  expect(count).toBe(60);
});

/** A document without pages, and its passages by their places. */
interface Letter {
  text: string;
  sections: [start: number, end: number][];
  passages: [start: number, end: number][];
}

test('passages_of_a_word_document_are_marked_in_its_text_where_they_stand', async ({ desk, page }) => {
  test.setTimeout(60_000);
  const letter = JSON.parse(readFileSync(new URL('letter.json', folder), 'utf8')) as Letter;
  await desk.open({}, '#/library');
  const told = await page.evaluate(async (letter) => {
    const { app, backend } = window.edgewise;
    const query = { collection: null, name: null, sort: 'name', descending: false, offset: 0, limit: 1 };
    const [row] = (await backend.documents(query)).documents;
    if (!row) throw new Error('the library is empty');
    const text: DocumentText = {
      document: { ...row, id: 'letter', name: 'letter.docx', format: 'docx', pages: null },
      text: letter.text,
      sections: letter.sections.map(([start, end]) => ({ headingPath: [], page: null, start, end, kind: 'prose' })),
      pdfUrl: null,
    };
    backend.library.shelves.documentText = async () => text;
    const signs = [...letter.text];
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    /** Where the marked text stands in the text that is shown: letters before it, and the marked letters. */
    const marked = () => {
      const within = [...document.querySelectorAll<HTMLElement>('.panel .part')];
      let before = 0;
      let found = null as { before: number; text: string } | null;
      for (const part of within) {
        for (const node of part.childNodes) {
          const own = (node.textContent ?? '').replace(/\s/g, '');
          if (node instanceof HTMLElement && node.tagName === 'MARK') {
            found = { before: found?.before ?? before, text: (found?.text ?? '') + own };
          }
          before += own.length;
        }
      }
      return found;
    };
    let right = 0;
    const wrong: string[] = [];
    for (const [start, end] of letter.passages) {
      const quote = signs.slice(start, end).join('');
      app.library.reading = { document: 'letter', title: 'letter.docx', page: null, quote, known: { start, end } };
      await frame();
      await frame();
      for (let waited = 0; waited < 300 && !marked(); waited += 1) await frame();
      const found = marked();
      const expected = signs.slice(0, start).join('').replace(/\s/g, '').length;
      if (found?.before === expected && found.text === quote.replace(/\s/g, '')) right += 1;
      else wrong.push(`${start}: ${JSON.stringify(found)}`);
    }
    return { right, wrong };
  }, letter);
  process.stdout.write(`letter: ${told.right} right\n`);
  expect(told.wrong, 'marked where they do not stand').toEqual([]);
  expect(told.right).toBe(letter.passages.length);
});

for (const name of names) {
  test(`passages_of_${name}_are_marked_where_they_stand`, async ({ desk, page }) => {
    test.setTimeout(60_000);
    const truth = truthOf(name);
    await desk.open({}, '#/library');
    await openTruth(page, truth);
    const { told, wrong } = await measure(page, truth);
    process.stdout.write(`${name}: ${JSON.stringify(told)}\n`);
    expect(wrong, 'marked where they do not stand').toEqual([]);
    expect(told.seen, 'a wrong mark is noticed').toBe(told.controls);
    expect(told.controls).toBeGreaterThan(0);
  });
}
