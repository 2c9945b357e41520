// The gallery of the scripted backend: thousands of pictures without one being stored, and new ones that take a moment.

import type { Listener } from '../backend';
import type {
  Album,
  Attachment,
  Fault,
  FaultCode,
  GalleryDay,
  Picture,
  PictureEvent,
  PictureExport,
  PictureForm,
  PicturePage,
  PictureQuery,
  PictureQuote,
  PictureRequest,
  PictureSettings,
} from '../generated/domain';
import { png, scene } from './drawing';
import { drawers, formOf, noPictureRequest, pictureWanted, price } from './picture-models';

const hour = 3_600_000;

export const picturePrompts = [
  'A lighthouse on a rocky coast at dusk, long exposure, calm sea',
  'Isometric cutaway of a small bakery at dawn, warm light, fine detail',
  '水墨画：雨中的山村，远处有一座石桥',
  'Botanical plate of a fern with handwritten labels, off-white paper',
  'A red tram crossing a snowy square, seen from above, film grain',
  'Low-poly fox asleep in autumn leaves, soft shadows',
  '一只戴着围巾的橘猫坐在窗台上，窗外下着雪，温暖的灯光',
  'Poster in two colours for a night market, bold shapes, no text',
  'Macro photograph of dew on a spider web, morning backlight',
  'A reading room with green lamps and tall windows, oil painting',
];

const sizes: [number, number][] = [
  [1024, 1024],
  [1216, 832],
  [832, 1216],
  [1344, 768],
];

export interface PictureHooks {
  now: number;
  tell: (event: PictureEvent) => void;
  spend: (neurons: number) => void;
  called: (call: string) => void;
  attach: (name: string, bytes: Uint8Array) => Promise<Attachment>;
  /** So many neurons more would pass the soft cap. */
  passesCap: (neurons: number) => boolean;
}

export class ScriptedPictures {
  fail: FaultCode | undefined;
  /** Milliseconds that a picture takes. */
  speed = 900;
  /** The soft cap asks, whatever was used. */
  ask = false;
  private rows: Picture[] = [];
  private trash = new Map<string, Picture>();
  private albumRows = new Map<string, string>();
  private urls = new Map<string, string>();
  private timers = new Map<string, ReturnType<typeof setTimeout>>();
  private listeners = new Map<string, Listener<PictureEvent>>();
  private counter = 0;

  constructor(
    private hooks: PictureHooks,
    gallery: 'none' | 'some' | 'many',
  ) {
    if (gallery === 'none') return;
    this.albumRows.set('album-1', 'Postcards');
    this.albumRows.set('album-2', '封面');
    const count = gallery === 'many' ? 25_000 : 64;
    for (let index = 0; index < count; index += 1) this.rows.push(this.old(index, count));
  }

  /** Its file is taken away behind the app's back. */
  async lose(id: string): Promise<void> {
    this.row(id).state = { kind: 'missing' };
  }

  async pictureForm(model: string): Promise<PictureForm> {
    return formOf(model);
  }

  async quotePicture(request: PictureRequest): Promise<PictureQuote> {
    const one = price(request);
    if (one === null) return { neurons: null, shareOfDay: null, ask: this.ask };
    const neurons = one * request.count;
    return { neurons, shareOfDay: neurons / 10_000, ask: this.ask || this.hooks.passesCap(neurons) };
  }

  async quoteMessage(text: string): Promise<PictureQuote | null> {
    const prompt = pictureWanted(text);
    return prompt ? this.quotePicture({ ...noPictureRequest, model: drawers[0]!, prompt }) : null;
  }

  async makePictures(request: PictureRequest, events: Listener<PictureEvent>): Promise<Picture[]> {
    if (request.prompt.trim() === '') throw { code: 'invalidInput' } satisfies Fault;
    const { seed: takesSeed } = await this.pictureForm(request.model ?? drawers[0]!);
    const rows = Array.from({ length: request.count }, (_, index) => {
      const seed = takesSeed ? (request.seed ?? Math.floor(Math.random() * 2 ** 31)) + index : null;
      return this.blank(`picture-new-${(this.counter += 1)}`, { ...request, seed, count: 1 }, Date.now());
    });
    this.rows.unshift(...rows);
    for (const [index, row] of rows.entries()) {
      this.listeners.set(row.id, events);
      this.changed(row);
      const end = setTimeout(() => this.finish(row), this.speed * (1 + index * 0.4));
      this.timers.set(row.id, end);
    }
    return rows.map((row) => ({ ...row }));
  }

  async cancelPicture(id: string): Promise<void> {
    clearTimeout(this.timers.get(id));
    const row = this.rows.find((each) => each.id === id);
    if (row?.state.kind !== 'pending') return;
    row.state = { kind: 'stopped' };
    this.changed(row);
  }

  /** The disk takes it now. */
  async savePictureAgain(id: string): Promise<Picture> {
    const row = this.row(id);
    this.hooks.called(`savePictureAgain ${id}`);
    if (row.unsaved) {
      delete row.unsaved;
      row.state = { kind: 'done' };
      this.changed(row);
    }
    return structuredClone(row);
  }

  async pictures(query: PictureQuery): Promise<PicturePage> {
    await new Promise((done) => setTimeout(done, 4));
    const found = this.found(query);
    const page = found.slice(query.offset, query.offset + query.limit);
    return { pictures: page.map((row) => structuredClone(row)), total: found.length };
  }

  async galleryDays(query: PictureQuery): Promise<GalleryDay[]> {
    const days: GalleryDay[] = [];
    for (const [offset, row] of this.found(query).entries()) {
      const at = new Date(row.createdAt);
      const two = (value: number) => String(value).padStart(2, '0');
      const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
      const last = days.at(-1);
      if (last?.day === day) last.count += 1;
      else days.push({ day, count: 1, offset });
    }
    return days;
  }

  async picture(id: string): Promise<Picture> {
    return structuredClone(this.row(id));
  }

  async starPictures(ids: string[], starred: boolean): Promise<void> {
    for (const id of ids) {
      const row = this.row(id);
      row.starred = starred;
      this.changed(row);
    }
  }

  async deletePictures(ids: string[]): Promise<void> {
    for (const id of ids) {
      const row = this.row(id);
      clearTimeout(this.timers.get(id));
      this.trash.set(id, row);
      this.hooks.tell({ kind: 'removed', picture: id });
    }
    this.rows = this.rows.filter((row) => !this.trash.has(row.id));
  }

  async undeletePictures(ids: string[]): Promise<void> {
    for (const id of ids) {
      const row = this.trash.get(id);
      if (!row) continue;
      this.trash.delete(id);
      const at = this.rows.findIndex((each) => each.createdAt <= row.createdAt);
      this.rows.splice(at < 0 ? this.rows.length : at, 0, row);
      this.changed(row);
    }
  }

  async albums(): Promise<Album[]> {
    return [...this.albumRows].map(([id, name]) => ({
      id,
      name,
      count: this.rows.filter((row) => row.albums.includes(id)).length,
    }));
  }

  async createAlbum(name: string): Promise<Album> {
    const id = `album-${(this.counter += 1) + 2}`;
    this.albumRows.set(id, name);
    return { id, name, count: 0 };
  }

  async renameAlbum(id: string, name: string): Promise<Album> {
    this.albumRows.set(id, name);
    return { id, name, count: this.rows.filter((row) => row.albums.includes(id)).length };
  }

  async deleteAlbum(id: string, withPictures: boolean): Promise<void> {
    const inside = this.rows.filter((row) => row.albums.includes(id));
    this.albumRows.delete(id);
    for (const row of inside) row.albums = row.albums.filter((each) => each !== id);
    if (!withPictures) return;
    // As the app does it: the pictures go into the trash without a word.
    for (const row of inside) this.trash.set(row.id, row);
    this.rows = this.rows.filter((row) => !this.trash.has(row.id));
  }

  async addToAlbum(ids: string[], album: string): Promise<void> {
    for (const id of ids) {
      const row = this.row(id);
      if (!row.albums.includes(album)) row.albums = [...row.albums, album];
      this.changed(row);
    }
  }

  async removeFromAlbum(ids: string[], album: string): Promise<void> {
    for (const id of ids) {
      const row = this.row(id);
      row.albums = row.albums.filter((each) => each !== album);
      this.changed(row);
    }
  }

  async savePictureAs(id: string, strip: boolean): Promise<string> {
    this.hooks.called(`savePictureAs ${id} ${strip}`);
    return `/home/ada/Pictures/${this.row(id).fileName}`;
  }

  async exportPictures(ids: string[], strip: boolean): Promise<PictureExport> {
    this.hooks.called(`exportPictures ${ids.length} ${strip}`);
    const count = ids.filter((id) => this.row(id).state.kind === 'done').length;
    return { file: '/home/ada/Pictures/pictures.zip', count, leftOut: ids.length - count };
  }

  async readPictureSettings(): Promise<PictureSettings> {
    const row = this.rows[0];
    const request = { ...noPictureRequest, ...row?.request, prompt: picturePrompts[3] ?? '', seed: 42 };
    return { request, source: 'Stable Diffusion web UI', modelName: 'dreamshaper_8' };
  }

  async pictureAsAttachment(id: string) {
    const row = this.row(id);
    return this.hooks.attach(row.fileName ?? 'picture.png', this.draw(row, 480));
  }

  pictureUrl(id: string): string {
    return this.url(id, 768);
  }

  thumbnailUrl(id: string): string {
    return this.url(id, 256);
  }

  // --- inside ---------------------------------------------------------------------------------------------------------

  private old(index: number, count: number): Picture {
    const pick = <T>(items: readonly T[], by: number): T => items[by % items.length]!;
    const [width, height] = pick(sizes, index * 7 + Math.floor(index / 4));
    // A few a day at first, then years back.
    const back = count > 1000 ? index * 0.9 * hour : index < 6 ? index * 0.3 * hour : index * index * 0.9 * hour;
    const request: PictureRequest = {
      ...noPictureRequest,
      model: pick(drawers, index),
      prompt: pick(picturePrompts, index * 3),
      negativePrompt: index % 3 === 2 ? 'blurry, text, watermark' : null,
      width,
      height,
      steps: index % 3 === 1 ? null : 8,
      guidance: index % 3 === 2 ? 7.5 : null,
      seed: 1_000_003 * (index + 1),
    };
    const row = this.blank(`picture-${index}`, request, this.hooks.now - back - hour);
    this.complete(row, 2400 + (index % 9) * 400);
    Object.assign(row, {
      starred: index % 11 === 2,
      albums: index % 13 === 4 ? ['album-1'] : index % 17 === 6 ? ['album-2'] : [],
    });
    if (index === 9) row.state = { kind: 'missing' };
    if (index === 13) row.state = { kind: 'damaged' };
    return row;
  }

  private blank(id: string, request: PictureRequest, at: number): Picture {
    return {
      id,
      run: `run-${id}`,
      request,
      model: request.model ?? drawers[0]!,
      state: { kind: 'pending' },
      width: null,
      height: null,
      mediaType: null,
      fileName: null,
      size: null,
      usage: null,
      starred: false,
      albums: [],
      createdAt: Math.round(at),
      tookMs: null,
    };
  }

  private complete(row: Picture, tookMs: number): void {
    const { width, height, prompt } = row.request;
    const words = prompt.replace(/[\s，。：]+/g, '-').slice(0, 32);
    Object.assign(row, {
      state: { kind: 'done' },
      width: width ?? 1024,
      height: height ?? 1024,
      mediaType: 'image/png',
      fileName: `${new Date(row.createdAt).toISOString().slice(0, 10)} ${words}.png`,
      size: 1_240_000,
      tookMs,
      usage: {
        inputTokens: null,
        outputTokens: null,
        cachedTokens: null,
        neurons: price(row.request),
        estimated: false,
      },
    });
  }

  private finish(row: Picture): void {
    if (row.state.kind !== 'pending') return;
    if (this.fail === 'diskFull' || this.fail === 'readOnly') {
      // It was paid for: it waits in memory until the disk takes it.
      this.complete(row, this.speed);
      Object.assign(row, { state: { kind: 'failed', fault: { code: this.fail } }, unsaved: true });
      this.hooks.spend(row.usage?.neurons ?? 0);
    } else if (this.fail) row.state = { kind: 'failed', fault: { code: this.fail } };
    else {
      this.complete(row, this.speed);
      this.hooks.spend(row.usage?.neurons ?? 0);
    }
    this.changed(row);
  }

  private changed(row: Picture): void {
    const event: PictureEvent = { kind: 'changed', picture: structuredClone(row) };
    this.listeners.get(row.id)?.(event);
    if (row.state.kind !== 'pending') this.listeners.delete(row.id);
    this.hooks.tell(event);
  }

  private found({ text, model, album, starred }: PictureQuery): Picture[] {
    const words = (text ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    return this.rows.filter(
      (row) =>
        words.every((word) => row.request.prompt.toLowerCase().includes(word)) &&
        (model === null || row.model === model) &&
        (album === null || (album === 'uncategorised' ? row.albums.length === 0 : row.albums.includes(album))) &&
        (!starred || row.starred),
    );
  }

  private row(id: string): Picture {
    const row = this.rows.find((each) => each.id === id);
    if (!row) throw { code: 'notFound' } satisfies Fault;
    return row;
  }

  private draw(row: Picture, side: number): Uint8Array<ArrayBuffer> {
    const [width, height] = [row.width ?? 1024, row.height ?? 1024];
    const scale = side / Math.max(width, height);
    return png(
      Math.round(width * scale),
      Math.round(height * scale),
      scene((row.request.seed ?? 1) % 48, width / height),
    );
  }

  /** Pictures that look the same share one blob: 25,000 pictures are no more than a few hundred. */
  private url(id: string, side: number): string {
    const row = this.rows.find((each) => each.id === id) ?? this.trash.get(id);
    if (!row || (row.state.kind !== 'done' && !row.unsaved) || !URL.createObjectURL) return '';
    const key = `${(row.request.seed ?? 1) % 48} ${row.width}x${row.height} ${side}`;
    let url = this.urls.get(key);
    if (!url) {
      url = URL.createObjectURL(new Blob([this.draw(row, side)], { type: 'image/png' }));
      this.urls.set(key, url);
    }
    return url;
  }
}
