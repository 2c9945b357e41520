// What the flows share: opening the window in a scenario, and the names that stay put.

import { test as base, expect, type Locator, type Page } from '@playwright/test';

export class Desk {
  readonly message: Locator;
  readonly log: Locator;
  readonly answers: Locator;
  readonly questions: Locator;

  constructor(readonly page: Page) {
    this.message = page.getByRole('textbox', { name: 'Message' });
    this.log = page.getByRole('log', { name: 'Conversation' });
    this.answers = page.getByRole('article', { name: 'Assistant' });
    this.questions = page.getByRole('article', { name: 'You' });
  }

  async open(scenario: Record<string, string | number | boolean> = {}, hash = ''): Promise<void> {
    const query = new URLSearchParams(Object.entries(scenario).map(([key, value]) => [key, String(value)]));
    await this.page.goto(`/e2e/scripted.html?${query}${hash}`);
    await this.page.waitForFunction(() => window.edgewise?.app.ready || window.edgewise?.app.info);
  }

  async say(text: string): Promise<void> {
    await this.message.fill(text);
    await this.message.press('Enter');
  }

  async answered(): Promise<void> {
    await expect(this.page.getByRole('button', { name: 'Stop' })).toHaveCount(0);
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }
}

/** Fails when the page reported an error: a refused style or script, an exception, anything. */
export const test = base.extend<{ desk: Desk }>({
  desk: async ({ page }, use) => {
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      const icon = message.location().url.endsWith('/favicon.ico');
      if (message.type() === 'error' && !icon) complaints.push(message.text());
    });
    await use(new Desk(page));
    expect(complaints, 'the page complained').toEqual([]);
  },
});

export { expect };

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Two boxes that do not touch; one that is not there fails. */
export function apart(one: Box | null, other: Box | null): boolean {
  if (!one || !other) return false;
  return (
    one.x + one.width <= other.x ||
    other.x + other.width <= one.x ||
    one.y + one.height <= other.y ||
    other.y + other.height <= one.y
  );
}
