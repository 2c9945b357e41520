// What the person has set. Changes apply at once and are saved a moment later.

import { language } from '$i18n';
import type { Backend } from '$ipc/backend';
import type { Settings } from '$ipc/generated/domain';
import { debounce } from '$lib/debounce';

const zoomSteps = [0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.35, 1.5, 1.75, 2];

export class Preferences {
  current = $state<Settings>(fallback());
  /** Set when the last save failed. */
  failed = $state<unknown>(null);
  #save;

  constructor(private backend: Backend) {
    this.#save = debounce(250, () => void this.#send());
  }

  async load(): Promise<void> {
    this.current = { ...fallback(), ...(await this.backend.settings()) };
    this.#apply();
  }

  set(change: Partial<Settings>): void {
    Object.assign(this.current, change);
    this.#apply();
    this.#save();
  }

  flush(): void {
    this.#save.flush();
  }

  zoomBy(steps: number): void {
    const nearest = zoomSteps.reduce((best, step) =>
      Math.abs(step - this.current.zoom) < Math.abs(best - this.current.zoom) ? step : best,
    );
    const next = zoomSteps[zoomSteps.indexOf(nearest) + steps];
    if (next !== undefined) this.zoomTo(next);
  }

  /** The shell zooms the web view when it saves this: at once, not after the usual pause. */
  zoomTo(zoom: number): void {
    this.set({ zoom });
    this.flush();
  }

  toggleFavourite(model: string): void {
    const { favouriteModels } = this.current;
    this.set({
      favouriteModels: favouriteModels.includes(model)
        ? favouriteModels.filter((each) => each !== model)
        : [...favouriteModels, model],
    });
  }

  async #send(): Promise<void> {
    try {
      await this.backend.saveSettings($state.snapshot(this.current));
      this.failed = null;
    } catch (fault) {
      this.failed = fault;
    }
  }

  #apply(): void {
    const root = document.documentElement;
    if (this.current.theme === 'system') delete root.dataset.theme;
    else root.dataset.theme = this.current.theme;
    if (this.current.locale) language.use(this.current.locale);
  }
}

/** The Rust side's defaults, for the moment before they arrive and for fields an older one does not send. */
function fallback(): Settings {
  return {
    locale: null,
    theme: 'system',
    zoom: 1,
    sendWithModifier: false,
    showAnswerInfo: true,
    makeTitles: true,
    longPaste: 4000,
    chatModel: null,
    titleModel: null,
    imageModel: null,
    embeddingModel: null,
    favouriteModels: [],
    systemPrompt: null,
    softCap: null,
    hardCap: null,
    proxy: null,
    customCa: null,
    connectTimeoutS: 10,
    firstByteTimeoutS: 120,
    idleTimeoutS: 90,
    pictureWords: true,
    stripMetadata: false,
    largestDocumentMib: 256,
    readingMemoryMib: 1024,
    readingCpuS: 20,
    readingWallS: 30,
    keys: {},
    sidebarHidden: false,
    sidebarWidth: 264,
  };
}
