// The picture being asked for: the fields of the model's form, what it would cost, and the prompts of before.

import { m } from '$i18n';
import type { Backend, Listener } from '$ipc/backend';
import { asFault, sentenceOf } from '$ipc/faults';
import type {
  AttachedFiles,
  Attachment,
  Fault,
  NumberRange,
  Picture,
  PictureEvent,
  PictureForm,
  PictureQuote,
  PictureRequest,
} from '$ipc/generated/domain';
import { debounce } from '$lib/debounce';
import { fitted, sizeOf, type Ratio } from '$lib/grid';

/** A stored picture of which only the id is at hand. */
const known = (id: string): Attachment => ({
  id,
  name: '',
  mediaType: 'image/png',
  size: 0,
  width: null,
  height: null,
});

/** A seed that every model takes: 31 bits, never zero. */
export const newSeed = (): number => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) >>> 1 || 1;

/** What of a picture's settings comes back into the form. `remix`: all but the seed. */
export type Reused = 'all' | 'prompt' | 'seed' | 'size' | 'remix';

export interface MakerHooks {
  /** The model to begin with, once the catalogue is known. */
  standard(): string | null;
  /** The person chose one: it is the one to begin with next time. */
  chosen(model: string): void;
  /** The soft limit would be passed: the person's word. */
  maySpend(quote: PictureQuote): Promise<boolean>;
  heard: Listener<PictureEvent>;
  /** A file that was meant as a reference and is none. */
  refused(file: string, why: string): void;
}

export class Maker {
  model = $state<string | null>(null);
  form = $state.raw<PictureForm | null>(null);
  prompt = $state('');
  negativePrompt = $state('');
  width = $state<number | null>(null);
  height = $state<number | null>(null);
  /** Width and height keep their ratio. */
  sizeLocked = $state(true);
  steps = $state<number | null>(null);
  guidance = $state<number | null>(null);
  /** Null: drawn anew for each picture. */
  seed = $state<number | null>(null);
  /** The seed stays for the pictures after this one. */
  seedLocked = $state(false);
  count = $state(1);
  references = $state.raw<Attachment[]>([]);
  strength = $state<number | null>(null);
  mask = $state.raw<Attachment | null>(null);
  /** The mask as this page painted it: from elsewhere it could be shown, but not painted on. */
  maskUrl = $state<string | null>(null);
  quote = $state.raw<PictureQuote | null>(null);
  fault = $state.raw<Fault | null>(null);
  /** Between pressing Generate and the first rows. */
  starting = $state(false);
  #history: string[] | null = null;
  #historyAt = -1;
  #ownWords = '';
  #requote;

  constructor(
    private backend: Backend,
    private hooks: MakerHooks,
  ) {
    this.#requote = debounce(300, () => void this.#readQuote());
  }

  /** Only what the model takes; what is empty is not sent. */
  get request(): PictureRequest {
    const { form } = this;
    const within = (value: number | null, range: NumberRange | null | undefined) =>
      value === null || !range ? null : fitted(value, range);
    const references = this.references.slice(0, form?.references ?? 0);
    return {
      model: this.model,
      prompt: this.prompt.trim(),
      negativePrompt: form?.negativePrompt ? this.negativePrompt.trim() || null : null,
      width: within(this.width, form?.size),
      height: within(this.height, form?.size),
      steps: within(this.steps, form?.steps),
      guidance: within(this.guidance, form?.guidance),
      seed: form?.seed ? this.seed : null,
      count: this.count,
      references: references.map((each) => each.id),
      strength: form?.imageToImage && references.length > 0 ? this.strength : null,
      mask: form?.inpainting && references.length > 0 ? (this.mask?.id ?? null) : null,
      conversation: null,
    };
  }

  /** A model that can do nothing but repaint refuses a request without a mask. */
  get needsMask(): boolean {
    return this.form?.needsMask === true;
  }

  get ready(): boolean {
    const { form, mask, prompt, references, starting } = this;
    const noReference = form?.needsReference === true && references.length === 0;
    const noMask = this.needsMask && mask === null;
    return prompt.trim() !== '' && !noReference && !noMask && !this.tooLong && !starting;
  }

  /** Characters as the service counts them: a sign outside the basic plane is one. */
  get promptLength(): number {
    return [...this.prompt.trim()].length;
  }

  get tooLong(): boolean {
    return this.promptLength > (this.form?.maxPrompt ?? Infinity);
  }

  /** The size that will come out, as far as it is known. */
  get size(): [number, number] {
    const [width, height] = this.form?.defaultSize ?? [1024, 1024];
    return [this.width ?? width, this.height ?? height];
  }

  async begin(): Promise<void> {
    const model = this.model ?? this.hooks.standard();
    if (model !== null && this.form?.model !== model) await this.useModel(model);
  }

  /** The person chose a model. */
  async choose(model: string): Promise<void> {
    this.hooks.chosen(model);
    await this.useModel(model);
  }

  async useModel(model: string): Promise<void> {
    this.model = model;
    try {
      const form = await this.backend.pictureForm(model);
      if (this.model !== model) return;
      this.form = form;
      this.fault = null;
    } catch (error) {
      this.fault = asFault(error);
    }
    this.changed();
  }

  /** A field changed: the price may have changed too. */
  changed(): void {
    this.#requote();
  }

  setRatio(ratio: Ratio): void {
    const { form } = this;
    if (!form?.size) return;
    const [width, height] = form.defaultSize;
    [this.width, this.height] = sizeOf(ratio, width * height, form.size);
    this.changed();
  }

  setSide(side: 'width' | 'height', value: number | null): void {
    const range = this.form?.size;
    if (!range) return;
    const [width, height] = this.size;
    const kept = value === null ? null : fitted(value, range);
    if (side === 'width') this.width = kept;
    else this.height = kept;
    if (kept === null) this.width = this.height = null;
    else if (this.sizeLocked) {
      if (side === 'width') this.height = fitted((kept * height) / width, range);
      else this.width = fitted((kept * width) / height, range);
    } else {
      this.width ??= width;
      this.height ??= height;
    }
    this.changed();
  }

  rollSeed(): void {
    this.seed = newSeed();
  }

  lockSeed(locked: boolean): void {
    this.seedLocked = locked;
    if (locked) this.seed ??= newSeed();
  }

  // --- references and mask --------------------------------------------------------------------------------------------

  /** Files become references, as many as the model takes. What is no picture is told. */
  async addReferences(read: () => Promise<AttachedFiles>): Promise<void> {
    try {
      const { attached, refused, documents } = await read();
      for (const { name, fault } of refused) this.hooks.refused(name, sentenceOf(fault));
      for (const { name } of documents?.files ?? []) this.hooks.refused(name, m.images_referenceUnfit());
      const pictures = attached.filter((each) => {
        const picture = each.mediaType.startsWith('image/');
        if (!picture) this.hooks.refused(each.name, m.images_referenceUnfit());
        return picture;
      });
      const most = this.form?.references ?? 0;
      const before = this.references[0]?.id;
      this.references = most === 1 ? pictures.slice(-1) : [...this.references, ...pictures].slice(0, most);
      if (this.references[0]?.id !== before) void this.setMask(null);
      this.changed();
    } catch (error) {
      this.fault = asFault(error);
    }
  }

  /** Files that the page itself was given. Each is taken or refused by itself. */
  addFiles(files: readonly File[]): Promise<void> {
    return this.addReferences(async () => {
      const all: AttachedFiles = { attached: [], refused: [], documents: null };
      for (const file of files) {
        try {
          all.attached.push(await this.backend.attachBytes(file.name, new Uint8Array(await file.arrayBuffer())));
        } catch (error) {
          all.refused.push({ name: file.name, fault: asFault(error) });
        }
      }
      return all;
    });
  }

  removeReference(id: string): void {
    if (this.references[0]?.id === id) void this.setMask(null);
    this.references = this.references.filter((each) => each.id !== id);
    this.changed();
  }

  async setMask(png: Blob | null): Promise<void> {
    if (this.maskUrl) URL.revokeObjectURL(this.maskUrl);
    this.mask = this.maskUrl = null;
    if (png === null) return;
    try {
      this.maskUrl = URL.createObjectURL(png);
      this.mask = await this.backend.attachBytes('mask.png', new Uint8Array(await png.arrayBuffer()));
    } catch (error) {
      this.fault = asFault(error);
    }
  }

  // --- making ---------------------------------------------------------------------------------------------------------

  async generate(): Promise<Picture[]> {
    if (!this.ready) return [];
    const request = this.request;
    const rows = await this.send(request);
    if (rows.length > 0) {
      this.#remember(request.prompt);
      if (!this.seedLocked) this.seed = null;
    }
    return rows;
  }

  /** Asks for a picture as it stands in the request. */
  async send(request: PictureRequest): Promise<Picture[]> {
    this.starting = true;
    try {
      const quote = await this.backend.quotePicture(request);
      if (quote.ask && !(await this.hooks.maySpend(quote))) return [];
      this.fault = null;
      return await this.backend.makePictures(request, this.hooks.heard);
    } catch (error) {
      this.fault = asFault(error);
      return [];
    } finally {
      this.starting = false;
    }
  }

  /** Fills the form from a request, or a part of it. */
  async reuse(request: PictureRequest, what: Reused): Promise<void> {
    if (what === 'all' || what === 'remix' || what === 'prompt') {
      this.prompt = request.prompt;
      this.negativePrompt = request.negativePrompt ?? '';
    }
    if (what === 'seed' || what === 'all') {
      this.seed = request.seed;
      this.seedLocked = request.seed !== null;
    }
    if (what === 'size') this.#takeSize(request);
    if (what === 'all' || what === 'remix') await this.#takeSettings(request);
    if (what === 'remix') {
      this.seed = null;
      this.seedLocked = false;
    }
    this.changed();
  }

  #takeSize({ width, height }: PictureRequest): void {
    const range = this.form?.size;
    if (!range) return;
    this.width = width === null ? null : fitted(width, range);
    this.height = height === null ? null : fitted(height, range);
  }

  async #takeSettings(request: PictureRequest): Promise<void> {
    this.width = request.width;
    this.height = request.height;
    this.steps = request.steps;
    this.guidance = request.guidance;
    this.strength = request.strength;
    void this.setMask(null);
    this.references = request.references.map(known);
    this.mask = request.mask === null ? null : known(request.mask);
    if (request.model !== null && request.model !== this.model) await this.useModel(request.model);
  }

  // --- prompts of before ----------------------------------------------------------------------------------------------

  /** Goes back (1) or forward (-1) through the prompts of before; what was being written comes back at the end. */
  async recall(by: 1 | -1): Promise<void> {
    const history = await this.#prompts();
    if (this.#historyAt === -1 || this.prompt !== (history[this.#historyAt] ?? this.prompt)) {
      this.#ownWords = this.prompt;
      this.#historyAt = -1;
    }
    const skip = by === 1 && this.#historyAt === -1 && history[0] === this.prompt ? 1 : 0;
    const next = this.#historyAt + by + skip;
    if (next < -1 || next >= history.length) return;
    this.#historyAt = next;
    this.prompt = next === -1 ? this.#ownWords : (history[next] ?? '');
  }

  async #prompts(): Promise<string[]> {
    if (this.#history) return this.#history;
    const all = { text: null, model: null, album: null, starred: false, offset: 0, limit: 200 };
    try {
      const { pictures } = await this.backend.pictures(all);
      this.#history = [...new Set(pictures.map((each) => each.request.prompt))];
    } catch {
      return [];
    }
    return this.#history;
  }

  #remember(prompt: string): void {
    if (this.#history) this.#history = [prompt, ...this.#history.filter((each) => each !== prompt)];
    this.#historyAt = -1;
  }

  async #readQuote(): Promise<void> {
    const request = this.request;
    if (request.model === null) return;
    try {
      this.quote = await this.backend.quotePicture(request);
    } catch {
      this.quote = null;
    }
  }
}
