// What lies in the scripted library at the start.

import type { DocumentState, IngestEvent } from '../../generated/domain';
import { fault } from '../scenario';
import { fusionText, leaseText, notesText, reportText } from '../texts';
import type { ScriptedIngests } from './ingests';
import { standard, type ScriptedShelves } from './shelves';

export type LibraryScene = 'none' | 'some' | 'full' | 'indexing';

/** Fills the shelves as a scene has them. */
export function fill(shelves: ScriptedShelves, ingests: ScriptedIngests, scene: LibraryScene): void {
  shelves.shelf('library', 'Library', 'blue');
  shelves.shelf('research', 'Research', 'violet', { ...standard, rerank: true }).folder =
    '/home/ada/Documents/Research';
  shelves.shelf('home', 'Flat and contracts', 'amber');
  const ready: DocumentState = { kind: 'ready' };
  shelves.shelve('home', 'Lease 14 Harbour Row.pdf', 'pdf', leaseText, ready, 3);
  shelves.shelve('home', 'House rules.docx', 'docx', notesText, ready, 4);
  shelves.shelve('home', 'Insurance scan.pdf', 'pdf', notesText, {
    kind: 'partly',
    emptyPages: [3, 4, 5, 9, 17, 18, 19, 40, 41, 42, 77, 78],
    pages: 80,
  });
  shelves.shelve('home', 'Payslip March.pdf', 'pdf', '', { kind: 'failed', fault: fault('fileEncrypted') }).encrypted =
    true;
  shelves.shelve('research', '检索方法笔记.md', 'markdown', fusionText, ready);
  shelves.shelve('research', 'Notes on embeddings.md', 'markdown', notesText, ready);
  shelves.shelve('research', 'Survey responses 2025.xlsx', 'xlsx', notesText, ready, 6);
  shelves.shelve('research', 'Broken archive.epub', 'epub', '', {
    kind: 'failed',
    fault: fault('fileUnreadable', { detail: 'the central directory of the zip is cut short' }),
  });
  shelves.shelve('library', 'Retrieval slides.pptx', 'pptx', notesText, ready, 42);
  shelves.shelve('library', 'scan-0012.png', 'image', '', { kind: 'failed', fault: fault('formatUnknown') });
  shelves.shelve('library', 'Interview 02.mp3', 'audio', '', { kind: 'failed', fault: fault('formatUnknown') });
  shelves.shelve('library', 'Workers AI limits', 'html', notesText, ready).row.address =
    'https://developers.cloudflare.com/workers-ai/platform/limits/';
  if (scene === 'full') {
    shelves.shelve('research', 'Proceedings.pdf', 'pdf', reportText, ready, 120);
    for (let index = 0; index < 4000; index += 1)
      shelves.shelve('research', `Paper ${String(index + 1).padStart(4, '0')}.pdf`, 'pdf', '', ready, 4 + (index % 30));
  }
  if (scene === 'indexing') indexing(shelves, ingests);
}

/** An ingestion that stands in the middle, for as long as the window is open. */
function indexing(shelves: ScriptedShelves, ingests: ScriptedIngests): void {
  const home = shelves.byId.get('home');
  if (home) home.trouble = fault('dailyAllowanceSpent');
  const documents = [
    shelves.shelve(
      'research',
      'Thesis draft 7.docx',
      'docx',
      notesText,
      { kind: 'embedding', done: 120, total: 412 },
      168,
    ),
    shelves.shelve('research', 'Interview 03.vtt', 'subtitles', notesText, { kind: 'reading' }),
    shelves.shelve('research', 'Interview 04.vtt', 'subtitles', notesText, { kind: 'queued' }),
    shelves.shelve('research', 'Atlas of methods.pdf', 'pdf', notesText, { kind: 'paused' }, 310),
  ];
  const progress: IngestEvent = {
    kind: 'progress',
    documentsDone: 3,
    documents: 10,
    passagesDone: 688,
    passages: 2310,
  };
  const run = ingests.track('research', documents, () => {});
  run.paused = true;
  ingests.tell(run, progress);
  ingests.tell(run, { kind: 'waiting', fault: fault('rateLimited'), delayMs: 12_000 });
  const tomorrow = new Date(Date.now()).setUTCHours(24, 0, 0, 0);
  const waits = shelves.shelve('home', 'House history.epub', 'epub', notesText, {
    kind: 'paused',
    fault: fault('dailyAllowanceSpent'),
  });
  const spent = ingests.track('home', [waits], () => {});
  ingests.tell(spent, { kind: 'progress', documentsDone: 0, documents: 1, passagesDone: 96, passages: 240 });
  ingests.tell(spent, {
    kind: 'waiting',
    fault: fault('dailyAllowanceSpent'),
    delayMs: tomorrow - Date.now(),
  });
}
