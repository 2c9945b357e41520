import { cleanup, render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { tick } from 'svelte';
import { afterEach, describe, expect, it } from 'vitest';
import type { Picture } from '$ipc/generated/domain';
import type { MenuEntry } from '$kit/Menu.svelte';
import { startedApp, until } from '../../testing/app';
import WithApp from '../../testing/WithApp.svelte';
import Compare from './Compare.svelte';
import { saveEntries, selectionEntries, tileEntries } from './deeds';
import Lightbox from './Lightbox.svelte';
import MakerForm from './MakerForm.svelte';
import Tile from './Tile.svelte';
import { Zoom } from './zoom.svelte';

afterEach(cleanup);

describe('MakerForm', () => {
  async function drawn() {
    const { app, backend } = await startedApp();
    let asked = 0;
    const ongenerate = () => (asked += 1);
    render(WithApp, { props: { app, component: MakerForm as never, props: { ongenerate } } });
    await until(() => app.pictures.maker.form !== null);
    await tick();
    return { app, backend, maker: app.pictures.maker, asked: () => asked, user: userEvent.setup() };
  }

  it('shows_only_the_fields_that_the_model_has', async () => {
    const { maker } = await drawn();
    const fields = () => ({
      negative: screen.queryByRole('textbox', { name: 'Negative prompt' }) !== null,
      shape: screen.queryByRole('radiogroup', { name: 'Shape' }) !== null,
      steps: screen.queryByRole('slider', { name: 'Steps' }) !== null,
      guidance: screen.queryByRole('slider', { name: 'Guidance' }) !== null,
      seed: screen.queryByRole('spinbutton', { name: 'Seed' }) !== null,
      references: screen.queryByRole('group', { name: 'Reference pictures' }) !== null,
    });
    const schnell = { negative: false, shape: false, steps: true, guidance: false, seed: false, references: false };
    expect(fields()).toEqual(schnell);
    await maker.choose('@cf/black-forest-labs/flux-2-klein-4b');
    await tick();
    expect(fields()).toEqual({ ...schnell, shape: true, steps: false, seed: true, references: true });
    await maker.choose('@cf/runwayml/stable-diffusion-v1-5-img2img');
    await tick();
    expect(Object.values(fields()).every(Boolean)).toBe(true);
  });

  it('waits_for_a_prompt_and_tells_the_cost_before', async () => {
    const { user, asked } = await drawn();
    const button = screen.getByRole('button', { name: 'Generate' });
    expect(button).toBeDisabled();
    await user.type(screen.getByRole('textbox', { name: 'Prompt' }), 'A fox');
    expect(button).toBeEnabled();
    await screen.findByText('57.6 neurons');
    await user.click(screen.getByRole('radio', { name: '4' }));
    await screen.findByText('230 neurons');
    await user.click(button);
    expect(asked()).toBe(1);
  });

  it('a_prompt_longer_than_the_model_reads_is_told', async () => {
    const { maker } = await drawn();
    maker.prompt = 'x'.repeat(2049);
    await tick();
    expect(screen.getByText(/this model reads 2,048/)).toBeVisible();
  });
});

describe('Tile', () => {
  async function drawn(state: Picture['state'], more: Partial<Picture> = {}) {
    const { app, backend } = await startedApp({ gallery: 'some' });
    await app.pictures.load();
    const picture: Picture = { ...app.pictures.gallery.at(0)!, state, createdAt: Date.now() - 3000, ...more };
    const props = { picture, index: 0, count: 1, current: true, onopen: () => {}, onfocus: () => {} };
    render(WithApp, { props: { app, component: Tile as never, props } });
    return { app, backend, picture, user: userEvent.setup() };
  }

  it('a_pending_picture_shows_its_seconds_and_can_be_cancelled', async () => {
    const { backend, user } = await drawn({ kind: 'pending' });
    expect(screen.getByText('3 s')).toBeVisible();
    let cancelled = '';
    backend.cancelPicture = async (id) => void (cancelled = id);
    await user.click(screen.getByRole('button', { name: 'Cancel' }));
    expect(cancelled).toBe('picture-0');
  });

  it('a_pause_before_another_try_is_told', async () => {
    const { app } = await drawn({ kind: 'pending' });
    app.pictures.hear({ kind: 'waiting', picture: 'picture-0', fault: { code: 'modelBusy' }, delayMs: 4000 });
    await tick();
    expect(screen.getByText('The model is busy.')).toBeVisible();
    expect(screen.getByText(/Next try in/)).toBeVisible();
  });

  it('a_pending_picture_tells_what_it_will_cost', async () => {
    await drawn({ kind: 'pending' });
    expect(await screen.findByText(/≈ .* neurons/)).toBeVisible();
  });

  it('one_that_was_paid_for_and_not_saved_is_shown_and_saved_again_not_made_again', async () => {
    const { backend, user, picture } = await drawn({ kind: 'failed', fault: { code: 'diskFull' } }, { unsaved: true });
    expect(screen.getByText(/Not saved, only in memory. The disk is full/)).toBeVisible();
    expect(screen.queryByRole('button', { name: 'Try again' }), 'another try would be billed twice').toBeNull();
    await user.click(screen.getByRole('button', { name: 'Save again' }));
    expect(backend.calls).toContain(`savePictureAgain ${picture.id}`);
  });

  it('a_failed_one_says_why_in_a_sentence_and_offers_another_try', async () => {
    await drawn({ kind: 'failed', fault: { code: 'contentRefused' } });
    expect(screen.getByText('A content filter refused this.')).toBeVisible();
    expect(screen.getByRole('button', { name: 'Try again' })).toBeVisible();
  });

  it.each([
    ['missing', 'The file is gone.'],
    ['damaged', 'The file is damaged.'],
  ] as const)('a_%s_file_is_shown_as_such', async (kind, words) => {
    const { picture } = await drawn({ kind });
    expect(screen.getByText(words)).toBeVisible();
    expect(screen.getByText(picture.request.prompt), 'its prompt is still there').toBeVisible();
  });
});

describe('Lightbox', () => {
  it('has_its_own_keys_and_albums_where_the_gallery_was_never_opened', async () => {
    const { app, backend } = await startedApp({ gallery: 'some' });
    const picture = await backend.picture('picture-2');
    await app.pictures.look(picture.id);
    const shown = render(WithApp, {
      props: { app, component: Lightbox as never, props: { picture, onclose: () => {} } },
    });
    await tick();
    app.commands.run('starPicture');
    await until(() => app.pictures.of(picture.id)?.starred === !picture.starred);
    app.commands.run('reusePrompt');
    await until(() => app.pictures.maker.prompt === picture.request.prompt);
    const facts = app.pictures.factsShown;
    app.commands.run('pictureInfo');
    expect(app.pictures.factsShown).toBe(!facts);
    await until(() => app.pictures.gallery.albums.length === 2);
    app.commands.run('deletePicture');
    await until(() => app.pictures.of(picture.id) === null);
    shown.unmount();
    expect(app.commands.available('starPicture'), 'closed, it means nothing').toBe(false);
  });
});

describe('Compare', () => {
  it('says_where_a_file_is_gone_and_swaps_and_changes_its_way_by_key', async () => {
    const { app } = await startedApp({ gallery: 'some' });
    await app.pictures.load();
    const [left, right] = [app.pictures.gallery.at(0)!, app.pictures.gallery.at(9)!];
    app.pictures.compare([left.id, right.id]);
    render(WithApp, { props: { app, component: Compare as never, props: { left, right } } });
    await tick();
    expect(screen.getByText('The file is gone.')).toBeVisible();
    app.commands.run('swapCompared');
    expect(app.pictures.compared).toEqual([right.id, left.id]);
    app.commands.run('compareMode');
    expect(app.pictures.compareMode).toBe('sides');
  });
});

describe('the menu of a tile', () => {
  const labels = (entries: readonly MenuEntry[]): string[] =>
    entries.filter((entry) => entry !== 'line').map((entry) => entry.label);

  it('compares_with_a_neighbour_and_leaves_out_what_a_missing_file_cannot_do', async () => {
    const { app } = await startedApp({ gallery: 'some' });
    await app.pictures.load();
    const { gallery } = app.pictures;
    const whole = labels(tileEntries(app, gallery.at(3)!, () => {}));
    expect(whole).toEqual(expect.arrayContaining(['Compare with the one before', 'Compare with the one after']));
    expect(whole).toContain('Save and copy');
    expect(labels(tileEntries(app, gallery.at(0)!, () => {}))).not.toContain('Compare with the one before');
    const gone = labels(tileEntries(app, gallery.at(9)!, () => {}));
    expect(gone).toEqual(['Reuse', 'Make variations', 'Star', 'Albums', 'Delete']);
    expect(labels(selectionEntries(app, ['picture-1', 'picture-2'], () => {}))[0]).toBe('Compare');
  });

  it('saving_offers_first_what_the_person_set_as_usual', async () => {
    const { app } = await startedApp({ gallery: 'some' });
    expect(labels(saveEntries(app, 'picture-0')).slice(0, 2)).toEqual(['Save as…', 'Save without metadata…']);
    app.preferences.set({ stripMetadata: true });
    expect(labels(saveEntries(app, 'picture-0')).slice(0, 2)).toEqual([
      'Save without metadata…',
      'Save with metadata…',
    ]);
  });
});

describe('Zoom', () => {
  it('keeps_the_point_under_the_pointer_and_comes_back_to_the_middle', () => {
    const zoom = new Zoom();
    zoom.by(2, 100, 50);
    // Twice as large around 100, 50: what lay there lies there still when all is moved by as much.
    expect([zoom.x, zoom.y]).toEqual([-100, -50]);
    zoom.by(0.1);
    expect([zoom.scale, zoom.x, zoom.y]).toEqual([1, 0, 0]);
    zoom.grab(0, 0);
    zoom.drag(50, 50);
    expect(zoom.x, 'a fitted picture does not move').toBe(0);
  });
});
