import { describe, expect, it } from 'vitest';
import type { ConversationOptions, RunEvent } from '$ipc/generated/domain';
import { Scripted, type Scenario } from '$ipc/scripted';
import { until } from '../testing/app';
import { Chat, noParameters } from './chat.svelte';

function aChat(scenario: Scenario = {}) {
  const backend = new Scripted({ history: 'none', speed: 400, ...scenario });
  const options: ConversationOptions = {
    model: null,
    system: null,
    parameters: noParameters(),
    collections: [],
    documents: [],
  };
  const begun: string[] = [];
  const troubles: string[] = [];
  const reach = { yes: true };
  const chat = new Chat(
    backend,
    {
      begun: (_, summary) => begun.push(summary.id),
      maySpend: async () => true,
      trouble: (fault) => troubles.push(fault.code),
      offline: () => !reach.yes,
      reached: (yes) => (reach.yes = yes),
    },
    options,
  );
  return { backend, chat, begun, troubles, reach };
}

/** The window was loaded again. */
function reopened(backend: Scripted, chat: Chat) {
  const troubles: string[] = [];
  const hooks = {
    begun: () => {},
    maySpend: async () => true,
    trouble: ({ code }: { code: string }) => void troubles.push(code),
    offline: () => false,
    reached: () => {},
  };
  return { later: new Chat(backend, hooks, chat.options), troubles };
}

const status = (chat: Chat, at: number) => chat.bodies.get(chat.path.at(at)?.id ?? '')?.view.message.status;

async function sent(chat: Chat, text: string): Promise<void> {
  chat.composer.write(text);
  await chat.send();
}

describe('Chat', () => {
  it('a_first_message_begins_a_conversation_and_its_answer_arrives', async () => {
    const { chat, begun } = aChat();
    await sent(chat, 'Why does the second push fail?');
    expect(begun).toEqual([chat.id]);
    expect(chat.composer.text).toBe('');
    expect(chat.path.map((item) => item.role)).toEqual(['user', 'assistant']);
    await until(() => chat.run === null);
    expect(status(chat, -1)).toBe('complete');
    expect(chat.bodies.get(chat.lastAnswer ?? '')?.blocks.length).toBeGreaterThan(3);
  });

  it('events_that_come_before_the_answer_is_known_are_not_lost', async () => {
    const { backend, chat } = aChat();
    const original = backend.sendMessage.bind(backend);
    backend.sendMessage = async (request, events) => {
      const early: RunEvent[] = [];
      const started = await original(request, (event) => (early.length < 2 ? early.push(event) : events(event)));
      // The channel is faster than the answer of the command.
      await until(() => early.length === 2);
      early.forEach(events);
      return started;
    };
    await sent(chat, 'Hello');
    const body = chat.bodies.get(chat.lastAnswer ?? '');
    expect(body?.seq).toBeGreaterThanOrEqual(2);
    await until(() => chat.run === null);
    expect(body?.view.message.status).toBe('complete');
  });

  it('what_is_sent_while_an_answer_streams_waits_and_then_goes', async () => {
    const { chat } = aChat();
    await sent(chat, 'First');
    await sent(chat, 'Second');
    expect(chat.composer.queue.map((queued) => queued.text)).toEqual(['Second']);
    expect(chat.path).toHaveLength(2);
    await until(() => chat.path.length === 4 && chat.run === null);
    expect(chat.composer.queue).toEqual([]);
  });

  it('the_queue_stays_when_the_answer_fails', async () => {
    const { chat } = aChat({ fail: 'modelBusy' });
    await sent(chat, 'First');
    await sent(chat, 'Second');
    await until(() => chat.run === null);
    expect(status(chat, -1)).toBe('failed');
    expect(chat.composer.queue).toHaveLength(1);
  });

  it('send_now_waits_for_the_end_of_the_answer_that_it_stops', async () => {
    const { backend, chat } = aChat({ speed: 20 });
    await sent(chat, 'A Worker, please');
    await sent(chat, 'Second');
    await sent(chat, 'Third');
    await until(() => (chat.bodies.get(chat.lastAnswer ?? '')?.blocks.length ?? 0) > 0);
    const [, third] = chat.composer.queue;
    backend.setSpeed(400);
    await chat.sendQueued(third?.id ?? 0);
    expect(chat.composer.fault, 'it was not refused').toBeNull();
    expect(status(chat, 1)).toBe('stopped');
    expect(chat.bodies.get(chat.path[2]?.id ?? '')?.view.message.text).toBe('Third');
    await until(() => chat.path.length === 6 && chat.run === null);
    expect(chat.bodies.get(chat.path[4]?.id ?? '')?.view.message.text, 'the rest follows').toBe('Second');
    expect(chat.composer.holds).toBe(false);
  });

  it('send_now_at_the_moment_of_sending_begins_no_second_conversation', async () => {
    const { backend, chat, begun } = aChat();
    const original = backend.sendMessage.bind(backend);
    backend.sendMessage = async (...all) => {
      await new Promise((done) => setTimeout(done, 30));
      return original(...all);
    };
    chat.composer.write('First');
    const sending = Promise.all([chat.send(), chat.send()]);
    await until(() => chat.sending);
    chat.composer.write('Second');
    await chat.send();
    await chat.sendQueued(chat.composer.queue[0]?.id ?? 0);
    await sending;
    await until(() => chat.path.length === 4 && chat.run === null);
    expect(begun).toHaveLength(1);
    expect(chat.path).toHaveLength(4);
    expect((await backend.conversations(0, 9, false)).conversations).toHaveLength(1);
  });

  it('what_waits_survives_a_restart', async () => {
    const { backend, chat } = aChat({ fail: 'modelBusy' });
    await sent(chat, 'First');
    await chat.composer.attach('notes.txt', new Uint8Array([65]));
    await sent(chat, 'Second');
    await until(() => chat.run === null);
    chat.composer.write('half a thought');
    chat.composer.flush();
    await chat.composer.settled();
    const { draft } = await backend.transcript(chat.id ?? '');
    expect(draft.text).toBe('half a thought');
    expect(draft.queue).toMatchObject([{ text: 'Second', attachments: [{ name: 'notes.txt' }] }]);
    expect((await backend.draft(null)).queue, 'nothing is left in the new chat').toEqual([]);
    const again = aChat().chat;
    Object.assign(again, { backend });
    again.composer.restore(draft);
    expect(again.composer.queue.map(({ text }) => text)).toEqual(['Second']);
    expect(again.composer.text).toBe('half a thought');
  });

  it('out_of_reach_messages_wait_and_go_when_it_is_reached_again', async () => {
    const { backend, chat, reach } = aChat({ fail: 'offline' });
    await sent(chat, 'First');
    await until(() => chat.run === null);
    expect(reach.yes).toBe(false);
    await sent(chat, 'Second');
    expect(chat.composer.queue).toHaveLength(1);
    backend.failNext(undefined);
    await chat.resume();
    await until(() => chat.path.length === 4 && chat.run === null);
    expect([reach.yes, chat.composer.queue.length]).toEqual([true, 0]);
  });

  it('a_failed_sending_puts_the_text_back', async () => {
    const { backend, chat } = aChat();
    backend.sendMessage = async () => {
      throw { code: 'diskFull' };
    };
    await sent(chat, 'Do not lose me');
    expect(chat.composer.text).toBe('Do not lose me');
    expect(chat.composer.fault?.code).toBe('diskFull');
    expect(chat.busy).toBe(false);
  });

  it('stop_keeps_what_arrived', async () => {
    const { chat } = aChat({ speed: 20 });
    await sent(chat, 'A Worker, please');
    await until(() => (chat.bodies.get(chat.lastAnswer ?? '')?.blocks.length ?? 0) > 0);
    await chat.stop();
    expect(status(chat, -1)).toBe('stopped');
    expect(chat.run).toBeNull();
    expect(chat.bodies.get(chat.lastAnswer ?? '')?.blocks.length).toBeGreaterThan(0);
  });

  it('regenerating_makes_a_second_version_and_one_can_go_back', async () => {
    const { chat } = aChat();
    await sent(chat, 'Hello');
    await until(() => chat.run === null);
    const first = chat.lastAnswer ?? '';
    expect(await chat.regenerate(first, '@cf/openai/gpt-oss-120b')).toBe(true);
    await until(() => chat.run === null);
    const body = chat.bodies.get(chat.lastAnswer ?? '');
    expect([body?.view.version, body?.view.versions]).toEqual([2, 2]);
    expect(body?.view.message.model).toBe('@cf/openai/gpt-oss-120b');
    await chat.selectVersion(first);
    expect(chat.lastAnswer).toBe(first);
  });

  it('editing_keeps_the_old_branch', async () => {
    const { chat } = aChat();
    await sent(chat, 'Old words');
    await until(() => chat.run === null);
    const old = chat.lastQuestion ?? '';
    chat.beginEdit(old);
    expect(chat.editText).toBe('Old words');
    await chat.edit(old, 'New words');
    await until(() => chat.run === null);
    expect(chat.editing).toBeNull();
    expect(chat.bodies.get(chat.lastQuestion ?? '')?.view.message.text).toBe('New words');
    await chat.selectVersion(old);
    expect(chat.lastQuestion).toBe(old);
  });

  it('a_window_that_opens_later_sees_the_run_go_on', async () => {
    const { backend, chat } = aChat({ speed: 30 });
    await sent(chat, 'A Worker, please');
    const { later } = reopened(backend, chat);
    await later.open(chat.id ?? '');
    expect(later.run?.message).toBe(chat.run?.message);
    await until(() => later.run === null);
    expect(status(later, -1)).toBe('complete');
    expect(later.bodies.get(later.lastAnswer ?? '')?.thinking).toBe(chat.bodies.get(chat.lastAnswer ?? '')?.thinking);
  });

  it('a_window_that_opens_later_knows_of_a_run_whose_version_is_not_shown', async () => {
    const { backend, chat } = aChat({ speed: 200 });
    await sent(chat, 'A Worker, please');
    await until(() => chat.run === null);
    const first = chat.lastAnswer ?? '';
    backend.setSpeed(4);
    await chat.regenerate(first);
    await chat.selectVersion(first);
    const second = chat.run?.message;
    expect(chat.lastAnswer).toBe(first);

    const { later, troubles } = reopened(backend, chat);
    await later.open(chat.id ?? '');
    await until(() => later.run !== null);
    expect(later.run?.message, 'it is busy, and Stop reaches it').toBe(second);
    await sent(later, 'And then?');
    expect(later.composer.queue, 'what is sent waits').toHaveLength(1);
    await later.stop();
    await until(() => later.run === null);
    expect(troubles).toEqual([]);
    expect((await backend.messages([second ?? '']))[0]?.message.status).toBe('stopped');
  });

  it('only_bodies_near_the_view_are_fetched_and_far_ones_are_let_go', async () => {
    const { backend, chat } = aChat({ history: 'huge' });
    const { conversations } = await backend.conversations(0, 50, false);
    await chat.open(conversations.find((each) => each.title.startsWith('Ten'))?.id ?? '');
    expect(chat.path).toHaveLength(10_000);
    expect(chat.bodies.size).toBe(20);
    for (let at = 0; at < 4000; at += 40) {
      chat.show(at, at + 40);
      await until(() => chat.bodies.has(chat.path[at + 39]?.id ?? ''));
    }
    expect(chat.bodies.size).toBeLessThan(700);
  });

  it('a_missing_conversation_says_so', async () => {
    const { chat } = aChat();
    await chat.open('nowhere');
    expect([chat.state, chat.failed?.code]).toEqual(['failed', 'notFound']);
  });
});
