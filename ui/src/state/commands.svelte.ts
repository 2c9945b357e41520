// What can be done right now: whoever can carry an action out registers it while it can.

import { SvelteMap } from 'svelte/reactivity';
import type { ActionId } from '$lib/actions';

type Handler = () => void;

export class Commands {
  #handlers = new SvelteMap<ActionId, Handler>();

  /** Registers several at once; the returned function takes them away again. */
  register(handlers: Partial<Record<ActionId, Handler>>): () => void {
    const entries = Object.entries(handlers) as [ActionId, Handler][];
    for (const [id, handler] of entries) this.#handlers.set(id, handler);
    return () => {
      for (const [id, handler] of entries) if (this.#handlers.get(id) === handler) this.#handlers.delete(id);
    };
  }

  available(id: ActionId): boolean {
    return this.#handlers.has(id);
  }

  run(id: ActionId): boolean {
    const handler = this.#handlers.get(id);
    handler?.();
    return handler !== undefined;
  }
}
