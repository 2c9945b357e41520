// The gallery as the window holds it: how many pictures match, and those of them that are near the view.
//
// The list is sparse: a place without a picture is one that nobody has looked at yet. Pages are fetched as the view
// needs them, and what is far away is let go.

import { SvelteSet } from 'svelte/reactivity';
import type { Backend } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type { Album, Fault, GalleryDay, Picture, PictureQuery } from '$ipc/generated/domain';
import { debounce } from '$lib/debounce';

/** Rows fetched at once. */
const page = 120;
/** Pictures kept in memory; beyond this the far ones are let go. */
const kept = 3000;
/** Rows read at once for a selection of pictures that nobody has looked at. */
const batch = 500;
/** So many selected pictures stay in memory, wherever the view is. */
const selectedKept = 500;

export const uncategorised = 'uncategorised';

export interface Filter {
  text: string;
  model: string | null;
  album: string | null;
  starred: boolean;
}

const everything = (): Filter => ({ text: '', model: null, album: null, starred: false });

export class Gallery {
  filter = $state.raw<Filter>(everything());
  total = $state(0);
  days = $state.raw<GalleryDay[]>([]);
  albums = $state.raw<Album[]>([]);
  /** The first answer has come. */
  ready = $state(false);
  failed = $state.raw<Fault | null>(null);
  selected = new SvelteSet<string>();
  /** A selection is being read that reaches beyond what is in memory. */
  selecting = $state(false);
  #ids: (string | undefined)[] = [];
  #byId = new Map<string, Picture>();
  #places = new Map<string, number>();
  /** Counts changes of the list; whoever reads a place follows it. */
  #version = $state(0);
  /** Counts changes after which an answer on its way no longer fits. */
  #era = 0;
  #wanted: [number, number] = [0, page];
  #fetching = new Set<number>();
  #gone = new Set<string>();
  #recount;
  #reload;
  #sweep;

  constructor(private backend: Backend) {
    this.#recount = debounce(400, () => void this.#count());
    this.#reload = debounce(120, () => void this.load());
    this.#sweep = debounce(16, () => this.remove([...this.#gone]));
  }

  get filtered(): boolean {
    const { text, model, album, starred } = this.filter;
    return text.trim() !== '' || model !== null || album !== null || starred;
  }

  /** The picture at a place; undefined while it is not here yet. */
  at(index: number): Picture | undefined {
    void this.#version;
    const id = this.#ids[index];
    return id === undefined ? undefined : this.#byId.get(id);
  }

  of(id: string): Picture | undefined {
    void this.#version;
    return this.#byId.get(id);
  }

  placeOf(id: string): number {
    void this.#version;
    return this.#places.get(id) ?? -1;
  }

  /** Asks anew for what is in view; what is shown stays until the answer is there. */
  async load(): Promise<void> {
    const era = (this.#era += 1);
    this.#fetching.clear();
    const offset = Math.floor(this.#wanted[0] / page) * page;
    const limit = Math.max(page, Math.ceil((this.#wanted[1] - offset) / page) * page);
    try {
      let answer = await this.backend.pictures(this.#query(offset, limit));
      if (era !== this.#era) return;
      let from = offset;
      if (answer.pictures.length === 0 && answer.total > 0) {
        from = 0;
        answer = await this.backend.pictures(this.#query(0, limit));
        if (era !== this.#era) return;
      }
      this.#ids = new Array<string | undefined>(answer.total);
      this.#byId.clear();
      this.#put(from, answer.pictures);
      this.total = answer.total;
      this.failed = null;
      this.ready = true;
      this.#touch();
    } catch (error) {
      if (era === this.#era) this.failed = asFault(error);
    }
    void this.#count();
  }

  async loadAlbums(): Promise<void> {
    try {
      this.albums = await this.backend.albums();
    } catch {
      // The pictures are there without them; the next change asks again.
    }
  }

  // --- selection --------------------------------------------------------------------------------------------------------

  /**
   * Selects the places from `from` to before `to`, and reads the names of those that are not in memory. False when the
   * list changed meanwhile: then nothing more is selected, because the places no longer mean the same pictures.
   */
  async select(from: number, to: number): Promise<boolean> {
    const era = this.#era;
    const ids: string[] = [];
    this.selecting = true;
    try {
      for (let at = from; at < Math.min(to, this.total); at = from + ids.length) {
        const known = this.#ids[at];
        if (known !== undefined) {
          ids.push(known);
          continue;
        }
        const limit = Math.min(batch, to - at);
        const { pictures } = await this.backend.pictures(this.#query(at, limit));
        if (era !== this.#era || pictures.length === 0) return false;
        for (const picture of pictures) ids.push(picture.id);
      }
    } finally {
      this.selecting = false;
    }
    for (const id of ids) this.selected.add(id);
    return true;
  }

  /** Every picture of an album, also those that are not in memory. */
  async idsIn(album: string): Promise<string[]> {
    const ids: string[] = [];
    for (let more = true; more;) {
      const query = { text: null, model: null, album, starred: false, offset: ids.length, limit: batch };
      const { pictures, total } = await this.backend.pictures(query);
      ids.push(...pictures.map((each) => each.id));
      more = pictures.length > 0 && ids.length < total;
    }
    return ids;
  }

  setFilter(change: Partial<Filter>): void {
    this.filter = { ...this.filter, ...change };
    this.selected.clear();
    this.#wanted = [0, page];
    this.#reload();
    if (!('text' in change)) this.#reload.flush();
  }

  clearFilter(): void {
    this.setFilter(everything());
  }

  /** The places from `start` to before `end` are near the view: fetches what is missing there. */
  need(start: number, end: number): void {
    this.#wanted = [start, end];
    for (let at = Math.floor(start / page) * page; at < Math.min(end, this.total); at += page) {
      if (this.#fetching.has(at)) continue;
      const missing = () => {
        for (let index = Math.max(at, start); index < Math.min(at + page, end, this.total); index += 1)
          if (this.#ids[index] === undefined) return true;
        return false;
      };
      if (missing()) void this.#fetch(at);
    }
  }

  // --- news -----------------------------------------------------------------------------------------------------------

  /** A row is new or changed. */
  changed(picture: Picture): void {
    const place = this.#places.get(picture.id);
    const fits = this.#fits(picture);
    if (place !== undefined) {
      if (fits) {
        this.#byId.set(picture.id, picture);
        this.#version += 1;
      } else this.remove([picture.id]);
      return;
    }
    if (!this.ready || !fits) return;
    const first = this.at(0);
    if (picture.state.kind !== 'pending' || (first && picture.createdAt < first.createdAt)) {
      // One that came back, or one that nobody has looked at: its place is only known to the other side.
      this.#reload();
      return;
    }
    this.#era += 1;
    this.#fetching.clear();
    this.#ids.unshift(picture.id);
    this.#byId.set(picture.id, picture);
    this.total += 1;
    this.#touch();
    this.#recount();
  }

  /** A picture is gone. Of a large deletion these come one by one: they are taken out together. */
  removed(id: string): void {
    if (!this.#places.has(id) && !this.selected.has(id)) return;
    this.#gone.add(id);
    this.#sweep();
  }

  /** Takes pictures out of the list. */
  remove(ids: readonly string[]): void {
    const gone = new Set(ids.filter((id) => this.#places.has(id)));
    // A selected one may lie where nobody has looked: only the other side knows what is left.
    for (const id of ids) {
      this.#gone.delete(id);
      if (this.selected.delete(id) && !gone.has(id)) this.#reload();
    }
    if (gone.size === 0) return;
    this.#era += 1;
    this.#fetching.clear();
    const left: (string | undefined)[] = [];
    // Not `filter`: it would close the places that are not here yet.
    for (let at = 0; at < this.#ids.length; at += 1) {
      const id = this.#ids[at];
      if (id === undefined || !gone.has(id)) left.push(id);
      else this.#byId.delete(id);
    }
    this.#ids = left;
    this.total = Math.max(0, this.total - gone.size);
    this.#touch();
    this.#recount();
    this.need(...this.#wanted);
  }

  // --- inside ---------------------------------------------------------------------------------------------------------

  async #fetch(offset: number): Promise<void> {
    const era = this.#era;
    this.#fetching.add(offset);
    try {
      const answer = await this.backend.pictures(this.#query(offset, page));
      if (era !== this.#era) return;
      if (answer.total !== this.total) {
        // Something changed that was not told: begin again.
        this.#reload();
        return;
      }
      this.#put(offset, answer.pictures);
      this.#letGo();
      this.#touch();
    } catch (error) {
      this.failed = asFault(error);
    } finally {
      if (era === this.#era) this.#fetching.delete(offset);
      else this.need(...this.#wanted);
    }
  }

  async #count(): Promise<void> {
    const { filter } = this;
    try {
      const days = await this.backend.galleryDays(this.#query(0, 0));
      if (filter === this.filter) this.days = days;
    } catch {
      // Without the days there is no scrubber; the pictures are there.
    }
  }

  #query(offset: number, limit: number): PictureQuery {
    const { text, model, album, starred } = this.filter;
    return { text: text.trim() || null, model, album, starred, offset, limit };
  }

  #fits({ request, model, albums, starred }: Picture): boolean {
    const { filter } = this;
    const prompt = request.prompt.toLowerCase();
    return (
      filter.text
        .toLowerCase()
        .split(/\s+/)
        .every((word) => prompt.includes(word)) &&
      (filter.model === null || filter.model === model) &&
      (filter.album === null ||
        (filter.album === uncategorised ? albums.length === 0 : albums.includes(filter.album))) &&
      (!filter.starred || starred)
    );
  }

  #put(offset: number, pictures: Picture[]): void {
    for (const [index, picture] of pictures.entries()) {
      this.#ids[offset + index] = picture.id;
      this.#byId.set(picture.id, picture);
    }
  }

  /** Forgets the pictures that are farthest from the view. */
  #letGo(): void {
    if (this.#byId.size <= kept) return;
    const middle = (this.#wanted[0] + this.#wanted[1]) / 2;
    const spare = this.selected.size <= selectedKept;
    this.#ids.forEach((id, index) => {
      if (id === undefined || Math.abs(index - middle) < kept / 2 || (spare && this.selected.has(id))) return;
      this.#ids[index] = undefined;
      this.#byId.delete(id);
    });
  }

  #touch(): void {
    this.#places = new Map();
    this.#ids.forEach((id, index) => {
      if (id !== undefined) this.#places.set(id, index);
    });
    this.#version += 1;
  }
}
