// A grid of equal tiles: how many beside each other, how high it is, which of them are near the view. All by division,
// so that the height of 25,000 tiles is exact and any of them is found at once.

export interface GridForm {
  columns: number;
  /** Side of a tile, without the gap. */
  tile: number;
  /** Height of a row with its gap. */
  row: number;
  rows: number;
  height: number;
}

export function gridForm(count: number, width: number, least: number, gap: number): GridForm {
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const tile = Math.max(1, Math.floor((width - gap * (columns - 1)) / columns));
  const rows = Math.ceil(count / columns);
  return { columns, tile, row: tile + gap, rows, height: Math.max(0, rows * (tile + gap) - gap) };
}

/** The tiles from `top` to `bottom` (pixels), whole rows, as half-open indices. */
export function tilesBetween(form: GridForm, count: number, top: number, bottom: number): [number, number] {
  const first = Math.max(0, Math.floor(top / form.row));
  const last = Math.max(first, Math.ceil(bottom / form.row));
  return [Math.min(count, first * form.columns), Math.min(count, last * form.columns)];
}

export const ratios = ['1:1', '3:2', '2:3', '4:3', '3:4', '16:9', '9:16'] as const;
export type Ratio = (typeof ratios)[number];

/** Width and height of that ratio with about `area` pixels, in steps and within the range. */
export function sizeOf(
  ratio: Ratio,
  area: number,
  range: { min: number; max: number; step: number },
): [number, number] {
  const [w = 1, h = 1] = ratio.split(':').map(Number);
  const side = Math.sqrt(area / (w * h));
  return [fitted(side * w, range), fitted(side * h, range)];
}

/** The nearest number of the range: a multiple of its step, not below its least nor above its most. */
export function fitted(value: number, { min, max, step }: { min: number; max: number; step: number }): number {
  const stepped = step > 0 ? Math.round(value / step) * step : value;
  const kept = Math.min(max, Math.max(min, stepped));
  return Number(kept.toFixed(4));
}

/** The ratio that a size has, within 3 %; null when it is none of the usual ones. */
export function ratioOf(width: number, height: number): Ratio | null {
  for (const ratio of ratios) {
    const [w = 1, h = 1] = ratio.split(':').map(Number);
    if (Math.abs(width / height / (w / h) - 1) < 0.03) return ratio;
  }
  return null;
}
