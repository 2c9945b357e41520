// The shelf of models: the catalogue, and what the window needs to know of each.

import type { Backend } from '$ipc/backend';
import type { Catalogue, Model } from '$ipc/generated/domain';
import type { Preferences } from './preferences.svelte';

export class Shelf {
  catalogue = $state.raw<Catalogue>({ models: [], standardChat: '', source: 'bundled', fetchedAt: null });
  loading = $state(false);
  failed = $state.raw<unknown>(null);
  byId = $derived(new Map(this.catalogue.models.map((model) => [model.id, model])));
  /** Models one can talk to, without retired ones; favourites first. */
  chat = $derived.by(() => {
    const favourite = new Set(this.preferences.current.favouriteModels);
    const able = this.catalogue.models.filter((model) => model.chat && !model.retired);
    return [...able.filter((model) => favourite.has(model.id)), ...able.filter((model) => !favourite.has(model.id))];
  });

  constructor(
    private backend: Backend,
    private preferences: Preferences,
  ) {}

  async load(refresh = false): Promise<void> {
    this.loading = true;
    try {
      this.catalogue = await this.backend.catalogue(refresh);
      this.failed = null;
    } catch (fault) {
      this.failed = fault;
    } finally {
      this.loading = false;
    }
  }

  /** The model of new conversations: the chosen one, else the one that the backend names. */
  get standard(): Model | undefined {
    const chosen = this.byId.get(this.preferences.current.chatModel ?? '');
    if (chosen && !chosen.retired) return chosen;
    return this.byId.get(this.catalogue.standardChat);
  }

  /** The model of pictures: the chosen one, else the first that is free to use. */
  get picture(): Model | undefined {
    const able = this.ofTask('textToImage');
    const chosen = this.byId.get(this.preferences.current.imageModel ?? '');
    if (chosen && able.includes(chosen)) return chosen;
    return able.find((model) => !model.paidOnly) ?? able[0];
  }

  /** The model behind an id, the standard one when there is none. */
  of(id: string | null): Model | undefined {
    return id === null ? this.standard : this.byId.get(id);
  }

  ofTask(task: Model['task']): Model[] {
    return this.catalogue.models.filter((model) => model.task === task && !model.retired);
  }
}

/** The last part of an id, for display when the catalogue does not know it. */
export const shortModel = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

/** Dollars per million tokens in and out, when they are published. */
export function pricesOf(model: Model): { input: number | null; output: number | null } {
  const find = (words: RegExp) => model.prices.find((price) => words.test(price.unit))?.usd ?? null;
  return { input: find(/\bM input tokens/i), output: find(/\bM output tokens/i) };
}
