// Flows in a real browser over the scripted backend, built as the app is and under its CSP.
import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const chromium = '/usr/bin/chromium';

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  timeout: 20_000,
  expect: { timeout: 5_000 },
  fullyParallel: true,
  workers: 2,
  reporter: [['list']],
  use: {
    baseURL: 'http://localhost:1422',
    viewport: { width: 1280, height: 900 },
    locale: 'en-US',
    screenshot: 'only-on-failure',
    launchOptions: {
      // Without the system's, the runner's own.
      executablePath: process.env.CHROMIUM ?? (existsSync(chromium) ? chromium : undefined),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  webServer: {
    command: 'vite preview --config e2e/vite.config.ts --outDir .scripted',
    url: 'http://localhost:1422/e2e/scripted.html',
    reuseExistingServer: false,
  },
});
