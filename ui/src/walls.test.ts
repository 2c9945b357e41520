// Walls that a reader of one file cannot see.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(svelte|ts|css)$/.test(file) && !file.includes('generated') && !file.endsWith('.test.ts'))
  .map((file) => ({ file: file.replaceAll('\\', '/'), text: readFileSync(join('src', file), 'utf8') }));

const holding = (words: RegExp) => files.filter(({ text }) => words.test(text)).map(({ file }) => file);

describe('walls', () => {
  it('html_enters_through_one_component', () => {
    expect(holding(/\{@html/)).toEqual(['features/chat/Blocks.svelte']);
  });

  it('only_ipc_speaks_to_tauri', () => {
    expect(holding(/from '@tauri-apps/)).toEqual(['ipc/tauri.ts']);
  });

  it('the_app_never_imports_the_scripted_backend', () => {
    expect(
      holding(/from '.*ipc\/scripted'|from '\.\/scripted'/).filter((file) => !file.startsWith('testing/')),
    ).toEqual([]);
  });

  it('components_name_no_literal_colour', () => {
    const literal = files.filter(
      ({ file, text }) =>
        file.endsWith('.svelte') && /:[^;{}]*(#[0-9a-f]{3,8}\b|rgba?\()/i.test(text.split('<style>')[1] ?? ''),
    );
    expect(literal.map(({ file }) => file)).toEqual([]);
  });

  it('nothing_polls', () => {
    expect(holding(/setInterval/)).toEqual(['lib/clock.svelte.ts']);
  });
});
