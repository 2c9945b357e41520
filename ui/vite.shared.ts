// What the app's build, the scripted build and the unit tests share.
import { fileURLToPath } from 'node:url';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin, UserConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export const alias = {
  $lib: here('./src/lib'),
  $kit: here('./src/kit'),
  $ipc: here('./src/ipc'),
  $state: here('./src/state'),
  $features: here('./src/features'),
  $i18n: here('./src/i18n'),
};

/** Icons as plain markup, which is cloned. As the package makes them, each shape of each icon is an element of its own
    with an effect for its attributes: too dear where a transcript mounts hundreds. What is not named here is not passed. */
const icons = (): Plugin => ({
  name: 'icons-as-markup',
  enforce: 'pre',
  transform: {
    filter: { id: /@lucide\/svelte\/dist\/icons\/[^/]+\.svelte$/ },
    handler(code, id) {
      const data = /const iconData = (\{.*\});/.exec(code)?.[1];
      if (!data) throw new Error(`${id} does not hold its shapes where they are looked for`);
      const { name, node } = JSON.parse(data) as { name: string; node: [string, Record<string, string>][] };
      const shapes = node.map(([tag, attributes]) => {
        const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${value}"`);
        return `<${tag}${written.join('')} />`;
      });
      return {
        code: `<script>let { size = 24, strokeWidth = 2, fill = 'none', 'aria-label': label } = $props();</script>
<svg width={size} height={size} viewBox="0 0 24 24" {fill} stroke="currentColor" stroke-width={strokeWidth} stroke-linecap="round" stroke-linejoin="round" class="lucide-icon lucide lucide-${name}" role={label ? 'img' : undefined} aria-label={label} aria-hidden={label ? undefined : 'true'}>${shapes.join('')}</svg>`,
        map: null,
      };
    },
  },
});

export const plugins = (): UserConfig['plugins'] => [
  paraglideVitePlugin({
    project: './project.inlang',
    outdir: './src/i18n/generated',
    outputStructure: 'locale-modules',
    strategy: ['globalVariable', 'baseLocale'],
  }),
  icons(),
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
