// How a picture lies in the lightbox: fitted, or larger and moved.

const most = 8;

export class Zoom {
  scale = $state(1);
  x = $state(0);
  y = $state(0);
  #from: { x: number; y: number; px: number; py: number } | null = null;

  get moved(): boolean {
    return this.scale > 1;
  }

  reset(): void {
    this.scale = 1;
    this.x = this.y = 0;
  }

  /** Larger or smaller by a factor around a point, given from the middle of the view. */
  by(factor: number, px = 0, py = 0): void {
    const next = Math.min(most, Math.max(1, this.scale * factor));
    const share = next / this.scale;
    this.x = px - (px - this.x) * share;
    this.y = py - (py - this.y) * share;
    this.scale = next;
    if (next === 1) this.reset();
  }

  grab(px: number, py: number): void {
    if (this.moved) this.#from = { x: this.x, y: this.y, px, py };
  }

  drag(px: number, py: number): void {
    if (!this.#from) return;
    this.x = this.#from.x + px - this.#from.px;
    this.y = this.#from.y + py - this.#from.py;
  }

  drop(): void {
    this.#from = null;
  }
}
