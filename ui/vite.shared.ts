// What the app's build, the scripted build and the unit tests share.
import { fileURLToPath } from 'node:url';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { UserConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export const alias = {
  $lib: here('./src/lib'),
  $kit: here('./src/kit'),
  $ipc: here('./src/ipc'),
  $state: here('./src/state'),
  $features: here('./src/features'),
  $i18n: here('./src/i18n'),
};

export const plugins = (): UserConfig['plugins'] => [
  paraglideVitePlugin({
    project: './project.inlang',
    outdir: './src/i18n/generated',
    outputStructure: 'locale-modules',
    strategy: ['globalVariable', 'baseLocale'],
  }),
  svelte(),
];

export const build: UserConfig['build'] = {
  target: ['chrome120', 'safari17.5'],
  // The CSP allows no data: URLs, so nothing may be inlined.
  assetsInlineLimit: 0,
  modulePreload: { polyfill: false },
  reportCompressedSize: false,
  chunkSizeWarningLimit: 1024,
};
