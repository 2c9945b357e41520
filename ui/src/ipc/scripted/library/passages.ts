// How the scripted library cuts its texts.

import type { Document, Passage } from '../../generated/domain';
import { leasePages, leaseText, reportText } from '../texts';

/** Paragraphs are the passages; headings above them are their path. */
export function passagesOf(row: Pick<Document, 'id' | 'format'>, text: string): Passage[] {
  const found: Passage[] = [];
  const path: string[] = [];
  let report: number | null = null;
  let at = 0;
  for (const part of text.split('\n\n')) {
    const heading = /^(#+) (.*)$/.exec(part);
    if (heading) path.splice((heading[1] ?? '#').length - 1, 9, heading[2] ?? '');
    else if (part) {
      if (text === reportText && heading === null && path.length > 0)
        report = Number(/\d+/.exec(path.at(-1) ?? '')?.[0]);
      const page = text === leaseText ? leasePages.findIndex((page) => page.includes(part)) + 1 : report;
      found.push({
        id: `${row.id}-${found.length}`,
        ordinal: found.length,
        text: part,
        headingPath: [...path],
        page,
        // Characters and not UTF-16 units; the samples have none beyond the first plane.
        start: at,
        end: at + part.length,
        tokens: Math.ceil(part.length / 4),
        embedded: true,
      });
    }
    at += part.length + 2;
  }
  return found;
}
