import { expect, test } from './window';

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
    expect(Date.now() - start, 'milliseconds to any date').toBeLessThan(1500);
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
