// Small parts of the conversation.

import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { language } from '$i18n';
import type { Attachment, Message } from '$ipc/generated/domain';
import AnswerInfo from './AnswerInfo.svelte';
import AttachmentChip from './AttachmentChip.svelte';
import Blocks from './Blocks.svelte';
import { complete } from './completion';
import FaultNote from './FaultNote.svelte';
import { pressProse } from './furnish';
import Reasoning from './Reasoning.svelte';
import Versions from './Versions.svelte';

afterEach(cleanup);

const anAnswer: Message = {
  id: 'm',
  conversation: 'c',
  parent: 'q',
  role: 'assistant',
  text: 'Yes.',
  thinking: null,
  thinkingMs: null,
  status: 'complete',
  fault: null,
  model: '@cf/zai-org/glm-4.7-flash',
  createdAt: 0,
  finish: 'stop',
  usage: null,
  firstTokenMs: null,
  streamMs: null,
  attachments: [],
  toolCalls: [],
  sources: [],
  pictures: [],
};

describe('Versions', () => {
  it('shows_where_one_is_and_goes_to_the_neighbours', async () => {
    const onselect = vi.fn();
    render(Versions, { version: 2, siblings: ['a', 'b', 'c'], onselect });
    expect(screen.getByText('2/3')).toBeVisible();
    await fireEvent.click(screen.getByRole('button', { name: 'Previous version' }));
    await fireEvent.click(screen.getByRole('button', { name: 'Next version' }));
    expect(onselect.mock.calls).toEqual([['a'], ['c']]);
  });

  it('stops_at_the_ends', () => {
    render(Versions, { version: 1, siblings: ['a', 'b'], onselect: () => {} });
    expect(screen.getByRole('button', { name: 'Previous version' })).toBeDisabled();
  });
});

describe('AnswerInfo', () => {
  afterEach(() => language.use('en'));

  const message = { ...anAnswer, droppedParameters: ['seed', 'top_p', 'guided_json'] };

  it('says_what_the_model_did_not_take_also_without_its_figures', async () => {
    const { rerender } = render(AnswerInfo, { message });
    expect(screen.getByText('This model does not take: Seed, Top P, guided_json')).toBeVisible();
    expect(screen.getByText('glm-4.7-flash')).toBeVisible();
    await rerender({ message, figures: false });
    expect(screen.getByText(/does not take/)).toBeVisible();
    expect(screen.queryByText('glm-4.7-flash')).toBeNull();
    await rerender({ message: anAnswer, figures: true });
    expect(screen.queryByText(/does not take/)).toBeNull();
  });

  it('says_it_in_chinese', () => {
    language.use('zh-CN');
    render(AnswerInfo, { message });
    expect(screen.getByText(/^此模型不支持：/)).toBeVisible();
  });
});

describe('Blocks', () => {
  const code =
    '<figure class="code" data-lang="rust"><figcaption>rust</figcaption><pre><code>let x = 1;\n</code></pre></figure>';
  const chip = '<p><span class="picture-chip" data-url="https://a.example/x.png">Cat</span></p>';

  it('a_changed_block_leaves_its_neighbours_in_place', async () => {
    const { container, rerender } = render(Blocks, { blocks: [{ html: '<p>a</p>' }, { html: '<p>b</p>' }] });
    const [first] = container.querySelectorAll('p');
    await rerender({ blocks: [{ html: '<p>a</p>' }, { html: '<p>B</p>' }, { html: '<p>c</p>' }] });
    expect([...container.querySelectorAll('p')].map((p) => p.textContent)).toEqual(['a', 'B', 'c']);
    expect(container.querySelector('p')).toBe(first);
  });

  it('code_gets_its_buttons_also_after_a_change', async () => {
    const { container, rerender } = render(Blocks, { blocks: [{ html: code }] });
    expect([...container.querySelectorAll('figcaption button')].map((each) => each.textContent)).toEqual([
      'Wrap',
      'Copy',
    ]);
    await rerender({ blocks: [{ html: code.replace('x', 'y') }] });
    expect(container.querySelectorAll('figcaption button')).toHaveLength(2);
  });

  it('the_end_of_streaming_leaves_the_name_of_the_code_alone', async () => {
    const { container, rerender } = render(Blocks, { blocks: [{ html: code }], streaming: true });
    await rerender({ blocks: [{ html: code }], streaming: false });
    expect(container.querySelector('figcaption')).toHaveTextContent(/^rustWrapCopy$/);
    expect(container.querySelector('.code-name')).toHaveTextContent(/^rust$/);
  });

  it('long_code_begins_folded_but_not_while_it_streams', () => {
    const long = code.replace('let x = 1;\n', 'line\n'.repeat(50));
    const { container } = render(Blocks, { blocks: [{ html: long }] });
    expect(container.querySelector('figure')).toHaveClass('collapsed');
    cleanup();
    const live = render(Blocks, { blocks: [{ html: long }], streaming: true });
    expect(live.container.querySelector('figure')).not.toHaveClass('collapsed');
  });

  it('clicks_become_actions', () => {
    const { container } = render(Blocks, {
      blocks: [{ html: code }, { html: chip }, { html: '<p><a href="https://a.example/">a</a></p>' }],
    });
    const actions = { openLink: vi.fn(), askPicture: vi.fn(), copy: vi.fn() };
    pressProse(container.querySelector('[data-code="copy"]'), actions);
    pressProse(container.querySelector('.picture-chip'), actions);
    pressProse(container.querySelector('a'), actions);
    expect(actions.copy).toHaveBeenCalledWith('let x = 1;');
    expect(actions.askPicture).toHaveBeenCalledWith('https://a.example/x.png');
    expect(actions.openLink).toHaveBeenCalledWith('https://a.example/');
    expect(pressProse(container.querySelector('p'), actions)).toBe(false);
    expect(container.querySelector('.picture-chip')).toHaveAttribute('role', 'button');
    expect(container.querySelectorAll('img')).toHaveLength(0);
  });
});

describe('FaultNote', () => {
  it('offers_the_one_action_of_its_fault', async () => {
    const run = vi.fn();
    render(FaultNote, {
      fault: { code: 'modelBusy', status: 429, upstreamCode: 3040 },
      actions: { otherModel: { label: 'Try with gpt-oss-20b', run }, retry: { label: 'Try again', run: () => {} } },
      oncopy: () => {},
    });
    expect(screen.queryByRole('button', { name: 'Try again' })).toBeNull();
    await fireEvent.click(screen.getByRole('button', { name: 'Try with gpt-oss-20b' }));
    expect(run).toHaveBeenCalledOnce();
  });

  it('a_spent_allowance_counts_down', () => {
    render(FaultNote, {
      fault: { code: 'dailyAllowanceSpent', until: Date.now() + 3_725_000 },
      actions: {},
      oncopy: () => {},
    });
    expect(screen.getByText(/Free neurons return in 1:02:0\d/)).toBeVisible();
  });
});

describe('Reasoning', () => {
  it('folds_to_its_duration_and_opens', async () => {
    render(Reasoning, { text: 'First this.', live: false, startedAt: 0, took: 12_000 });
    const button = screen.getByRole('button', { name: /Thought for 12 s/ });
    expect(screen.queryByText('First this.')).toBeNull();
    await fireEvent.click(button);
    expect(screen.getByText('First this.')).toBeVisible();
  });
});

describe('AttachmentChip', () => {
  it('a_name_is_text_and_never_markup', () => {
    const attachment: Attachment = {
      id: 'a',
      name: '<img src=x onerror=alert(1)>.txt',
      mediaType: 'text/plain',
      size: 12,
      width: null,
      height: null,
    };
    const { container } = render(AttachmentChip, { attachment, url: '' });
    expect(container.querySelector('img')).toBeNull();
    expect(screen.getByText(attachment.name)).toBeVisible();
  });
});

describe('complete', () => {
  const offers = {
    commands: [{ word: 'new', name: 'New chat', run: () => {} }],
    models: [{ id: '@cf/a/b', name: 'b-model', author: 'a' }],
  };

  it('a_slash_counts_only_at_the_start', () => {
    expect(complete('/n', 2, offers)).toHaveLength(1);
    expect(complete('and /n', 6, offers)).toHaveLength(0);
    expect(complete('/new x', 6, offers)).toHaveLength(0);
  });

  it('an_at_sign_counts_at_the_start_of_any_word_but_not_inside', () => {
    expect(complete('ask @b', 6, offers)[0]).toMatchObject({ kind: 'model', start: 4 });
    expect(complete('me@b', 4, offers)).toHaveLength(0);
  });
});
