import { describe, expect, it } from 'vitest';
import { startedApp, until } from '../testing/app';

async function opened(gallery: 'none' | 'some' | 'many' = 'some') {
  const { app, backend } = await startedApp({ gallery });
  backend.gallery.speed = 10;
  await app.pictures.load();
  await until(() => app.pictures.maker.form !== null);
  return { app, backend, pictures: app.pictures, gallery: app.pictures.gallery, maker: app.pictures.maker };
}

describe('Maker', () => {
  it('sends_only_what_the_model_takes', async () => {
    const { maker } = await opened();
    Object.assign(maker, { prompt: ' A fox ', negativePrompt: 'blur', seed: 7, width: 512, height: 512, steps: 99 });
    expect(maker.request).toMatchObject({
      prompt: 'A fox',
      negativePrompt: null,
      seed: null,
      width: null,
      steps: 8,
      guidance: null,
      references: [],
    });
    await maker.choose('@cf/lykon/dreamshaper-8-lcm');
    expect(maker.request).toMatchObject({ negativePrompt: 'blur', seed: 7, width: 512, steps: 20 });
  });

  it('locked_sides_move_together', async () => {
    const { maker } = await opened();
    await maker.choose('@cf/black-forest-labs/flux-2-klein-4b');
    maker.setRatio('3:2');
    const [width, height] = maker.size;
    maker.setSide('width', 600);
    expect(maker.size[0]).toBe(600);
    expect(maker.size[1] / 600).toBeCloseTo(height / width, 1);
    maker.sizeLocked = false;
    maker.setSide('height', 1024);
    expect(maker.size).toEqual([600, 1024]);
    maker.setSide('height', null);
    expect(maker.request).toMatchObject({ width: null, height: null });
  });

  it('a_seed_is_used_once_unless_it_is_locked', async () => {
    const { maker } = await opened();
    await maker.choose('@cf/black-forest-labs/flux-2-klein-4b');
    maker.prompt = 'A fox';
    maker.rollSeed();
    const [row] = await maker.generate();
    expect(row?.request.seed).toBeGreaterThan(0);
    expect(maker.seed).toBeNull();
    maker.lockSeed(true);
    const kept = maker.seed;
    await maker.generate();
    expect(maker.seed).toBe(kept);
  });

  it('a_model_that_changes_pictures_waits_for_one', async () => {
    const { maker, pictures } = await opened();
    await maker.choose('@cf/runwayml/stable-diffusion-v1-5-inpainting');
    maker.prompt = 'A fox';
    expect(maker.ready).toBe(false);
    await pictures.useAsReference('picture-0');
    expect(maker.ready).toBe(true);
    expect(maker.request.references).toHaveLength(1);
  });

  it('goes_back_through_the_prompts_and_returns_to_the_unsent_words', async () => {
    const { maker, gallery } = await opened();
    maker.prompt = 'half a thought';
    await maker.recall(1);
    expect(maker.prompt).toBe(gallery.at(0)?.request.prompt);
    const first = maker.prompt;
    await maker.recall(1);
    expect(maker.prompt).not.toBe(first);
    await maker.recall(-1);
    expect(maker.prompt).toBe(first);
    await maker.recall(-1);
    expect(maker.prompt).toBe('half a thought');
  });

  it('asks_before_the_soft_limit_is_passed', async () => {
    const { backend, maker, pictures, gallery } = await opened();
    backend.gallery.ask = true;
    maker.prompt = 'A fox';
    const before = gallery.total;
    const making = maker.generate();
    await until(() => pictures.asking !== null);
    pictures.asking?.answer(false);
    expect(await making).toEqual([]);
    expect(gallery.total, 'nothing was made').toBe(before);
    expect(maker.prompt, 'nothing was lost').toBe('A fox');
  });
});

describe('Gallery', () => {
  it('fetches_only_the_pages_that_are_looked_at', async () => {
    const { gallery } = await opened('many');
    expect(gallery.total).toBe(25_000);
    expect(gallery.at(20_000)).toBeUndefined();
    gallery.need(20_000, 20_030);
    await until(() => gallery.at(20_029) !== undefined);
    expect(gallery.at(20_000)?.id).toBe('picture-20000');
    expect(gallery.at(10_000), 'what nobody looks at is not fetched').toBeUndefined();
  });

  it('lets_go_of_pictures_far_away', async () => {
    const { gallery } = await opened('many');
    for (let at = 0; at < 12_000; at += 120) {
      gallery.need(at, at + 120);
      await until(() => gallery.at(at + 119) !== undefined);
    }
    expect(gallery.at(0)).toBeUndefined();
    expect(gallery.at(11_900)).toBeDefined();
  });

  it('new_pictures_come_first_as_pending_and_then_done', async () => {
    const { gallery, maker } = await opened();
    maker.prompt = 'A fox';
    maker.count = 2;
    const rows = await maker.generate();
    expect([gallery.at(0)?.id, gallery.at(1)?.id].sort()).toEqual(rows.map((row) => row.id).sort());
    expect(gallery.at(0)?.state.kind).toBe('pending');
    expect(gallery.total).toBe(66);
    await until(() => gallery.at(0)?.state.kind === 'done' && gallery.at(1)?.state.kind === 'done');
  });

  it('a_failed_picture_is_tried_again_in_its_place', async () => {
    const { backend, gallery, maker, pictures } = await opened();
    backend.gallery.fail = 'modelBusy';
    maker.prompt = 'A fox';
    const [row] = await maker.generate();
    await until(() => gallery.at(0)?.state.kind === 'failed');
    backend.gallery.fail = undefined;
    await pictures.retry(gallery.at(0)!);
    await until(() => gallery.at(0)?.state.kind === 'done');
    expect(gallery.placeOf(row!.id), 'the failed tile is gone').toBe(-1);
    expect(gallery.total).toBe(65);
  });

  it('a_cancelled_picture_says_so', async () => {
    const { backend, gallery, maker, pictures } = await opened();
    backend.gallery.speed = 5000;
    maker.prompt = 'A fox';
    const [row] = await maker.generate();
    await pictures.cancel(row!.id);
    expect(gallery.at(0)?.state.kind).toBe('stopped');
  });

  it('searches_prompts_in_any_language_and_filters', async () => {
    const { gallery } = await opened();
    gallery.setFilter({ text: '水墨画' });
    await until(() => gallery.total < 64 && gallery.total > 0);
    expect(gallery.at(0)?.request.prompt).toContain('水墨画');
    gallery.setFilter({ text: '', starred: true });
    await until(() => gallery.at(0)?.starred === true);
    gallery.setFilter({ starred: false, album: 'album-1' });
    await until(() => gallery.at(0)?.albums.includes('album-1') === true);
    gallery.clearFilter();
    await until(() => gallery.total === 64);
  });

  it('what_no_longer_matches_the_filter_leaves_the_list', async () => {
    const { gallery, pictures } = await opened();
    gallery.setFilter({ starred: true });
    await until(() => gallery.at(0)?.starred === true && gallery.total < 64);
    const before = gallery.total;
    const id = gallery.at(0)!.id;
    await pictures.star([id], false);
    expect(gallery.total).toBe(before - 1);
    expect(gallery.placeOf(id)).toBe(-1);
  });

  it('deleted_pictures_come_back_where_they_were', async () => {
    const { app, gallery, pictures } = await opened();
    const ids = [gallery.at(3)!.id, gallery.at(4)!.id];
    await pictures.delete(ids);
    expect(gallery.total).toBe(62);
    app.toasts.items.at(-1)?.action?.run();
    await until(() => gallery.total === 64);
    expect([gallery.at(3)?.id, gallery.at(4)?.id]).toEqual(ids);
  });

  it('the_days_point_at_their_first_pictures', async () => {
    const { gallery } = await opened('many');
    await until(() => gallery.days.length > 0);
    const last = gallery.days.at(-1)!;
    expect(last.offset + last.count).toBe(25_000);
  });
});

describe('Pictures', () => {
  it('the_lightbox_steps_over_what_cannot_be_shown', async () => {
    const { gallery, pictures } = await opened();
    pictures.open = gallery.at(8)!.id;
    expect(gallery.at(9)?.state.kind).toBe('missing');
    pictures.step(1);
    expect(pictures.open).toBe(gallery.at(10)!.id);
    pictures.step(-1);
    expect(pictures.open).toBe(gallery.at(8)!.id);
  });

  it('a_picture_that_cannot_be_drawn_is_damaged_or_gone', async () => {
    const { gallery, pictures, backend } = await opened();
    const [damaged, gone] = [gallery.at(0)!, gallery.at(1)!];
    await pictures.notDrawn(damaged.id);
    await backend.gallery.lose(gone.id);
    await pictures.notDrawn(gone.id);
    expect([pictures.kindOf(damaged), pictures.kindOf(gone)]).toEqual(['damaged', 'missing']);
  });

  it('deleting_the_open_picture_shows_its_neighbour', async () => {
    const { gallery, pictures } = await opened();
    const [first, second] = [gallery.at(0)!.id, gallery.at(1)!.id];
    pictures.open = first;
    await pictures.delete([first]);
    expect(pictures.open).toBe(second);
  });

  it('all_the_prompt_or_the_seed_are_brought_back', async () => {
    const { gallery, maker } = await opened();
    const { request } = gallery.at(2)!;
    await maker.reuse(request, 'prompt');
    expect([maker.prompt, maker.seed]).toEqual([request.prompt, null]);
    maker.prompt = 'my own';
    await maker.reuse(request, 'seed');
    expect([maker.prompt, maker.seed, maker.seedLocked]).toEqual(['my own', request.seed, true]);
    await maker.reuse(request, 'remix');
    expect([maker.prompt, maker.seed, maker.model]).toEqual([request.prompt, null, request.model]);
    await maker.reuse(request, 'all');
    expect(maker.request).toMatchObject({ prompt: request.prompt, seed: request.seed, width: request.width });
  });

  it('a_dropped_file_fills_the_form_and_says_whose_settings_they_are', async () => {
    const { app, maker, pictures } = await opened();
    expect(await pictures.readSettings('grant')).toBe(true);
    expect(maker.prompt).toContain('Botanical');
    expect(app.toasts.items.at(-1)?.text).toContain('Stable Diffusion web UI');
  });

  it('an_album_is_made_with_pictures_and_deleted_without_them', async () => {
    const { gallery, pictures } = await opened();
    const ids = [gallery.at(0)!.id, gallery.at(1)!.id];
    await pictures.createAlbum('Sea', ids);
    await until(() => gallery.albums.some((album) => album.name === 'Sea' && album.count === 2));
    const album = gallery.albums.find((each) => each.name === 'Sea')!;
    expect(gallery.at(0)?.albums).toContain(album.id);
    await pictures.deleteAlbum(album.id, false);
    expect(gallery.total).toBe(64);
    expect(gallery.albums.some((each) => each.name === 'Sea')).toBe(false);
  });

  it('a_picture_in_a_conversation_is_known_there_and_follows_its_news', async () => {
    const { app, backend } = await startedApp({ gallery: 'some' });
    backend.gallery.speed = 10;
    app.chat.composer.write('/image a fox in the snow');
    await app.chat.send();
    await until(() => app.chat.run === null && app.chat.path.length === 2);
    const body = app.chat.bodies.get(app.chat.lastAnswer!)!;
    const [id] = body.view.message.pictures;
    expect(body.pictures[0]?.request.prompt).toBe('a fox in the snow');
    await app.pictures.look(id!);
    expect(app.pictures.of(id!)?.state.kind).toBe('done');
    await backend.deletePictures([id!]);
    expect(app.pictures.of(id!), 'a deleted picture says that it is gone').toBeNull();
  });
});
