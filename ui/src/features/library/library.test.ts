import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import type { FaultCode, Message } from '$ipc/generated/domain';
import type { App } from '$state/app.svelte';
import { MessageState } from '$state/message.svelte';
import { startedApp, until } from '../../testing/app';
import WithApp from '../../testing/WithApp.svelte';
import { complete, knowledgeAt } from '../chat/completion';
import DocumentPanel from './DocumentPanel.svelte';
import { markSpans, textOf, unmark } from './mark';
import { placeInPages } from './pdf-place';
import { providerFaults } from './provider';
import QuoteDialog from './QuoteDialog.svelte';
import Sources from './Sources.svelte';
import { conversionOf, followingOf, pageList, troubleOf } from './states';
import TextPages from './TextPages.svelte';

const spans = (...texts: string[]): HTMLElement[] =>
  texts.map((text) => {
    const span = document.createElement('span');
    span.textContent = text;
    return span;
  });

describe('marking', () => {
  it('marks_across_runs_of_text_and_takes_the_marks_away_again', () => {
    const parts = spans('The tenant pays', 'a deposit of', 'three months.');
    const text = textOf(parts);
    const start = text.indexOf('pays');
    const end = text.indexOf(' months');
    const marks = markSpans(parts, [{ start, end }]);
    expect(marks.map((mark) => mark.textContent)).toEqual(['pays', 'a deposit of', 'three']);
    expect(textOf(parts)).toBe(text);
    unmark(parts);
    expect(parts.some((part) => part.querySelector('mark'))).toBe(false);
    expect(textOf(parts)).toBe(text);
  });

  it('markup_in_a_document_stays_text', () => {
    const parts = spans('<img src=x onerror=alert(1)> and more');
    markSpans(parts, [{ start: 0, end: 10 }]);
    expect(parts[0]?.querySelector('img')).toBeNull();
    expect(parts[0]?.textContent).toContain('<img');
  });
});

describe('a document as text', () => {
  const view = (text: string) => ({
    document: {} as never,
    text,
    sections: [],
    pdfUrl: null,
  });

  it('shows_the_passage_marked', () => {
    let placed: boolean | null = null;
    const { container } = render(TextPages, {
      text: view('One thing. Quite another thing here. And the last.'),
      quote: 'Quite another thing here.',
      known: null,
      onplaced: (value: boolean) => (placed = value),
    });
    expect(container.querySelector('mark')).toHaveTextContent('Quite another thing here.');
    expect(placed).toBe(true);
  });

  it('marks_nothing_and_says_so_when_the_passage_is_not_there', () => {
    let placed: boolean | null = null;
    const { container } = render(TextPages, {
      text: view('One thing. Quite another thing here.'),
      quote: 'Something that was never written in it',
      known: { start: 0, end: 10 },
      onplaced: (value: boolean) => (placed = value),
    });
    expect(container.querySelector('mark')).toBeNull();
    expect(placed).toBe(false);
  });
});

describe('the quote', () => {
  it('says_passages_tokens_neurons_and_the_share_of_today', async () => {
    // jsdom has no modal dialogs.
    HTMLDialogElement.prototype.showModal = function () {
      this.open = true;
    };
    const { app } = await startedApp({ library: 'none', account: 'cloudflare' });
    await app.library.addPicked(null, true);
    await until(() => app.library.asking !== null);
    const ingest = app.library.asking!;
    render(WithApp, { props: { app, component: QuoteDialog as never, props: { ingest, onclose: () => {} } } });
    const dialog = screen.getByRole('dialog', { hidden: true });
    expect(dialog.textContent).toMatch(/\d+ passages, about 0\.\d\d M tokens, about [\d,]+ neurons, \d+\s?% of today/);
    expect(within(dialog).getByText('Left out: 1')).toBeInTheDocument();
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Accept', hidden: true }));
    await until(() => app.library.ingests.size === 0, 8000);
  });
});

describe('under an answer', () => {
  async function answered(change: Partial<Message>) {
    const { app, backend } = await startedApp({ library: 'some', history: 'some' });
    const first = (await backend.conversations(0, 1, false)).conversations[0]!;
    const view = (await backend.transcript(first.id)).tail.at(-1)!;
    const message = { ...view.message, status: 'complete' as const, ...change };
    return { app, body: new MessageState({ ...view, run: null, message }) };
  }
  const draw = (app: App, body: MessageState) =>
    render(WithApp, { props: { app, component: Sources as never, props: { body } } });

  it('that_nothing_was_close_enough_is_said_of_a_stored_answer_too', async () => {
    const { app, body } = await answered({ sources: [], considered: 412 });
    draw(app, body);
    expect(screen.getByText('0 of 412 passages were close enough')).toBeInTheDocument();
    expect(screen.getByRole('button', { name: 'Why this answer' })).toBeInTheDocument();
  });

  it('an_answer_without_the_library_says_nothing_of_it', async () => {
    const { app, body } = await answered({ sources: [] });
    const { container } = draw(app, body);
    expect(container).not.toHaveTextContent('Why this answer');
  });

  it('documents_that_were_handed_over_whole_are_named_so', async () => {
    const source = { document: 'd', title: 'Lease.pdf', page: null, score: 1, distance: null, text: 'x' };
    const sources = Array.from({ length: 14 }, (_, index) => ({ ...source, n: index + 1, passage: `p${index}` }));
    const { app, body } = await answered({ sources, considered: 14 });
    const { container } = draw(app, body);
    expect(container).toHaveTextContent('Sources (14) · whole documents');
    expect(screen.getByRole('button', { name: '2 more' })).toBeInTheDocument();
  });

  it('a_source_is_opened_at_its_own_place', async () => {
    const { app } = await answered({});
    const source = { n: 1, document: 'd', title: 'Lease.pdf', page: 2, passage: 'p', score: 1, distance: null };
    app.library.readSource({ ...source, text: 'words', start: 40, end: 45 });
    expect(app.library.reading?.known).toEqual({ start: 40, end: 45 });
    app.library.readSource({ ...source, text: 'words' });
    expect(app.library.reading?.known).toBeNull();
  });
});

describe('the document beside', () => {
  it('says_of_each_passage_whether_it_was_placed', async () => {
    const { app, backend } = await startedApp({ library: 'some' });
    const query = { collection: null, name: 'House', sort: 'name', descending: false, offset: 0, limit: 1 };
    const [document] = (await backend.documents(query)).documents;
    const reading = (quote: string) => ({ document: document!.id, title: 'x', page: null, quote, known: null });
    const props = { reading: reading('Words that are nowhere in this document.'), onclose: () => {} };
    const { rerender } = render(WithApp, { props: { app, component: DocumentPanel as never, props } });
    await screen.findByText(/Nothing is marked/);
    const found = { ...props, reading: reading('Vectors of different models must never be compared.') };
    // Its argument is taken for options when it has `props`, as this one must.
    await rerender({ props: { app, component: DocumentPanel as never, props: found } } as never);
    expect(await screen.findByText('Vectors of different models must never be compared.')).toBeInTheDocument();
    expect(screen.queryByText(/Nothing is marked/)).toBeNull();
    // Back in the same text: it is said again.
    await rerender({ props: { app, component: DocumentPanel as never, props } } as never);
    await screen.findByText(/Nothing is marked/);
  });
});

describe('another provider', () => {
  it('needs_an_address_that_keeps_the_key_and_a_model_of_its_own', () => {
    const faults = (providerUrl: string | null, embeddingModel = 'jina-embeddings-v3') =>
      providerFaults({ providerUrl, embeddingModel });
    expect(faults(null, '@cf/baai/bge-m3')).toEqual([]);
    expect(faults('https://api.jina.ai/v1')).toEqual([]);
    expect(faults('http://localhost:11434/v1')).toEqual([]);
    expect(faults('http://192.168.1.20:11434')).toEqual([]);
    expect(faults('http://api.jina.ai/v1')).toEqual(['address']);
    expect(faults('http://localhost.example.com/v1')).toEqual(['address']);
    expect(faults('', '')).toEqual(['address', 'model']);
    expect(faults('https://api.jina.ai/v1', '@cf/baai/bge-m3')).toEqual(['model']);
  });
});

describe('places in a long PDF', () => {
  const pages = ['The first page. A line that repeats.', 'A line that', 'repeats. And the unique end of it.'];
  const runs = async (page: number) => [pages[page - 1] ?? ''];

  it('are_found_on_their_page_across_two_and_without_a_page', async () => {
    expect(await placeInPages(runs, 3, 'The first page.', 1, null)).toEqual(new Map([[1, [{ start: 0, end: 15 }]]]));
    const across = await placeInPages(runs, 3, 'A line that repeats. And the unique end', 2, null);
    expect(across).toEqual(
      new Map([
        [2, [{ start: 0, end: 11 }]],
        [3, [{ start: 0, end: 27 }]],
      ]),
    );
    expect([...(await placeInPages(runs, 3, 'the unique end of it', null, null))!.keys()]).toEqual([3]);
    // It begins on two pages: nobody knows which is meant.
    expect(await placeInPages(runs, 3, 'A line that repeats.', null, null)).toBeNull();
  });
});

describe('what # offers', () => {
  it('is_known_by_its_place_in_the_text', () => {
    expect(knowledgeAt('about #lea', 10)).toBe('lea');
    expect(knowledgeAt('#', 1)).toBe('');
    expect(knowledgeAt('# Heading', 9)).toBeNull();
    expect(knowledgeAt('issue#4', 7)).toBeNull();
  });

  it('is_collections_and_documents_by_name', () => {
    const offers = {
      commands: [],
      models: [],
      knowledge: [
        { kind: 'collection' as const, id: 'home', name: 'Flat', note: '4 documents' },
        { kind: 'document' as const, id: 'd1', name: 'Lease.pdf', note: 'Flat' },
      ],
    };
    expect(complete('see #le', 7, offers)).toMatchObject([{ kind: 'document', id: 'd1', start: 4 }]);
    expect(complete('see #', 5, offers)).toHaveLength(2);
  });
});

describe('small words', () => {
  it('pages_are_told_in_runs', () => {
    expect(pageList([42, 3, 4, 5, 9, 41, 40])).toBe('3–5, 9, 40–42');
  });

  it('only_what_has_no_text_and_can_be_read_is_offered_for_conversion', () => {
    const failed = (code: FaultCode) => ({ kind: 'failed' as const, fault: { code } });
    const partly = { kind: 'partly' as const, emptyPages: [1], pages: 2 };
    expect(conversionOf({ name: 'Scan.pdf', state: partly })).toBe('pages');
    expect(conversionOf({ name: 'Scan.pdf', state: failed('fileHasNoText') })).toBe('pages');
    expect(conversionOf({ name: 'Photo.PNG', state: failed('formatUnknown') })).toBe('picture');
    expect(conversionOf({ name: 'Interview.mp3', state: failed('formatUnknown') })).toBe('speech');
    expect(conversionOf({ name: 'Empty.epub', state: failed('fileHasNoText') })).toBeNull();
    expect(conversionOf({ name: 'Scan.pdf', state: failed('fileUnreadable') })).toBeNull();
    expect(conversionOf({ name: 'Photo.png', state: { kind: 'ready' } })).toBeNull();
  });
});

describe('a folder that is followed', () => {
  const folder = '/home/me/Notes';

  it('is_not_said_to_be_followed_while_nobody_watches_it', () => {
    expect(followingOf({ folder })).toBe('Follows /home/me/Notes');
    expect(troubleOf({ folder })).toBeUndefined();
    const gone = { folder, trouble: { code: 'fileUnreadable' as const, detail: folder } };
    expect(followingOf(gone)).toMatch(/^Changes in \/home\/me\/Notes are not noticed/);
    expect(troubleOf(gone)).toBe(followingOf(gone));
  });

  it('is_said_to_be_empty_when_nothing_is_left_in_it', () => {
    const empty = { folder, trouble: { code: 'notFound' as const, detail: folder } };
    expect(followingOf(empty)).toBe('Follows /home/me/Notes');
    expect(troubleOf(empty)).toBe(
      'Nothing is left in /home/me/Notes, so its documents were kept here. Delete them if they are to go.',
    );
  });

  it('is_followed_though_a_run_waits', () => {
    const waits = { folder, trouble: { code: 'rateLimited' as const } };
    expect(followingOf(waits)).toBe('Follows /home/me/Notes');
    expect(troubleOf(waits)).not.toBe(followingOf(waits));
    expect(followingOf({ folder: null, trouble: waits.trouble })).toBeUndefined();
  });
});
