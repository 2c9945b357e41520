import { expect, test } from './window';

test('files_are_quoted_embedded_asked_and_a_citation_opens_its_page', async ({ desk, page }) => {
  await desk.open({ history: 'none', account: 'cloudflare', library: 'none', speed: 400 }, '#/library');
  await expect(page.getByText('Drop files or folders here')).toBeVisible();
  await desk.button('Add files').click();

  // Nothing is sent before the price is accepted.
  const quote = page.getByRole('dialog', { name: 'Embed these documents?' });
  await expect(quote).toContainText(/\d+ passages, about \d\.\d\d M tokens, about [\d,]+ neurons, \d+% of today/);
  await page.evaluate(() => (window.edgewise.backend.library.pace = 250));
  await quote.getByRole('button', { name: 'Accept' }).click();
  const documents = page.getByRole('list', { name: 'Documents' });
  const lease = documents.getByRole('listitem').filter({ hasText: 'Lease 2025.pdf' });
  await expect(lease).toContainText(/Embedding \d+\/9/);
  await expect(lease).toContainText('Ready');

  // A conversation over it.
  await lease.getByRole('button', { name: 'Actions for Lease 2025.pdf' }).click();
  await page.getByRole('menuitem', { name: 'Ask about it' }).click();
  await expect(page.getByRole('list', { name: 'Library in this chat' })).toContainText('Lease 2025.pdf');
  await desk.say('May I end the lease early?');
  await desk.answered();
  await expect(desk.answers).toContainText('Sources (4)');

  // The mark has a card, and opens the page with the passage marked.
  const mark = desk.answers.getByRole('button', { name: 'Source 2', exact: true }).first();
  await mark.hover();
  await expect(page.getByRole('tooltip')).toContainText('The tenant may end the lease early');
  await mark.press('Enter');
  const panel = page.getByRole('complementary', { name: 'Document' });
  await expect(panel.locator('canvas').first()).toBeVisible();
  await expect(panel.locator('mark').first()).toHaveText(/The tenant may end the lease early/);
  await expect(panel).not.toContainText('Nothing is marked');
  // Only the panel scrolled.
  expect(await page.evaluate(() => document.scrollingElement?.scrollTop)).toBe(0);

  await desk.button('Why this answer').click();
  await expect(page.getByRole('dialog', { name: 'Why this answer' })).toContainText('May I end the lease early?');
});

test('passages_are_found_with_every_score_and_a_place_that_is_not_there_is_not_marked', async ({ desk, page }) => {
  await desk.open({}, '#/library');
  const search = page.getByRole('searchbox', { name: 'Search passages' });
  await search.fill('deposit returned with interest');
  await search.press('Enter');
  const results = page.getByRole('region', { name: 'Search passages' });
  await expect(results).toContainText(
    /Vector 0\.\d{3}\s*Distance 0\.\d{3}\s*Keyword \d+\.\d\d\s*Fused 0\.\d{4}\s*Rerank –/,
  );
  await results.getByRole('switch', { name: 'Rerank' }).click();
  await expect(results).toContainText(/Rerank 0\.\d{3}/);
  await results
    .getByRole('button', { name: /Lease 14 Harbour Row/ })
    .first()
    .click();
  const panel = page.getByRole('complementary', { name: 'Document' });
  await expect(panel.locator('mark').first()).toBeVisible();
  await page.evaluate(() => {
    const { library } = window.edgewise.app;
    if (library.reading)
      library.reading = { ...library.reading, quote: 'Words that this lease never had.', known: null };
  });
  await expect(panel).toContainText('Nothing is marked');
  await expect(panel.locator('mark')).toHaveCount(0);
  await search.fill('zebra');
  await search.press('Enter');
  await expect(results).toContainText(/0 of \d+ passages were close enough/);
});

test('documents_are_sorted_filtered_deleted_and_brought_back', async ({ desk, page }) => {
  await desk.open({ library: 'full' }, '#/library');
  const documents = page.getByRole('list', { name: 'Documents' });
  expect(await documents.getByRole('listitem').count()).toBeLessThan(60);
  await desk.button(/^Sort by: Name/).click();
  await expect(documents.getByRole('listitem').first()).toContainText('Broken archive.epub');
  await page.getByRole('textbox', { name: 'Filter by name' }).fill('lease');
  await expect(documents.getByRole('listitem')).toHaveCount(1);
  await desk.button('Actions for Lease 14 Harbour Row.pdf').click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(page.getByText('No document is called “lease”')).toBeVisible();
  await desk.button('Undo').click();
  await expect(documents.getByRole('listitem')).toHaveCount(1);
});

test('files_dropped_on_the_right_half_go_to_the_library', async ({ desk, page }) => {
  await desk.open({ account: 'cloudflare', library: 'none' });
  const drop = (phase: 'over' | 'dropped', x: number) =>
    page.evaluate(
      ([phase, x]) =>
        window.edgewise.backend.emit({
          kind: 'drop',
          drop:
            phase === 'over'
              ? { phase, x, y: 300 }
              : { phase, x, y: 300, grant: { id: 'g', files: [{ name: 'a.pdf', folder: false, size: 9 }] } },
        }),
      [phase, x] as const,
    );
  await drop('over', 200);
  await expect(page.getByText('Attached here, kept in the Library')).toBeVisible();
  await drop('dropped', 1000);
  await page.getByRole('dialog').getByRole('button', { name: 'Accept' }).click();
  await page.getByRole('link', { name: 'Library' }).click();
  await expect(page.getByRole('list', { name: 'Documents' })).toContainText('Dropped report.pdf');
  // The left half: the conversation gets them.
  await page.getByRole('link', { name: 'Chat', exact: true }).click();
  await drop('dropped', 200);
  await expect(page.getByRole('list', { name: 'Library in this chat' })).toContainText('Dropped report.pdf');
});
