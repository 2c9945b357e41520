import { apart, expect, test } from './window';

test('prompt_tile_lightbox_reuse_compare_delete_undo', async ({ desk, page }) => {
  await desk.open({}, '#/images');
  const gallery = page.getByRole('list', { name: 'Gallery' });
  const tiles = gallery.getByRole('listitem');
  await expect(tiles.first()).toBeVisible();

  // a picture is asked for and comes
  await page.getByRole('textbox', { name: 'Prompt' }).fill('A paper boat on a pond');
  await expect(page.getByText('57.6 neurons')).toBeVisible();
  await page.keyboard.press('Control+Enter');
  const tile = gallery.getByRole('button', { name: 'A paper boat on a pond' });
  await expect(tile).toHaveAttribute('aria-busy', 'true');
  await expect(tile.locator('img')).toBeVisible();
  await expect(page.getByText('65 pictures')).toBeVisible();

  // large, with its settings; arrows lead on
  await tile.click();
  const box = page.getByRole('dialog', { name: 'A paper boat on a pond' });
  await expect(box.getByRole('complementary')).toContainText('flux-1-schnell');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByText('2 / 65')).toBeVisible();
  await page.keyboard.press('.');
  await expect(desk.button('Remove the star').first()).toBeVisible();
  await page.keyboard.press('p');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByRole('textbox', { name: 'Prompt' })).not.toHaveValue('A paper boat on a pond');

  // two of them against each other
  await tile.click({ modifiers: ['Control'] });
  await gallery.locator('.face').nth(2).click();
  await desk.button('Compare').click();
  await page.keyboard.press('m');
  await expect(page.getByRole('radio', { name: 'Side by side' })).toBeChecked();
  const before = await page.locator('figcaption').first().textContent();
  await page.keyboard.press('c');
  await expect(page.locator('figcaption').last()).toHaveText(before ?? '');
  await page.keyboard.press('Escape');

  // deleted, and taken back
  await page.keyboard.press('Delete');
  await expect(page.getByText('63 pictures')).toBeVisible();
  await desk.button('Undo').click();
  await expect(page.getByText('65 pictures')).toBeVisible();
  await expect(tile).toBeVisible();
});

test('keys_of_the_gallery_are_letters_again_in_a_field', async ({ desk, page }) => {
  await desk.open({}, '#/images');
  const prompt = page.getByRole('textbox', { name: 'Prompt' });
  await page.getByRole('list', { name: 'Gallery' }).locator('.face').first().focus();
  await page.keyboard.press('a');
  await expect(prompt).not.toHaveValue('');
  await prompt.fill('');
  await prompt.pressSequentially('aps.ri');
  await expect(prompt).toHaveValue('aps.ri');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('Alt+ArrowUp');
  await expect(prompt).not.toHaveValue('aps.ri');
  await page.keyboard.press('Alt+ArrowDown');
  await expect(prompt).toHaveValue('aps.ri');
});

test('an_empty_gallery_offers_prompts', async ({ desk, page }) => {
  await desk.open({ gallery: 'none' }, '#/images');
  await desk.button(/lighthouse/).click();
  const prompt = page.getByRole('textbox', { name: 'Prompt' });
  await expect(prompt).toHaveValue(/lighthouse/);
  await expect(prompt).toBeFocused();
  await desk.button('Generate').click();
  await expect(page.getByRole('list', { name: 'Gallery' }).getByRole('listitem')).toHaveCount(1);
});

test('of_25000_pictures_only_those_near_the_view_are_in_the_page', async ({ desk, page }) => {
  await desk.open({ gallery: 'many' }, '#/images');
  const tiles = page.getByRole('list', { name: 'Gallery' }).getByRole('listitem');
  await expect(tiles.first()).toBeVisible();
  const rail = page.getByRole('slider', { name: 'Date' });
  const box = await rail.boundingBox();
  if (!box) throw new Error('no rail');
  for (const share of [0.9, 0.35, 0.6]) {
    const start = Date.now();
    await page.mouse.click(box.x + 10, box.y + box.height * share);
    await expect(tiles.first().locator('img')).toBeVisible();
    expect(Date.now() - start, 'milliseconds to any date').toBeLessThan(5000);
    expect(await tiles.count()).toBeLessThan(120);
    const place = Number(await tiles.first().getAttribute('aria-posinset'));
    expect(Math.abs(place / 25_000 - share), 'the place on the rail is the place in time').toBeLessThan(0.02);
  }
  await rail.focus();
  await page.keyboard.press('End');
  await expect(tiles.last()).toHaveAttribute('aria-posinset', '25000');
});

test('a_mask_is_painted_and_undone', async ({ desk, page }) => {
  await desk.open({}, '#/images');
  await page.getByLabel('Model', { exact: true }).selectOption({ label: 'stable-diffusion-v1-5-inpainting' });
  await expect(page.getByText('This model changes a picture: add one.')).toBeVisible();
  await page.getByRole('list', { name: 'Gallery' }).locator('.face').first().click();
  await desk.button('Reuse').click();
  await page.getByRole('menuitem', { name: 'Use as a reference' }).click();
  await page.keyboard.press('Escape');
  await desk.button('Paint a mask').click();
  const canvas = await page.locator('canvas').boundingBox();
  if (!canvas) throw new Error('no canvas');
  const stroke = async (y: number) => {
    await page.mouse.move(canvas.x + 60, canvas.y + y);
    await page.mouse.down();
    await page.mouse.move(canvas.x + 180, canvas.y + y, { steps: 5 });
    await page.mouse.up();
  };
  await stroke(80);
  await stroke(160);
  await page.keyboard.press('Control+z');
  await expect(desk.button('Undo')).toBeEnabled();
  await page.keyboard.press('Control+z');
  await expect(desk.button('Undo')).toBeDisabled();
  await stroke(120);
  await desk.button('Use the mask').click();
  await expect(desk.button('Change the mask')).toBeVisible();
  const request = await page.evaluate(() => window.edgewise.app.pictures.maker.request);
  expect(request.mask).not.toBeNull();
  expect(request.references).toHaveLength(1);
});

test('a_picture_made_in_a_conversation_is_there_and_in_the_gallery', async ({ desk, page }) => {
  await desk.open({ history: 'none', gallery: 'none' });
  await desk.say('/image a fox in the snow');
  const picture = desk.answers.getByRole('img', { name: 'a fox in the snow' });
  await expect(picture).toBeVisible();
  await picture.click();
  await expect(page.getByRole('dialog', { name: 'a fox in the snow' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Images', exact: true }).click();
  await expect(page.getByRole('list', { name: 'Gallery' }).getByRole('listitem')).toHaveCount(1);
});

test('in_a_conversation_the_keys_of_the_lightbox_work_and_its_albums_are_there', async ({ desk, page }) => {
  await desk.open({ history: 'none', gallery: 'some' });
  await desk.say('/image a fox in the snow');
  await desk.answers.getByRole('img', { name: 'a fox in the snow' }).click();
  const box = page.getByRole('dialog', { name: 'a fox in the snow' });
  await page.keyboard.press('.');
  await expect(box.getByRole('button', { name: 'Remove the star' })).toBeVisible();
  await box.getByRole('button', { name: 'Albums' }).click();
  await page.getByRole('menuitem', { name: 'Postcards' }).click();
  await expect(box.getByRole('complementary')).toContainText('Postcards');
  await page.keyboard.press('i');
  await expect(box.getByRole('complementary')).toHaveCount(0);
  await page.keyboard.press('p');
  await expect(page.getByText('The form has its settings')).toBeVisible();
  await page.keyboard.press('Delete');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(desk.answers.getByText('The file is gone.')).toBeVisible();
  await desk.button('Undo').click();
  await expect(desk.answers.getByRole('img', { name: 'a fox in the snow' })).toBeVisible();
});

test('in_a_conversation_a_picture_is_cancelled_and_tried_again_where_it_is', async ({ desk, page }) => {
  await desk.open({ history: 'none', gallery: 'none' });
  await page.evaluate(() => (window.edgewise.backend.gallery.speed = 60_000));
  await desk.say('/image a fox in the snow');
  await expect(desk.answers.getByText('≈ 57.6 neurons')).toBeVisible();
  await desk.answers.getByRole('button', { name: 'Cancel' }).click();
  await expect(desk.answers.getByText('You stopped it.')).toBeVisible();
  await page.evaluate(() => Object.assign(window.edgewise.backend.gallery, { speed: 50, fail: 'modelBusy' }));
  await desk.answers.getByRole('button', { name: 'Try again' }).click();
  await expect(desk.answers.getByText(/The model is busy/)).toBeVisible();
  await page.evaluate(() => (window.edgewise.backend.gallery.fail = undefined));
  await desk.answers.getByRole('button', { name: 'Try again' }).click();
  await expect(desk.answers.getByRole('img', { name: 'a fox in the snow' })).toBeVisible();
});

test('a_tile_is_compared_from_its_menu_and_the_size_comes_back_by_key', async ({ desk, page }) => {
  await desk.open({}, '#/images');
  const faces = page.getByRole('list', { name: 'Gallery' }).locator('.face');
  await faces.nth(3).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Compare with the one after' }).click();
  await expect(page.getByRole('dialog', { name: 'Compare' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByLabel('Model', { exact: true }).selectOption({ label: 'flux-2-klein-4b' });
  await faces.nth(3).focus();
  await page.keyboard.press('d');
  await expect(page.getByRole('spinbutton', { name: 'Width in pixels' })).toHaveValue('1216');
  // The same menu by keyboard.
  await page.keyboard.press('Shift+F10');
  await page.getByRole('menuitem', { name: 'Show it large' }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
});

test('all_of_25000_pictures_are_selected_and_a_stretch_reaches_beyond_what_was_loaded', async ({ desk, page }) => {
  await desk.open({ gallery: 'many' }, '#/images');
  const list = page.getByRole('list', { name: 'Gallery' });
  await list
    .locator('.face')
    .first()
    .click({ modifiers: ['Control'] });
  // The end is clicked before its picture is here.
  await page.evaluate(() => {
    const { backend } = window.edgewise;
    const pictures = backend.pictures.bind(backend);
    const released = new Promise<void>((resolve) => Object.assign(window, { release: resolve }));
    backend.pictures = (query) => released.then(() => pictures(query));
  });
  const rail = page.getByRole('slider', { name: 'Date' });
  await rail.focus();
  await page.keyboard.press('End');
  const end = list.locator('.face[data-index="24999"]');
  await expect(end).toHaveAccessibleName('Loading');
  await end.click({ modifiers: ['Shift'] });
  await page.evaluate(() => (window as unknown as { release: () => void }).release());
  await expect(page.getByText('25,000 selected')).toBeVisible({ timeout: 15_000 });
  await desk.button('Clear the selection').click();
  await list.locator('.face').last().focus();
  await page.keyboard.press('Control+a');
  await expect(page.getByText('25,000 selected')).toBeVisible({ timeout: 15_000 });
});

test('an_album_takes_new_pictures_and_comes_back_with_its_own', async ({ desk, page }) => {
  await desk.open({}, '#/images');
  await page.getByLabel('Album for new pictures').selectOption({ label: 'Postcards' });
  await page.getByRole('textbox', { name: 'Prompt' }).fill('A paper boat');
  await desk.button('Generate').click();
  await page.getByLabel('Album', { exact: true }).selectOption({ label: 'Postcards (6)' });
  await expect(page.getByText('6 pictures')).toBeVisible();
  await desk.button('More').click();
  await page.getByRole('menuitem', { name: 'Delete album' }).click();
  await desk.button('With its pictures').click();
  await expect(page.getByText('59 pictures')).toBeVisible();
  await desk.button('Undo').click();
  await expect(page.getByText('65 pictures')).toBeVisible();
  await page.getByLabel('Album', { exact: true }).selectOption({ label: 'Postcards (6)' });
  await expect(page.getByText('6 pictures')).toBeVisible();
});

test('what_could_not_be_saved_is_shown_and_saved_again', async ({ desk, page }) => {
  await desk.open({}, '#/images');
  await page.evaluate(() => Object.assign(window.edgewise.backend.gallery, { speed: 50, fail: 'diskFull' }));
  await page.getByRole('textbox', { name: 'Prompt' }).fill('A paper boat');
  await desk.button('Generate').click();
  const first = page.getByRole('list', { name: 'Gallery' }).getByRole('listitem').first();
  await expect(first.locator('img')).toBeVisible();
  await expect(first.getByText(/only in memory/)).toBeVisible();
  await first.getByRole('button', { name: 'Save again' }).click();
  await expect(first.getByText(/only in memory/)).toHaveCount(0);
});

test('pictures_have_their_place_in_the_settings', async ({ desk, page }) => {
  await desk.open({}, '#/settings/images');
  await desk.button('Open the folder').click();
  expect(await page.evaluate(() => window.edgewise.backend.calls)).toContain('revealPicturesFolder');
  await page.getByRole('switch', { name: 'Without metadata' }).click();
  await page.getByRole('link', { name: 'Images', exact: true }).first().click();
  await page.getByRole('list', { name: 'Gallery' }).locator('.face').first().hover();
  await desk.button('Save as…').click();
  await expect(page.getByText(/Saved to/)).toBeVisible();
  expect(await page.evaluate(() => window.edgewise.backend.calls)).toContain('savePictureAs picture-0 true');
});

for (const width of [720, 1280]) {
  test(`at_${width}_pixels_a_note_covers_neither_the_price_nor_the_button`, async ({ desk, page }) => {
    await page.setViewportSize({ width, height: 640 });
    await desk.open({}, '#/images');
    await page.getByRole('textbox', { name: 'Prompt' }).fill('A paper boat');
    const price = page.getByText('57.6 neurons');
    await expect(price).toBeVisible();
    // As long as it gets, with an action, and several of them.
    await page.evaluate(() => {
      const { toasts } = window.edgewise.app;
      const text = 'The folder of the pictures cannot be written to, so that the picture is only in memory.';
      for (let count = 0; count < 3; count += 1) toasts.bad(text, { label: 'Open the folder', run: () => {} });
    });
    const notes = page.getByRole('status').filter({ hasText: 'cannot be written' }).locator('> *');
    await expect(notes).toHaveCount(3);
    const controls = await page.getByRole('form').locator('button, input, select, textarea').all();
    expect(controls.length, 'the fields of the form').toBeGreaterThan(6);
    const rail = page.getByRole('slider', { name: 'Date' });
    for (const note of await notes.all())
      for (const each of [price, rail, ...controls])
        expect(apart(await note.boundingBox(), await each.boundingBox()), String(each)).toBe(true);
  });
}
