// What the first screen does not show is read once that screen stands: it would hold up the first key.

import type * as late from './late';

type Parts = typeof late;

class Later {
  /** Null for the first moments. */
  parts = $state.raw<Parts | null>(null);
  #asked: Promise<Parts> | null = null;

  /** Reads them now. */
  load(): Promise<Parts> {
    return (this.#asked ??= import('./late').then((parts) => (this.parts = parts)));
  }

  /** Reads them once what is there now has been painted. */
  loadAfterPaint(): void {
    requestAnimationFrame(() => setTimeout(() => void this.load()));
  }
}

export const later = new Later();
