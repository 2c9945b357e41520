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
    maker.setSide('width', 608);
    expect(maker.size[0]).toBe(608);
    expect(maker.size[1] / 608).toBeCloseTo(height / width, 1);
    maker.sizeLocked = false;
    maker.setSide('height', 1024);
    expect(maker.size).toEqual([608, 1024]);
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

  it('what_cannot_be_a_reference_is_told_by_its_name', async () => {
    const { app, maker } = await opened();
    await maker.choose('@cf/black-forest-labs/flux-2-klein-4b');
    const damaged = { name: 'torn.png', fault: { code: 'fileUnreadable' as const } };
    await maker.addReferences(async () => ({
      attached: [
        await app.backend.attachBytes('notes.txt', new Uint8Array([1])),
        await app.backend.attachBytes('fox.png', new Uint8Array([1])),
      ],
      refused: [damaged],
      documents: { id: 'grant', files: [{ name: 'report.pdf', folder: false, size: 9 }] },
    }));
    const told = app.toasts.items.map((toast) => toast.text).join('\n');
    expect(told).toContain('torn.png');
    expect(told).toContain('notes.txt: This is not a picture.');
    expect(told).toContain('report.pdf: This is not a picture.');
    expect(maker.references.map((each) => each.name)).toEqual(['fox.png']);
  });

  it('a_model_that_changes_pictures_waits_for_one', async () => {
    const { maker, pictures } = await opened();
    await maker.choose('@cf/runwayml/stable-diffusion-v1-5-inpainting');
    maker.prompt = 'A fox';
    expect(maker.ready).toBe(false);
    await pictures.useAsReference('picture-0');
    expect(maker.request.references).toHaveLength(1);
    expect(maker.ready, 'a model that only repaints refuses a request without a mask').toBe(false);
    await maker.setMask(new Blob([new Uint8Array([1])], { type: 'image/png' }));
    expect(maker.ready).toBe(true);
    await maker.choose('@cf/runwayml/stable-diffusion-v1-5-img2img');
    await maker.setMask(null);
    expect(maker.ready, 'another one takes a mask and needs none').toBe(true);
  });

  it('a_prompt_is_measured_in_signs_and_a_longer_one_is_not_sent', async () => {
    const { maker } = await opened();
    maker.prompt = '🦊'.repeat(2048);
    expect(maker.ready).toBe(true);
    maker.prompt += '🦊';
    expect([maker.tooLong, maker.ready]).toEqual([true, false]);
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

  it('all_of_a_large_gallery_can_be_selected_without_holding_it', async () => {
    const { gallery, pictures } = await opened('many');
    await pictures.selectAll();
    expect(gallery.selected.size).toBe(25_000);
    expect(gallery.at(20_000), 'only names were read').toBeUndefined();
  });

  it('a_stretch_reaches_over_pages_that_nobody_looked_at', async () => {
    const { gallery, pictures } = await opened('many');
    await pictures.select(100, 900);
    expect(gallery.selected.size).toBe(800);
    expect([gallery.selected.has('picture-100'), gallery.selected.has('picture-899')]).toEqual([true, true]);
    expect(gallery.selected.has('picture-900')).toBe(false);
  });

  it('a_gallery_that_changes_meanwhile_is_not_selected_wrongly', async () => {
    const { app, gallery, pictures } = await opened('many');
    const selecting = pictures.select(0, 5000);
    pictures.hear({ kind: 'changed', picture: { ...gallery.at(0)!, id: 'new', state: { kind: 'pending' } } });
    await selecting;
    expect(gallery.selected.size).toBe(0);
    expect(app.toasts.items.at(-1)?.text).toContain('Select again');
  });

  it('thousands_are_deleted_and_come_back', async () => {
    const { app, gallery, pictures } = await opened('many');
    await pictures.select(10, 6010);
    await pictures.delete([...gallery.selected]);
    await until(() => gallery.total === 19_000);
    expect(gallery.at(10)?.id).toBe('picture-6010');
    app.toasts.items.at(-1)?.action?.run();
    await until(() => gallery.total === 25_000 && gallery.at(10)?.id === 'picture-10', 20_000);
  }, 30_000);

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

  it('the_size_is_brought_back_where_the_model_has_one', async () => {
    const { app, gallery, maker, pictures } = await opened();
    const picture = gallery.at(1)!;
    await pictures.reuse(picture, 'size');
    expect(app.toasts.items.at(-1)?.text, 'flux-1-schnell draws in one size').toContain('one size only');
    await maker.choose('@cf/black-forest-labs/flux-2-klein-4b');
    maker.prompt = 'my own';
    await pictures.reuse(picture, 'size');
    expect(maker.request).toMatchObject({ prompt: 'my own', width: picture.width, height: picture.height });
  });

  it('new_pictures_go_into_the_chosen_album_or_the_one_that_is_shown', async () => {
    const { gallery, maker, pictures } = await opened();
    maker.prompt = 'A fox';
    expect(pictures.album).toBeUndefined();
    gallery.setFilter({ album: 'album-2' });
    await pictures.generate();
    await until(() => gallery.at(0)?.albums.includes('album-2') === true);
    pictures.target = 'album-1';
    gallery.clearFilter();
    await until(() => gallery.total === 65);
    const [row] = await pictures.generate();
    expect(gallery.of(row!.id)?.albums).toEqual(['album-1']);
  });

  it('another_try_stays_in_its_album_and_keeps_its_star', async () => {
    const { backend, gallery, maker, pictures } = await opened();
    backend.gallery.fail = 'modelBusy';
    maker.prompt = 'A fox';
    const [row] = await maker.generate();
    await until(() => gallery.at(0)?.state.kind === 'failed');
    await pictures.setInAlbum([row!.id], 'album-1', true);
    await pictures.star([row!.id], true);
    const next = await pictures.retry(gallery.of(row!.id)!);
    expect(gallery.of(next!.id)).toMatchObject({ albums: ['album-1'], starred: true });
  });

  it('what_a_picture_on_its_way_will_cost_is_known_until_it_is_there', async () => {
    const { gallery, maker, pictures } = await opened();
    maker.prompt = 'A fox';
    const [row] = await maker.generate();
    await pictures.estimate(row!);
    expect(pictures.costs.get(row!.id)).toBeCloseTo(57.6);
    await until(() => gallery.at(0)?.state.kind === 'done');
    expect(pictures.costs.has(row!.id)).toBe(false);
  });

  it('a_failed_request_from_elsewhere_than_the_form_is_told_there', async () => {
    const { app, backend, gallery, pictures } = await opened();
    pictures.open = gallery.at(0)!.id;
    backend.makePictures = () => Promise.reject({ code: 'capReached' });
    await pictures.vary(gallery.at(0)!);
    expect(app.toasts.items.at(-1)?.tone).toBe('bad');
  });

  it('the_zip_says_how_many_were_left_out', async () => {
    const { app, gallery, pictures } = await opened();
    const ids = [8, 9, 10].map((at) => gallery.at(at)!.id);
    await pictures.exportZip(ids, false);
    expect(app.toasts.items.at(-1)?.text).toContain('2 of 3');
  });

  it('a_picture_is_compared_with_a_neighbour_that_can_be_shown', async () => {
    const { gallery, pictures } = await opened();
    expect(gallery.at(9)?.state.kind).toBe('missing');
    expect(pictures.beside(gallery.at(8)!.id, 1)?.id).toBe(gallery.at(10)!.id);
    expect(pictures.beside(gallery.at(0)!.id, -1)).toBeUndefined();
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
    await pictures.deleteAlbum(album, false);
    expect(gallery.total).toBe(64);
    expect(gallery.albums.some((each) => each.name === 'Sea')).toBe(false);
  });

  it.each([true, false])('an_album_deleted_with_its_pictures_%s_comes_back_whole', async (withPictures) => {
    const { app, gallery, pictures } = await opened();
    const album = gallery.albums.find((each) => each.id === 'album-1')!;
    const ids = await gallery.idsIn(album.id);
    await pictures.deleteAlbum(album, withPictures);
    await until(() => gallery.total === (withPictures ? 64 - album.count : 64));
    app.toasts.items.at(-1)?.action?.run();
    await until(() => gallery.albums.some(({ name, count }) => name === album.name && count === album.count));
    const back = gallery.albums.find(({ name }) => name === album.name)!;
    expect(await gallery.idsIn(back.id)).toEqual(ids);
    expect(gallery.total).toBe(64);
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
