import { defineConfig } from 'vitest/config';
import { alias, build, plugins } from './vite.shared.ts';

export default defineConfig(({ mode }) => ({
  plugins: plugins(),
  resolve: { alias, conditions: mode === 'test' ? ['browser'] : undefined },
  // Tauri loads this address in development.
  server: { port: 5183, strictPort: true },
  clearScreen: false,
  build: { ...build, outDir: 'dist', emptyOutDir: true },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['./vitest.setup.ts'],
    restoreMocks: true,
  },
}));
