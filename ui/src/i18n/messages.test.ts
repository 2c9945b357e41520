import { describe, expect, it } from 'vitest';
import en from './messages/en.json';
import zh from './messages/zh-CN.json';
import { language, m } from './index';

const english = en as Record<string, string>;
const chinese = zh as Record<string, string>;

/** Names and signs that are the same in both. */
const same = new Set([
  'copy_markdown',
  'copy_curl',
  'copy_python',
  'param_topP',
  'param_topK',
  'info_speed',
  'about_version',
]);

const places = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

describe('messages', () => {
  it('are_the_same_set_in_both_languages', () => {
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
  });

  it('have_the_same_places_to_fill', () => {
    for (const [key, text] of Object.entries(english)) expect(places(chinese[key] ?? ''), key).toEqual(places(text));
  });

  it('are_really_translated', () => {
    for (const [key, text] of Object.entries(english)) {
      if (key === '$schema' || same.has(key)) continue;
      expect(chinese[key], key).not.toBe(text);
    }
  });

  it('follow_the_language_at_once', () => {
    language.use('zh-TW');
    expect(m.send()).toBe('发送');
    language.use('de');
    expect(m.send()).toBe('Send');
    expect(document.documentElement.lang).toBe('en');
  });
});
