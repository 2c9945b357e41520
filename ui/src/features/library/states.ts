// How far a document came, in words.

import { m } from '$i18n';
import { sentenceOf } from '$ipc/faults';
import type { DocumentState } from '$ipc/generated/domain';
import { whole } from '$lib/numbers';

export function stateName(state: DocumentState): string {
  switch (state.kind) {
    case 'queued':
      return m.library_queued();
    case 'reading':
      return m.library_reading();
    case 'embedding':
      return m.library_embedding_state({ done: whole(state.done), total: whole(state.total) });
    case 'ready':
      return m.library_ready();
    case 'partly':
      return m.library_partly({ empty: whole(state.emptyPages.length), pages: whole(state.pages) });
    case 'paused':
      return m.library_paused();
    case 'failed':
      return sentenceOf(state.fault);
  }
}

/** 3, 4, 5, 9 → `3–5, 9`. */
export function pageList(pages: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const page of [...pages].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && page === last[1] + 1) last[1] = page;
    else runs.push([page, page]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
}

/** Workers AI can read what has no text of its own. */
export const convertible = (state: DocumentState): boolean =>
  state.kind === 'partly' || (state.kind === 'failed' && state.fault.code === 'fileHasNoText');
