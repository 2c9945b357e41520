// Puts a call off until there has been silence for a while. `flush` makes it at once.

export interface Debounced<A extends unknown[]> {
  (...args: A): void;
  flush(): void;
  cancel(): void;
}

export function debounce<A extends unknown[]>(ms: number, run: (...args: A) => void): Debounced<A> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pending: A | undefined;
  const fire = () => {
    clearTimeout(timer);
    const args = pending;
    pending = undefined;
    if (args) run(...args);
  };
  const later = (...args: A) => {
    pending = args;
    clearTimeout(timer);
    timer = setTimeout(fire, ms);
  };
  return Object.assign(later, {
    flush: fire,
    cancel: () => {
      clearTimeout(timer);
      pending = undefined;
    },
  });
}
