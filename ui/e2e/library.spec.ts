import { expect, test } from './window';

test('files_are_quoted_embedded_asked_and_a_citation_opens_its_page', async ({ desk, page }) => {
  await desk.open({ history: 'none', account: 'cloudflare', library: 'none', speed: 400 }, '#/library');
  await expect(page.getByText('Drop files or folders here')).toBeVisible();
  await desk.button('Add files').click();

  // Nothing is sent before the price is accepted.
  const quote = page.getByRole('dialog', { name: 'Embed these documents?' });
  await expect(quote).toContainText(/\d+ passages, about \d\.\d\d M tokens, about [\d,]+ neurons, \d+% of today/);
  await page.evaluate(() => (window.edgewise.backend.library.ingests.pace = 250));
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

test('a_document_reaches_the_conversation_by_the_paperclip_and_over_the_pictures', async ({ desk, page }) => {
  await desk.open({ account: 'cloudflare', history: 'none', library: 'none' });
  await page.evaluate(() => (window.edgewise.backend.picked = ['notes.txt', 'report.pdf']));
  await desk.button('Attach files').click();
  const quote = page.getByRole('dialog', { name: 'Embed these documents?' });
  await quote.getByRole('button', { name: 'Accept' }).click();
  const chips = page.getByRole('list', { name: 'Library in this chat' });
  await expect(chips).toContainText('report.pdf');
  await expect(desk.button('Remove notes.txt')).toBeVisible();
  // Over the pictures a document has the same two ways as everywhere.
  await page.getByRole('link', { name: 'Images' }).click();
  const over = (name: string) =>
    page.evaluate(
      (name) => window.edgewise.backend.emit({ kind: 'drop', drop: { phase: 'enter', names: [name] } }),
      name,
    );
  await over('fox.png');
  await expect(page.getByText('Drop to read its settings')).toBeVisible();
  await over('report.pdf');
  await expect(page.getByText('Drop to read its settings')).toHaveCount(0);
  await expect(page.getByText('Attached here, kept in the Library')).toBeVisible();
});

test('several_files_dropped_on_a_new_chat_are_one_chip_and_go_when_the_price_is_refused', async ({ desk, page }) => {
  await desk.open({ account: 'cloudflare', history: 'none' });
  const files = ['a.pdf', 'b.md', 'c.docx'].map((name) => ({ name, folder: false, size: 9 }));
  const drop = () =>
    page.evaluate(
      (files) =>
        window.edgewise.backend.emit({
          kind: 'drop',
          drop: { phase: 'dropped', x: 200, y: 300, grant: { id: 'g', files } },
        }),
      files,
    );
  await drop();
  const chips = page.getByRole('list', { name: 'Library in this chat' });
  await expect(chips).toContainText('a.pdf and 2 more');
  await expect(chips.getByRole('button', { name: /^Detach/ })).toHaveCount(1);
  const quote = page.getByRole('dialog', { name: 'Embed these documents?' });
  await quote.getByRole('button', { name: 'Cancel' }).click();
  await expect(chips).toHaveCount(0);
});

test('a_recording_is_written_down_after_its_price_was_told', async ({ desk, page }) => {
  await desk.open({ account: 'cloudflare' }, '#/library');
  const row = page.getByRole('list', { name: 'Documents' }).getByRole('listitem').filter({ hasText: 'Interview 02' });
  await expect(row).toContainText('A recording, not written down yet');
  await row.getByRole('button', { name: 'Write down' }).click();
  const quote = page.getByRole('dialog', { name: 'Have Whisper write this recording down?' });
  await expect(quote).toContainText('Interview 02.mp3');
  await quote.getByRole('button', { name: 'Accept' }).click();
  await expect(row).toContainText('Ready');
});

test('a_search_is_narrowed_to_a_kind_a_time_and_a_document', async ({ desk, page }) => {
  await desk.open({}, '#/library');
  await desk.button('Actions for Lease 14 Harbour Row.pdf').click();
  await page.getByRole('menuitem', { name: 'Search in it' }).click();
  const results = page.getByRole('region', { name: 'Search passages' });
  await expect(results).toContainText('Type what to look for');
  const search = page.getByRole('searchbox', { name: 'Search passages' });
  await expect(search).toBeFocused();
  await search.fill('deposit months');
  await search.press('Enter');
  await expect(results).toContainText(/among 9 passages/);
  await results.getByRole('combobox', { name: 'Kind of document' }).selectOption('E-mail');
  await expect(results).toContainText('0 of 0 passages were close enough');
  await results.getByRole('button', { name: 'Clear the filters' }).click();
  await expect(results).toContainText(/among \d{3} passages/);
  await desk.button('End the search').click();
  await expect(page.getByRole('list', { name: 'Documents' })).toBeVisible();
});

test('a_search_is_asked_for_so_many_hits_and_no_farther_than_so_far', async ({ desk, page }) => {
  await desk.open({}, '#/library');
  const search = page.getByRole('searchbox', { name: 'Search passages' });
  await search.fill('deposit months rent notice');
  await search.press('Enter');
  const results = page.getByRole('region', { name: 'Search passages' });
  await expect(results.getByRole('listitem')).not.toHaveCount(0);
  const found = await results.getByRole('listitem').count();
  const asked = await page.evaluate(() => {
    const library = window.edgewise.backend.library.finding;
    const counts: number[] = [];
    const find = library.searchPassages.bind(library);
    library.searchPassages = (query) => {
      counts.push(query.k);
      return find(query);
    };
    return ((window as unknown as { asked: number[] }).asked = counts).length;
  });
  expect(asked).toBe(0);
  await results.getByRole('combobox', { name: 'How many hits' }).selectOption('Up to 50 hits');
  expect(await page.evaluate(() => (window as unknown as { asked: number[] }).asked)).toEqual([50]);
  await results.getByRole('spinbutton', { name: 'Farthest distance' }).fill('0.01');
  await results.getByRole('spinbutton', { name: 'Farthest distance' }).press('Enter');
  await expect(results.getByRole('listitem')).toHaveCount(0);
  await expect(results).toContainText('too far away');
  await results.getByRole('button', { name: 'Clear the filters' }).click();
  await expect(results.getByRole('listitem')).toHaveCount(found);
});

test('a_sentence_that_stands_on_every_page_is_marked_at_its_own_place_and_few_pages_are_there', async ({
  desk,
  page,
}) => {
  await desk.open({ library: 'full' }, '#/library');
  await page.evaluate(async () => {
    const { app, backend } = window.edgewise;
    const query = { collection: null, name: 'Proceedings', sort: 'name', descending: false, offset: 0, limit: 1 };
    const [document] = (await backend.documents(query)).documents;
    if (!document) throw new Error('the long report is not there');
    const passages = await backend.passages(document.id, 0, 500);
    // The second of the two on page 80.
    const passage = passages.filter(({ page, text }) => page === 80 && text.startsWith('The results')).at(-1);
    if (!passage) throw new Error('page 80 has no such passage');
    const { text, start, end } = passage;
    app.library.readSource({
      ...{ n: 1, document: document.id, title: document.name, page: 80, passage: passage.id },
      ...{ score: 1, distance: null, text, start, end },
    });
  });
  const panel = page.getByRole('complementary', { name: 'Document' });
  await expect(panel.locator('mark')).toHaveText([
    'The results were as expected and need no further comment at this point.',
  ]);
  const sheet = panel.getByRole('img', { name: 'Page 80 of 120' });
  const order = await sheet
    .locator('.text-layer span')
    .evaluateAll((spans) =>
      spans
        .map((span) => (span.querySelector('mark') ? 'marked' : (span.textContent ?? '').slice(0, 11)))
        .filter(Boolean),
    );
  expect(order).toEqual(['Section 80', 'The results', 'Sample 80 w', 'marked', 'The committ']);
  expect(await panel.getByRole('img').count()).toBeLessThan(8);
  await expect(sheet.locator('canvas')).toBeVisible();
});

test('what_the_model_is_given_is_shown_and_changed_where_one_writes', async ({ desk, page }) => {
  await desk.open({}, '#/library');
  await desk.button('Actions for Lease 14 Harbour Row.pdf').click();
  await page.getByRole('menuitem', { name: 'Ask about it' }).click();
  await desk.button(/^What the model is given: Whole if it fits/).click();
  await page.getByRole('menuitem', { name: 'Always passages' }).click();
  await expect(desk.button(/^What the model is given: Always passages/)).toBeVisible();
  expect(await page.evaluate(() => window.edgewise.app.chat.options.wholeDocuments)).toBe(false);
});

test('an_empty_library_offers_a_sample_and_says_how_large_a_file_may_be', async ({ desk, page }) => {
  await desk.open({ account: 'cloudflare', library: 'none' }, '#/library');
  await expect(page.getByText('Up to 256 MiB a file.')).toBeVisible();
  await desk.button('Try a sample document').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Accept' }).click();
  await expect(page.getByRole('list', { name: 'Documents' })).toContainText('The lighthouse of Tern Island.md');
});

test('a_hit_is_readable_text_with_the_words_marked', async ({ desk, page }) => {
  await desk.open({}, '#/library');
  const search = page.getByRole('searchbox', { name: 'Search passages' });
  const results = page.getByRole('region', { name: 'Search passages' });
  const first = results.getByRole('listitem').first();
  await search.fill('cosine of the angle');
  await search.press('Enter');
  await expect(first).toContainText('Cosine distance is one minus the cosine of the angle between two vectors.');
  await expect(first.locator('mark')).toHaveText(['Cosine', 'cosine', 'angle']);
  await search.fill('倒数排名融合');
  await search.press('Enter');
  await expect(first).toContainText('倒数排名融合（RRF）把两份名单合成一份');
  await expect(first.locator('mark').first()).toBeVisible();
  // It opens at the very passage, as that stands in the file.
  await first.getByRole('button').click();
  const panel = page.getByRole('complementary', { name: 'Document' });
  await expect(panel.locator('mark')).toContainText('**倒数排名融合**（`RRF`）');
  // What was said is found in the same way.
  await page.keyboard.press('Control+Shift+f');
  await page.getByRole('combobox').last().fill('one rule');
  const said = page.getByRole('dialog').getByRole('option').first();
  await expect(said).toContainText('enforces one rule at two moments: at any point');
  await expect(said.locator('mark')).toHaveText('one rule');
});

test('the_collection_that_is_made_by_itself_has_a_name_in_chinese', async ({ desk, page }) => {
  await desk.open({ locale: 'zh-CN', account: 'cloudflare' }, '#/library');
  const collections = page.getByRole('navigation', { name: '资料集' });
  await expect(collections.getByRole('button', { name: /^资料库/ })).toBeVisible();
  // In its dialog, and in the lists to choose from.
  await collections.getByRole('listitem').filter({ hasText: '资料库' }).hover();
  await desk.button('“资料库”的操作').click();
  await page.getByRole('menuitem', { name: '资料集设置' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('textbox', { name: '名称' })).toHaveValue('资料库');
  await dialog.getByRole('button', { name: '保存' }).click();
  await expect(collections.getByRole('button', { name: /^资料库/ })).toBeVisible();
  await collections.getByRole('listitem').filter({ hasText: '资料库' }).hover();
  await desk.button('“资料库”的操作').click();
  await page.getByRole('menuitem', { name: '就此提问' }).click();
  await expect(page.getByRole('list', { name: '本次对话的资料' })).toContainText('资料库');
  // Nowhere by the name that it is stored under.
  await expect(page.getByText('Library')).toHaveCount(0);
  expect(
    await page.evaluate(async () => (await window.edgewise.backend.collections()).map(({ name }) => name)),
  ).toContain('Library');
  // By another name it is called as it was named.
  await page.evaluate(async () => {
    const { library } = window.edgewise.app;
    const collection = library.byId.get('library');
    if (collection) await library.update(collection, 'Bücher', collection.colour, collection.settings);
  });
  await expect(page.getByRole('list', { name: '本次对话的资料' })).toContainText('Bücher');
});

test('only_collections_that_stand_still_are_told_of', async ({ desk, page }) => {
  await desk.open({ account: 'cloudflare' }, '#/library');
  const told = page.getByRole('status').filter({ hasText: /Library|Research|Flat and contracts/ });
  await expect(page.getByRole('list', { name: 'Documents' }).getByRole('listitem').first()).toBeVisible();
  await expect(told).toHaveCount(0);
  await page.evaluate(async () => {
    const { app, backend } = window.edgewise;
    const home = backend.library.shelves.byId.get('home');
    if (home) home.trouble = { code: 'dailyAllowanceSpent' };
    await app.library.load();
  });
  await expect(told).toHaveText(/^\s*Flat and contracts\s+\S/);
});
