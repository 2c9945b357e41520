import { describe, expect, it } from 'vitest';
import { excerpt, wordsOf } from './excerpt';
import { plain, plainPieces } from './plain';

const check = (cases: Record<string, string>) => {
  for (const [from, to] of Object.entries(cases)) expect(plain(from).replace(/\s+/g, ' ').trim(), from).toBe(to);
};

describe('an_excerpt_of_markdown', () => {
  it('is_read_without_marks', () => {
    check({
      '## 3. Deposit\n\nThe tenant pays **three months** of rent.':
        '3. Deposit — The tenant pays three months of rent.',
      '# Notes #\n## Distance ##\nOne minus the cosine.': 'Notes — Distance — One minus the cosine.',
      'Distance\n--------\nOne minus the cosine.': 'Distance — One minus the cosine.',
      'an *early* end, a __late__ one, a ~~wrong~~ one, ***both***': 'an early end, a late one, a wrong one, both',
      'call `names.push(**x)` twice': 'call names.push(**x) twice',
      'see [the lease](https://example.org/a_(b) "Lease") and ![a plan](plan.png)': 'see the lease and a plan',
      '[![state](badge.svg)](https://example.org) and [by name][lease]': 'state and by name',
      '> quoted\n> twice\n\n---\n\n- one\n- [x] two\n1. three': 'quoted twice • one • two 1. three',
      '<https://example.org/a_b_c> a<br>b <!-- c -->d': 'https://example.org/a_b_c a b d',
      'five \\* six \\# seven': 'five * six # seven',
      'as said[^1] before': 'as said before',
    });
  });

  it('is_read_in_chinese_too', () => {
    check({
      '## 融合\n\n倒数排名融合（**RRF**）把两份名单*合成*一份。': '融合 — 倒数排名融合（RRF）把两份名单合成一份。',
      '使用GPU**加速**检索，见[文档](https://example.org/文档)。': '使用GPU加速检索，见文档。',
      '- 向量\n- 关键词': '• 向量 • 关键词',
      '| 名称 | 说明 |\n|---|---|\n| 距离 | 余弦 |': '名称 · 说明 — 距离 · 余弦',
      '运行 `npm test` 之后': '运行 npm test 之后',
    });
  });

  it('gives_tables_by_cells', () => {
    check({
      '| Way | Copies |\n| :-- | --: |\n| Clone | one |\n| Index | none |\n\nText.':
        'Way · Copies — Clone · one — Index · none Text.',
      'Way | Copies\n--- | ---\nClone | one': 'Way · Copies — Clone · one',
      '| the rest of a row | cut |': 'the rest of a row · cut',
    });
  });

  it('keeps_code_and_what_only_looks_like_a_mark', () => {
    check({
      '```python\n# sum\nx = a**2 + b**2  # [0](1)\n```\nafter': '# sum x = a**2 + b**2 # [0](1) after',
      'x**2 + y**2, 2 * 3 * 4, f(*args, **kwargs)': 'x**2 + y**2, 2 * 3 * 4, f(*args, **kwargs)',
      'snake_case_name and a_b_': 'snake_case_name and a_b_',
      '#include <a.h>, C# and #5': '#include <a.h>, C# and #5',
      'cat a | sort': 'cat a | sort',
      'so it says [1][2] and [3]': 'so it says [1][2] and [3]',
      '-5 degrees - or less': '-5 degrees - or less',
    });
  });

  it('may_begin_and_end_anywhere', () => {
    check({
      '…months** of notice': '…months of notice',
      'with **three mon…': 'with three mon…',
      'see [the lease](https://example.org/le': 'see the lease',
      '```rust\nfn main() {': 'fn main() {',
      'a = b ** c;\n```\nand **so** on\n\n```rust\nx\n```\n## End': 'a = b ** c; and so on x End',
      'main()`, then `names` and a `ti': 'main(), then names and a ti',
      'call `names.push(a,\nb)` twice': 'call names.push(a, b) twice',
      '': '',
    });
  });

  it('keeps_its_hits', () => {
    expect(
      plainPieces([
        { text: '## The **', hit: false },
        { text: 'deposit', hit: true },
        { text: '** is [', hit: false },
        { text: 'deposit', hit: true },
        { text: '](https://example.org/', hit: false },
        { text: 'deposit', hit: true },
        { text: ').', hit: false },
      ]),
    ).toEqual([
      { text: 'The ', hit: false },
      { text: 'deposit', hit: true },
      { text: ' is ', hit: false },
      { text: 'deposit', hit: true },
      { text: '.', hit: false },
    ]);
    expect(
      plainPieces([
        { text: '**倒数', hit: false },
        { text: '排名', hit: true },
        { text: '融合**', hit: false },
      ]),
    ).toEqual([
      { text: '倒数', hit: false },
      { text: '排名', hit: true },
      { text: '融合', hit: false },
    ]);
  });
});

describe('a_hit', () => {
  const marks = (text: string, query: string) =>
    excerpt('notes.md', text, query)
      .filter(({ hit }) => hit)
      .map(({ text }) => text);
  const shown = (text: string, query: string) =>
    excerpt('notes.md', text, query)
      .map(({ text }) => text)
      .join('');

  it('leaves_source_code_and_plain_text_as_they_are', () => {
    const code = '# the default\nlimit = settings["**kwargs"]';
    for (const name of ['config.py', 'main.rs', 'notes.txt', 'Makefile.am', 'data.json']) {
      expect(excerpt(name, code, 'nothing')).toEqual([{ text: code, hit: false }]);
    }
    for (const name of ['README.md', 'page.html', 'report.pdf', 'A page on the web', 'Release 1.2']) {
      expect(excerpt(name, '## Limits', 'nothing')).toEqual([{ text: 'Limits', hit: false }]);
    }
  });

  it('marks_the_words_that_were_asked_for', () => {
    expect(marks('The **deposit** comes back; Deposits bear interest.', 'How is the deposit returned?')).toEqual([
      'deposit',
      'Deposit',
    ]);
    expect(marks('The predeposit.', 'deposit'), 'not within a word').toEqual([]);
    expect(marks('C++ (and C) cost 5.', 'c++ 5')).toContain('5');
    expect(wordsOf('to be or not'), 'a question of small words is all that there is').toContain('be');
  });

  it('marks_chinese_words', () => {
    expect(marks('## 融合\n\n倒数排名**融合**把两份名单合成一份。', '融合 名单')).toEqual(['融合', '融合', '名单']);
    expect(marks('关键词检索用倒排索引。', '关键词')).toEqual(['关键词']);
  });

  it('begins_at_the_sentence_of_a_mark_that_would_be_out_of_sight', () => {
    const far = `${'The landlord keeps the roof in repair. '.repeat(8)}The deposit comes back.`;
    expect(shown(far, 'deposit')).toBe('… The deposit comes back.');
    expect(shown(far, 'landlord')).toBe(far);
    expect(shown(`${'房东负责修理屋顶和墙壁。'.repeat(20)}押金六周内退还。`, '押金')).toBe('… 押金六周内退还。');
  });
});
