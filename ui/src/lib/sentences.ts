// Cuts a growing text into whole sentences, so that a screen reader hears sentences and not scraps.

/** Ends of a sentence: Latin ones need a space or the end behind them, CJK ones stand alone. */
const sentenceEnd = /[.!?…]+["”’)\]]*(?=\s)|[。！？]+[」』”）]*|\n+/g;

/** The first sentence: what happened, without the advice behind it. */
export function firstSentence(text: string): string {
  const [whole] = text.matchAll(sentenceEnd);
  return whole ? text.slice(0, whole.index + whole[0].length) : text;
}

/** Where the last whole sentence ends, at or after `from`; `from` itself when none is whole yet. */
export function lastSentenceEnd(text: string, from: number): number {
  let end = from;
  for (const match of text.slice(from).matchAll(sentenceEnd)) end = from + match.index + match[0].length;
  return end;
}
