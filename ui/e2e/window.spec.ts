import { expect, test } from './window';

test('the_names_that_others_rely_on', async ({ desk, page }) => {
  await desk.open();
  const navigation = page.getByRole('navigation', { name: 'Main' });
  for (const name of ['Chat', 'Images', 'Library', 'Models', 'Usage', 'Settings']) {
    await expect(navigation.getByRole('link', { name, exact: true })).toBeVisible();
  }
  await expect(page.getByRole('button', { name: 'New chat', exact: true }).first()).toBeVisible();
  await expect(desk.message).toBeVisible();
  await expect(desk.button('Send')).toBeVisible();
  await page.getByRole('link', { name: 'Why the second push fails' }).click();
  await expect(desk.log).toBeVisible();
  await expect(desk.questions.first()).toBeVisible();
  await expect(desk.answers.first()).toBeVisible();
});

test('keys_do_what_the_sheet_says', async ({ desk, page }) => {
  await desk.open();
  await page.keyboard.press('Control+/');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+,');
  await expect(page.getByRole('heading', { name: 'General' })).toBeVisible();
  await page.keyboard.press('Control+N');
  await expect(desk.message).toBeFocused();
  await page.keyboard.press('Control+B');
  await expect(page.getByRole('link', { name: 'Models', exact: true })).toBeHidden();
  await page.keyboard.press('Control+B');
  await page.keyboard.press('Control+Tab');
  await expect(page.getByRole('heading', { name: 'Explain RaBitQ like I know k-means' })).toBeVisible();
  await page.keyboard.press('Control+2');
  await expect(page.getByRole('heading', { name: 'Why the second push fails', level: 1 })).toBeVisible();
  await page.keyboard.press('Control+]');
  await expect(page.getByRole('complementary', { name: 'Run settings' })).toBeVisible();
  await page.keyboard.press('Control+K');
  await page.getByRole('combobox', { name: 'Command palette' }).fill('usage');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'By day (UTC)' })).toBeVisible();
});

test('the_page_never_reloads', async ({ desk, page }) => {
  await desk.open({ speed: 500 });
  await desk.say('A Worker, please');
  await desk.answered();
  await page.evaluate(() => Object.assign(window, { stayed: true }));
  await page.keyboard.press('Control+R');
  await expect(page.getByText('2/2')).toBeVisible();
  await page.keyboard.press('F5');
  expect(await page.evaluate(() => 'stayed' in window)).toBe(true);
});

test('the_model_is_chosen_by_keyboard_and_retired_ones_are_not_offered', async ({ desk, page }) => {
  await desk.open();
  await page.keyboard.press('Control+Shift+M');
  await page.getByRole('combobox', { name: 'Search models' }).fill('llama');
  await expect(page.getByRole('option')).toHaveCount(2);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(desk.button(/^Model: llama-3.3/)).toBeVisible();
  await expect(desk.message).toBeFocused();
});

test('run_settings_that_are_empty_are_not_sent', async ({ desk, page }) => {
  await desk.open();
  await page.keyboard.press('Control+]');
  await page.getByRole('spinbutton', { name: 'Temperature' }).fill('0.3');
  await page.keyboard.press('Tab');
  const parameters = () => page.evaluate(() => window.edgewise.app.chat.options.parameters);
  expect(await parameters()).toMatchObject({ temperature: 0.3, topP: null, seed: null });
  await desk.button('Clear').click();
  expect(await parameters()).toMatchObject({ temperature: null });
});

test('what_is_set_is_kept_as_an_assistant_and_used_again', async ({ desk, page }) => {
  await desk.open();
  await page.keyboard.press('Control+]');
  await page.getByRole('textbox', { name: 'System prompt' }).fill('Answer in rhymes.');
  await desk.button('Save as assistant…').click();
  const dialog = page.getByRole('dialog', { name: 'Save as assistant' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Poet');
  await page.keyboard.press('Enter');
  await expect(page.getByText('“Poet” is saved.')).toBeVisible();
  await expect(page.getByRole('combobox', { name: 'Assistant' })).toHaveValue(/.+/);

  const chip = page.getByRole('button', { name: 'Poet', exact: true });
  const system = () => page.evaluate(() => window.edgewise.app.chat.options.system);
  await expect(chip).toHaveAttribute('aria-pressed', 'true');
  await chip.click();
  await expect(chip).toHaveAttribute('aria-pressed', 'false');
  expect(await system()).toBeNull();
  await page.keyboard.press('Control+J');
  expect(await system()).toBe('Answer in rhymes.');
  await chip.click();
  await desk.message.fill('@poe');
  await page.keyboard.press('Enter');
  expect(await system()).toBe('Answer in rhymes.');

  await page.getByRole('button', { name: 'Delete the assistant Poet' }).click();
  await expect(chip).toBeHidden();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(chip).toBeVisible();
});

test('a_key_can_be_changed_and_a_conflict_is_shown', async ({ desk, page }) => {
  await desk.open({}, '#/settings/keyboard');
  await desk.button('Change the key for: New chat').click();
  await page.keyboard.press('Control+K');
  await expect(page.getByText('The same key as: Command palette')).toBeVisible();
  await desk.button('Change the key for: New chat').click();
  await page.keyboard.press('Control+Shift+O');
  await expect(page.getByText(/The same key as/)).toHaveCount(0);
  await page.keyboard.press('Control+Shift+O');
  await expect(desk.message).toBeFocused();
});

test('settings_are_found_by_words', async ({ desk, page }) => {
  await desk.open({}, '#/settings');
  await page.getByRole('searchbox', { name: 'Search settings' }).fill('proxy');
  await expect(page.getByRole('heading', { name: 'Network' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'General' })).toBeHidden();
  await page.getByRole('searchbox', { name: 'Search settings' }).fill('nothing of the kind');
  await expect(page.getByText('No setting matches')).toBeVisible();
});

test('theme_and_language_change_the_whole_window', async ({ desk, page }) => {
  await desk.open({}, '#/settings');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByText('Dark', { exact: true }).click();
  expect(await ground()).not.toBe(light);
  await page.getByText('简体中文').click();
  await expect(page.getByRole('link', { name: '模型', exact: true }).first()).toBeVisible();
  await page.getByText('English').click();
  await expect(page.getByRole('link', { name: 'Models', exact: true }).first()).toBeVisible();
});

test('models_are_sorted_and_described', async ({ desk, page }) => {
  await desk.open({}, '#/models');
  await desk.button(/^Input/).click();
  const first = page.locator('tbody tr').first();
  await expect(first).toContainText('qwen3-30b');
  await desk.button(/^Input/).click();
  await expect(first).toContainText('kimi-k2.6');
  await first.getByRole('button').click();
  await expect(page.getByRole('complementary', { name: 'kimi-k2.6' })).toContainText('Workers Paid');
  await page.getByLabel('Retired models too').check();
  await expect(page.locator('tbody')).toContainText('llama-2-7b');
});

test('trouble_with_saving_is_a_banner_until_it_is_over', async ({ desk, page }) => {
  await desk.open({ savingTrouble: true });
  await expect(page.getByRole('alert')).toContainText('The disk is full');
  await page.evaluate(() => window.edgewise.backend.emit({ kind: 'savingTrouble', fault: null }));
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('a_narrow_window_keeps_everything_in_reach', async ({ desk, page }) => {
  await page.setViewportSize({ width: 720, height: 800 });
  await desk.open();
  await expect(page.getByRole('link', { name: 'Models', exact: true })).toBeHidden();
  await desk.button('Show or hide the sidebar').click();
  await page.getByRole('link', { name: 'Why the second push fails' }).click();
  await expect(desk.answers.first()).toBeVisible();
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
});

test('the_detector_works_the_policy_refuses_what_it_should', async ({ page }) => {
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto('/e2e/scripted.html');
  await page.evaluate(() => {
    document.body.setAttribute('style', 'color: red');
    const picture = document.createElement('img');
    picture.src = 'https://pictures.example/x.png';
    document.body.append(picture);
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
  });
  await expect.poll(() => complaints.filter((text) => text.includes('Content Security Policy')).length).toBe(3);
  expect(await page.evaluate(() => 'ran' in window)).toBe(false);
  expect(await page.evaluate(() => Object.isFrozen(Object.prototype))).toBe(true);
});
