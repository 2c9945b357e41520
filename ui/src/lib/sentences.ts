// Cuts a growing text into whole sentences, so that a screen reader hears sentences and not scraps.

/** Ends of a sentence: Latin ones need a space or the end behind them, CJK ones stand alone. */
const sentenceEnd = /[.!?…]+["”’)\]]*(?=\s)|[。！？]+[」』”）]*|\n+/g;

/** Where the last whole sentence ends, at or after `from`; `from` itself when none is whole yet. */
export function lastSentenceEnd(text: string, from: number): number {
  let end = from;
  for (const match of text.slice(from).matchAll(sentenceEnd)) end = from + match.index + match[0].length;
  return end;
}
