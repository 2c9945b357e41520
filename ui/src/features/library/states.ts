// How far a document came, in words.

import { m } from '$i18n';
import { sentenceOf } from '$ipc/faults';
import type { Collection, Document, DocumentState, Fault } from '$ipc/generated/domain';
import { whole } from '$lib/numbers';

export function stateName({ name, state }: Pick<Document, 'name' | 'state'>): string {
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
      return state.fault ? waitReason(state.fault) : m.library_paused();
    case 'failed':
      return failure(name, state);
  }
}

/** What is no failure but a question (a picture, a recording) is told as one; the general sentence for stopping speaks
    of an answer. */
function failure(name: string, state: Extract<DocumentState, { kind: 'failed' }>): string {
  const conversion = conversionOf({ name, state });
  if (conversion === 'picture') return m.library_picture();
  if (conversion === 'speech') return m.library_recording();
  return state.fault.code === 'stopped' ? m.library_stopped() : sentenceOf(state.fault);
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

/** The general sentences for these speak of a message that is kept; here it is passages that wait. */
export function waitReason(fault: Fault): string {
  switch (fault.code) {
    case 'rateLimited':
      return m.library_wait_rate();
    case 'modelBusy':
      return m.library_wait_busy();
    case 'dailyAllowanceSpent':
      return m.library_wait_day();
    case 'capReached':
      return m.library_wait_cap();
    default:
      return sentenceOf(fault);
  }
}

type Standing = Pick<Collection, 'trouble' | 'folder'>;

/** Its fault names the folder. */
const unwatched = ({ trouble, folder }: Standing): boolean =>
  folder !== null && trouble?.code === 'fileUnreadable' && trouble.detail === folder;

/** Nothing is left in its folder of what came from there. */
const emptied = ({ trouble, folder }: Standing): boolean =>
  folder !== null && trouble?.code === 'notFound' && trouble.detail === folder;

/** Whether a collection follows its folder, where it has one. */
export function followingOf(collection: Standing): string | undefined {
  const { folder } = collection;
  if (folder === null) return undefined;
  return unwatched(collection) ? m.library_unwatched({ folder }) : m.library_following({ folder });
}

/** Why a collection stands still; nothing when it does not. */
export function troubleOf(collection: Standing): string | undefined {
  if (unwatched(collection)) return followingOf(collection);
  if (emptied(collection)) return m.library_emptied({ folder: collection.folder ?? '' });
  return collection.trouble && waitReason(collection.trouble);
}

export type Conversion = 'pages' | 'picture' | 'speech';

/** What Workers AI can make text of, by the names of files: its Markdown conversion reads some, Whisper hears others. */
const pictures = /\.(png|jpe?g|webp|svg)$/i;
const recordings = /\.(mp3|wav|m4a|og[ga]|opus|flac)$/i;
const paged = /\.(pdf|docx)$/i;

export const isRecording = (name: string): boolean => recordings.test(name);

/** How Workers AI could read what has no text of its own; null where it cannot, or need not. */
export function conversionOf({ name, state }: Pick<Document, 'name' | 'state'>): Conversion | null {
  if (state.kind === 'partly') return paged.test(name) ? 'pages' : null;
  if (state.kind !== 'failed') return null;
  const { code } = state.fault;
  if (code !== 'fileHasNoText' && code !== 'formatUnknown') return null;
  if (pictures.test(name)) return 'picture';
  if (recordings.test(name)) return 'speech';
  return paged.test(name) ? 'pages' : null;
}

export const conversionName = (conversion: Conversion): string =>
  conversion === 'speech' ? m.library_convert_speech() : m.library_convert();
