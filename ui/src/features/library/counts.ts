// One of something, or several, in words.

import { m } from '$i18n';
import { whole } from '$lib/numbers';

export const documentCount = (count: number): string =>
  count === 1 ? m.library_documents_one() : m.library_documents_many({ count: whole(count) });

export const pageCount = (count: number): string =>
  count === 1 ? m.library_pages_one() : m.library_pages({ count: whole(count) });

export const passageCount = (count: number): string =>
  count === 1 ? m.library_passages_one() : m.library_why_passages({ count: whole(count) });
