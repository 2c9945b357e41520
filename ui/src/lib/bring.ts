// Brings something into view within its own scroller. `scrollIntoView` would also move what lies around it, the window
// included, which is not meant to scroll.

export function bring(element: Element, scroller: Element, place: 'start' | 'centre'): void {
  const box = element.getBoundingClientRect();
  const view = scroller.getBoundingClientRect();
  const margin = place === 'start' ? 16 : Math.max(16, (view.height - box.height) / 2);
  scroller.scrollTop += box.top - view.top - margin;
}
