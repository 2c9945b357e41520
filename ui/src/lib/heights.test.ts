import { describe, expect, it } from 'vitest';
import { Heights } from './heights';

function plain(heights: number[]) {
  const made = new Heights();
  made.reset(
    heights.length,
    (index) => heights[index] ?? 0,
    () => undefined,
  );
  return made;
}

/** A small generator with a seed: the same rows at each run. */
function random(seed: number) {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

describe('Heights', () => {
  it('sums_agree_with_adding_up_after_any_changes', () => {
    const next = random(7);
    const truth = Array.from({ length: 257 }, () => Math.floor(next() * 300));
    const heights = plain(truth);
    for (let round = 0; round < 500; round += 1) {
      const index = Math.floor(next() * truth.length);
      const height = Math.floor(next() * 900);
      expect(heights.set(index, height)).toBe(height - (truth[index] ?? 0));
      truth[index] = height;
    }
    let sum = 0;
    truth.forEach((height, index) => {
      expect(heights.top(index)).toBe(sum);
      sum += height;
    });
    expect(heights.total).toBe(sum);
  });

  it('finds_the_row_at_an_offset', () => {
    const heights = plain([10, 20, 30, 40]);
    expect([0, 9, 10, 29, 30, 59, 60, 99].map((offset) => heights.at(offset))).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(heights.at(-5)).toBe(0);
    expect(heights.at(5000)).toBe(3);
  });

  it('the_row_at_its_own_top_is_the_row', () => {
    const next = random(3);
    const heights = plain(Array.from({ length: 1000 }, () => 1 + Math.floor(next() * 200)));
    for (let index = 0; index < 1000; index += 1) expect(heights.at(heights.top(index))).toBe(index);
  });

  it('a_range_covers_every_row_that_is_touched', () => {
    const heights = plain([100, 100, 100, 100]);
    expect(heights.range(150, 250)).toEqual({ start: 1, end: 3 });
    expect(heights.range(-600, 5000)).toEqual({ start: 0, end: 4 });
    expect(plain([]).range(0, 900)).toEqual({ start: 0, end: 0 });
  });

  it('measured_heights_survive_a_reset_and_estimates_fill_the_rest', () => {
    const heights = plain([50, 50]);
    heights.set(0, 80);
    heights.reset(
      3,
      () => 10,
      (index) => (index === 0 ? 80 : undefined),
    );
    expect([heights.of(0), heights.of(1), heights.total]).toEqual([80, 10, 100]);
    expect([heights.isMeasured(0), heights.isMeasured(1)]).toEqual([true, false]);
  });
});
