// What can be done right now: whoever can carry an action out registers it while it can.

import { untrack } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import type { ActionId } from '$lib/actions';

type Handler = () => void;

export class Commands {
  /** Of several who can do the same, the last to come does it: what lies on top. When it goes, the one before can again. */
  #handlers = new SvelteMap<ActionId, readonly Handler[]>();

  /** Registers several at once; the returned function takes them away again. */
  register(handlers: Partial<Record<ActionId, Handler>>): () => void {
    const entries = Object.entries(handlers) as [ActionId, Handler][];
    for (const [id, handler] of entries) this.#handlers.set(id, [...this.#of(id), handler]);
    return () => {
      for (const [id, handler] of entries) {
        const left = this.#of(id).filter((each) => each !== handler);
        if (left.length > 0) this.#handlers.set(id, left);
        else this.#handlers.delete(id);
      }
    };
  }

  available(id: ActionId): boolean {
    return this.#handlers.has(id);
  }

  run(id: ActionId): boolean {
    const handler = this.#of(id).at(-1);
    handler?.();
    return handler !== undefined;
  }

  /** Not followed: who registers within an effect must not run again because of what others register. */
  #of(id: ActionId): readonly Handler[] {
    return untrack(() => this.#handlers.get(id) ?? []);
  }
}
