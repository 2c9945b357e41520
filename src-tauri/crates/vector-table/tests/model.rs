//! Any sequence of changes, closings and rebuildings leaves a table that says what a plain map says.

#![allow(clippy::unwrap_used, reason = "a test ends where something goes wrong")]

#[path = "support/world.rs"]
mod world;

use proptest::prelude::*;
use vector_table::{Cancel, Filter, Metric, Options, Recall, Row};
use world::{World, quiet, space};

const DIMENSIONS: usize = 24;

/// Small whole numbers: sums are exact, ties are frequent.
fn vector() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-3i8..=3, DIMENSIONS).prop_map(|values| {
        let mut vector: Vec<f32> = values.into_iter().map(f32::from).collect();
        if vector.iter().all(|value| *value == 0.0) {
            vector[0] = 1.0;
        }
        vector
    })
}

#[derive(Clone, Debug)]
enum Step {
    Upsert(Vec<(i64, i64, Vec<f32>)>),
    /// Many rows from one seed, so that tables grow past what a search reads without codes.
    Flood(u64),
    Delete(Vec<i64>),
    RolledBack(Vec<(i64, i64, Vec<f32>)>),
    Search(Vec<f32>, usize),
    SearchInside(Vec<f32>, Vec<(i64, i64, Vec<f32>)>),
    Settle,
    Compact,
    Reopen,
    LoseCodes,
    /// The process dies: what is on disk at that moment is all there is afterwards.
    Crash,
    /// A byte of a code file changes.
    Damage(u64),
    /// A copy of the database is put away, or put back.
    KeepCopy,
    RestoreCopy,
    /// A reader begins, and asks later what it sees.
    BeginReader,
    AskReader(Vec<f32>),
}

/// What a sequence of steps carries along beside the table.
#[derive(Default)]
struct Beside {
    copy: Option<Rows>,
    reader: Option<(rusqlite::Connection, Rows)>,
}

type Rows = std::collections::BTreeMap<i64, (i64, Vec<f32>)>;

fn rows() -> impl Strategy<Value = Vec<(i64, i64, Vec<f32>)>> {
    prop::collection::vec((-5i64..200, 0i64..4, vector()), 0..20)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => rows().prop_map(Step::Upsert),
        2 => any::<u64>().prop_map(Step::Flood),
        3 => prop::collection::vec(-5i64..1500, 0..60).prop_map(Step::Delete),
        1 => rows().prop_map(Step::RolledBack),
        4 => (vector(), 1usize..30).prop_map(|(query, k)| Step::Search(query, k)),
        1 => (vector(), rows()).prop_map(|(query, rows)| Step::SearchInside(query, rows)),
        1 => Just(Step::Settle),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        1 => Just(Step::LoseCodes),
        1 => Just(Step::Crash),
        1 => any::<u64>().prop_map(Step::Damage),
        1 => Just(Step::KeepCopy),
        1 => Just(Step::RestoreCopy),
        1 => Just(Step::BeginReader),
        2 => vector().prop_map(Step::AskReader),
    ]
}

fn flood(seed: u64) -> Vec<(i64, i64, Vec<f32>)> {
    let mut dice = world::Dice(seed);
    let first = dice.below(1000) as i64;
    (0..700)
        .map(|index| {
            let mut vector: Vec<f32> = (0..DIMENSIONS).map(|_| dice.below(7) as f32 - 3.0).collect();
            vector[0] = 1.0;
            (first + index, index % 4, vector)
        })
        .collect()
}

fn run(world: &mut World, steps: Vec<Step>) {
    let mut beside = Beside::default();
    for step in steps {
        match step {
            Step::Upsert(rows) => world.upsert(&rows),
            Step::Flood(seed) => world.upsert(&flood(seed)),
            Step::Delete(ids) => world.delete(&ids),
            Step::RolledBack(rows) => {
                let transaction = world.connection.transaction().unwrap();
                let rows: Vec<Row<'_>> = rows
                    .iter()
                    .map(|(id, collection, vector)| Row { id: *id, collection: *collection, vector })
                    .collect();
                world.table.upsert(&transaction, &rows).unwrap();
                transaction.rollback().unwrap();
            }
            Step::Search(query, k) => check_all(world, &query, k),
            Step::SearchInside(query, rows) => search_inside(world, &query, rows),
            Step::Settle => world.settle(),
            Step::Compact => world.compact(),
            Step::Reopen => world.reopen(),
            Step::LoseCodes => {
                world.code_files().iter().for_each(|path| drop(std::fs::remove_file(path)));
                world.reopen();
            }
            Step::Crash => world.crash(),
            Step::Damage(seed) => damage(world, seed),
            Step::KeepCopy => {
                world.keep_copy();
                beside.copy = Some(world.truth.rows.clone());
            }
            Step::RestoreCopy => {
                if let Some(rows) = &beside.copy {
                    beside.reader = None;
                    world.restore_copy();
                    world.truth.rows = rows.clone();
                }
            }
            Step::BeginReader => {
                let reader = world::connect(&world.database());
                reader.execute_batch("BEGIN; SELECT count(*) FROM vector_row").unwrap();
                beside.reader = Some((reader, world.truth.rows.clone()));
            }
            Step::AskReader(query) => {
                if let Some((reader, rows)) = &beside.reader {
                    ask_reader(world, reader, rows, &query);
                }
            }
        }
    }
    check_all(world, &[1.0; DIMENSIONS], 10);
    // A byte that was changed, and that no search has come to, is the one thing that may be found.
    let problems = world.table.verify(&world.connection).unwrap().problems;
    assert!(problems.iter().all(vector_table::Problem::is_of_codes), "{problems:?}");
    world.compact();
    assert_eq!(world.table.verify(&world.connection).unwrap().problems, [], "the table is whole");
}

/// A table that was opened already may have believed the file: it is opened anew, as after a start.
fn damage(world: &mut World, seed: u64) {
    let mut dice = world::Dice(seed);
    let files = world.code_files();
    if files.is_empty() {
        return;
    }
    let file = &files[dice.below(files.len())];
    let mut bytes = std::fs::read(file).unwrap();
    let at = dice.below(bytes.len());
    bytes[at] ^= 1 << dice.below(8);
    // Another file takes its place: a map of the old one stays as it is.
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, bytes).unwrap();
    world.reopen();
}

fn ask_reader(world: &World, reader: &rusqlite::Connection, rows: &Rows, query: &[f32]) {
    let mut truth = world::Truth::new(world.truth.metric);
    truth.rows = rows.clone();
    for filter in [Filter::All, Filter::Collections(&[2])] {
        let expected = truth.nearest(query, 12, &filter);
        let found = world.table.search(reader, query, 12, &filter, Recall::Exact, &Cancel::new()).unwrap();
        let ids = |hits: &[vector_table::Hit]| hits.iter().map(|hit| hit.id).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&expected), "what an old reader sees");
    }
}

fn check_all(world: &World, query: &[f32], k: usize) {
    world.check(query, k, &Filter::All);
    world.check(query, k, &Filter::Collections(&[1, 3]));
    let ids: Vec<i64> = (0..1500).step_by(7).collect();
    world.check(query, k, &Filter::Ids(&ids));
    world.check(query, k, &Filter::Ids(&[3, 5, 3, 900]));
    world.check(query, k, &Filter::And(&[Filter::Ids(&ids), Filter::Collections(&[2])]));
}

/// A transaction sees its own rows; when it is rolled back nobody does.
fn search_inside(world: &mut World, query: &[f32], rows: Vec<(i64, i64, Vec<f32>)>) {
    let before = world.truth.rows.clone();
    let owned: Vec<(i64, i64, Vec<f32>)> = rows.into_iter().chain(flood(7)).collect();
    for (id, collection, vector) in &owned {
        world.truth.rows.insert(*id, (*collection, vector.clone()));
    }
    let borrowed: Vec<Row<'_>> = owned
        .iter()
        .map(|(id, collection, vector)| Row { id: *id, collection: *collection, vector })
        .collect();
    let transaction = world.connection.unchecked_transaction().unwrap();
    world.table.upsert(&transaction, &borrowed).unwrap();
    check_all(world, query, 10);
    assert!(
        !world.table.settle(&transaction, &Cancel::new()).unwrap(),
        "nothing uncommitted is written to a file"
    );
    transaction.rollback().unwrap();
    world.truth.rows = before;
    check_all(world, query, 10);
}

fn metrics() -> impl Strategy<Value = Metric> {
    prop_oneof![Just(Metric::Cosine), Just(Metric::Dot), Just(Metric::Euclidean)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_steps_equals_a_map(
        metric in metrics(), inverted in any::<bool>(), read in any::<bool>(),
        steps in prop::collection::vec(step(), 1..25)
    ) {
        // With the inverted file from a few hundred rows on, and with records that are read, not mapped, the same holds.
        let options = if inverted { Options { inverted_rows: 300, list_rows: 8, ..quiet() } } else { quiet() };
        let options = if read { Options { mapped_records: 0, ..options } } else { options };
        let mut world = World::new(&space(DIMENSIONS, metric), options);
        run(&mut world, steps);
    }

    #[test]
    fn the_same_with_the_worker_at_its_heels(
        metric in metrics(), steps in prop::collection::vec(step(), 1..15)
    ) {
        let mut world = World::new(&space(DIMENSIONS, metric), Options { inverted_rows: 1500, ..Options::default() });
        run(&mut world, steps.into_iter().filter(|step| !matches!(step, Step::Settle | Step::Compact)).collect());
    }
}

#[test]
fn numbers_of_every_size_are_searched_exactly() {
    let sizes = [1e-38f32, 1e-20, 1e-13, 1.0, 1e6, 1e13, 1e30];
    for metric in [Metric::Cosine, Metric::Dot, Metric::Euclidean] {
        let mut world = World::new(&space(16, metric), quiet());
        let mut dice = world::Dice(5);
        let rows: Vec<(i64, i64, Vec<f32>)> = (0..3000)
            .map(|id| {
                let size = sizes[dice.below(sizes.len())];
                (id, 0, dice.vector(16).into_iter().map(|value| value * size).collect())
            })
            .collect();
        world.upsert(&rows);
        world.settle();
        for size in sizes {
            let query: Vec<f32> = dice.vector(16).into_iter().map(|value| value * size).collect();
            let expected = world.truth.nearest(&query, 10, &Filter::All);
            let found = world.search(&query, 10, &Filter::All, Recall::Exact);
            let scores = |hits: &[vector_table::Hit]| hits.iter().map(|hit| hit.score).collect::<Vec<_>>();
            assert_eq!(scores(&found), scores(&expected), "{metric:?}, a query of size {size}");
        }
    }
}

/// Those whose squares leave f32 have no bound; there are more of them here than one pass takes, and fewer than make a
/// search give up the codes.
#[test]
fn rows_without_a_bound_are_found_once() {
    for (metric, mapped_records) in
        [(Metric::Cosine, 0), (Metric::Dot, 0), (Metric::Euclidean, 0), (Metric::Cosine, 1 << 20)]
    {
        let options = Options { inverted_rows: 500, list_rows: 20, mapped_records, ..quiet() };
        let mut world = World::new(&space(16, metric), options);
        let mut dice = world::Dice(6);
        let rows: Vec<(i64, i64, Vec<f32>)> = (0..4000)
            .map(|id| {
                let size = if id % 10 == 0 { 1e13 } else { 1.0 };
                (id, id % 2, dice.vector(16).into_iter().map(|value| value * size).collect())
            })
            .collect();
        world.upsert(&rows);
        world.settle();
        let few: Vec<i64> = (0..4000).filter(|id| id % 50 < 2).collect();
        let most: Vec<i64> = (0..4000).filter(|id| id % 3 < 2).collect();
        for filter in [Filter::All, Filter::Collections(&[0]), Filter::Ids(&few), Filter::Ids(&most)] {
            let query = dice.vector(16);
            let expected = world.truth.nearest(&query, 20, &filter);
            for recall in [Recall::Exact, Recall::Balanced] {
                let found = world.search(&query, 20, &filter, recall);
                let ids = |hits: &[vector_table::Hit]| hits.iter().map(|hit| hit.id).collect::<Vec<_>>();
                let (found, expected) = (ids(&found), ids(&expected));
                let distinct: std::collections::BTreeSet<i64> = found.iter().copied().collect();
                assert_eq!(
                    distinct.len(),
                    found.len(),
                    "{metric:?}, {recall:?}: each row once, in {found:?}"
                );
                assert!(
                    recall == Recall::Balanced || found == expected,
                    "{metric:?}: {found:?}, not {expected:?}"
                );
            }
        }
    }
}
