import { describe, expect, it } from 'vitest';
import { startedApp, until } from '../testing/app';

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
