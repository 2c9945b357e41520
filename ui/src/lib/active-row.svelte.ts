// The active row of a list that is chosen from with the keys of the text box above it.

export class ActiveRow {
  at = $state(0);

  constructor(
    private count: () => number,
    private pick: (at: number) => void,
    /** The id of a row's element. */
    readonly idOf: (at: number) => string,
  ) {}

  keydown = (event: KeyboardEvent): void => {
    // Enter and the arrows belong to the input method while it composes.
    if (event.isComposing) return;
    if (event.key === 'ArrowDown') this.#move(1);
    else if (event.key === 'ArrowUp') this.#move(-1);
    else if (event.key === 'Enter' && this.at < this.count()) this.pick(this.at);
    else if (event.key !== 'Enter') return;
    event.preventDefault();
  };

  /** Round the ends, and into view. */
  #move(by: number): void {
    const count = this.count();
    if (count === 0) return;
    this.at = (this.at + by + count) % count;
    document.getElementById(this.idOf(this.at))?.scrollIntoView({ block: 'nearest' });
  }
}
