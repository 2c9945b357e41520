//! kill -9 at random points of upsert, delete, compaction and the making of lists: rows and answers as acknowledged.
//!
//! A child process (this very program) changes a table at random and says on a pipe what it is about to do and what it
//! has committed. It is killed after a random time; then the table must hold all that was acknowledged, and of the
//! one change under way either all or nothing. `EDGEWISE_KILLS` sets the number of trials; by default 500.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test ends where something goes wrong")]
#![allow(clippy::print_stdout, reason = "the figures are worth seeing, and the child speaks on a pipe")]

#[path = "support/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use vector_table::{Cancel, Filter, Metric, Options, Recall, Row, VectorTable};
use world::{Dice, Truth, connect, create, space};

const DIMENSIONS: usize = 16;

/// Trials that go on with the same database, each from where the last was killed.
const TRIALS_A_FOLDER: usize = 25;

/// Tables of more rows are made into lists.
const LISTED: u64 = 800;

/// Ids lie below this; in every third folder below the other, so that its table never has lists.
const IDS: usize = 3000;
const FEW_IDS: usize = 700;

fn options() -> Options {
    Options { inverted_rows: LISTED, list_rows: 20, background: true, ..Options::default() }
}

/// The vector of a row is known from its id and its edition.
fn vector(id: i64, edition: u64) -> Vec<f32> {
    Dice(id as u64 * 1_000_003 + edition).vector(DIMENSIONS)
}

/// One change, as it is said on the pipe: `upsert EDITION FIRST COUNT`, `delete EDITION FIRST COUNT`.
#[derive(Clone, Debug)]
struct Change {
    delete: bool,
    edition: u64,
    first: i64,
    count: i64,
}

impl Change {
    fn parse(words: &[&str]) -> Option<Self> {
        let [kind, edition, first, count] = words else { return None };
        Some(Self {
            delete: *kind == "delete",
            edition: edition.parse().ok()?,
            first: first.parse().ok()?,
            count: count.parse().ok()?,
        })
    }

    fn apply(&self, rows: &mut BTreeMap<i64, u64>) {
        for id in self.first..self.first + self.count {
            if self.delete {
                rows.remove(&id);
            } else {
                rows.insert(id, self.edition);
            }
        }
    }
}

/// The child: changes the table until it is killed.
#[test]
fn child_that_is_killed() {
    let Some(folder) = std::env::var_os("VECTOR_TABLE_KILLED") else { return };
    let seed: u64 = std::env::var("VECTOR_TABLE_SEED").unwrap().parse().unwrap();
    let ids: usize = std::env::var("VECTOR_TABLE_IDS").unwrap().parse().unwrap();
    let lies = std::env::var_os("VECTOR_TABLE_LIES").is_some();
    let folder = PathBuf::from(folder);
    let mut connection = connect(&folder.join("data.sqlite"));
    let id = VectorTable::spaces(&connection).unwrap()[0].0;
    let table = VectorTable::open(&connection, &folder.join("codes"), id, options()).unwrap();
    let mut dice = Dice(seed);
    let mut pipe = std::io::stdout();
    let mut say = |text: String| {
        // Past the test harness, which would keep it until the end.
        pipe.write_all(format!("\n{text}\n").as_bytes()).unwrap();
        pipe.flush().unwrap();
    };
    say("ready".into());
    for step in 1.. {
        let edition = seed * 10_000 + step;
        let first = dice.below(ids) as i64;
        let count = (1 + dice.below(400) as i64).min(ids as i64 - first);
        match dice.below(11) {
            0..7 => {
                say(format!("try upsert {edition} {first} {count}"));
                let vectors: Vec<Vec<f32>> = (first..first + count).map(|id| vector(id, edition)).collect();
                let rows: Vec<Row<'_>> = (first..)
                    .zip(&vectors)
                    .map(|(id, vector)| Row { id, collection: id % 5, vector })
                    .collect();
                let transaction = connection.transaction().unwrap();
                table.upsert(&transaction, &rows).unwrap();
                if lies {
                    say("done".into());
                }
                transaction.commit().unwrap();
                if !lies {
                    say("done".into());
                }
            }
            7 => {
                say(format!("try delete {edition} {first} {count}"));
                let transaction = connection.transaction().unwrap();
                table.delete(&transaction, &(first..first + count).collect::<Vec<_>>()).unwrap();
                transaction.commit().unwrap();
                say("done".into());
            }
            8 | 9 => {
                let listed = table.stats(&connection).unwrap().rows >= LISTED;
                say(format!("begin {}", if listed { "lists" } else { "compact" }));
                table.compact(&connection, &Cancel::new()).unwrap();
                say("end".into());
            }
            _ => {
                let query = vector(first, 1);
                table
                    .search(&connection, &query, 10, &Filter::All, Recall::Balanced, &Cancel::new())
                    .unwrap();
            }
        }
    }
}

#[test]
fn no_kill_loses_an_acknowledged_row_or_gives_a_wrong_answer() {
    let trials: usize =
        std::env::var("EDGEWISE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(500);
    let start = Instant::now();
    let lanes = 2;
    let totals: Vec<Totals> = std::thread::scope(|scope| {
        let lanes: Vec<_> =
            (0..lanes).map(|lane| scope.spawn(move || run(lane, trials / lanes, false))).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap().unwrap()).collect()
    });
    let sum = |part: fn(&Totals) -> usize| totals.iter().map(part).sum::<usize>();
    let (changes, unfinished) = (sum(|total| total.changes), sum(|total| total.unfinished));
    let (interrupted, compacting, listing) =
        (sum(|total| total.interrupted), sum(|total| total.compacting), sum(|total| total.listing));
    println!(
        "{trials} kills in {:.1?}: {changes} changes acknowledged, {interrupted} cut off; {compacting} compactions and \
         {listing} makings of lists cut off; {unfinished} code files left unfinished",
        start.elapsed()
    );
    if trials >= 100 {
        assert!(interrupted > trials / 20, "kills within a change: {interrupted}");
        assert!(compacting > trials / 100, "kills within a compaction: {compacting}");
        assert!(listing > trials / 50, "kills while lists were made: {listing}");
        assert!(unfinished > trials / 100, "kills with a code file half-written: {unfinished}");
    }
}

/// What the kills hit.
#[derive(Default)]
struct Totals {
    /// Changes that were acknowledged.
    changes: usize,
    interrupted: usize,
    compacting: usize,
    listing: usize,
    unfinished: usize,
}

/// The control: a child that acknowledges what it has not committed yet is found out.
#[test]
fn a_row_acknowledged_too_early_is_missed() {
    let found = run(7, 200, true);
    assert!(found.is_err(), "200 kills found nothing wrong with a child that lies");
}

/// Kills so many children; what the kills hit, or what is wrong.
fn run(lane: usize, trials: usize, lies: bool) -> Result<Totals, String> {
    let mut totals = Totals::default();
    let mut dice = Dice(lane as u64);
    let mut place: Option<(tempfile::TempDir, BTreeMap<i64, u64>)> = None;
    for trial in 0..trials {
        if trial % TRIALS_A_FOLDER == 0 {
            let folder = tempfile::tempdir().unwrap();
            create(&folder.path().join("data.sqlite"), &space(DIMENSIONS, Metric::Cosine));
            place = Some((folder, BTreeMap::new()));
        }
        let (folder, rows) = place.as_mut().unwrap();
        let seed = (lane * 1_000_000 + trial + 1) as u64;
        let time = Duration::from_micros(dice.below(60_000) as u64);
        let ids = if (trial / TRIALS_A_FOLDER).is_multiple_of(3) { FEW_IDS } else { IDS };
        let Killed { acknowledged, pending, work } = kill_one(folder.path(), seed, ids, time, lies);
        totals.changes += acknowledged.len();
        totals.interrupted += usize::from(pending.is_some());
        totals.compacting += usize::from(work.as_deref() == Some("compact"));
        totals.listing += usize::from(work.as_deref() == Some("lists"));
        totals.unfinished += unfinished(folder.path());
        acknowledged.iter().for_each(|change| change.apply(rows));
        check(folder.path(), rows, pending.as_ref())
            .map_err(|what| format!("lane {lane}, trial {trial}: {what}"))?;
    }
    Ok(totals)
}

/// What a killed child had said.
struct Killed {
    acknowledged: Vec<Change>,
    /// The change that it had begun.
    pending: Option<Change>,
    /// The upkeep that it had begun.
    work: Option<String>,
}

/// Starts a child and kills it so long after it is ready.
fn kill_one(folder: &Path, seed: u64, ids: usize, after: Duration, lies: bool) -> Killed {
    let mut command = Command::new(std::env::current_exe().unwrap());
    if lies {
        command.env("VECTOR_TABLE_LIES", "1");
    }
    let mut child = command
        .args(["--exact", "child_that_is_killed", "--nocapture"])
        .env("VECTOR_TABLE_KILLED", folder)
        .env("VECTOR_TABLE_SEED", seed.to_string())
        .env("VECTOR_TABLE_IDS", ids.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next().expect("the child says when it is ready").unwrap() != "ready" {}
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    let (mut acknowledged, mut pending, mut work) = (Vec::new(), None, None);
    for line in lines.map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "try" => pending = Change::parse(&words[1..]),
            "done" => acknowledged.extend(pending.take()),
            "begin" => work = words.get(1).map(|word| (*word).to_owned()),
            "end" => work = None,
            _ => {}
        }
    }
    Killed { acknowledged, pending, work }
}

fn unfinished(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("codes"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "unfinished"))
        .count()
}

/// The table holds the rows, with the pending change wholly there or wholly not; takes over which it was.
fn check(folder: &Path, rows: &mut BTreeMap<i64, u64>, pending: Option<&Change>) -> Result<(), String> {
    let connection = connect(&folder.join("data.sqlite"));
    let id = VectorTable::spaces(&connection).unwrap()[0].0;
    // The files as they were left: nothing brings them up to date first.
    let quiet = Options { background: false, ..options() };
    let table = VectorTable::open(&connection, &folder.join("codes"), id, quiet).unwrap();
    let mut found = BTreeMap::new();
    let read = table.iterate(&connection, |row| {
        found.insert(row.id, row.vector);
        Ok(true)
    });
    read.map_err(|error| error.to_string())?;
    if let Some(change) = pending
        && !equal(rows, &found)
    {
        change.apply(rows);
    }
    if !equal(rows, &found) {
        return Err(format!("the rows are not those acknowledged, with {pending:?} wholly or not at all"));
    }
    let report = table.verify(&connection).map_err(|error| error.to_string())?;
    if !report.problems.is_empty() {
        return Err(format!("the table is not whole: {:?}", report.problems));
    }
    let mut truth = Truth::new(Metric::Cosine);
    truth.rows = found.into_iter().map(|(id, vector)| (id, (id % 5, vector))).collect();
    for query in 0..3 {
        let query = vector(query, 7);
        let hits = table
            .search(&connection, &query, 10, &Filter::All, Recall::Exact, &Cancel::new())
            .map_err(|error| error.to_string())?;
        let expected = truth.nearest(&query, 10, &Filter::All);
        if !hits.iter().map(|hit| hit.id).eq(expected.iter().map(|hit| hit.id)) {
            return Err(format!("{hits:?} instead of {expected:?}"));
        }
    }
    Ok(())
}

fn equal(rows: &BTreeMap<i64, u64>, found: &BTreeMap<i64, Vec<f32>>) -> bool {
    rows.len() == found.len()
        && rows
            .iter()
            .zip(found)
            .all(|((id, edition), (found, values))| id == found && vector(*id, *edition) == *values)
}
