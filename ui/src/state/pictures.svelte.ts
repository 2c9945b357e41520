// Pictures: the form, the gallery, and what is open of it. Made once; runs go on while another view is shown.

import { SvelteMap } from 'svelte/reactivity';
import { m } from '$i18n';
import type { Backend } from '$ipc/backend';
import { asFault, sentenceOf } from '$ipc/faults';
import type { Album, Fault, Picture, PictureEvent, PictureQuote, PictureRequest } from '$ipc/generated/domain';
import { whole } from '$lib/numbers';
import { Gallery } from './gallery.svelte';
import { Maker, type Reused } from './maker.svelte';
import type { Toasts } from './toasts.svelte';

export interface PicturesHooks {
  standardModel(): string | null;
  modelChosen(model: string): void;
  /** The view of pictures is the open one. */
  inView(): boolean;
  toView(): void;
  toasts: Toasts;
}

export class Pictures {
  readonly gallery: Gallery;
  readonly maker: Maker;
  /** The picture in the lightbox. */
  open = $state<string | null>(null);
  /** Settings beside the picture in the lightbox. */
  factsShown = $state(window.innerWidth >= 960);
  /** The two pictures that are compared. */
  compared = $state.raw<[string, string] | null>(null);
  compareMode = $state<'slider' | 'sides'>('slider');
  /** The form beside the gallery is shown. */
  formShown = $state(true);
  /** The soft limit would be passed, and a request waits for the person's word. */
  asking = $state.raw<{ quote: PictureQuote; answer: (go: boolean) => void } | null>(null);
  /** Pauses before another try. */
  waits = new SvelteMap<string, { fault: Fault; until: number }>();
  /** Pictures that the page could not draw, and why. */
  broken = new SvelteMap<string, 'missing' | 'damaged'>();
  /** What pictures on their way will cost, in neurons; null where no price is published. */
  costs = new SvelteMap<string, number | null>();
  /** The album that new pictures go into, as the person chose it beside the form. */
  target = $state<string | null>(null);
  /** Pictures that conversations show. */
  #seen = new SvelteMap<string, Picture | null>();
  #asked = new Set<string>();
  /** The last question about spending: the next waits for its answer. */
  #lastAsked: Promise<unknown> = Promise.resolve();

  constructor(
    private backend: Backend,
    private hooks: PicturesHooks,
  ) {
    this.gallery = new Gallery(backend);
    this.maker = new Maker(backend, {
      standard: () => hooks.standardModel(),
      chosen: (model) => hooks.modelChosen(model),
      maySpend: (quote) => this.ask(quote),
      heard: (event) => this.hear(event),
      refused: (file, why) => hooks.toasts.bad(m.attach_refused({ file, why })),
    });
  }

  /** The view is opened. */
  async load(): Promise<void> {
    await Promise.all([this.gallery.load(), this.gallery.loadAlbums(), this.maker.begin()]);
  }

  hear(event: PictureEvent): void {
    switch (event.kind) {
      case 'changed': {
        const { picture } = event;
        if (picture.state.kind !== 'pending') {
          this.waits.delete(picture.id);
          this.costs.delete(picture.id);
        }
        this.broken.delete(picture.id);
        if (this.#seen.has(picture.id)) this.#seen.set(picture.id, picture);
        this.gallery.changed(picture);
        break;
      }
      case 'waiting':
        this.waits.set(event.picture, { fault: event.fault, until: Date.now() + event.delayMs });
        break;
      case 'removed':
        this.#forget(event.picture);
        this.gallery.removed(event.picture);
        break;
    }
  }

  /** Asks for the person's word on what these pictures would take. */
  ask(quote: PictureQuote): Promise<boolean> {
    const asked = this.#lastAsked.then(async () => {
      const go = await new Promise<boolean>((answer) => (this.asking = { quote, answer }));
      this.asking = null;
      return go;
    });
    this.#lastAsked = asked;
    return asked;
  }

  /** A picture by its id, wherever it is shown: undefined while it is asked for, null when it is gone. */
  of(id: string): Picture | null | undefined {
    return this.gallery.of(id) ?? this.#seen.get(id);
  }

  /** Sees to it that `of` knows this picture. */
  async look(id: string): Promise<void> {
    if (this.#asked.has(id)) return;
    this.#asked.add(id);
    try {
      this.#seen.set(id, await this.backend.picture(id));
    } catch {
      this.#seen.set(id, null);
    }
  }

  /** How far a picture came, or what became of its file. `unsaved`: it is there, but only in memory. */
  kindOf(picture: Picture): Picture['state']['kind'] | 'unsaved' {
    if (picture.unsaved) return 'unsaved';
    return picture.state.kind === 'done' ? (this.broken.get(picture.id) ?? 'done') : picture.state.kind;
  }

  /** There is something to look at. */
  isThere(picture: Picture): boolean {
    const kind = this.kindOf(picture);
    return kind === 'done' || kind === 'unsaved';
  }

  /** The page could not draw it: its file is gone, or it is there and damaged. */
  async notDrawn(id: string): Promise<void> {
    try {
      const { state } = await this.backend.picture(id);
      this.broken.set(id, state.kind === 'missing' ? 'missing' : 'damaged');
    } catch {
      this.broken.set(id, 'missing');
    }
  }

  // --- making ---------------------------------------------------------------------------------------------------------

  /** The album in which new pictures are found: the chosen one, else the one that is shown. */
  get album(): Album | undefined {
    const { albums, filter } = this.gallery;
    const by = (id: string | null) => albums.find((each) => each.id === id);
    return by(this.target) ?? by(filter.album);
  }

  /** What the form asks for. */
  async generate(): Promise<Picture[]> {
    return this.#placed(await this.maker.generate());
  }

  async cancel(id: string): Promise<void> {
    await this.#attempt(() => this.backend.cancelPicture(id));
  }

  /** Another try of one that failed or was stopped; it takes the place of the old one, in its albums too. */
  async retry(picture: Picture): Promise<Picture | undefined> {
    const [row] = await this.#send({ ...picture.request, count: 1 });
    if (!row) return undefined;
    await this.#attempt(async () => {
      for (const album of picture.albums) await this.setInAlbum([row.id], album, true);
      if (picture.starred) await this.star([row.id], true);
      await this.backend.deletePictures([picture.id]);
      this.#forgetAll([picture.id]);
    });
    return row;
  }

  /** Others like it: the same words and settings, other seeds. */
  async vary(picture: Picture, count = 4): Promise<void> {
    const rows = await this.#placed(await this.#send({ ...picture.request, seed: null, count }));
    if (rows.length > 0) this.#tellBehind(m.images_varying({ count: rows.length }));
  }

  /** Fills the form from a picture. */
  async reuse(picture: Picture, what: Reused): Promise<void> {
    await this.maker.begin();
    if (what === 'size' && !this.maker.form?.size) {
      this.hooks.toasts.bad(m.images_noSize());
      return;
    }
    const { request } = picture;
    // The size that it has, also where nobody asked for one.
    const sized = { width: request.width ?? picture.width, height: request.height ?? picture.height };
    await this.maker.reuse(what === 'size' ? { ...request, ...sized } : request, what);
    this.#tellBehind(m.images_reused());
  }

  /** Sees to it that `costs` knows what a picture on its way will take. */
  async estimate({ id, request }: Picture): Promise<void> {
    if (this.costs.has(id)) return;
    this.costs.set(id, null);
    try {
      const quote = await this.backend.quotePicture({ ...request, count: 1 });
      if (this.costs.has(id)) this.costs.set(id, quote.neurons);
    } catch {
      // Without an estimate the tile tells the seconds only.
    }
  }

  // --- what can be done with pictures -----------------------------------------------------------------------------------

  async star(ids: string[], starred: boolean): Promise<void> {
    await this.#attempt(() => this.backend.starPictures(ids, starred));
    for (const id of ids) {
      const picture = this.of(id);
      if (picture && picture.starred !== starred) this.hear({ kind: 'changed', picture: { ...picture, starred } });
    }
  }

  async delete(ids: string[]): Promise<void> {
    const next = this.#neighbour(ids);
    await this.#attempt(async () => {
      await this.backend.deletePictures(ids);
      this.#forgetAll(ids);
      if (next !== undefined) this.open = next;
      this.hooks.toasts.show(
        ids.length === 1 ? m.images_deletedOne() : m.images_deleted({ count: whole(ids.length) }),
        {
          label: m.undo(),
          run: () => void this.#attempt(() => this.#undelete(ids)),
        },
      );
      void this.gallery.loadAlbums();
    });
  }

  async save(id: string, strip: boolean): Promise<void> {
    await this.#attempt(async () => {
      const file = await this.backend.savePictureAs(id, strip);
      if (file) this.hooks.toasts.show(m.images_saved({ file }));
    });
  }

  /** Another try to keep a picture that was paid for. */
  async saveAgain(id: string): Promise<void> {
    await this.#attempt(async () => {
      this.hear({ kind: 'changed', picture: await this.backend.savePictureAgain(id) });
    });
  }

  async exportZip(ids: string[], strip: boolean): Promise<void> {
    await this.#attempt(async () => {
      const made = await this.backend.exportPictures(ids, strip);
      if (!made) return;
      const { file, count, leftOut } = made;
      this.hooks.toasts.show(
        leftOut > 0
          ? m.images_zipPartly({ count: whole(count), all: whole(count + leftOut), file })
          : m.images_saved({ file }),
      );
    });
  }

  async copy(id: string): Promise<void> {
    await this.#attempt(async () => {
      await this.backend.copyPicture(id);
      this.hooks.toasts.show(m.toast_copied());
    });
  }

  async reveal(id: string): Promise<void> {
    await this.#attempt(() => this.backend.revealPicture(id));
  }

  async useAsReference(id: string): Promise<void> {
    if (this.maker.form?.references === 0) {
      this.hooks.toasts.bad(m.images_noReferences());
      return;
    }
    await this.maker.addReferences(async () => ({
      attached: [await this.backend.pictureAsAttachment(id)],
      refused: [],
      documents: null,
    }));
    this.#tellBehind(m.images_referenceAdded());
  }

  /** Fills the form from a dropped file; false when it holds no settings. */
  async readSettings(grant: string): Promise<boolean> {
    let read = false;
    await this.#attempt(async () => {
      const settings = await this.backend.readPictureSettings(grant);
      if (!settings) return;
      read = true;
      // Its references lie on the computer where it was made.
      await this.maker.reuse({ ...settings.request, references: [], mask: null }, 'all');
      this.hooks.toasts.show(
        settings.modelName && settings.request.model === null
          ? m.images_settingsReadModel({ source: settings.source, model: settings.modelName })
          : m.images_settingsRead({ source: settings.source }),
      );
    });
    return read;
  }

  // --- albums -----------------------------------------------------------------------------------------------------------

  async createAlbum(name: string, ids: string[] = []): Promise<void> {
    await this.#attempt(async () => {
      const album = await this.backend.createAlbum(name);
      if (ids.length > 0) await this.backend.addToAlbum(ids, album.id);
      this.#albumsChanged(ids, album.id, true);
      this.hooks.toasts.show(m.images_albumMade({ name }));
    });
  }

  async renameAlbum(id: string, name: string): Promise<void> {
    await this.#attempt(async () => {
      await this.backend.renameAlbum(id, name);
      await this.gallery.loadAlbums();
    });
  }

  /** Deletes an album, alone or with its pictures; either can be taken back. */
  async deleteAlbum({ id, name }: Album, withPictures: boolean): Promise<void> {
    await this.#attempt(async () => {
      const ids = await this.gallery.idsIn(id);
      await this.backend.deleteAlbum(id, withPictures);
      if (withPictures) this.#forgetAll(ids);
      if (this.target === id) this.target = null;
      if (this.gallery.filter.album === id) this.gallery.setFilter({ album: null });
      else await this.gallery.load();
      await this.gallery.loadAlbums();
      this.hooks.toasts.show(
        !withPictures || ids.length === 0
          ? m.images_albumDeleted({ name })
          : ids.length === 1
            ? m.images_albumDeletedAll_one({ name })
            : m.images_albumDeletedAll({ name, count: whole(ids.length) }),
        { label: m.undo(), run: () => void this.#attempt(() => this.#undeleteAlbum(name, ids, withPictures)) },
      );
    });
  }

  async setInAlbum(ids: string[], album: string, inside: boolean): Promise<void> {
    await this.#attempt(async () => {
      if (inside) await this.backend.addToAlbum(ids, album);
      else await this.backend.removeFromAlbum(ids, album);
      this.#albumsChanged(ids, album, inside);
    });
  }

  // --- selection --------------------------------------------------------------------------------------------------------

  /** Selects a stretch of the gallery, also what nobody has looked at yet. */
  async select(from: number, to: number): Promise<void> {
    await this.#attempt(async () => {
      if (!(await this.gallery.select(from, to))) this.hooks.toasts.show(m.images_selectAgain());
    });
  }

  async selectAll(): Promise<void> {
    await this.select(0, this.gallery.total);
  }

  // --- lightbox and comparison --------------------------------------------------------------------------------------------

  /** The picture before (-1) or after (1) the open one that can be looked at. */
  step(by: 1 | -1): void {
    if (this.open === null) return;
    const from = this.gallery.placeOf(this.open);
    if (from < 0) return;
    for (let place = from + by; place >= 0 && place < this.gallery.total; place += by) {
      this.gallery.need(Math.max(0, place - 40), place + 40);
      const picture = this.gallery.at(place);
      if (!picture) return;
      if (this.isThere(picture)) {
        this.open = picture.id;
        return;
      }
    }
  }

  compare(ids: string[]): void {
    const [left, right] = ids;
    if (left === undefined || right === undefined) return;
    // A selected one may have been let go since.
    for (const id of [left, right]) if (!this.of(id)) void this.look(id);
    this.compared = [left, right];
  }

  /** The picture before (-1) or after (1) another one that can be looked at, among those that are here. */
  beside(id: string, by: 1 | -1): Picture | undefined {
    const from = this.gallery.placeOf(id);
    if (from < 0) return undefined;
    for (let place = from + by; ; place += by) {
      const picture = this.gallery.at(place);
      if (!picture || this.isThere(picture)) return picture;
    }
  }

  swapCompared(): void {
    if (this.compared) this.compared = [this.compared[1], this.compared[0]];
  }

  // --- inside ---------------------------------------------------------------------------------------------------------

  /** The form and the gallery are in sight. */
  get #inSight(): boolean {
    return this.open === null && this.hooks.inView() && this.formShown;
  }

  /** Asks for pictures from elsewhere than the form: what fails is told where the person is. */
  async #send(request: PictureRequest): Promise<Picture[]> {
    const rows = await this.maker.send(request);
    const { fault } = this.maker;
    if (fault && rows.length === 0 && !this.#inSight) this.hooks.toasts.bad(sentenceOf(fault));
    return rows;
  }

  /** Puts new pictures into their album. */
  async #placed(rows: Picture[]): Promise<Picture[]> {
    const ids = rows.map((row) => row.id);
    if (this.album && ids.length > 0) await this.setInAlbum(ids, this.album.id, true);
    return rows;
  }

  /** Says what happened in the form or the gallery when something lies over them. */
  #tellBehind(text: string): void {
    if (this.#inSight) return;
    this.hooks.toasts.show(text, {
      label: m.images_show(),
      run: () => {
        this.open = this.compared = null;
        this.formShown = true;
        this.hooks.toView();
      },
    });
  }

  async #undelete(ids: string[]): Promise<void> {
    await this.backend.undeletePictures(ids);
    for (const id of ids) this.#asked.delete(id);
    await Promise.all([this.gallery.load(), this.gallery.loadAlbums()]);
  }

  async #undeleteAlbum(name: string, ids: string[], withPictures: boolean): Promise<void> {
    const album = await this.backend.createAlbum(name);
    if (withPictures) await this.backend.undeletePictures(ids);
    await this.backend.addToAlbum(ids, album.id);
    for (const id of ids) this.#asked.delete(id);
    await Promise.all([this.gallery.load(), this.gallery.loadAlbums()]);
  }

  #forget(id: string): void {
    this.waits.delete(id);
    this.costs.delete(id);
    if (this.#seen.has(id)) this.#seen.set(id, null);
    if (this.open === id) this.open = null;
    if (this.compared?.includes(id)) this.compared = null;
  }

  #forgetAll(ids: string[]): void {
    for (const id of ids) this.#forget(id);
    this.gallery.remove(ids);
  }

  /** Where the lightbox goes when the open picture is deleted. */
  #neighbour(ids: string[]): string | undefined {
    if (this.open === null || !ids.includes(this.open)) return undefined;
    const place = this.gallery.placeOf(this.open);
    const next = this.gallery.at(place + 1) ?? this.gallery.at(place - 1);
    return next && this.isThere(next) ? next.id : undefined;
  }

  #albumsChanged(ids: string[], album: string, inside: boolean): void {
    for (const id of ids) {
      const picture = this.of(id);
      if (!picture || picture.albums.includes(album) === inside) continue;
      const albums = inside ? [...picture.albums, album] : picture.albums.filter((each) => each !== album);
      this.hear({ kind: 'changed', picture: { ...picture, albums } });
    }
    void this.gallery.loadAlbums();
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.hooks.toasts.bad(sentenceOf(asFault(error)));
    }
  }
}

export const isRunning = (picture: Picture): boolean => picture.state.kind === 'pending';
