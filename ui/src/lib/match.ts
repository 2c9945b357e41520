// Finding by typing: every word of the query must occur; earlier and whole-word hits come first.

export function score(text: string, query: string): number {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const lower = text.toLowerCase();
  let sum = 1;
  for (const word of words) {
    const at = lower.indexOf(word);
    if (at < 0) return 0;
    sum += 1 / (1 + at) + (at === 0 || /[\s/\-_.]/.test(lower[at - 1] ?? '') ? 1 : 0);
  }
  return sum;
}

/** The items that match, best first; all in their own order when nothing is asked. */
export function matching<T>(items: readonly T[], query: string, text: (item: T) => string): T[] {
  if (query.trim() === '') return [...items];
  return items
    .map((item) => ({ item, rank: score(text(item), query) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank)
    .map(({ item }) => item);
}
