import { describe, expect, it } from 'vitest';
import { countdown, groupOf } from './dates';
import { matching } from './match';
import { bytes, neurons } from './numbers';
import { lastSentenceEnd } from './sentences';

describe('lastSentenceEnd', () => {
  const cut = (text: string, from = 0) => text.slice(from, lastSentenceEnd(text, from));

  it('waits_for_a_whole_sentence', () => {
    expect(cut('The borrow is still')).toBe('');
    expect(cut('The borrow is held. The compiler')).toBe('The borrow is held.');
  });

  it('a_number_does_not_end_a_sentence', () => {
    expect(cut('It costs 3.14 neurons')).toBe('');
  });

  it('chinese_sentences_end_without_a_space', () => {
    expect(cut('先检索。再重排')).toBe('先检索。');
  });

  it('goes_on_where_it_left', () => {
    expect(cut('One. Two. Three', 4)).toBe(' Two.');
  });
});

describe('groupOf', () => {
  const now = new Date(2026, 10, 20, 9, 0).getTime();
  const back = (days: number, hour = 12) => new Date(2026, 10, 20 - days, hour).getTime();

  it.each([
    [back(0, 1), 'Today'],
    [back(1, 23), 'Yesterday'],
    [back(1, 0), 'Yesterday'],
    [back(2), 'Previous 7 days'],
    [back(6), 'Previous 7 days'],
    [back(8), 'November'],
    [back(40), 'October'],
    [new Date(2025, 2, 3).getTime(), 'March 2025'],
  ])('%d stands under %s', (at, group) => {
    expect(groupOf(at, now)).toBe(group);
  });
});

describe('figures', () => {
  it('a_countdown_never_goes_below_zero', () => {
    expect(countdown(7_322_000, 0)).toBe('2:02:02');
    expect(countdown(0, 5000)).toBe('0:00:00');
  });

  it('neurons_have_decimals_only_when_small', () => {
    expect([0, 0.123, 4.16, 1280.4].map(neurons)).toEqual(['0', '0.12', '4.2', '1,280']);
  });

  it('sizes_are_short', () => {
    expect([0, 999, 18_400_000].map(bytes)).toEqual(['0 B', '999 B', '18.4 MB']);
  });
});

describe('matching', () => {
  it('every_word_must_occur_and_word_starts_come_first', () => {
    const names = ['gpt-oss-120b', 'llama-3.3-70b', 'oss-gpt'];
    expect(matching(names, 'gpt oss', (name) => name)).toEqual(['gpt-oss-120b', 'oss-gpt']);
    expect(matching(names, 'lla 70', (name) => name)).toEqual(['llama-3.3-70b']);
    expect(matching(names, 'zzz', (name) => name)).toEqual([]);
    expect(matching(names, ' ', (name) => name)).toEqual(names);
  });
});
