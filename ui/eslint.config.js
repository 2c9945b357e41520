// The layers, and the two walls: only src/ipc talks to Tauri, only one component takes HTML.

import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

const tauri = { group: ['@tauri-apps/*'], message: 'only src/ipc talks to Tauri' };
const above = (...layers) => ({
  group: layers.flatMap((layer) => [`$${layer}`, `$${layer}/*`, `**/${layer}/*`]),
  message: 'kit, lib ← features ← views; ipc ← state ← features',
});
const restrict = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

export default ts.config(
  { ignores: ['dist', '.scripted', 'node_modules', 'test-results', 'src/i18n/generated', 'src/ipc/generated'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      // The compiler knows better, in TypeScript.
      'no-undef': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      eqeqeq: 'error',
      'no-console': 'error',
      // Markup from text is made nowhere: rendered Markdown enters through Blocks.svelte alone.
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'no HTML from strings' },
        { property: 'outerHTML', message: 'no HTML from strings' },
        { property: 'insertAdjacentHTML', message: 'no HTML from strings' },
      ],
      'svelte/no-at-html-tags': 'error',
      // A style attribute in markup is inline style to the CSP; the `style:` directive is not.
      'no-restricted-syntax': [
        'error',
        {
          selector: 'SvelteAttribute[key.name="style"]',
          message: 'use the style: directive, the CSP refuses inline style',
        },
      ],
      'svelte/no-navigation-without-resolve': 'off',
      // Derived lists and local copies are not state.
      'svelte/prefer-svelte-reactivity': 'off',
      ...restrict(tauri),
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig } },
  },
  { files: ['src/lib/**'], rules: restrict(tauri, above('ipc', 'state', 'features', 'kit', 'views')) },
  { files: ['src/kit/**'], rules: restrict(tauri, above('ipc', 'state', 'features', 'views')) },
  { files: ['src/ipc/**'], rules: restrict(above('state', 'features', 'kit', 'views')) },
  { files: ['src/state/**'], rules: restrict(tauri, above('features', 'kit', 'views')) },
  { files: ['src/features/**'], rules: restrict(tauri, above('views')) },
);
