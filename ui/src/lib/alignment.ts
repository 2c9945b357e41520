// Lays a quote over a text in which other things stand between: a running foot, a page number, a lost letter.
//
// A semi-global alignment with affine gaps (Gotoh 1982): the whole quote against any stretch of the text. The stretch
// that costs least is the place, unless another one costs hardly more: near-copies of a sentence are told apart by
// nothing else.

/** Matching stretches: from, to in the text, and where in the quote they begin. */
export interface Run {
  start: number;
  end: number;
  quote: number;
}

/** A letter that differs. */
const differs = 3;
/** A letter of the quote that the text lost. */
const lost = 1;
/** Something stands between: opening it, and each of its letters. */
const opening = 6;
const between = 0.02;
/** Costs above this share of the quote's length are no likeness. */
const most = 0.3;
/** Another place must cost at least so much more. */
const clear = 10;
/** Cells of one alignment: some tens of megabytes, some tenths of a second. */
const cells = 40_000_000;

const matched = 0;
const skipped = 1;
const dropped = 2;
/** The way back: the state that a cell of the state `matched` came from, and whether a gap was opened. */
const openedFlag = 4;

/** Where the quote lies in the text, in stretches; null when it is not there, or may be in two places. */
export function align(text: string, quote: string): Run[] | null {
  const [width, height] = [text.length, quote.length];
  if (width === 0 || height === 0 || (width + 1) * (height + 1) > cells) return null;
  // Best costs that end in a pair, and in skipped letters of the text; where the alignment began.
  let pair = new Float32Array(width + 1);
  let gap = new Float32Array(width + 1).fill(Infinity);
  let began = Int32Array.from({ length: width + 1 }, (_, at) => at);
  let gapBegan = new Int32Array(width + 1);
  const trace = new Uint8Array((width + 1) * (height + 1));
  for (let row = 1; row <= height; row += 1) {
    const letter = quote.charCodeAt(row - 1);
    const nextPair = new Float32Array(width + 1);
    const nextGap = new Float32Array(width + 1).fill(Infinity);
    const nextBegan = new Int32Array(width + 1);
    const nextGapBegan = new Int32Array(width + 1);
    const line = row * (width + 1);
    nextPair[0] = row * lost;
    trace[line] = dropped;
    for (let column = 1; column <= width; column += 1) {
      const same = text.charCodeAt(column - 1) === letter;
      // A pair follows a pair or the end of what stood between.
      const before = pair[column - 1] ?? 0;
      const beforeGap = gap[column - 1] ?? Infinity;
      const over = beforeGap < before;
      let cost = (over ? beforeGap : before) + (same ? 0 : differs);
      let from = over ? skipped : matched;
      let start = (over ? gapBegan[column - 1] : began[column - 1]) ?? 0;
      const without = (pair[column] ?? 0) + lost;
      if (without < cost) {
        cost = without;
        from = dropped;
        start = began[column] ?? 0;
      }
      nextPair[column] = cost;
      nextBegan[column] = start;
      // Skipping this letter of the text, behind a pair or on in the same gap.
      const open = (nextPair[column - 1] ?? 0) + opening + between;
      const on = (nextGap[column - 1] ?? Infinity) + between;
      nextGap[column] = Math.min(open, on);
      nextGapBegan[column] = (open <= on ? nextBegan[column - 1] : nextGapBegan[column - 1]) ?? 0;
      trace[line + column] = from | (open <= on ? openedFlag : 0);
    }
    [pair, gap, began, gapBegan] = [nextPair, nextGap, nextBegan, nextGapBegan];
  }
  const end = clearlyBest(pair, began, height);
  return end === null ? null : wayBack(text, quote, trace, end);
}

/** The end of the cheapest alignment; null when it costs too much, or another place costs about the same. */
function clearlyBest(costs: Float32Array, began: Int32Array, length: number): number | null {
  let best = 0;
  for (let at = 1; at < costs.length; at += 1) if ((costs[at] ?? 0) < (costs[best] ?? 0)) best = at;
  const cost = costs[best] ?? Infinity;
  if (cost > length * most) return null;
  const from = began[best] ?? 0;
  for (let at = 0; at < costs.length; at += 1) {
    const other = began[at] ?? 0;
    const shared = Math.min(at, best) - Math.max(other, from);
    const elsewhere = shared < 0.5 * Math.min(at - other, best - from);
    if (elsewhere && (costs[at] ?? 0) < cost + clear) return null;
  }
  return best;
}

function wayBack(text: string, quote: string, trace: Uint8Array, end: number): Run[] {
  const width = text.length + 1;
  const runs: Run[] = [];
  let row = quote.length;
  let column = end;
  let state = matched;
  while (row > 0) {
    const step = trace[row * width + column] ?? 0;
    if (state === skipped) {
      if (step & openedFlag) state = matched;
      column -= 1;
      continue;
    }
    const from = step & 3;
    if (from === dropped) {
      row -= 1;
      continue;
    }
    row -= 1;
    column -= 1;
    if (text.charCodeAt(column) === quote.charCodeAt(row)) {
      const last = runs.at(-1);
      if (last && last.start === column + 1 && last.quote === row + 1) {
        last.start = column;
        last.quote = row;
      } else runs.push({ start: column, end: column + 1, quote: row });
    }
    state = from;
  }
  return runs.reverse();
}
