// Builds the window over the scripted backend into `.scripted`, for the flows in a browser and for screenshots.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { alias, build, plugins } from '../vite.shared.ts';

export default defineConfig({
  plugins: plugins(),
  resolve: { alias },
  clearScreen: false,
  build: {
    ...build,
    outDir: '.scripted',
    emptyOutDir: true,
    rollupOptions: { input: fileURLToPath(new URL('./scripted.html', import.meta.url)) },
  },
  server: { port: 1421, strictPort: true },
  preview: { port: 1422, strictPort: true },
});
