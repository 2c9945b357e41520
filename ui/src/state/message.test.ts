import { describe, expect, it } from 'vitest';
import type { MessageView, RunEvent, RunStep } from '$ipc/generated/domain';
import { Scripted } from '$ipc/scripted';
import { MessageState } from './message.svelte';

async function aView(): Promise<MessageView> {
  const backend = new Scripted({ history: 'some' });
  const { conversations } = await backend.conversations(0, 1, false);
  const { tail } = await backend.transcript(conversations[0]?.id ?? '');
  const view = tail.at(-1);
  if (!view) throw new Error('the sample has a message');
  return { ...view, blocks: [], message: { ...view.message, status: 'streaming', thinking: null, text: '' } };
}

const step = (seq: number, what: RunStep): RunEvent => ({ run: 'run', message: 'message', seq, what });
const block = (html: string) => ({ html });

describe('MessageState', () => {
  it('a_patch_replaces_from_its_place_and_keeps_what_stands_before', async () => {
    const message = new MessageState(await aView());
    message.apply(step(1, { kind: 'patch', from: 0, blocks: [block('a'), block('b')] }));
    const [first] = message.blocks;
    message.apply(step(2, { kind: 'patch', from: 1, blocks: [block('B'), block('c')] }));
    expect(message.blocks.map((each) => each.html)).toEqual(['a', 'B', 'c']);
    expect(message.blocks[0], 'the same object: its node is not touched').toBe(first);
  });

  it('a_shorter_patch_shortens', async () => {
    const message = new MessageState(await aView());
    message.apply(step(1, { kind: 'patch', from: 0, blocks: [block('a'), block('b'), block('c')] }));
    message.apply(step(2, { kind: 'patch', from: 1, blocks: [] }));
    expect(message.blocks).toHaveLength(1);
  });

  it('events_that_were_seen_are_passed_over', async () => {
    const message = new MessageState(await aView());
    message.apply(step(1, { kind: 'thinking', text: 'Hm. ' }));
    message.apply(step(1, { kind: 'thinking', text: 'Hm. ' }));
    message.apply(step(2, { kind: 'thinking', text: 'So.' }));
    expect(message.thinking).toBe('Hm. So.');
  });

  it('a_replay_begins_from_nothing', async () => {
    const message = new MessageState(await aView());
    message.apply(step(1, { kind: 'thinking', text: 'Hm.' }));
    message.rewind();
    message.apply(step(1, { kind: 'thinking', text: 'Hm.' }));
    expect(message.thinking).toBe('Hm.');
  });

  it('tells_what_the_run_is_doing', async () => {
    const message = new MessageState(await aView());
    expect(message.phase).toBe('starting');
    message.apply(step(1, { kind: 'waiting', fault: { code: 'modelBusy' }, attempt: 2, delayMs: 1000 }));
    expect([message.phase, message.pause?.attempt]).toEqual(['waiting', 2]);
    message.apply(step(2, { kind: 'thinking', text: 'Hm.' }));
    expect([message.phase, message.pause]).toEqual(['thinking', null]);
    message.apply(step(3, { kind: 'patch', from: 0, blocks: [block('a')] }));
    expect(message.phase).toBe('writing');
    expect(message.thoughtMs).not.toBeNull();
  });

  it('the_end_takes_the_message_as_stored', async () => {
    const view = await aView();
    const message = new MessageState(view);
    message.apply(step(1, { kind: 'patch', from: 0, blocks: [block('partial')] }));
    const stored = { ...view, blocks: [block('whole')], message: { ...view.message, status: 'complete' as const } };
    message.apply(step(2, { kind: 'finished', view: stored }));
    expect(message.blocks).toEqual([block('whole')]);
    expect(message.streaming).toBe(false);
  });
});
