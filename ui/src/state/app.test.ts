import { describe, expect, it } from 'vitest';
import { startedApp, until } from '../testing/app';
import { App } from './app.svelte';

describe('App', () => {
  it('asks_once_a_day_before_the_soft_limit_is_passed', async () => {
    const { app } = await startedApp({ account: 'cloudflare', used: 0.5 });
    await until(() => app.today !== null);
    app.preferences.set({ softCap: 1000 });
    app.chat.composer.write('Hello');
    const sending = app.chat.send();
    await until(() => app.asking !== null);
    app.asking?.answer(false);
    await sending;
    expect([app.chat.path.length, app.chat.composer.text], 'nothing was sent, nothing was lost').toEqual([0, 'Hello']);
    const again = app.chat.send();
    await until(() => app.asking !== null);
    app.asking?.answer(true);
    await again;
    await until(() => app.chat.path.length === 2 && app.chat.run === null);
    app.chat.composer.write('And again');
    await app.chat.send();
    expect(app.asking).toBeNull();
  });

  it('asks_with_the_price_before_a_picture_of_a_conversation_would_pass_the_soft_limit', async () => {
    const { app, backend } = await startedApp({ account: 'cloudflare', used: 0.098 });
    await until(() => app.today !== null);
    app.preferences.set({ softCap: 1000 });
    await until(() => backend.saved.softCap === 1000);
    app.chat.composer.write('Hello');
    await app.chat.send();
    await until(() => app.chat.run === null);
    expect([app.asking, app.pictures.asking], 'words are below the limit').toEqual([null, null]);

    app.chat.composer.write('画一只猫');
    const sending = app.chat.send();
    await until(() => app.pictures.asking !== null);
    expect(app.pictures.asking?.quote.neurons, 'the dialog of the pictures, with its neurons').toBeGreaterThan(20);
    app.pictures.asking?.answer(false);
    await sending;
    expect([app.chat.path.length, app.chat.composer.text], 'nothing was sent, nothing was lost').toEqual([
      2,
      '画一只猫',
    ]);

    const again = app.chat.send();
    await until(() => app.pictures.asking !== null);
    app.pictures.asking?.answer(true);
    await again;
    await until(() => app.chat.path.length === 4 && app.chat.run === null);

    const onceMore = app.chat.regenerate(app.chat.lastAnswer ?? '');
    await until(() => app.pictures.asking !== null);
    app.pictures.asking?.answer(false);
    expect(await onceMore, 'another version is another picture').toBe(false);
    expect(app.asking).toBeNull();
  });

  it('what_waits_in_the_queue_is_asked_for_when_its_turn_comes', async () => {
    const { app, backend } = await startedApp({ account: 'cloudflare', used: 0.098 });
    await until(() => app.today !== null);
    app.preferences.set({ softCap: 1000 });
    await until(() => backend.saved.softCap === 1000);
    app.chat.composer.write('Hello');
    await app.chat.send();
    app.chat.composer.write('/draw a fox');
    await app.chat.send();
    expect([app.chat.composer.queue.length, app.pictures.asking]).toEqual([1, null]);
    await until(() => app.pictures.asking !== null);
    app.pictures.asking?.answer(false);
    await until(() => app.pictures.asking === null);
    expect(app.chat.path.length, 'it was not sent').toBe(2);
    expect(
      app.chat.composer.queue.map((each) => each.text),
      'and still waits',
    ).toEqual(['/draw a fox']);
  });

  it('one_question_about_spending_waits_for_the_one_before', async () => {
    const { app } = await startedApp();
    const quote = (neurons: number) => ({ neurons, shareOfDay: null, ask: true });
    const answers = [app.pictures.ask(quote(1)), app.pictures.ask(quote(2))];
    await until(() => app.pictures.asking !== null);
    expect(app.pictures.asking?.quote.neurons).toBe(1);
    app.pictures.asking?.answer(true);
    await until(() => app.pictures.asking?.quote.neurons === 2);
    app.pictures.asking?.answer(false);
    expect(await Promise.all(answers)).toEqual([true, false]);
  });

  it('the_simulator_spends_nothing_and_is_never_asked_for', async () => {
    const { app } = await startedApp({ account: 'simulator', used: 0.9 });
    await until(() => app.today !== null);
    app.preferences.set({ softCap: 1 });
    app.chat.composer.write('Hello');
    await app.chat.send();
    expect(app.asking).toBeNull();
    expect(app.chat.path).toHaveLength(2);
  });

  it('a_new_conversation_takes_its_name_in_the_address', async () => {
    const { app } = await startedApp();
    app.chat.composer.write('Hello');
    await app.chat.send();
    expect(app.router.route).toEqual({ view: 'chat', id: app.chat.id });
    expect(app.conversations.rows[0]?.id).toBe(app.chat.id);
  });

  it('a_window_that_is_loaded_again_goes_on_with_the_answer', async () => {
    const { app, backend } = await startedApp({ speed: 20 });
    app.chat.composer.write('A Worker, please');
    await app.chat.send();
    const { id, run } = app.chat;
    const reloaded = new App(backend);
    await reloaded.start();
    await until(() => reloaded.chat.run !== null);
    expect([reloaded.chat.id, reloaded.chat.run], 'by the address of the page').toEqual([id, run]);
    const body = () => reloaded.chat.bodies.get(run?.message ?? '');
    await until(() => (body()?.blocks.length ?? 0) > 0);
    expect(body()?.streaming).toBe(true);
    await until(() => reloaded.chat.run === null);
    expect(body()?.view.message.status).toBe('complete');
  });

  it('deleting_the_open_conversation_leaves_a_new_one_and_undo_brings_it_back', async () => {
    const { app } = await startedApp({ history: 'some' });
    await until(() => app.conversations.rows.length > 0);
    const { id } = app.conversations.rows[0]!;
    app.openChat(id);
    app.follow();
    await until(() => app.chat.path.length > 0);
    await app.delete(id);
    expect(app.router.route.id).toBeNull();
    expect(app.conversations.of(id)).toBeUndefined();
    app.toasts.items.at(-1)?.action?.run();
    await until(() => app.router.route.id === id);
    expect(app.conversations.of(id)).toBeDefined();
  });

  it('a_conversation_with_unsent_things_is_never_let_go', async () => {
    const { app } = await startedApp({ history: 'some' });
    await until(() => app.conversations.rows.length > 10);
    const [first, ...others] = app.conversations.rows.slice(0, 11).map((row) => row.id);
    app.openChat(first ?? '');
    app.follow();
    await until(() => app.chat.state === 'ready');
    const kept = app.chat;
    kept.composer.queue = [{ id: 1, text: 'later', attachments: [] }];
    for (const id of others) {
      app.openChat(id);
      app.follow();
    }
    app.openChat(first ?? '');
    app.follow();
    expect(app.chat).toBe(kept);
  });

  it('a_temporary_conversation_shows_no_draft_of_another', async () => {
    const { app, backend } = await startedApp();
    await backend.saveDraft(null, { text: 'not for this one', attachments: [], queue: [] });
    app.newChat(true);
    await new Promise((done) => setTimeout(done, 20));
    expect([app.chat.temporary, app.chat.composer.text]).toEqual([true, '']);
  });

  it('news_of_a_title_reaches_the_list_and_the_open_conversation', async () => {
    const { app, backend } = await startedApp({ history: 'some' });
    await until(() => app.conversations.rows.length > 0);
    const { id } = app.conversations.rows[1]!;
    app.openChat(id);
    app.follow();
    await until(() => app.chat.summary !== null);
    await backend.renameConversation(id, 'A better name');
    expect(app.conversations.of(id)?.title).toBe('A better name');
    expect(app.chat.summary?.title).toBe('A better name');
  });

  it('a_document_dropped_on_the_pictures_is_asked_where_it_belongs', async () => {
    const { app, backend } = await startedApp({ library: 'none' });
    const hover = (...names: string[]) => backend.emit({ kind: 'drop', drop: { phase: 'enter', names } });
    const drop = (x: number, ...names: string[]) => {
      const files = names.map((name) => ({ name, folder: !name.includes('.'), size: 9 }));
      backend.emit({ kind: 'drop', drop: { phase: 'dropped', x, y: 300, grant: { id: 'g', files } } });
    };
    app.router.go('images');
    hover('fox.png');
    expect(app.dropsPictures).toBe(true);
    drop(10, 'fox.png');
    expect(app.dropped?.files[0]?.name, 'a picture is for the view').toBe('fox.png');
    app.dropped = null;
    hover('fox.png', 'report.pdf');
    expect(app.dropsPictures, 'not all of them are pictures').toBe(false);
    drop(window.innerWidth - 10, 'Papers');
    await until(() => app.library.ingests.size === 1);
    expect([app.dropped, app.router.route.view]).toEqual([null, 'images']);
    drop(10, 'report.pdf');
    await until(() => app.chat.options.documents.length > 0);
    expect(app.router.route.view, 'there the conversation has it').toBe('chat');
  });

  it('a_backend_that_does_not_answer_is_a_sentence_and_not_a_blank_window', async () => {
    const { app, backend } = await startedApp();
    backend.appInfo = () => Promise.reject({ code: 'internal', detail: 'no such command' });
    await app.restart();
    expect(app.broken).toEqual({ code: 'internal', detail: 'no such command' });
  });
});
