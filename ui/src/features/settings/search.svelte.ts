// What is looked for among the settings: each row knows whether it matches.

import { createContext } from 'svelte';
import { score } from '$lib/match';

export class SettingsSearch {
  query = $state('');

  matches(...words: (string | undefined)[]): boolean {
    return this.query.trim() === '' || score(words.filter(Boolean).join(' '), this.query) > 0;
  }
}

export const [useSearch, provideSearch] = createContext<SettingsSearch>();
