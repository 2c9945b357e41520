import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, it } from 'vitest';
import type { App } from '$state/app.svelte';
import { startedApp } from '../../testing/app';
import WithApp from '../../testing/WithApp.svelte';
import SettingsPage from './SettingsPage.svelte';

afterEach(cleanup);

async function page() {
  const { app, backend } = await startedApp();
  app.router.go('settings', 'library');
  render(WithApp as never, { props: { app, component: SettingsPage, props: {} } } as never);
  return { app, backend };
}

const field = (name: string): HTMLInputElement => screen.getByRole('spinbutton', { name });

async function saved(app: App, backend: { settings(): Promise<unknown> }): Promise<unknown> {
  app.preferences.flush();
  await Promise.resolve();
  return backend.settings();
}

describe('the settings of the library', () => {
  it('set_what_the_reading_of_a_file_may_take', async () => {
    const { app, backend } = await page();
    await fireEvent.change(field('Largest file (MiB)'), { target: { value: '512' } });
    await fireEvent.change(field('Memory for reading a file (MiB)'), { target: { value: '2048' } });
    await fireEvent.change(field('Processor time for reading a file (seconds)'), { target: { value: '60' } });
    await fireEvent.change(field('Time for reading a file (seconds)'), { target: { value: '90.4' } });
    expect(await saved(app, backend)).toMatchObject({
      largestDocumentMib: 512,
      readingMemoryMib: 2048,
      readingCpuS: 60,
      readingWallS: 90,
    });
  });

  it('a_limit_that_no_file_could_keep_is_not_taken', async () => {
    const { app } = await page();
    await fireEvent.change(field('Largest file (MiB)'), { target: { value: '0' } });
    await fireEvent.change(field('Memory for reading a file (MiB)'), { target: { value: '1' } });
    expect(app.preferences.current).toMatchObject({ largestDocumentMib: 1, readingMemoryMib: 64 });
    await fireEvent.change(field('Time for reading a file (seconds)'), { target: { value: '' } });
    expect(field('Time for reading a file (seconds)').value).toBe('30');
    expect(app.preferences.current.readingWallS).toBe(30);
  });

  it('set_the_model_that_collections_begin_with', async () => {
    const { app, backend } = await page();
    const model = app.shelf.ofTask('textEmbeddings')[0]!;
    const select: HTMLSelectElement = screen.getByRole('combobox', { name: 'Embedding model of new collections' });
    expect(select.selectedOptions[0]?.label).toBe('Standard (bge-m3)');
    await fireEvent.change(select, { target: { value: model.id } });
    expect(await saved(app, backend)).toMatchObject({ embeddingModel: model.id });
    expect(app.library.newSettings().embeddingModel).toBe(model.id);
    await fireEvent.change(select, { target: { value: '' } });
    expect(await saved(app, backend)).toMatchObject({ embeddingModel: null });
  });

  it('are_found_by_their_words', async () => {
    await page();
    await fireEvent.input(screen.getByRole('searchbox'), { target: { value: 'processor time' } });
    expect(screen.getByRole('spinbutton').getAttribute('max')).toBe('3600');
  });
});
