// Marks found words in rendered text with the CSS Custom Highlight API: no element is added, nothing is re-rendered.

function rangesIn(root: Element, wanted: string): Range[] {
  const ranges: Range[] = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.textContent?.toLowerCase() ?? '';
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + wanted.length);
      ranges.push(range);
    }
  }
  return ranges;
}

/** Marks every occurrence under `root`; those in the message `now` more strongly. */
export function mark(root: Element, wanted: string, now: string | null): void {
  unmark();
  // Older web views have no highlights: the message still comes into view.
  if (!wanted || typeof CSS === 'undefined' || !('highlights' in CSS)) return;
  const rest: Range[] = [];
  const current: Range[] = [];
  for (const message of root.querySelectorAll<HTMLElement>('[data-message]')) {
    (message.dataset.message === now ? current : rest).push(...rangesIn(message, wanted));
  }
  CSS.highlights.set('found', new Highlight(...rest));
  CSS.highlights.set('found-now', new Highlight(...current));
}

export function unmark(): void {
  if (typeof CSS === 'undefined' || !('highlights' in CSS)) return;
  CSS.highlights.delete('found');
  CSS.highlights.delete('found-now');
}
