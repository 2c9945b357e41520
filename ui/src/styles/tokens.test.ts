import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync('src/styles/tokens.css', 'utf8');
const pairs = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [
    name ?? '',
    { light: light ?? '', dark: dark ?? '' },
  ]),
);

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const colour = (name: string, theme: 'light' | 'dark'): string => {
  const pair = pairs.get(name);
  if (!pair) throw new Error(`no token --${name}`);
  return pair[theme];
};

const surfaces = ['surface', 'surface-side', 'surface-raised', 'surface-sunken', 'surface-bubble', 'surface-hover'];
const inks = ['text', 'text-soft', 'text-faint', 'accent'];
const others: [string, string][] = [
  ['on-accent', 'accent'],
  ['on-accent', 'accent-hover'],
  ['accent', 'accent-soft'],
  ['text', 'surface-selected'],
  ['text-soft', 'surface-pressed'],
  ['bad', 'surface'],
  ['bad', 'bad-soft'],
  ['text', 'bad-soft'],
  ['text-soft', 'bad-soft'],
  ['warn', 'surface'],
  ['warn', 'warn-soft'],
  ['good', 'surface-raised'],
  ['text', 'mark'],
  ['text', 'mark-now'],
  ['text', 'selection'],
  ...['keyword', 'string', 'comment', 'constant', 'function', 'type', 'variable'].map((name): [string, string] => [
    `hl-${name}`,
    'surface-code',
  ]),
];
const texts: [string, string][] = [
  ...inks.flatMap((ink) => surfaces.map((under): [string, string] => [ink, under])),
  ...others,
];

describe.each(['light', 'dark'] as const)('the %s theme', (theme) => {
  it.each(texts)('%s on %s can be read (WCAG AA, 4.5)', (ink, under) => {
    expect(contrast(colour(ink, theme), colour(under, theme))).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    ['line-field', 'surface'],
    ['line-field', 'surface-side'],
    ['focus', 'surface'],
    ['focus', 'surface-side'],
  ])('%s on %s can be seen (WCAG AA, 3)', (line, under) => {
    expect(contrast(colour(line, theme), colour(under, theme))).toBeGreaterThanOrEqual(3);
  });
});
