import { describe, expect, it } from 'vitest';
import { fitted, gridForm, ratioOf, ratios, sizeOf, tilesBetween } from './grid';

describe('the grid', () => {
  it('is_as_high_as_its_rows_whatever_their_number', () => {
    const form = gridForm(25_000, 616, 144, 8);
    expect(form.columns).toBe(4);
    expect(form.tile * 4 + 24).toBeLessThanOrEqual(616);
    expect(form.height).toBe(6250 * form.row - 8);
    expect(gridForm(0, 616, 144, 8).height).toBe(0);
    expect(gridForm(3, 80, 144, 8).columns, 'a narrow place has one column').toBe(1);
  });

  it('draws_whole_rows_around_the_view_and_nothing_else', () => {
    const form = gridForm(1000, 616, 144, 8);
    const [start, end] = tilesBetween(form, 1000, form.row * 10 + 5, form.row * 14 + 5);
    expect([start, end]).toEqual([40, 60]);
    expect(tilesBetween(form, 1000, form.row * 400, form.row * 500), 'behind the end there is nothing').toEqual([
      1000, 1000,
    ]);
    expect(tilesBetween(form, 10, -500, 5000)).toEqual([0, 10]);
  });
});

describe('the size', () => {
  const range = { min: 256, max: 1920, step: 8 };

  it('of_each_ratio_keeps_the_area_and_the_steps', () => {
    for (const ratio of ratios) {
      const [width, height] = sizeOf(ratio, 1024 * 1024, range);
      expect(ratioOf(width, height), ratio).toBe(ratio);
      expect(width % 8, ratio).toBe(0);
      expect(Math.abs(width * height - 1024 * 1024) / 1024 ** 2, ratio).toBeLessThan(0.03);
    }
  });

  it('never_leaves_the_range', () => {
    expect(sizeOf('16:9', 4096 * 4096, range)[0]).toBe(1920);
    expect(fitted(3, range)).toBe(256);
    expect(fitted(7.46, { min: 0, max: 20, step: 0.1 })).toBe(7.5);
  });

  it('of_no_usual_ratio_marks_no_chip', () => {
    expect(ratioOf(1000, 270)).toBeNull();
  });
});
