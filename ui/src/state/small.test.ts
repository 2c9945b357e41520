// The smaller state classes.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Scripted } from '$ipc/scripted';
import { Assistants } from './assistants.svelte';
import { Commands } from './commands.svelte';
import { Composer } from './composer.svelte';
import { Connection } from './connection.svelte';
import { Conversations } from './conversations.svelte';
import { noParameters } from './chat.svelte';
import { Preferences } from './preferences.svelte';
import { parseRoute } from './router.svelte';
import { pricesOf, Shelf } from './shelf.svelte';
import { Toasts } from './toasts.svelte';

const options = { model: null, system: null, parameters: noParameters(), collections: [], documents: [] };

describe('Composer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('saves_a_draft_once_after_a_pause', async () => {
    const backend = new Scripted({ history: 'none' });
    const save = vi.spyOn(backend, 'saveDraft');
    const composer = new Composer(
      backend,
      () => ({ conversation: null, temporary: false }),
      () => options,
    );
    for (const text of ['H', 'He', 'Hel']) composer.write(text);
    await vi.advanceTimersByTimeAsync(399);
    expect(save).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(save.mock.calls).toEqual([[null, { text: 'Hel', attachments: [], queue: [] }]]);
  });

  it('a_flush_saves_at_once_and_a_sent_text_leaves_no_draft_behind', async () => {
    const backend = new Scripted({ history: 'none' });
    const save = vi.spyOn(backend, 'saveDraft');
    const composer = new Composer(
      backend,
      () => ({ conversation: null, temporary: false }),
      () => options,
    );
    composer.write('Hello');
    composer.flush();
    await composer.settled();
    expect(save).toHaveBeenCalledOnce();
    composer.write('Hello again');
    expect(composer.take().text).toBe('Hello again');
    await composer.sent(composer.left, true);
    await vi.advanceTimersByTimeAsync(1000);
    expect(save).toHaveBeenCalledOnce();
  });

  it('what_is_on_its_way_is_in_the_draft_until_it_is_stored', async () => {
    const backend = new Scripted({ history: 'none' });
    const composer = new Composer(
      backend,
      () => ({ conversation: null, temporary: false }),
      () => options,
    );
    composer.write('On its way');
    composer.take();
    composer.write('and then');
    composer.flush();
    await composer.settled();
    expect(await backend.draft(null)).toMatchObject({ text: 'and then', queue: [{ text: 'On its way' }] });
    await composer.sent(composer.left, false);
    expect(await backend.draft(null)).toMatchObject({ text: 'and then', queue: [] });
  });

  it('the_meter_tells_of_a_file_at_once_and_is_not_set_back_by_a_slower_reading', async () => {
    const backend = new Scripted({ history: 'none' });
    const read = backend.contextMeter;
    const held: (() => void)[] = [];
    backend.contextMeter = async (...all) => {
      const reading = await read(...all);
      if (all[3].length === 0) await new Promise<void>((done) => held.push(done));
      return reading;
    };
    const composer = new Composer(
      backend,
      () => ({ conversation: null, temporary: false }),
      () => options,
    );
    composer.measure();
    await vi.advanceTimersByTimeAsync(300);
    expect(held, 'the reading without the file is on its way').toHaveLength(1);
    await composer.attach('notes.txt', new TextEncoder().encode('Notes on borrowing.'));
    await vi.advanceTimersByTimeAsync(0);
    expect(composer.meter?.draft).toBeGreaterThan(0);
    held[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(composer.meter?.draft).toBeGreaterThan(0);
  });

  it('a_temporary_conversation_that_is_not_begun_is_kept_nowhere', async () => {
    const backend = new Scripted({ history: 'none' });
    const save = vi.spyOn(backend, 'saveDraft');
    const composer = new Composer(
      backend,
      () => ({ conversation: null, temporary: true }),
      () => options,
    );
    composer.write('Tell nobody');
    composer.flush();
    await composer.settled();
    await vi.advanceTimersByTimeAsync(1000);
    expect(save).not.toHaveBeenCalled();
  });

  it('one_bad_file_does_not_cost_the_good_ones', async () => {
    const backend = new Scripted({ history: 'none' });
    const good = await backend.attachBytes('good.txt', new Uint8Array([65]));
    const bad = { name: 'huge.png', fault: { code: 'fileTooLarge' as const, detail: '20 MiB' } };
    backend.attachPicked = async () => ({ attached: [good], refused: [bad], documents: null });
    const composer = new Composer(
      backend,
      () => ({ conversation: null, temporary: false }),
      () => options,
    );
    expect(await composer.attachPicked(() => true)).toEqual({ unfit: [], refused: [bad], documents: null });
    expect(composer.attachments).toEqual([good]);
    backend.attachBytes = async () => Promise.reject({ code: 'formatUnknown' });
    expect(await composer.attach('x.bin', new Uint8Array([0]))).toMatchObject([{ name: 'x.bin' }]);
    expect(composer.attachments).toEqual([good]);
  });

  it('measures_the_context_after_a_pause', async () => {
    const composer = new Composer(
      new Scripted({ history: 'none' }),
      () => ({ conversation: null, temporary: false }),
      () => options,
    );
    composer.write('word '.repeat(40));
    await vi.advanceTimersByTimeAsync(300);
    expect(composer.meter).toMatchObject({ draft: 50, window: 131072 });
  });
});

describe('Conversations', () => {
  it('keeps_pinned_rows_first_and_the_newest_on_top', async () => {
    const list = new Conversations(new Scripted({ history: 'some' }));
    await list.load();
    expect(list.rows[0]?.pinned).toBe(true);
    const last = list.rows.at(-1)!;
    list.changed({ ...last, updatedAt: Date.now() + 1000 });
    expect(list.rows[1]?.id).toBe(last.id);
    list.changed({ ...last, archived: true });
    expect(list.of(last.id)).toBeUndefined();
  });

  it('loads_further_pages_without_doubles', async () => {
    const list = new Conversations(new Scripted({ history: 'many' }));
    await list.load();
    expect([list.rows.length, list.more]).toEqual([100, true]);
    while (list.more) await list.loadMore();
    expect(new Set(list.rows.map((row) => row.id)).size).toBe(400);
  });

  it('the_neighbour_goes_around', async () => {
    const list = new Conversations(new Scripted({ history: 'some' }));
    await list.load();
    const [first, last] = [list.rows[0]!.id, list.rows.at(-1)!.id];
    expect(list.neighbour(last, 1)).toBe(first);
    expect(list.neighbour(first, -1)).toBe(last);
    expect(list.neighbour(null, 1)).toBe(first);
  });
});

describe('Preferences', () => {
  it('apply_at_once_and_are_saved_after_a_pause', async () => {
    vi.useFakeTimers();
    const backend = new Scripted();
    const save = vi.spyOn(backend, 'saveSettings');
    const preferences = new Preferences(backend);
    await preferences.load();
    preferences.set({ theme: 'dark' });
    expect(document.documentElement.dataset.theme).toBe('dark');
    preferences.set({ theme: 'system' });
    expect(document.documentElement.dataset.theme).toBeUndefined();
    await vi.advanceTimersByTimeAsync(250);
    expect(save).toHaveBeenCalledOnce();
    vi.useRealTimers();
  });

  it('zoom_moves_by_steps_and_stops_at_the_ends', () => {
    const preferences = new Preferences(new Scripted());
    preferences.zoomBy(1);
    expect(preferences.current.zoom).toBe(1.1);
    for (let step = 0; step < 30; step += 1) preferences.zoomBy(-1);
    expect(preferences.current.zoom).toBe(0.7);
  });
});

describe('Shelf', () => {
  it('offers_no_retired_model_and_favourites_first', async () => {
    const backend = new Scripted();
    const preferences = new Preferences(backend);
    await preferences.load();
    const shelf = new Shelf(backend, preferences);
    await shelf.load();
    expect(shelf.chat.some((model) => model.retired || !model.chat)).toBe(false);
    expect(shelf.chat.slice(0, 2).map((model) => model.id)).toEqual(preferences.current.favouriteModels);
    expect(shelf.standard?.paidOnly).toBe(false);
    expect(pricesOf(shelf.byId.get('@cf/moonshotai/kimi-k2.6')!)).toEqual({ input: 0.95, output: 4 });
  });

  it('a_retired_default_gives_way', async () => {
    const backend = new Scripted();
    const preferences = new Preferences(backend);
    const shelf = new Shelf(backend, preferences);
    await shelf.load();
    preferences.set({ chatModel: '@cf/meta/llama-2-7b-chat-fp16' });
    expect(shelf.standard?.retired).toBe(false);
  });
});

describe('Connection', () => {
  it('a_good_token_goes_through_three_ticks', async () => {
    const connection = new Connection(new Scripted({ account: 'none' }));
    connection.token = '  abcdefghijklmnop\n';
    await connection.discover();
    expect([connection.stage, connection.token]).toEqual(['account', '']);
    connection.accountId = '0123456789ABCDEF0123456789abcdef';
    expect(connection.accountIdValid).toBe(true);
    await connection.check();
    expect([...connection.ticks.values()].map((tick) => tick?.kind)).toEqual(['proved', 'proved', 'proved']);
    expect(connection.proved).toBe(true);
  });

  it('a_missing_permission_stops_at_its_tick', async () => {
    const connection = new Connection(new Scripted({ account: 'none', missingPermission: 'Workers AI: Read' }));
    connection.token = 'abcdefghijklmnop';
    await connection.discover();
    connection.accountId = '0123456789abcdef0123456789abcdef';
    await connection.check();
    expect(connection.proved).toBe(false);
    expect(connection.ticks.get('workersAiPermission')).toMatchObject({ missingPermission: 'Workers AI: Read' });
    expect(connection.ticks.has('oneTokenAnswer')).toBe(false);
  });

  it('a_rejected_token_stays_at_the_first_step', async () => {
    const connection = new Connection(new Scripted({ account: 'none' }));
    connection.token = 'short';
    await connection.discover();
    expect([connection.stage, connection.fault?.code]).toEqual(['token', 'tokenRejected']);
  });
});

describe('the rest', () => {
  it('routes_are_read_from_the_address', () => {
    expect(parseRoute('#/settings/network')).toEqual({ view: 'settings', id: 'network' });
    expect(parseRoute('')).toEqual({ view: 'chat', id: null });
    expect(parseRoute('#/nonsense')).toEqual({ view: 'chat', id: null });
  });

  it('only_the_last_to_register_a_command_takes_it_away', () => {
    const commands = new Commands();
    const leaveFirst = commands.register({ regenerate: () => {} });
    const second = vi.fn();
    commands.register({ regenerate: second });
    leaveFirst();
    expect(commands.run('regenerate')).toBe(true);
    expect(second).toHaveBeenCalledOnce();
    expect(commands.run('stop')).toBe(false);
  });

  it('what_lies_on_top_of_a_command_gives_it_back_when_it_goes', () => {
    const commands = new Commands();
    const [below, above] = [vi.fn(), vi.fn()];
    commands.register({ starPicture: below });
    const leave = commands.register({ starPicture: above });
    commands.run('starPicture');
    leave();
    commands.run('starPicture');
    expect([below.mock.calls.length, above.mock.calls.length]).toEqual([1, 1]);
  });

  it('a_toast_stays_while_it_is_held', () => {
    vi.useFakeTimers();
    const toasts = new Toasts();
    const id = toasts.show('Deleted', { label: 'Undo', run: () => {} });
    toasts.hold(id);
    vi.advanceTimersByTime(60_000);
    expect(toasts.items).toHaveLength(1);
    toasts.resume(id);
    vi.advanceTimersByTime(8000);
    expect(toasts.items).toHaveLength(0);
    vi.useRealTimers();
  });
});

describe('Assistants', () => {
  const poet = { ...options, system: 'In rhymes', parameters: { ...noParameters(), temperature: 0.2 } };

  async function kept() {
    const backend = new Scripted({ history: 'none' });
    const assistants = new Assistants(backend, new Toasts(), (fault) => expect.fail(fault.code));
    await assistants.save('Poet', poet);
    await assistants.save('Plain', { ...options, system: 'In prose' });
    return { backend, assistants };
  }

  it('are_known_by_what_they_set_whatever_the_order_it_is_written_in', async () => {
    const { assistants } = await kept();
    const { temperature, ...others } = poet.parameters;
    expect(assistants.of({ ...poet, parameters: { temperature, ...others } })?.name).toBe('Poet');
    expect(assistants.of({ ...poet, parameters: noParameters() })).toBeUndefined();
  });

  it('follow_one_another_by_key', async () => {
    const { assistants } = await kept();
    expect(assistants.after(options)?.name).toBe('Poet');
    expect(assistants.after(poet)?.name).toBe('Plain');
    expect(assistants.after(assistants.all[1]?.options ?? options)?.name).toBe('Poet');
  });

  it('are_replaced_by_name_and_come_back_when_deleting_is_taken_back', async () => {
    const { assistants, backend } = await kept();
    await assistants.save('POET', { ...poet, system: 'In sonnets' });
    expect((await backend.assistants()).map((each) => each.options.system)).toEqual(['In prose', 'In sonnets']);
    const toasts = new Toasts();
    const again = new Assistants(backend, toasts, (fault) => expect.fail(fault.code));
    await again.load();
    const [first] = again.all;
    if (first) await again.remove(first);
    expect(again.all).toHaveLength(1);
    toasts.items.at(-1)?.action?.run();
    await vi.waitFor(() => expect(again.all).toHaveLength(2));
  });
});
