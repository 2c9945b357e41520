import { describe, expect, it } from 'vitest';
import { bare, place, placeKnown, toUnits } from './place';

const page =
  'LEASE 2\nThe landlord keeps the roof, the walls, the heating and the water pipes in repair. The tenant re-\npairs what they themselves have broken, up to 120 euros.\n\n5. Animals\nSmall animals in cages may be kept.';

const marked = (text: string, quote: string) =>
  place(text, quote)?.map(({ start, end }) => text.slice(start, end)) ?? null;

describe('place', () => {
  it('finds_a_quote_across_line_breaks_and_hyphens', () => {
    expect(marked(page, 'The tenant repairs what they themselves have broken, up to 120 euros.')).toEqual([
      'The tenant re-\npairs what they themselves have broken, up to 120 euros.',
    ]);
  });

  it('finds_ligatures_wide_forms_and_chinese', () => {
    expect(marked('The oﬃce of ﬁnance is closed.', 'office of finance')).toEqual(['oﬃce of ﬁnance']);
    expect(marked('第一条。租期 为二十四 个月，自四月一日起。', '租期为二十四个月')).toEqual(['租期 为二十四 个月']);
  });

  it('marks_around_what_stands_between', () => {
    const cut = page.replace('heating and', 'heating and [footer 12345678901234567890] and so on with other words');
    const spans = marked(cut, page.slice(8, 170));
    expect(spans).toHaveLength(2);
    expect(spans?.join(' ')).not.toContain('footer');
  });

  it('finds_cells_that_were_read_in_another_order', () => {
    const cells = [
      'Repairs up to one hundred and twenty euros',
      'Deposit of three months of rent',
      '押金在六周内连同利息退还',
    ];
    const spans = marked(cells.join('   '), [...cells].reverse().join('\n'));
    expect(spans?.join(' ')).toContain('押金');
    expect(spans?.join(' ')).toContain('Repairs up to');
  });

  it('marks_nothing_when_it_is_not_sure', () => {
    expect(place(page, 'The tenant pays a deposit of three months of rent.')).toBeNull();
    expect(place('Yes. And yes. And yes indeed.', 'And yes')).toBeNull();
    expect(place(page, 'roof')).toBeNull();
    expect(place('', 'The landlord keeps')).toBeNull();
    // Half of it stands there: not enough.
    expect(place(page, `${page.slice(8, 90)} ${'entirely other words that are nowhere on it '.repeat(2)}`)).toBeNull();
  });

  it('a_repeated_line_is_not_guessed_at', () => {
    const line = 'This page was left empty on purpose.';
    expect(place(`${line}\nmore\n${line}`, line)).toBeNull();
  });
});

describe('places counted in characters', () => {
  it('become_units', () => {
    const text = 'a😀b字c';
    expect(toUnits(text, 1, 3)).toEqual({ start: 1, end: 4 });
    expect(toUnits(text, 3, 5)).toEqual({ start: 4, end: 6 });
    expect(toUnits(text, 9, 12)).toEqual({ start: 6, end: 6 });
  });

  it('are_trusted_only_when_the_words_agree', () => {
    const text = '😀 The first sentence. The second sentence.';
    const at = [...'😀 The first sentence. '].length;
    const span = { start: at, end: at + 20 };
    expect(placeKnown(text, 'The second sentence.', span)).toEqual([{ start: at + 1, end: at + 21 }]);
    expect(placeKnown(text, 'The first sentence.', span)).toEqual(place(text, 'The first sentence.'));
  });

  it('bare_keeps_the_way_back', () => {
    const { text, places } = bare('A-ﬁ 1');
    expect(text).toBe('afi1');
    expect(places).toEqual([0, 2, 2, 4]);
  });
});
