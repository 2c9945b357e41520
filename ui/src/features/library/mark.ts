// Marks stretches of text inside elements, by elements of their own: no markup from strings, and every web view can.

import type { Span } from '$lib/place';

/** Marks the spans of the joined text of `parts`; returns the marks, first to last. */
export function markSpans(parts: readonly HTMLElement[], spans: readonly Span[]): HTMLElement[] {
  const marks: HTMLElement[] = [];
  let at = 0;
  for (const part of parts) {
    const text = part.textContent ?? '';
    const within = spans
      .map(({ start, end }) => ({ start: Math.max(0, start - at), end: Math.min(text.length, end - at) }))
      .filter(({ start, end }) => end > start);
    if (within.length > 0) marks.push(...markPart(part, text, within));
    at += text.length + 1;
  }
  return marks;
}

/** The text that `markSpans` counts in: the parts with one space between them. */
export const textOf = (parts: readonly HTMLElement[]): string => parts.map((part) => part.textContent ?? '').join(' ');

function markPart(part: HTMLElement, text: string, spans: readonly Span[]): HTMLElement[] {
  const marks: HTMLElement[] = [];
  const pieces: Node[] = [];
  let at = 0;
  for (const { start, end } of spans) {
    if (start > at) pieces.push(document.createTextNode(text.slice(at, start)));
    const mark = document.createElement('mark');
    mark.textContent = text.slice(start, end);
    pieces.push(mark);
    marks.push(mark);
    at = end;
  }
  if (at < text.length) pieces.push(document.createTextNode(text.slice(at)));
  part.replaceChildren(...pieces);
  return marks;
}

export function unmark(parts: readonly HTMLElement[]): void {
  for (const part of parts) if (part.querySelector('mark')) part.textContent = part.textContent ?? '';
}
