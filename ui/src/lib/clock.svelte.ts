// The time as a signal that ticks only while something on the screen reads it: an idle window has no timers.

import { createSubscriber } from 'svelte/reactivity';

class Clock {
  readonly #subscribe: () => void;

  constructor(period: number) {
    this.#subscribe = createSubscriber((update) => {
      const timer = setInterval(update, period);
      return () => clearInterval(timer);
    });
  }

  get now(): number {
    this.#subscribe();
    return Date.now();
  }
}

/** Once a second, for countdowns and elapsed time. */
export const seconds = new Clock(1000);
