// Excerpts of Markdown as text to be read: without its marks, and with the hits where they were.
//
// No parser: an excerpt may begin and end anywhere, and what is not surely a mark stays as it was written.

/** A stretch of text; `hit`: it is what was searched for. */
export interface Piece {
  text: string;
  hit: boolean;
}

/** What separates a heading or a row from what follows, and a cell from the next: an excerpt is one paragraph. */
const lineEnd = ' — ';
const cellEnd = ' · ';

/** Stands for a character of the text that is none to the rules that follow: code, an address, a mark that is gone. */
const taken = '\uE000';
const gone = '\uE001';

/** A text under work. Its rules see `seen`, in which everything keeps its place. */
class Sheet {
  seen: string;
  #gone: Uint8Array;
  #instead = new Map<number, string>();

  constructor(readonly text: string) {
    this.seen = text;
    this.#gone = new Uint8Array(text.length);
  }

  /** Leaves a stretch out, or puts something in its place. */
  cut(start: number, end: number, by = ''): void {
    if (end <= start) return;
    this.#gone.fill(1, start, end);
    this.#hide(start, end, gone);
    if (by) this.#instead.set(start, by);
  }

  /** The rules that follow leave a stretch alone. */
  keep(start: number, end: number): void {
    this.#hide(start, end, taken);
  }

  #hide(start: number, end: number, by: string): void {
    // A line stays a line.
    const held = this.seen.slice(start, end).replace(/[^\n]/g, by);
    this.seen = this.seen.slice(0, start) + held + this.seen.slice(end);
  }

  /** Calls `rule` for each match, with where it begins. */
  each(pattern: RegExp, rule: (match: RegExpMatchArray, at: number) => void): void {
    for (const match of [...this.seen.matchAll(pattern)]) rule(match, match.index);
  }

  /** Takes away the marks around what stands between them: the first group, the same at both ends. */
  unwrap(pattern: RegExp): void {
    this.each(pattern, ([whole, mark = ''], at) => {
      this.cut(at, at + mark.length);
      this.cut(at + whole.length - mark.length, at + whole.length);
    });
  }

  /** What is left of a stretch. */
  read(start: number, end: number): string {
    let read = '';
    for (let at = start; at < end; at += 1) {
      read += this.#instead.get(at) ?? '';
      if (!this.#gone[at]) read += this.text[at] ?? '';
    }
    return read;
  }
}

/** What is read into Markdown, or is Markdown itself. */
const markdown = /\.(?:pdf|docx?|docm|pptx?|xls[xbm]?|od[tps]|epub|x?html?|md|mdx|markdown|eml|msg|mbox|csv|tsv|rtf)$/i;
const extension = /\.[a-z][a-z0-9]{0,9}$/i;

/** A passage of a document of this name, as text to be read. Source code, data and plain text stay as they were written: a `#`
    may mean something there. What has no such name (a page, a pasted text) is taken for Markdown. */
export const readable = (name: string, text: string): string =>
  markdown.test(name) || !extension.test(name) ? plain(text) : text;

/** The text without the marks of Markdown. */
export const plain = (text: string): string => plainPieces([{ text, hit: false }])[0]?.text ?? '';

/** The pieces of one text without the marks of Markdown; a hit stays one. */
export function plainPieces(pieces: readonly Piece[]): Piece[] {
  const sheet = new Sheet(pieces.map(({ text }) => text).join(''));
  fences(sheet);
  codeSpans(sheet);
  lines(sheet);
  tables(sheet);
  links(sheet);
  emphasis(sheet);
  sheet.each(/\\(?=[\\`*_{}[\]()#+.!|~>-])/g, (_, at) => sheet.cut(at, at + 1));
  let at = 0;
  const read = pieces.map(({ text, hit }) => ({ text: sheet.read(at, (at += text.length)), hit }));
  const first = read[0];
  if (first) first.text = first.text.replace(/^\s+/, '');
  return read.filter(({ text }) => text !== '');
}

/** Fenced code keeps what is in it. A fence that none answers is the other end of one outside of the excerpt. */
function fences(sheet: Sheet): void {
  const all = [...sheet.seen.matchAll(/^ {0,3}(?:`{3,}|~{3,})([^`\n]*)(?:\n|$(?![\s\S]))/gm)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    bare: match[1]?.trim() === '',
  }));
  for (const { start, end } of all) sheet.cut(start, end);
  let outside = 0;
  for (let at = 0; at < all.length; at += 1) {
    const [fence, next] = [all[at], all[at + 1]];
    if (!fence) continue;
    if (fence.bare && !next?.bare) sheet.keep(outside, fence.start);
    else {
      sheet.keep(fence.end, next?.start ?? sheet.text.length);
      if (next?.bare) at += 1;
    }
    outside = all[at]?.end ?? outside;
  }
}

function codeSpans(sheet: Sheet): void {
  // No word ends where code begins, and no stop or space follows: that is the end of one outside of the excerpt.
  sheet.each(/(?<![`\w\\])(`+)(?![`\s,;:?)])((?:[^\n]|\n(?!\s*\n))*?[^`])\1(?!`)/g, ([whole, ticks = ''], at) => {
    sheet.cut(at, at + ticks.length);
    sheet.keep(at + ticks.length, at + whole.length - ticks.length);
    sheet.cut(at + whole.length - ticks.length, at + whole.length);
  });
  sheet.each(/(?<![`\\])`(?!`)/g, (_, at) => sheet.cut(at, at + 1));
}

/** Marks that begin or fill a line. */
function lines(sheet: Sheet): void {
  const fill = (whole: string, at: number): void => sheet.cut(at, at + whole.length);
  // A quote may hold any of the others.
  sheet.each(/^ {0,3}(?:> ?)+/gm, ([whole], at) => fill(whole, at));
  sheet.each(/^[ \uE001]*#{1,6}[ \t]+(?=\S)/gm, ([whole], at) => {
    const end = endOf(sheet.seen, at);
    const close = /[ \t]+#+[ \t]*$/.exec(sheet.seen.slice(at, end))?.[0].length ?? 0;
    fill(whole, at);
    heading(sheet, end - close, end);
  });
  // The line under a heading, and the one between two parts.
  sheet.each(/(?<=\S)\n {0,3}(?:={2,}|-{2,})[ \t]*(?=\n|$)/g, ([whole], at) => heading(sheet, at, at + whole.length));
  sheet.each(/^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/gm, ([whole], at) => fill(whole, at));
  sheet.each(/^[ \t\uE001]*[-*+] +(?:\[[ xX]\] +)?(?=\S)/gm, ([whole], at) => sheet.cut(at, at + whole.length, '• '));
  sheet.each(/<!--[\s\S]*?-->/g, ([whole], at) => fill(whole, at));
  sheet.each(/<br ?\/?>/gi, ([whole], at) => sheet.cut(at, at + whole.length, ' '));
}

/** What stands behind a heading's words is cut, and they are set apart from what follows. */
function heading(sheet: Sheet, from: number, to: number): void {
  const behind = /^\s*/.exec(sheet.seen.slice(to))?.[0].length ?? 0;
  const follows = to + behind < sheet.text.length;
  sheet.cut(from, to + behind, follows ? lineEnd : '');
}

function endOf(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** Rows with the same number of pipes below each other, and a row that pipes enclose. */
function tables(sheet: Sheet): void {
  const rows: { start: number; end: number; pipes: number; closed: boolean; rule: boolean }[] = [];
  let start = 0;
  for (const line of sheet.seen.split('\n')) {
    rows.push({
      start,
      end: start + line.length,
      pipes: [...line.matchAll(/(?<!\\)\|/g)].length,
      closed: /^\s*\|.*\|\s*$/.test(line),
      rule: /^[\s|:-]*-[\s|:-]*$/.test(line) && line.includes('|'),
    });
    start += line.length + 1;
  }
  rows.forEach((row, index) => {
    if (row.pipes === 0) return;
    if (row.rule) return sheet.cut(row.start, Math.min(row.end + 1, sheet.text.length));
    const like = (other: (typeof rows)[number] | undefined): boolean => other?.pipes === row.pipes;
    if (!row.closed && !like(rows[index - 1]) && !like(rows[index + 1])) return;
    const line = sheet.seen.slice(row.start, row.end);
    const lead = /^\s*\|\s*/.exec(line)?.[0].length ?? 0;
    const tail = /\s*(?<!\\)\|?\s*$/.exec(line.slice(lead))?.[0].length ?? 0;
    for (const match of line.slice(lead, line.length - tail).matchAll(/\s*(?<!\\)\|\s*/g)) {
      const at = row.start + lead + match.index;
      sheet.cut(at, at + match[0].length, cellEnd);
    }
    sheet.cut(row.start, row.start + lead);
    const more = rows.slice(index + 1).find(({ rule }) => !rule);
    sheet.cut(row.end - tail, row.end);
    if (more && more.pipes > 0) sheet.cut(row.end, row.end + 1, lineEnd);
  });
}

/** Links and pictures are read by their words. One that the end of the excerpt cut off loses its address. */
function links(sheet: Sheet): void {
  const words = '((?:[^[\\]\\n]|\\[[^[\\]\\n]*\\])*)';
  const address = '\\([^()\\s]*(?:\\([^()\\s]*\\)[^()\\s]*)*(?:[ \\t]+"[^"\\n]*")?\\)';
  // A number in brackets is a citation; the next one is no address of it.
  const reference = '\\[(?!\\d+\\])[^[\\]\\n]*\\]';
  const link = new RegExp(`!?\\[${words}\\](?:${address}|${reference}|\\([^()\\s]*$)`, 'g');
  const unlink = ([whole, inner = '']: RegExpMatchArray, at: number): void => {
    const from = at + whole.indexOf('[') + 1;
    sheet.cut(at, from);
    sheet.cut(from + inner.length, at + whole.length);
  };
  // Twice: a link may be a picture.
  sheet.each(link, unlink);
  sheet.each(link, unlink);
  sheet.each(/\[\^[^\]\s]+\]:?/g, ([whole], at) => sheet.cut(at, at + whole.length));
  sheet.each(/<((?:https?:\/\/|mailto:)[^<>\s]+)>/g, ([whole], at) => {
    sheet.cut(at, at + 1);
    sheet.keep(at + 1, at + whole.length - 1);
    sheet.cut(at + whole.length - 1, at + whole.length);
  });
  sheet.each(/https?:\/\/[^\s<>"'，。；、）】》]+/g, ([whole], at) => sheet.keep(at, at + whole.length));
}

function emphasis(sheet: Sheet): void {
  // `x**2` is no mark.
  const paragraph = '(?:[^\\n]|\\n(?!\\s*\\n))+?';
  sheet.unwrap(
    new RegExp(
      `(?<![\\\\*])(?<!\\w(?=\\*\\*\\w))(\\*\\*\\*|\\*\\*)(?=[^\\s*])${paragraph}(?<=[^\\s\\\\])\\1(?!\\*)`,
      'g',
    ),
  );
  sheet.unwrap(new RegExp(`(?<![\\\\~])(~~)(?=\\S)${paragraph}(?<=\\S)\\1`, 'g'));
  sheet.unwrap(/(?<![\w\\*])(\*)(?=[^\s*])[^*\n]*?(?<=[^\s*\\])\*(?![\w*])/g);
  sheet.unwrap(/(?<![\p{L}\p{N}\\_])(__|_)(?=[^\s_])[^\n]*?(?<=[^\s_\\])\1(?![\p{L}\p{N}_])/gu);
  // The other end of these lies outside of the excerpt. `**words` may be code where there are several marks.
  sheet.each(/(?<=[^\s*\\(])\*\*(?![\w*(])/g, (_, at) => sheet.cut(at, at + 2));
  const [only, more] = sheet.seen.matchAll(/(?<![*\\])\*\*(?!\*)/g);
  if (only && !more && /^(?:^|[^\w*])\*\*[^\s*]/.test(sheet.seen.slice(Math.max(0, only.index - 1), only.index + 3)))
    sheet.cut(only.index, only.index + 2);
}
