import { expect, test } from './window';

test('the_simulator_door_opens_onto_an_empty_chat', async ({ desk }) => {
  await desk.open({ account: 'none', history: 'none' });
  await desk.button(/Try without an account/).click();
  await expect(desk.message).toBeFocused();
  await expect(desk.page.getByText('SIMULATION')).toBeVisible();
  await expect(desk.button(/Explain something/)).toBeVisible();
  await expect(desk.page.getByText('You can drop files anywhere')).toBeVisible();
});

test('a_token_becomes_an_account_in_three_ticks', async ({ desk, page }) => {
  await desk.open({ account: 'none', history: 'none' });
  await desk.button(/Connect Cloudflare/).click();
  await page.getByLabel('API token').fill('abcdefghijklmnop');
  await page.keyboard.press('Enter');
  await page.getByText("Ada's account").click();
  await expect(page.getByText('cost 0.12 neurons')).toBeVisible();
  await desk.button('Continue').click();
  await expect(page.getByRole('radio', { name: /System keychain/ })).toBeChecked();
  await expect(page.getByText('/home/ada/.local/share')).toBeVisible();
  await desk.button('Start').click();
  await expect(desk.message).toBeVisible();
  await expect(page.getByText('SIMULATION')).toHaveCount(0);
});

test('a_missing_permission_is_named_with_its_page', async ({ desk, page }) => {
  await desk.open({ account: 'none', history: 'none', missingPermission: 'Workers AI: Read' });
  await desk.button(/Connect Cloudflare/).click();
  await page.getByLabel('API token').fill('abcdefghijklmnop');
  await page.keyboard.press('Enter');
  await page.getByText("Ada's account").click();
  await expect(page.getByText('The token lacks the permission “Workers AI: Read”.')).toBeVisible();
  await desk.button('Grant it in the dashboard').click();
  const calls = await page.evaluate(() => window.edgewise.backend.calls);
  expect(calls).toEqual(['openLink https://dash.cloudflare.com/profile/api-tokens']);
});

test('without_a_keychain_the_person_chooses', async ({ desk, page }) => {
  await desk.open({ account: 'none', history: 'none', keychain: 'absent', hiddenAccounts: true });
  await desk.button(/Connect Cloudflare/).click();
  await page.getByLabel('API token').fill('abcdefghijklmnop');
  await page.keyboard.press('Enter');
  await page.getByLabel('Account ID').fill('0123456789abcdef0123456789abcdef');
  await desk.button('Check').click();
  await desk.button('Continue').click();
  await expect(page.getByRole('radio', { name: /System keychain/ })).toBeDisabled();
  await page.getByText('Encrypted file').click();
  await page.getByLabel('Passphrase', { exact: true }).fill('correct horse');
  await page.getByLabel('The passphrase again').fill('correct horse');
  await desk.button('Start').click();
  await expect(desk.message).toBeVisible();
});

test('a_locked_key_file_leaves_the_history_readable', async ({ desk, page }) => {
  await desk.open({ account: 'cloudflare', passphraseNeeded: true });
  await page.getByRole('link', { name: 'Why the second push fails' }).click();
  await expect(desk.answers.first()).toBeVisible();
  await desk.button('Unlock').click();
  await page.getByLabel('Passphrase').fill('wrong');
  await page.keyboard.press('Enter');
  await expect(page.getByText('This passphrase does not open the key file.')).toBeVisible();
  await page.getByLabel('Passphrase').fill('correct horse');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('chinese_is_detected_and_the_language_changes_at_once', async ({ desk, page }) => {
  await desk.open({ account: 'none', history: 'none', locale: 'zh-CN' });
  await expect(desk.button(/连接 Cloudflare/)).toBeVisible();
  await page.getByText('English').click();
  await expect(desk.button(/Connect Cloudflare/)).toBeVisible();
});

test('a_damaged_database_offers_its_copies', async ({ desk, page }) => {
  await desk.open({ database: 'damaged' });
  await expect(page.getByRole('heading', { name: 'The database is damaged' })).toBeVisible();
  await desk.button('Restore').first().click();
  await expect(desk.message).toBeVisible();
});

test('starting_fresh_asks_first_and_says_that_nothing_is_deleted', async ({ desk, page }) => {
  await desk.open({ database: 'damaged' });
  await desk.button('Start fresh').click();
  await expect(page.getByText('moved aside, not deleted')).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Start fresh' }).click();
  await expect(page.getByText('Your chats will appear here.')).toBeVisible();
});
