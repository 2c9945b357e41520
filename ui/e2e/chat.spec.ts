import { apart, expect, test } from './window';

test('an_answer_streams_in_with_its_thoughts_and_figures', async ({ desk, page }) => {
  await desk.open({ history: 'none', speed: 30 });
  await desk.say('Why does the second push fail?');
  await expect(desk.questions).toHaveText(/Why does the second push fail/);
  await expect(page.getByText(/Thinking for/)).toBeVisible();
  await desk.answered();
  await expect(page.getByText(/Thought for/)).toBeVisible();
  await expect(desk.answers.locator('figure.code')).toBeVisible();
  await expect(desk.answers).toContainText('tok/s');
  await expect(desk.answers).toContainText('neurons');
  await expect(page.getByRole('link', { name: 'Why does the second push fail?' })).toBeVisible();
});

test('stop_keeps_what_arrived_and_offers_to_continue', async ({ desk }) => {
  await desk.open({ history: 'none', speed: 8 });
  await desk.say('A Worker, please');
  await expect(desk.answers).toContainText('Worker', { timeout: 8000 });
  await desk.button('Stop').click();
  await expect(desk.answers).toContainText('You stopped this answer.');
  await desk.page.evaluate(() => window.edgewise.backend.setSpeed(500));
  await desk.answers.getByRole('button', { name: 'Continue' }).click();
  await desk.answered();
  await expect(desk.answers).toHaveCount(1);
  await expect(desk.answers).toContainText('deploy');
});

test('regenerate_with_another_model_makes_a_version', async ({ desk, page }) => {
  await desk.open({ history: 'none', speed: 500 });
  await desk.say('A short one about Workers');
  await desk.answered();
  await desk.button('Regenerate with another model').click();
  await page.getByRole('menuitem', { name: 'gpt-oss-20b' }).click();
  await expect(page.getByText('2/2')).toBeVisible();
  await desk.answered();
  await expect(desk.answers).toContainText('gpt-oss-20b');
  await desk.button('Previous version').click();
  await expect(page.getByText('1/2')).toBeVisible();
  await expect(desk.answers).toContainText('glm-4.7-flash');
});

test('editing_a_question_keeps_the_old_branch', async ({ desk, page }) => {
  await desk.open({ history: 'none', speed: 500 });
  await desk.say('First words about Workers');
  await desk.answered();
  await page.keyboard.press('Control+Shift+E');
  await page.getByRole('textbox', { name: 'Edit message' }).fill('Other words about Workers');
  await page.keyboard.press('Enter');
  await expect(desk.questions).toContainText('Other words');
  await desk.answered();
  await desk.questions.getByRole('button', { name: 'Previous version' }).click();
  await expect(desk.questions).toContainText('First words');
});

test('a_busy_model_says_so_and_another_answers', async ({ desk }) => {
  await desk.open({ history: 'none', speed: 500, fail: 'modelBusy' });
  await desk.say('Hello');
  await expect(desk.answers).toContainText('The model is busy.');
  await desk.page.evaluate(() => window.edgewise.backend.failNext(undefined));
  await desk.button(/^Try with/).click();
  await desk.answered();
  await expect(desk.answers).toContainText('Three ways out');
});

test('a_spent_allowance_counts_down', async ({ desk }) => {
  await desk.open({ history: 'none', fail: 'dailyAllowanceSpent' });
  await desk.say('Hello');
  await expect(desk.answers).toContainText(/Free neurons return in \d+:\d\d:\d\d/);
});

test('a_cut_answer_keeps_its_text', async ({ desk }) => {
  await desk.open({ history: 'none', speed: 40, fail: 'streamCut', failAfter: 120 });
  await desk.say('A Worker, please');
  await expect(desk.answers).toContainText('The answer was interrupted. What arrived is kept.');
  await expect(desk.answers).toContainText('A Worker can call');
  await expect(desk.answers.getByRole('button', { name: 'Continue' })).toBeVisible();
});

test('the_box_stays_live_and_messages_queue', async ({ desk, page }) => {
  await desk.open({ history: 'none', speed: 10 });
  await desk.say('A Worker, please');
  await desk.say('And then?');
  const queue = page.getByRole('list', { name: 'Waiting to be sent' });
  await expect(queue).toContainText('And then?');
  await queue.getByRole('button', { name: 'Edit' }).click();
  await expect(desk.message).toHaveValue('And then?');
});

test('a_remote_picture_asks_first_and_links_leave_through_the_backend', async ({ desk, page }) => {
  await desk.open();
  await page.getByRole('link', { name: 'Why the second push fails' }).click();
  await expect(page.locator('.prose img')).toHaveCount(0);
  await desk
    .button(/Remote picture/)
    .first()
    .click();
  await expect(page.getByRole('dialog')).toContainText('pictures.example');
  await desk.button('Open in browser').click();
  await page.getByRole('link', { name: 'the Rust book' }).first().click();
  expect(await page.evaluate(() => window.edgewise.backend.calls)).toEqual([
    'openLink https://pictures.example/borrows.png',
    'openLink https://doc.rust-lang.org/book/ch04-02-references-and-borrowing.html',
  ]);
  expect(page.url()).toContain('scripted.html');
});

test('a_draft_and_the_conversation_are_there_when_one_comes_back', async ({ desk, page }) => {
  await desk.open();
  await page.getByRole('link', { name: 'Why the second push fails' }).click();
  await desk.message.fill('half a thought');
  await page.getByRole('link', { name: 'Worker that calls Workers AI' }).click();
  await expect(desk.message).toHaveValue('');
  await page.getByRole('link', { name: 'Why the second push fails' }).click();
  await expect(desk.message).toHaveValue('half a thought');
});

test('the_answer_is_read_out_by_sentence', async ({ desk, page }) => {
  await desk.open({ history: 'none', speed: 12 });
  await desk.say('A Worker, please');
  await expect(page.locator('[aria-live="polite"][aria-atomic]')).toContainText('Yes.', { timeout: 8000 });
  await expect(desk.log).toHaveAttribute('aria-live', 'off');
});

test('deleting_can_be_undone', async ({ desk, page }) => {
  await desk.open();
  await page.getByRole('link', { name: 'Plan for a week in Lisbon' }).click();
  await page.keyboard.press('Control+Shift+Backspace');
  await expect(page.getByRole('link', { name: 'Plan for a week in Lisbon' })).toHaveCount(0);
  await desk.button('Undo').click();
  await expect(page.getByRole('link', { name: 'Plan for a week in Lisbon' })).toBeVisible();
});

test('a_conversation_is_renamed_in_place', async ({ desk, page }) => {
  await desk.open();
  await page.getByRole('link', { name: 'Plan for a week in Lisbon' }).click();
  await page.keyboard.press('F2');
  await page.getByRole('textbox', { name: 'Name of the chat' }).fill('Lisbon in May');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Lisbon in May' })).toBeVisible();
});

test('a_picture_that_would_pass_the_soft_limit_asks_with_its_price', async ({ desk, page }) => {
  await desk.open({ history: 'none', account: 'cloudflare', used: 0.098 });
  await page.evaluate(() => window.edgewise.app.preferences.set({ softCap: 1000 }));
  await expect.poll(() => page.evaluate(() => window.edgewise.backend.saved.softCap)).toBe(1000);
  await desk.say('画一只猫');
  const dialog = page.getByRole('dialog', { name: 'Your limit for today is reached' });
  await expect(dialog).toContainText(/about [\d.]+ neurons/);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(desk.message).toHaveValue('画一只猫');
  await expect(desk.questions).toHaveCount(0);
  await desk.message.press('Enter');
  await dialog.getByRole('button', { name: 'Make them' }).click();
  await expect(desk.answers.getByRole('img', { name: '一只猫' })).toBeVisible();
  await expect(dialog).toHaveCount(0);
});

test('the_meter_counts_a_file_that_was_just_attached', async ({ desk, page }) => {
  await desk.open({ history: 'none' });
  const meter = page.getByRole('button', { name: /of 131,072 tokens/ });
  await expect(meter).toHaveAccessibleName(/^0 of/);
  await desk.button('Attach files').click();
  await expect(desk.button('Remove notes.txt')).toBeVisible();
  await expect(meter).toHaveAccessibleName(/^[1-9]\d* of/);
  await desk.button('Remove notes.txt').click();
  await expect(meter).toHaveAccessibleName(/^0 of/);
});

test('a_note_stands_above_the_message_box_and_the_way_to_the_end', async ({ desk, page }) => {
  await page.setViewportSize({ width: 720, height: 640 });
  await desk.open();
  await page.evaluate(() => {
    const { app } = window.edgewise;
    app.openChat(app.conversations.rows[0]?.id ?? '');
  });
  await desk.log.hover();
  await page.mouse.wheel(0, -400);
  const pill = desk.button('Jump to latest');
  await expect(pill).toBeVisible();
  await page.evaluate(() => window.edgewise.app.toasts.show('The conversation was archived.'));
  const note = page.getByRole('status').getByText('was archived').locator('..');
  for (const each of [pill, desk.message, desk.button('Send')])
    expect(apart(await note.boundingBox(), await each.boundingBox())).toBe(true);
});
