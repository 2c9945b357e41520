// Short notes at the foot of the window, with at most one action (Undo, above all).

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'bad';
  action?: { label: string; run: () => void };
}

export class Toasts {
  items = $state<Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  show(text: string, action?: Toast['action'], tone: Toast['tone'] = 'plain'): number {
    const id = this.#next++;
    this.items = [...this.items.slice(-2), { id, text, tone, action }];
    this.resume(id);
    return id;
  }

  bad(text: string, action?: Toast['action']): number {
    return this.show(text, action, 'bad');
  }

  dismiss(id: number): void {
    this.hold(id);
    this.items = this.items.filter((toast) => toast.id !== id);
  }

  /** Stays while the pointer or the focus is on it. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  resume(id: number): void {
    const toast = this.items.find((each) => each.id === id);
    if (toast)
      this.#timers.set(
        id,
        setTimeout(() => this.dismiss(id), toast.action ? 8000 : 4500),
      );
  }
}
