import { expect, test } from './window';

test('ten_thousand_messages_open_at_once_and_scroll_with_few_nodes', async ({ desk, page }) => {
  await desk.open({ history: 'huge' });
  const link = page.getByRole('link', { name: 'Ten thousand messages' });
  const started = Date.now();
  await link.click();
  await expect(desk.answers.last()).toContainText('Answer 5000');
  expect(Date.now() - started, 'milliseconds to the last message').toBeLessThan(1500);
  const articles = () => page.getByRole('article').count();
  expect(await articles()).toBeLessThan(60);
  await expect(desk.answers.last()).toHaveAttribute('aria-setsize', '10000');

  // Upwards in pages: never many nodes, and what is in view is drawn.
  const scroller = page.locator('.scroller', { has: desk.log });
  for (let step = 0; step < 30; step += 1) {
    await scroller.evaluate((element) => element.scrollBy(0, -element.clientHeight * 0.9));
    await page.waitForTimeout(25);
  }
  expect(await articles()).toBeLessThan(60);
  await expect(page.getByRole('button', { name: 'Jump to latest' })).toBeVisible();

  // To the middle in one leap.
  await scroller.evaluate((element) => (element.scrollTop = element.scrollHeight / 2));
  await expect(page.locator('article:not([aria-busy])').first()).toBeVisible();
  expect(await articles()).toBeLessThan(60);
  await page.getByRole('button', { name: 'Jump to latest' }).click();
  await expect(desk.answers.last()).toContainText('Answer 5000');
});

test('rows_above_that_turn_out_taller_do_not_move_what_is_read', async ({ desk, page }) => {
  await desk.open({ history: 'huge' });
  await page.getByRole('link', { name: 'Ten thousand messages' }).click();
  await expect(desk.answers.last()).toContainText('Answer 5000');
  const scroller = page.locator('.scroller', { has: desk.log });
  await scroller.evaluate((element) => (element.scrollTop = element.scrollHeight / 3));
  await page.waitForTimeout(300);
  // The first row in view, and where it stands.
  const place = () =>
    scroller.evaluate((element) => {
      const top = element.getBoundingClientRect().top;
      const row = [...element.querySelectorAll<HTMLElement>('article[data-message]')].find(
        (each) => each.getBoundingClientRect().bottom > top,
      );
      return { id: row?.dataset.message, top: Math.round((row?.getBoundingClientRect().top ?? 0) - top) };
    });
  for (let step = 0; step < 10; step += 1) {
    const before = await place();
    await scroller.evaluate((element) => element.scrollBy(0, -40));
    await page.waitForTimeout(60);
    const moved = await scroller.evaluate((element, id) => {
      const row = element.querySelector(`[data-message="${id}"]`);
      return row ? Math.round(row.getBoundingClientRect().top - element.getBoundingClientRect().top) : null;
    }, before.id ?? '');
    expect(Math.abs((moved ?? 0) - (before.top + 40)), 'pixels off').toBeLessThanOrEqual(2);
  }
});

test('a_growing_answer_is_followed_only_at_the_end', async ({ desk, page }) => {
  await desk.open({ speed: 12 });
  await page.getByRole('link', { name: 'Plan for a week in Lisbon' }).click();
  await desk.say('Once more');
  const scroller = page.locator('.scroller', { has: desk.log });
  await expect(desk.answers.last()).toContainText('Why the second push fails', { timeout: 10_000 });
  const fromEnd = () => scroller.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);
  expect(await fromEnd()).toBeLessThan(30);
  await scroller.evaluate((element) => element.scrollBy(0, -300));
  const top = await scroller.evaluate((element) => element.scrollTop);
  await page.waitForTimeout(800);
  expect(
    Math.abs((await scroller.evaluate((element) => element.scrollTop)) - top),
    'not moved while reading',
  ).toBeLessThan(3);
});

test('a_hit_of_the_search_opens_its_conversation_at_the_message', async ({ desk, page }) => {
  await desk.open({ history: 'huge' });
  await page.keyboard.press('Control+Shift+F');
  await page.getByRole('combobox', { name: 'Search all chats' }).fill('Question 2345');
  await page.getByRole('option').first().click();
  await expect(desk.questions.filter({ hasText: 'Question 2345' })).toBeVisible();
});

test('find_in_the_conversation_goes_from_hit_to_hit', async ({ desk, page }) => {
  await desk.open({ history: 'huge' });
  await page.getByRole('link', { name: 'Ten thousand messages' }).click();
  await expect(desk.answers.last()).toContainText('Answer 5000');
  await page.keyboard.press('Control+F');
  await page.getByRole('searchbox', { name: 'Find in this chat' }).fill('Question 123');
  await expect(page.getByText(/^11\/11$/)).toBeVisible();
  await expect(desk.questions.filter({ hasText: 'Question 1239' })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page.getByText(/^10\/11$/)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('searchbox', { name: 'Find in this chat' })).toHaveCount(0);
});
