import { describe, expect, it } from 'vitest';
import { language } from '$i18n';
import type { IngestEvent } from '$ipc/generated/domain';
import { Scripted } from '$ipc/scripted';
import { until } from '../testing/app';
import { Documents } from './documents.svelte';
import { Ingest, Library, standardSettings } from './library.svelte';
import { PassageSearch } from './passage-search.svelte';
import { Toasts } from './toasts.svelte';

function shelf(
  scene: 'none' | 'some' | 'full' | 'indexing' = 'some',
  account: 'cloudflare' | 'simulator' = 'cloudflare',
) {
  const backend = new Scripted({ history: 'none', account, library: scene });
  backend.library.ingests.pace = 1;
  const toasts = new Toasts();
  const faults: string[] = [];
  const library = new Library(
    backend,
    toasts,
    (fault) => faults.push(fault.code),
    () => account === 'cloudflare',
  );
  void backend.subscribe((event) => {
    if (event.kind === 'libraryChanged') library.changed(event.documents);
  });
  return { backend, library, toasts, faults };
}

describe('adding to the library', () => {
  it('nothing_is_embedded_before_the_price_is_accepted', async () => {
    const { backend, library } = shelf('none');
    const ingest = await library.addPicked(null, false);
    await until(() => library.asking !== null);
    expect(library.asking).toBe(ingest);
    expect(ingest?.quote?.documents).toBe(2);
    const before = await backend.documents(allDocuments);
    expect(before.documents.map(({ state }) => state.kind)).toEqual(['reading', 'reading']);
    await library.answer(ingest!, true);
    await until(() => library.ingests.size === 0);
    const after = await backend.documents(allDocuments);
    expect(after.documents.map(({ state }) => state.kind)).toEqual(['ready', 'ready']);
  });

  it('a_declined_price_leaves_nothing_behind', async () => {
    const { backend, library } = shelf('none');
    const ingest = await library.addPicked(null, false);
    await until(() => library.asking !== null);
    await library.answer(ingest!, false);
    expect(library.ingests.size).toBe(0);
    expect((await backend.documents(allDocuments)).total).toBe(0);
  });

  it('the_simulator_asks_nobody', async () => {
    const { backend, library } = shelf('none', 'simulator');
    const ingest = await library.addPicked(null, false);
    await until(() => ingest!.phase === 'over');
    expect(library.quoting).toBeNull();
    expect((await backend.documents(allDocuments)).documents.map(({ state }) => state.kind)).toEqual([
      'ready',
      'ready',
    ]);
  });

  it('pause_and_resume_go_through_to_the_end', async () => {
    const { library, backend } = shelf('none');
    backend.library.ingests.pace = 15;
    const ingest = await library.addPicked(null, false);
    await until(() => library.asking !== null);
    await library.answer(ingest!, true);
    await until(() => ingest!.passages.done > 0);
    await library.pause(ingest!);
    expect(ingest!.phase).toBe('paused');
    const stands = ingest!.passages.done;
    await new Promise((done) => setTimeout(done, 60));
    expect(ingest!.passages.done).toBeLessThanOrEqual(stands + 1);
    await library.resume(ingest!);
    await until(() => library.ingests.size === 0);
    expect([...ingest!.rows.values()].map(({ state }) => state.kind)).toEqual(['ready', 'ready']);
  });

  it('an_encrypted_file_asks_for_its_password_until_it_opens', async () => {
    const { backend, library } = shelf();
    const { documents } = await backend.documents({ ...allDocuments, name: 'Payslip' });
    await library.retry(documents[0]!);
    expect(library.locked).toEqual({ document: documents[0], wrong: false });
    await library.retry(documents[0]!, 'guess');
    await until(() => library.locked?.wrong === true);
    await library.retry(documents[0]!, 'open sesame');
    expect(library.locked).toBeNull();
    await until(() => library.asking !== null);
  });

  it('a_bad_address_is_told_and_starts_nothing', async () => {
    const { library, faults } = shelf();
    expect(await library.addAddress(null, 'not an address')).toBeNull();
    expect(faults).toEqual(['invalidInput']);
    expect(library.ingests.size).toBe(0);
  });

  it('files_that_came_together_are_one_collection_and_go_when_the_price_is_refused', async () => {
    const { backend, library } = shelf();
    await library.load();
    const gone: string[] = [];
    const ingest = await library.addGroup('Reports', 'grant', (id) => gone.push(id));
    expect(library.byId.get(ingest!.collection.id)?.name).toBe('Reports');
    await until(() => library.asking !== null);
    await library.answer(ingest!, false);
    await until(() => gone.length > 0);
    expect(gone).toEqual([ingest!.collection.id]);
    expect((await backend.collections()).some(({ name }) => name === 'Reports')).toBe(false);
    // A folder that was dropped before goes where it went.
    const again = await library.addGroup('Research', 'grant', (id) => gone.push(id));
    expect(again!.collection.id).toBe('research');
  });

  it('files_that_came_together_begin_with_the_model_that_was_set', async () => {
    const backend = new Scripted({ history: 'none', library: 'none' });
    const chosen = '@cf/qwen/qwen3-embedding-0.6b';
    let set: string | null = chosen;
    const library = new Library(
      backend,
      new Toasts(),
      () => {},
      () => true,
      () => set,
    );
    const ingest = await library.addGroup('Reports', 'grant', () => {});
    expect(ingest!.collection.settings).toEqual({ ...standardSettings(), embeddingModel: chosen });
    set = null;
    expect(library.newSettings()).toEqual(standardSettings());
  });

  it('everything_that_failed_is_tried_again_as_one', async () => {
    const { library, toasts } = shelf();
    await library.load();
    await library.retryFailed({ id: 'research' });
    expect(library.ingests.size).toBe(1);
    const { library: whole, toasts: told } = shelf('none');
    await whole.create('Empty', 'blue', standardSettings());
    await whole.retryFailed(whole.collections.at(-1)!);
    expect(whole.ingests.size).toBe(0);
    expect(told.items.at(-1)?.text).toBe('Nothing here failed.');
    expect(toasts.items).toHaveLength(0);
  });

  it('why_a_run_ended_early_stays_in_sight', async () => {
    const { library } = shelf('indexing');
    await library.attach();
    const ingest = [...library.ingests.values()][0]!;
    ingest.apply({ kind: 'finished', ready: 1, failed: 2, neurons: 3, fault: { code: 'tokenRejected' } });
    expect(ingest.fault?.code).toBe('tokenRejected');
    expect(ingest.phase).toBe('over');
  });

  it('ingestions_that_went_on_without_a_window_are_taken_up', async () => {
    const { library } = shelf('indexing');
    await library.attach();
    const [ingest, spent] = [...library.ingests.values()];
    expect(ingest?.passages).toEqual({ done: 688, all: 2310 });
    expect(ingest?.pause?.fault.code).toBe('rateLimited');
    // That one waits for the next day of the service.
    expect(new Date(spent!.pause!.until).getUTCHours()).toBe(0);
    await library.attach();
    expect(library.ingests.size).toBe(2);
  });

  it('events_in_any_order_make_one_picture', () => {
    const ingest = new Ingest('run', {
      id: 'library',
      name: 'Library',
      colour: 'blue',
      settings: standardSettings(),
      documents: 0,
      passages: 0,
      embedded: 0,
      folder: null,
      createdAt: 0,
    });
    const events: IngestEvent[] = [
      { kind: 'counting', files: 3 },
      { kind: 'skipped', file: { name: 'a.zip', fault: { code: 'formatUnknown' } } },
      { kind: 'waiting', fault: { code: 'rateLimited' }, delayMs: 500 },
      { kind: 'progress', documentsDone: 1, documents: 2, passagesDone: 5, passages: 9 },
      { kind: 'finished', ready: 2, failed: 0, neurons: 3 },
    ];
    for (const event of events) ingest.apply(event);
    expect(ingest.phase).toBe('over');
    expect(ingest.pause).toBeNull();
    expect(ingest.skipped).toHaveLength(1);
  });
});

describe('collections', () => {
  it('are_made_changed_deleted_and_brought_back', async () => {
    const { library, toasts } = shelf();
    await library.load();
    await library.create('Cooking', 'green', standardSettings());
    const made = library.collections.at(-1)!;
    expect(library.chosen).toBe(made.id);
    await library.update(made, 'Kitchen', 'rose', { ...standardSettings(), topK: 4 });
    expect(library.byId.get(made.id)).toMatchObject({ name: 'Kitchen', colour: 'rose', settings: { topK: 4 } });
    await library.delete(library.byId.get(made.id)!);
    expect(library.byId.has(made.id)).toBe(false);
    expect(library.chosen).toBeNull();
    toasts.items[0]?.action?.run();
    await until(() => library.byId.has(made.id));
  });
});

describe('the collection that is made by itself', () => {
  it('is_called_in_the_language_in_use_until_it_is_renamed', async () => {
    const { backend, library } = shelf();
    const stored = async () => (await backend.collections()).find(({ id }) => id === 'library')?.name;
    const shown = () => library.byId.get('library')?.name;
    const save = (name: string) => library.update(library.byId.get('library')!, name, 'rose', standardSettings());
    await library.load();
    try {
      expect(shown()).toBe('Library');
      language.use('zh-CN');
      expect(shown()).toBe('资料库');
      // Its colour changes, its name stays what the next language makes of it.
      await save('资料库');
      expect(library.byId.get('library')).toMatchObject({ name: '资料库', colour: 'rose' });
      expect(await stored()).toBe('Library');
      await save('我的书');
      expect([shown(), await stored()]).toEqual(['我的书', '我的书']);
      await save('资料库');
      expect([shown(), await stored()]).toEqual(['资料库', '资料库']);
      language.use('en');
      expect(shown(), 'typed by hand: as it was typed').toBe('资料库');
    } finally {
      language.use('en');
    }
  });

  it('is_told_from_another_that_bears_its_name', async () => {
    const { library } = shelf();
    await library.load();
    await library.create('Library', 'green', standardSettings());
    try {
      language.use('zh-CN');
      expect(library.collections.map(({ name }) => name).filter((name) => /Library|资料库/.test(name))).toEqual([
        '资料库',
        'Library',
      ]);
    } finally {
      language.use('en');
    }
  });
});

describe('the key of another provider', () => {
  it('is_handed_over_before_the_collection_and_never_with_it', async () => {
    const { backend, library, toasts } = shelf();
    const calls: string[] = [];
    backend.setProviderKey = async (url, key) => {
      calls.push(`${url} ${key}`);
      return 'session';
    };
    const make = backend.createCollection;
    backend.createCollection = (...all) => {
      calls.push(JSON.stringify(all));
      return make(...all);
    };
    const settings = { ...standardSettings(), providerUrl: 'https://api.jina.ai/v1', embeddingModel: 'jina-v3' };
    await library.create('Jina', 'green', settings, ' secret ');
    expect(calls[0]).toBe('https://api.jina.ai/v1 secret');
    expect(calls[1]).not.toContain('secret');
    expect(toasts.items.at(-1)?.text).toContain('this session');
    // Without a key, or with Workers AI, nothing is handed over.
    await library.create('Jina 2', 'green', settings);
    await library.create('Own', 'green', standardSettings(), 'secret');
    expect(calls.filter((call) => call.startsWith('https'))).toHaveLength(1);
  });
});

describe('the list of documents', () => {
  it('asks_only_for_the_pages_in_view', async () => {
    const { backend } = shelf('full');
    const list = new Documents(backend);
    await list.load();
    expect(list.total).toBe(4013);
    expect(list.rows.filter(Boolean)).toHaveLength(100);
    list.show(2030, 2050);
    await until(() => list.rows[2040] !== undefined);
    expect(list.rows.filter(Boolean)).toHaveLength(200);
  });

  it('news_that_never_cease_are_followed_where_one_looks', async () => {
    const { backend, library } = shelf('full');
    const list = new Documents(backend);
    library.listen((rows) => list.changed(rows));
    await list.load();
    list.show(2030, 2050);
    await until(() => list.rows[2040] !== undefined);
    const asked: number[] = [];
    const documents = backend.documents.bind(backend);
    backend.documents = (query) => {
      asked.push(query.offset);
      return documents(query);
    };
    const row = list.rows[2040]!;
    const news = setInterval(() => library.changed([{ ...row, id: 'of another place' }]), 20);
    await until(() => asked.length > 0);
    clearInterval(news);
    expect(asked).toEqual([2000]);
    await until(() => list.rows[2040] !== undefined && list.rows[0] === undefined);
  });

  it('sorts_filters_and_follows_the_news', async () => {
    const { backend, library } = shelf();
    const list = new Documents(backend);
    library.listen((rows) => list.changed(rows));
    await list.load();
    list.order('name');
    await until(() => list.rows[0]?.name === 'Broken archive.epub');
    list.order('name');
    await until(() => list.rows[0]?.name !== 'Broken archive.epub');
    list.find('lease');
    await until(() => list.total === 1);
    const row = list.rows[0]!;
    library.changed([{ ...row, state: { kind: 'embedding', done: 3, total: 9 } }]);
    await until(() => list.rows[0]?.state.kind === 'embedding');
    expect(list.rows[0]?.state).toEqual({ kind: 'embedding', done: 3, total: 9 });
    await library.deleteDocuments([row]);
    await until(() => list.total === 0);
  });
});

describe('searching passages', () => {
  it('a_late_answer_to_an_old_question_is_dropped', async () => {
    const { backend } = shelf();
    const search = new PassageSearch(backend, () => null);
    search.text = 'deposit';
    search.run();
    search.text = 'zebra';
    search.run();
    await until(() => !search.busy);
    expect(search.findings?.query).toBe('zebra');
    expect(search.findings?.hits).toEqual([]);
    search.clear();
    expect(search.active).toBe(false);
    expect(search.findings).toBeNull();
  });
});

describe('narrowing a search', () => {
  it('kinds_dates_and_documents_narrow_it_together', async () => {
    const { backend } = shelf();
    const { documents } = await backend.documents(allDocuments);
    const lease = documents.find(({ name }) => name.startsWith('Lease'))!;
    const search = new PassageSearch(backend, () => null);
    const titles = async () => {
      await until(() => !search.busy);
      return new Set(search.findings?.hits.map(({ title }) => title));
    };
    search.text = 'deposit months rent distance vectors';
    search.run();
    const wide = await titles();
    expect(wide.size).toBeGreaterThan(1);
    search.only({ kind: 'pdf' });
    expect([...(await titles())]).toContain(lease.name);
    expect([...(await titles())].every((title) => title.endsWith('.pdf'))).toBe(true);
    search.only({ kind: 'mail' });
    expect(await titles()).toEqual(new Set());
    search.only({ kind: null, documents: [{ id: lease.id, name: lease.name }] });
    expect(await titles()).toEqual(new Set([lease.name]));
    search.widen();
    expect(await titles()).toEqual(wide);
    expect(search.narrowed).toBe(false);
  });

  it('how_many_and_how_far_are_asked_for_and_only_the_distance_is_a_filter', async () => {
    const { backend } = shelf();
    const asked: [number, number | null][] = [];
    const find = backend.searchPassages.bind(backend);
    backend.searchPassages = (query) => {
      asked.push([query.k, query.maxDistance]);
      return find(query);
    };
    const search = new PassageSearch(backend, () => null);
    search.text = 'deposit months rent';
    search.run();
    search.set({ count: 50 });
    expect(search.narrowed).toBe(false);
    search.only({ distance: 0.2 });
    expect(search.narrowed).toBe(true);
    await until(() => !search.busy);
    expect(search.findings?.hits.every(({ distance }) => (distance ?? 0) <= 0.2)).toBe(true);
    search.widen();
    expect(asked).toEqual([
      [20, null],
      [50, null],
      [50, 0.2],
      [50, null],
    ]);
  });

  it('a_date_is_counted_back_from_now', async () => {
    const { backend } = shelf();
    const asked: (number | null)[] = [];
    const find = backend.searchPassages.bind(backend);
    backend.searchPassages = (query) => {
      asked.push(query.addedSince);
      return find(query);
    };
    const search = new PassageSearch(
      backend,
      () => null,
      () => 10 * 86_400_000,
    );
    search.text = 'deposit';
    search.only({ period: 'week' });
    await until(() => !search.busy);
    expect(asked).toEqual([3 * 86_400_000]);
  });
});

const allDocuments = {
  collection: null,
  name: null,
  sort: 'name',
  descending: false,
  offset: 0,
  limit: 50,
};
