import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import type { FaultCode } from '$ipc/generated/domain';
import { startedApp, until } from '../../testing/app';
import WithApp from '../../testing/WithApp.svelte';
import { complete, knowledgeAt } from '../chat/completion';
import { markSpans, textOf, unmark } from './mark';
import QuoteDialog from './QuoteDialog.svelte';
import { conversionOf, pageList } from './states';
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
