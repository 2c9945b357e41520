//! What happens to the codes, or is asked of the table, that should not: no wrong answer, no lost row.

#![allow(clippy::unwrap_used, reason = "a test ends where something goes wrong")]
#![allow(clippy::print_stdout, reason = "the figures are worth seeing")]

#[path = "support/world.rs"]
mod world;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use vector_table::{Cancel, Error, Filter, Hit, Metric, Options, Problem, Recall, Row, Space, VectorTable};
use world::{Dice, World, connect, quiet, space};

fn filled(rows: usize, dimensions: usize, options: Options) -> World {
    let mut world = World::new(&space(dimensions, Metric::Cosine), options);
    let mut dice = Dice(rows as u64);
    let rows: Vec<(i64, i64, Vec<f32>)> =
        (0..rows as i64).map(|id| (id, id % 3, dice.vector(dimensions))).collect();
    world.upsert(&rows);
    world.settle();
    world
}

fn only_file(world: &World) -> PathBuf {
    let files = world.code_files();
    assert_eq!(files.len(), 1, "one code file");
    files[0].clone()
}

/// What a table over these code bytes says when every byte of them is read, and whether it still has the file then.
fn answers(world: &World, file: &Path, bytes: &[u8], query: &[f32]) -> (Vec<Hit>, bool) {
    std::fs::write(file, bytes).unwrap();
    let table = VectorTable::open(&world.connection, &world.codes(), world.table.id(), quiet()).unwrap();
    let all = world.truth.rows.len() + 1;
    let filter = Filter::Collections(&[0, 1, 2]);
    let hits = table.search(&world.connection, query, all, &filter, Recall::Exact, &Cancel::new()).unwrap();
    (hits, file.exists())
}

/// Writes these bytes as the code file; the answer must be right and the file gone.
fn check_noticed(world: &World, file: &Path, bytes: &[u8], query: &[f32], expected: &[Hit], what: &str) {
    let (hits, believed) = answers(world, file, bytes, query);
    assert_eq!(hits, expected, "{what}: the answer");
    assert!(!believed, "{what}: not noticed");
}

fn check_rebuilt(world: &World, file: &Path) {
    world.reopen_quietly(|table, connection| {
        assert!(table.settle(connection, &Cancel::new()).unwrap());
        assert_eq!(table.verify(connection).unwrap().problems, [], "the codes are whole again");
    });
    assert!(file.exists(), "there is a file again");
}

#[test]
fn every_flipped_byte_of_a_code_file_is_noticed() {
    let world = filled(100, 8, quiet());
    let file = only_file(&world);
    let good = std::fs::read(&file).unwrap();
    let mut dice = Dice(9);
    let query = dice.vector(8);
    let (expected, believed) = answers(&world, &file, &good, &query);
    assert!(believed, "the file as it was written is believed");
    let truth = world.truth.nearest(&query, 101, &Filter::All);
    assert!(expected.iter().map(|hit| hit.id).eq(truth.iter().map(|hit| hit.id)), "and the answer is right");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << dice.below(8);
        check_noticed(
            &world,
            &file,
            &bad,
            &query,
            &expected,
            &format!("byte {at} of {} flipped", good.len()),
        );
        if at % 501 == 0 {
            check_rebuilt(&world, &file);
        }
    }
    println!("{} bytes flipped one by one, all noticed", good.len());
}

#[test]
fn every_truncation_of_a_code_file_is_noticed() {
    let world = filled(100, 8, quiet());
    let file = only_file(&world);
    let good = std::fs::read(&file).unwrap();
    let query = Dice(3).vector(8);
    let (expected, _) = answers(&world, &file, &good, &query);
    for length in 0..good.len() {
        check_noticed(
            &world,
            &file,
            &good[..length],
            &query,
            &expected,
            &format!("{length} of {}", good.len()),
        );
    }
    let longer = [&good[..], &[0; 64]].concat();
    check_noticed(&world, &file, &longer, &query, &expected, "64 bytes too many");
    check_rebuilt(&world, &file);
}

#[test]
fn without_checksums_flipped_bytes_would_give_wrong_answers() {
    // The control: the same flips, with the checksums set right again, are not noticed and do harm.
    let world = filled(600, 64, quiet());
    let file = only_file(&world);
    let good = std::fs::read(&file).unwrap();
    let mut dice = Dice(4);
    let query = dice.vector(64);
    let record = 64 / 2 + 16;
    let mut bad = good.clone();
    // The fine factors of every row: offset far too low.
    for row in 0..600 {
        let start = 128 + row * record;
        bad[start + 36..start + 40].copy_from_slice(&(-1e9f32).to_le_bytes());
        let checksum = crc32fast::hash(&bad[start..start + record - 4]);
        bad[start + record - 4..start + record].copy_from_slice(&checksum.to_le_bytes());
    }
    std::fs::write(&file, &bad).unwrap();
    let table = VectorTable::open(&world.connection, &world.codes(), world.table.id(), quiet()).unwrap();
    let hits =
        table.search(&world.connection, &query, 5, &Filter::All, Recall::Balanced, &Cancel::new()).unwrap();
    let wrong = hits.iter().map(|hit| hit.id).ne(world
        .truth
        .nearest(&query, 5, &Filter::All)
        .iter()
        .map(|hit| hit.id));
    let report = table.verify(&world.connection).unwrap();
    assert!(
        report.problems.iter().any(|problem| matches!(problem, Problem::WrongCode { .. })),
        "verify sees it"
    );
    assert!(wrong, "the search trusts what passes its checksums, so that the checksums are what protects it");
    assert!(report.problems.len() >= 600, "every forged code is named");
    table.compact(&world.connection, &Cancel::new()).unwrap();
    assert_eq!(table.verify(&world.connection).unwrap().problems, [], "compacting makes them anew");
}

#[test]
fn codes_of_a_later_or_another_history_are_not_believed() {
    let mut world = filled(2000, 16, quiet());
    // A copy of the database is put away, more rows come, and then the copy is put back.
    world.keep_copy();
    let before = world.truth.rows.clone();
    let mut dice = Dice(77);
    let later: Vec<(i64, i64, Vec<f32>)> = (0..3000).map(|id| (id, 0, dice.vector(16))).collect();
    world.upsert(&later);
    assert!(world.table.compact(&world.connection, &Cancel::new()).unwrap());
    world.restore_copy();
    world.truth.rows = before.clone();
    for _ in 0..20 {
        world.check(&dice.vector(16), 10, &Filter::All);
    }
    // Other rows take the very numbers that the files know as something else.
    let others: Vec<(i64, i64, Vec<f32>)> = (0..3000).map(|id| (id, 1, dice.vector(16))).collect();
    world.upsert(&others);
    world.reopen();
    for _ in 0..20 {
        world.check(&dice.vector(16), 10, &Filter::All);
    }
    world.settle();
    assert_eq!(world.table.verify(&world.connection).unwrap().problems, []);
}

#[test]
fn histories_that_differ_by_deletions_alone_are_told_apart() {
    let mut world = filled(2000, 16, quiet());
    world.keep_copy();
    let before = world.truth.rows.clone();
    // In one history ten rows go and the codes are made anew without them, ...
    world.delete(&(0..10).collect::<Vec<_>>());
    assert!(world.table.compact(&world.connection, &Cancel::new()).unwrap());
    world.restore_copy();
    world.truth.rows = before;
    // ... in the other, one that brings the table to the same version.
    world.delete(&[1999]);
    world.reopen();
    let mut dice = Dice(5);
    for _ in 0..10 {
        world.check(&dice.vector(16), 2000, &Filter::All);
    }
    assert_eq!(world.table.verify(&world.connection).unwrap().problems, []);
}

#[test]
fn a_table_knows_when_its_database_was_replaced() {
    let mut world = filled(1000, 16, quiet());
    world.keep_copy();
    let mut dice = Dice(6);
    let some = |dice: &mut Dice, from: i64| -> Vec<(i64, i64, Vec<f32>)> {
        (from..from + 500).map(|id| (id, 0, dice.vector(16))).collect()
    };
    world.upsert(&some(&mut dice, 1000));
    world.settle();
    assert!(world.table.belongs(&world.connection).unwrap(), "its own history goes on");
    let reader = connect(&world.database());
    let snapshot = reader.unchecked_transaction().unwrap();
    assert!(world.table.belongs(&snapshot).unwrap());
    world.delete(&[3]);
    assert!(world.table.belongs(&world.connection).unwrap());
    assert!(world.table.belongs(&snapshot).unwrap(), "a reader of an older state that the table saw");
    drop(snapshot);
    let old = world.table.clone();
    world.restore_copy();
    // Other rows take the same numbers; soon the versions are the same as well.
    let reached = |world: &World| old.belongs(&world.connection).unwrap();
    assert!(reached(&world), "what was restored is a state that the table knows");
    for version in 0..4 {
        world.upsert(&some(&mut dice, 1000));
        assert!(!reached(&world), "another history, {version} changes on");
    }
    let fresh = World::new(&space(16, Metric::Cosine), quiet());
    assert!(
        fresh
            .table
            .search(&fresh.connection, &[1.0; 16], 3, &Filter::All, Recall::Exact, &Cancel::new())
            .is_ok()
    );
    let mut fresh = fresh;
    fresh.upsert(&some(&mut dice, 0));
    assert!(!old.belongs(&fresh.connection).unwrap(), "a new database");
}

#[test]
fn a_reader_of_an_old_state_takes_no_file_away() {
    let mut world = filled(3000, 16, quiet());
    let reader = connect(&world.database());
    let snapshot = reader.unchecked_transaction().unwrap();
    let count: i64 = snapshot.query_row("SELECT count(*) FROM vector_row", [], |row| row.get(0)).unwrap();
    let before = world.truth.nearest(&[1.0; 16], 20, &Filter::All);
    world.delete(&(0..50).collect::<Vec<_>>());
    assert!(world.table.compact(&world.connection, &Cancel::new()).unwrap());
    // The file lacks rows that this reader has: it reads them.
    let hits =
        world.table.search(&snapshot, &[1.0; 16], 20, &Filter::All, Recall::Exact, &Cancel::new()).unwrap();
    assert_eq!(count, 3000);
    assert!(hits.iter().map(|hit| hit.id).eq(before.iter().map(|hit| hit.id)), "as it was");
    let segments = world.table.stats(&world.connection).unwrap().segments;
    assert!(
        segments.len() == 1 && segments[0].path.is_some(),
        "the others still have the file: {segments:?}"
    );
}

#[test]
fn files_of_a_dropped_space_are_deleted() {
    let mut world = filled(700, 8, quiet());
    let file = only_file(&world);
    let transaction = world.connection.transaction().unwrap();
    let other = Space { model: "another".into(), ..world.table.space().clone() };
    let other = VectorTable::create(&transaction, &other).unwrap();
    VectorTable::drop_space(&transaction, world.table.id()).unwrap();
    transaction.commit().unwrap();
    assert!(file.exists());
    VectorTable::open(&world.connection, &world.codes(), other, quiet()).unwrap();
    assert!(!file.exists(), "nobody will ever open it");
}

#[test]
fn one_row_makes_no_endless_work() {
    // Every table is large enough for lists here, and there is no second centre to be found.
    for rows in [1, 2, 70] {
        let world = filled(rows, 8, Options { inverted_rows: 1, ..quiet() });
        world.settle();
        assert!(world.table.compact(&world.connection, &Cancel::new()).unwrap());
        world.check(&[1.0; 8], 5, &Filter::All);
    }
    // Nor does a database that counts its rows wrongly.
    let world = filled(5000, 8, Options { inverted_rows: 100, ..quiet() });
    world.connection.execute("UPDATE vector_space SET row_count = 200", []).unwrap();
    world.settle();
    world.check(&[1.0; 8], 5, &Filter::All);
}

#[test]
fn lists_are_made_of_a_table_that_is_mostly_holes() {
    let options = Options { inverted_rows: 500, list_rows: 10, ..quiet() };
    let mut world = World::new(&space(16, Metric::Cosine), options);
    let mut dice = Dice(4);
    let mut draw = |ids: std::ops::Range<i64>| -> Vec<(i64, i64, Vec<f32>)> {
        ids.map(|id| (id, 0, dice.vector(16))).collect()
    };
    let (first, last) = (draw(0..20_000), draw(20_000..21_000));
    world.upsert(&first);
    world.upsert(&last);
    world.delete(&(0..20_000).collect::<Vec<_>>());
    world.settle();
    let made = world.table.stats(&world.connection).unwrap().segments[0].clone();
    assert_eq!((made.rows, made.lists), (1000, 100), "as many lists as the rows want, wherever they are");
    world.check(&[1.0; 16], 10, &Filter::All);
}

#[test]
fn a_file_of_many_lists_is_checked_everywhere() {
    let options = Options { inverted_rows: 100, list_rows: 10, ..quiet() };
    let world = filled(600, 8, options);
    let file = only_file(&world);
    let good = std::fs::read(&file).unwrap();
    let lists = world.table.stats(&world.connection).unwrap().segments[0].lists;
    assert!(lists >= 50, "{lists} lists");
    let mut dice = Dice(9);
    let query = dice.vector(8);
    let (expected, believed) = answers(&world, &file, &good, &query);
    assert!(believed, "the file as it was written is believed");
    // Every byte of the header and of the end of the directory, and one of every 23 between.
    let edge = |at: usize| at < 192 || at + 600 > good.len();
    let places: Vec<usize> = (0..good.len()).filter(|at| edge(*at) || at % 23 == 0).collect();
    for at in &places {
        let mut bad = good.clone();
        bad[*at] ^= 1 << dice.below(8);
        check_noticed(&world, &file, &bad, &query, &expected, &format!("byte {at} flipped"));
    }
    for length in (0..good.len()).step_by(211) {
        check_noticed(&world, &file, &good[..length], &query, &expected, &format!("cut to {length}"));
    }
    println!("{} of {} bytes flipped in {lists} lists, all noticed", places.len(), good.len());
}

#[test]
fn a_folder_that_takes_no_files_stops_nothing() {
    let mut world = World::new(&space(32, Metric::Cosine), Options::default());
    // Where the folder should be there is a file: nothing can be written into it.
    std::fs::write(world.codes(), b"in the way").unwrap();
    let mut dice = Dice(8);
    for batch in 0..10 {
        let rows: Vec<(i64, i64, Vec<f32>)> =
            (0..500).map(|index| (batch * 500 + index, 0, dice.vector(32))).collect();
        world.upsert(&rows);
        world.check(&dice.vector(32), 10, &Filter::All);
    }
    let refused = world.table.settle(&world.connection, &Cancel::new());
    assert!(matches!(refused, Err(Error::CodeFile(_))), "{refused:?}");
    let deadline = Instant::now() + Duration::from_secs(10);
    while world.table.stats(&world.connection).unwrap().failure.is_none() {
        assert!(Instant::now() < deadline, "the background says what stops it");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::fs::remove_file(world.codes()).unwrap();
    world.settle();
    world.check(&dice.vector(32), 10, &Filter::All);
    assert!(!world.code_files().is_empty(), "codes are written as soon as they can be");
}

/// Runs in a process of its own whose files may not grow beyond a limit: see the next test.
#[test]
fn child_on_a_full_disk() {
    let Some(folder) = std::env::var_os("VECTOR_TABLE_FULL_DISK") else { return };
    let folder = PathBuf::from(folder);
    let mut connection = connect(&folder.join("data.sqlite"));
    let id = VectorTable::spaces(&connection).unwrap()[0].0;
    let table = VectorTable::open(&connection, &folder.join("codes"), id, quiet()).unwrap();
    let mut dice = Dice(1);
    let mut kept = 0;
    for batch in 0..400 {
        let vectors: Vec<Vec<f32>> = (0..50).map(|_| dice.vector(64)).collect();
        let rows: Vec<Row<'_>> = vectors
            .iter()
            .enumerate()
            .map(|(index, vector)| Row { id: batch * 50 + index as i64, collection: 0, vector })
            .collect();
        let transaction = connection.transaction().unwrap();
        let written = table.upsert(&transaction, &rows).and_then(|()| Ok(transaction.commit()?));
        if written.is_err() {
            break;
        }
        kept += rows.len();
        if batch % 10 == 9 {
            // The code file does not fit before the database is full.
            let _ = table.settle(&connection, &Cancel::new());
            let hits = table
                .search(&connection, &vectors[0], 1, &Filter::All, Recall::Exact, &Cancel::new())
                .expect("a search works without room for codes");
            assert_eq!(hits[0].id, batch * 50, "the row just written is its own nearest");
        }
    }
    println!("kept {kept} rows");
    assert!(kept > 0 && kept < 20_000, "the limit was reached");
    std::fs::write(folder.join("kept"), kept.to_string()).unwrap();
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing_and_answers_rightly() {
    let world = World::new(&space(64, Metric::Cosine), quiet());
    let program = std::env::current_exe().unwrap();
    // 2 MiB a file, and no signal at the limit but an error, as on a full disk.
    let script = r#"trap '' XFSZ; ulimit -f 4096; exec "$0" --exact child_on_a_full_disk --nocapture"#;
    let output = std::process::Command::new("sh")
        .args(["-c", script, program.to_str().unwrap()])
        .env("VECTOR_TABLE_FULL_DISK", world.folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let kept: u64 = std::fs::read_to_string(world.folder.path().join("kept")).unwrap().parse().unwrap();
    let connection = connect(&world.database());
    let table = VectorTable::open(&connection, &world.codes(), world.table.id(), quiet()).unwrap();
    assert_eq!(table.stats(&connection).unwrap().rows, kept, "every acknowledged row is there, and no other");
    assert!(table.settle(&connection, &Cancel::new()).unwrap(), "with room again the codes are written");
    assert_eq!(table.verify(&connection).unwrap().problems, []);
    let leftovers = std::fs::read_dir(world.codes()).unwrap().flatten();
    assert!(
        leftovers
            .into_iter()
            .all(|entry| entry.path().extension().is_none_or(|ending| ending != "unfinished")),
        "nothing half-written stays"
    );
}

#[test]
fn many_readers_beside_a_writer_each_see_one_state() {
    // In each version all rows lie in one direction, another one each time: a search that mixed two would show it.
    const ROWS: i64 = 1500;
    let world =
        World::new(&space(4, Metric::Euclidean), Options { inverted_rows: 1000, ..Options::default() });
    let (stop, searches) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (database, table) = (world.database(), &world.table);
    let write = |version: i64, connection: &mut rusqlite::Connection| {
        let vectors: Vec<Vec<f32>> =
            (0..ROWS).map(|row| vec![version as f32 + 1.0, row as f32, 1.0, -1.0]).collect();
        let rows: Vec<Row<'_>> = vectors
            .iter()
            .enumerate()
            .map(|(row, vector)| Row { id: version * ROWS + row as i64, collection: version, vector })
            .collect();
        let transaction = connection.transaction().unwrap();
        let old: Vec<i64> = ((version - 1) * ROWS..version * ROWS).collect();
        table.delete(&transaction, &old).unwrap();
        table.upsert(&transaction, &rows).unwrap();
        transaction.commit().unwrap();
    };
    let mut connection = connect(&database);
    write(0, &mut connection);
    std::thread::scope(|scope| {
        for reader in 0..3 {
            let (stop, searches, database) = (&stop, &searches, &database);
            scope.spawn(move || {
                let connection = connect(database);
                let mut dice = Dice(reader);
                while !stop.load(Ordering::Relaxed) {
                    let query = [dice.unit() * 30.0 + 0.1, dice.unit() * 1500.0, 1.0, 1.0];
                    let recall = if dice.below(2) == 0 { Recall::Exact } else { Recall::Balanced };
                    let hits =
                        table.search(&connection, &query, 40, &Filter::All, recall, &Cancel::new()).unwrap();
                    let versions: Vec<i64> = hits.iter().map(|hit| hit.id / ROWS).collect();
                    assert_eq!(versions.len(), 40, "there are always rows enough");
                    assert!(
                        versions.iter().all(|version| *version == versions[0]),
                        "one state: {versions:?}"
                    );
                    searches.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for version in 1..30 {
            write(version, &mut connection);
            std::thread::sleep(Duration::from_millis(20));
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!("{} searches beside 30 versions", searches.load(Ordering::Relaxed));
    assert!(searches.load(Ordering::Relaxed) > 100, "the readers were not kept waiting");
}

#[test]
fn an_old_snapshot_is_answered_as_it_was() {
    let mut world = filled(3000, 16, quiet());
    let mut dice = Dice(12);
    let query = dice.vector(16);
    let before = world.truth.nearest(&query, 20, &Filter::All);
    let reader = connect(&world.database());
    let snapshot = reader.unchecked_transaction().unwrap();
    let count: i64 = snapshot.query_row("SELECT count(*) FROM vector_row", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 3000);
    // The nearest go, and the codes are made anew without them.
    let gone: Vec<i64> = before.iter().map(|hit| hit.id).collect();
    world.delete(&gone);
    world.check(&query, 20, &Filter::All);
    assert!(world.table.compact(&world.connection, &Cancel::new()).unwrap());
    world.check(&query, 20, &Filter::All);
    for recall in [Recall::Exact, Recall::Balanced] {
        let hits = world.table.search(&snapshot, &query, 20, &Filter::All, recall, &Cancel::new()).unwrap();
        assert_eq!(
            hits.iter().map(|hit| hit.id).collect::<Vec<_>>(),
            gone,
            "the reader sees what it began with"
        );
    }
}

#[test]
fn a_cancelled_search_stops() {
    let mut world = World::new(&space(256, Metric::Cosine), quiet());
    let mut dice = Dice(2);
    let rows: Vec<(i64, i64, Vec<f32>)> = (0..30_000).map(|id| (id, 0, dice.vector(256))).collect();
    world.upsert(&rows);
    let used = Cancel::new();
    used.cancel();
    let query = dice.vector(256);
    let search = |cancel: &Cancel| {
        world.table.search(&world.connection, &query, 10, &Filter::All, Recall::Exact, cancel)
    };
    assert!(matches!(search(&used), Err(Error::Cancelled)), "one cancelled before does not begin");
    // The first search has thirty thousand rows to code, which takes far longer than the wait.
    let cancel = Cancel::new();
    let other = cancel.clone();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(5));
        other.cancel();
        Instant::now()
    });
    let outcome = search(&cancel);
    let ended = Instant::now();
    assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
    let waited = ended.saturating_duration_since(canceller.join().unwrap());
    assert!(waited < Duration::from_millis(500), "it took {waited:?} to stop");
    assert_eq!(search(&Cancel::new()).unwrap().len(), 10, "the next one works");
}

#[test]
fn vectors_that_do_not_belong_are_refused_at_the_door() {
    let mut world = filled(10, 8, quiet());
    type Refusal = (Vec<f32>, fn(&Error) -> bool);
    let refusals: [Refusal; 5] = [
        (vec![1.0; 7], |error| matches!(error, Error::WrongDimensions { expected: 8, found: 7, .. })),
        (vec![1.0; 9], |error| matches!(error, Error::WrongDimensions { found: 9, .. })),
        (vec![0.0; 8], |error| matches!(error, Error::ZeroVector { .. })),
        ([vec![1.0; 7], vec![f32::NAN]].concat(), |error| matches!(error, Error::NotFinite { place: 7, .. })),
        ([vec![f32::INFINITY], vec![1.0; 7]].concat(), |error| {
            matches!(error, Error::NotFinite { place: 0, .. })
        }),
    ];
    for (vector, expected) in &refusals {
        let good = [0.5; 8];
        let transaction = world.connection.transaction().unwrap();
        let rows = [Row { id: 100, collection: 0, vector: &good }, Row { id: 101, collection: 0, vector }];
        let error = world.table.upsert(&transaction, &rows).unwrap_err();
        assert!(expected(&error), "{vector:?}: {error}");
        transaction.commit().unwrap();
        assert_eq!(
            world.table.get(&world.connection, 100).unwrap(),
            None,
            "not even the good row was written"
        );
        let error = world
            .table
            .search(&world.connection, vector, 5, &Filter::All, Recall::Balanced, &Cancel::new())
            .unwrap_err();
        assert!(expected(&error), "as a query: {error}");
    }
}

#[test]
fn spaces_are_fixed_and_never_mixed() {
    let mut world = filled(10, 8, quiet());
    let own = world.table.space().clone();
    let others = [
        Space { model: "another".into(), ..own.clone() },
        Space { pooling: Some("cls".into()), ..own.clone() },
        Space { metric: Metric::Dot, ..own.clone() },
        Space { dimensions: 9, ..own.clone() },
    ];
    assert!(world.table.accepts(&own).is_ok());
    let transaction = world.connection.transaction().unwrap();
    assert_eq!(
        VectorTable::create(&transaction, &own).unwrap(),
        world.table.id(),
        "the same space is the same table"
    );
    for other in &others {
        assert!(matches!(world.table.accepts(other), Err(Error::SpacesMixed { .. })), "{other}");
        assert_ne!(VectorTable::create(&transaction, other).unwrap(), world.table.id(), "{other}");
    }
    for dimensions in [0, 16_385] {
        let refused = VectorTable::create(&transaction, &Space { dimensions, ..own.clone() });
        assert!(matches!(refused, Err(Error::UnsupportedDimensions { .. })), "{dimensions}");
    }
    transaction.commit().unwrap();
    // Another space of the same database has rows of its own.
    let id = VectorTable::spaces(&world.connection)
        .unwrap()
        .into_iter()
        .find(|(_, space)| *space == others[0])
        .unwrap()
        .0;
    let second = VectorTable::open(&world.connection, &world.codes(), id, quiet()).unwrap();
    let transaction = world.connection.transaction().unwrap();
    second.upsert(&transaction, &[Row { id: 3, collection: 9, vector: &[1.0; 8] }]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(second.stats(&world.connection).unwrap().rows, 1);
    world.check(&[1.0; 8], 20, &Filter::All);
    let transaction = world.connection.transaction().unwrap();
    VectorTable::drop_space(&transaction, id).unwrap();
    transaction.commit().unwrap();
    assert!(matches!(
        VectorTable::open(&world.connection, &world.codes(), id, quiet()),
        Err(Error::NoSuchSpace(_))
    ));
    world.check(&[1.0; 8], 20, &Filter::All);
}

#[test]
fn rows_are_read_back_as_they_were_written() {
    let mut world = filled(700, 8, quiet());
    world.upsert(&[(5, 42, vec![-0.0, 1e-38, 3.4e38, 1.0, -1.0, 0.1, 0.2, 0.3])]);
    let row = world.table.get(&world.connection, 5).unwrap().unwrap();
    assert_eq!((row.collection, row.vector.clone()), world.truth.rows[&5].clone());
    let mut seen = std::collections::BTreeMap::new();
    world
        .table
        .iterate(&world.connection, |row| {
            assert!(seen.insert(row.id, (row.collection, row.vector)).is_none(), "each row once");
            Ok(true)
        })
        .unwrap();
    assert_eq!(seen, world.truth.rows);
    let changed = world.connection.execute("UPDATE vector_row SET vector = zeroblob(32) WHERE id = 5", []);
    assert!(
        changed.unwrap_err().to_string().contains("replaced, never changed"),
        "rows cannot be changed in place"
    );
}

#[test]
fn verify_names_rows_that_are_damaged() {
    let world = filled(700, 8, quiet());
    world.connection.execute_batch("DROP TRIGGER vector_row_is_final").unwrap();
    world.connection.execute("UPDATE vector_row SET vector = zeroblob(32) WHERE id = 5", []).unwrap();
    world.connection.execute("UPDATE vector_row SET vector = x'00' WHERE id = 6", []).unwrap();
    let other: Vec<u8> = (0..8).flat_map(|_| 2.5f32.to_le_bytes()).collect();
    world.connection.execute("UPDATE vector_row SET vector = ?1 WHERE id = 7", [other]).unwrap();
    let report = world.table.verify(&world.connection).unwrap();
    assert_eq!(report.rows, 700);
    let named = |id: i64| {
        report.problems.iter().filter(move |problem| match problem {
            Problem::Row { id: named, .. } | Problem::WrongCode { id: named } => *named == id,
            _ => false,
        })
    };
    for id in [5, 6, 7] {
        assert_eq!(named(id).count(), 1, "row {id}: {:?}", report.problems);
    }
    assert_eq!(report.problems.len(), 3, "and no other");
}

/// Whatever part of the codes it is, and whether records are mapped or read.
#[test]
fn verify_finds_damaged_codes_and_they_are_made_anew() {
    for mapped_records in [0, 1 << 20] {
        let options = Options { inverted_rows: 100, list_rows: 10, mapped_records, ..quiet() };
        let world = filled(600, 64, options.clone());
        let file = only_file(&world);
        let good = std::fs::read(&file).unwrap();
        let open = || {
            VectorTable::open(&world.connection, &world.codes(), world.table.id(), options.clone()).unwrap()
        };
        for at in places_in_codes() {
            replace(&file, &flipped(&good, at));
            let table = open();
            let report = table.verify(&world.connection).unwrap();
            assert_eq!(report.problems, [Problem::DamagedCodes { slots: (0, 600) }], "byte {at} flipped");
            assert!(report.problems.iter().all(Problem::is_of_codes) && report.rows == 600, "rows are whole");
            assert!(!file.exists(), "byte {at}: the damaged file is gone");
            assert!(table.settle(&world.connection, &Cancel::new()).unwrap());
            assert_eq!(world.code_files().len(), 1, "byte {at}: there is a file again");
            for table in [table, open()] {
                let report = table.verify(&world.connection).unwrap();
                assert_eq!((report.problems, report.codes), (Vec::new(), 600), "byte {at}: whole again");
            }
        }
    }
}

/// Under each kind of filter: their searches come to the codes on different ways.
#[test]
fn searches_by_ids_find_damaged_codes() {
    for mapped_records in [0, 1 << 20] {
        let options = Options { inverted_rows: 100, list_rows: 100, mapped_records, ..quiet() };
        let world = filled(2000, 64, options.clone());
        let file = only_file(&world);
        let good = std::fs::read(&file).unwrap();
        let few: Vec<i64> = (0..2000).step_by(25).collect();
        let more: Vec<i64> = (0..2000).step_by(5).collect();
        let ids = |hits: Vec<Hit>| hits.into_iter().map(|hit| hit.id).collect::<Vec<_>>();
        for filter in [
            Filter::Ids(&few),
            Filter::Ids(&more),
            Filter::And(&[Filter::Ids(&few), Filter::Collections(&[0, 1, 2])]),
        ] {
            // The record of id 0, which is in each filter: its nibbles, and a factor.
            for at in [128, 128 + 64 / 2 + 3] {
                replace(&file, &flipped(&good, at));
                let id = world.table.id();
                let table =
                    VectorTable::open(&world.connection, &world.codes(), id, options.clone()).unwrap();
                let found =
                    table.search(&world.connection, &[1.0; 64], 2000, &filter, Recall::Exact, &Cancel::new());
                assert_eq!(ids(found.unwrap()), ids(world.truth.nearest(&[1.0; 64], 2000, &filter)));
                assert!(!file.exists(), "{mapped_records}: noticed under {filter:?}");
            }
        }
    }
}

/// A byte of a record in the middle of 600 of 64 places, of the first block after them, and of its labels.
fn places_in_codes() -> [usize; 3] {
    let record: usize = 64 / 2 + 16;
    let records = (128 + 600 * record).next_multiple_of(64);
    [128 + 300 * record + 5, records + 40, records + 64 / 8 * 32 + 384 + 3]
}

fn flipped(good: &[u8], at: usize) -> Vec<u8> {
    let mut bad = good.to_vec();
    bad[at] ^= 4;
    bad
}

/// Another file in its place, and none beside it: a map of the old one stays as it is.
fn replace(file: &Path, bytes: &[u8]) {
    for entry in std::fs::read_dir(file.parent().unwrap()).unwrap().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "codes") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn large_tables_are_searched_by_lists_and_grow_with_them() {
    let mut world = World::new(&space(32, Metric::Cosine), Options { inverted_rows: 5000, ..quiet() });
    let mut dice = Dice(21);
    let centres: Vec<Vec<f32>> = (0..50).map(|_| dice.vector(32)).collect();
    let mut draw = |ids: std::ops::Range<i64>| -> Vec<(i64, i64, Vec<f32>)> {
        ids.map(|id| {
            let centre = &centres[dice.below(50)];
            (id, 0, centre.iter().map(|value| value + 0.3 * dice.normal()).collect())
        })
        .collect()
    };
    let first = draw(0..20_000);
    world.upsert(&first);
    world.settle();
    let lists = |world: &World| world.table.stats(&world.connection).unwrap().segments[0].clone();
    let made = lists(&world);
    assert!(
        made.lists > 10 && made.probes < made.lists,
        "an inverted file that looks into few lists: {made:?}"
    );
    let more = draw(20_000..26_000);
    world.upsert(&more);
    world.settle();
    let grown = lists(&world);
    assert_eq!((grown.rows, grown.lists), (26_000, made.lists), "the new rows went into the same lists");
    assert_eq!(world.table.verify(&world.connection).unwrap().problems, []);
    let queries = draw(0..50);
    let mut found = 0;
    for (_, _, query) in &queries {
        world.check(query, 10, &Filter::All);
        let truth = world.truth.nearest(query, 10, &Filter::All);
        let hits = world.search(query, 10, &Filter::All, Recall::Balanced);
        found += hits.iter().filter(|hit| truth.iter().any(|other| other.id == hit.id)).count();
    }
    assert!(found >= 495, "{found} of 500 by lists");
    world.delete(&(0..12_000).collect::<Vec<_>>());
    world.settle();
    assert_eq!(lists(&world).rows, 14_000, "the codes of deleted rows are gone when they are many");
}
