//! sqlite-vec: a virtual table of float32, searched by looking at every row.

use std::fs;
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, ffi};

use crate::data::{self, Data};
use crate::measure::{Figures, Filled, Phase, disk_mb, enough, memory_mb, percentile, recall, time};

const BATCH: usize = 1000;

/// All take the same time here.
const MOST_QUERIES: usize = 50;

fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a database");
    connection.pragma_update(None, "journal_mode", "wal").expect("a write-ahead log");
    connection.pragma_update(None, "synchronous", "normal").expect("a setting");
    connection
}

fn blob(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn run(folder: &Path, phase: Phase) {
    register();
    let work = folder.join("sqlite-vec");
    if phase.fills() {
        fs::remove_dir_all(&work).ok();
        fs::create_dir_all(&work).expect("a folder");
        fill(&work, &data::read(folder)).keep(folder, "sqlite-vec");
    }
    if phase.measures() {
        println!("{}", measure(folder, &work));
    }
}

fn register() {
    type Entry = unsafe extern "C" fn(
        *mut ffi::sqlite3,
        *mut *mut std::os::raw::c_char,
        *const ffi::sqlite3_api_routines,
    ) -> std::os::raw::c_int;
    // SAFETY: the entry point has the signature of SQLite extensions; the crate declares it without arguments.
    unsafe {
        let entry: Entry = std::mem::transmute(sqlite_vec::sqlite3_vec_init as *const ());
        ffi::sqlite3_auto_extension(Some(entry));
    }
}

fn measure(folder: &Path, work: &Path) -> Figures {
    let data = data::read(folder);
    let (rows, dimensions) = (data.rows, data.dimensions);
    let filled = Filled::recall(folder, "sqlite-vec");
    let mut figures = Figures { system: "sqlite-vec float32".into(), filled, ..Figures::default() };
    let before = memory_mb();
    let (connection, opened) = time(|| {
        let connection = connect(&work.join("data.sqlite"));
        search(&connection, &data.queries[..dimensions], None);
        connection
    });
    figures.open_ms = opened.as_secs_f64() * 1e3;
    ask(&connection, &data, 0, None);
    let (p50, p95, found, asked) = ask(&connection, &data, 0, None);
    (figures.p50_ms, figures.p95_ms, figures.recall) = (p50, p95, found);
    figures.queries = asked;
    let every = |step: usize| {
        let ids: Vec<String> = (0..rows).step_by(step).map(|id| id.to_string()).collect();
        format!("[{}]", ids.join(","))
    };
    let (tenth, hundredth) = (every(10), every(100));
    let (p50, _, found, asked) = ask(&connection, &data, 1, Some(&tenth));
    (figures.filtered_10, figures.queries) = ((p50, found), figures.queries.min(asked));
    let (p50, _, found, asked) = ask(&connection, &data, 2, Some(&hundredth));
    (figures.filtered_1, figures.queries) = ((p50, found), figures.queries.min(asked));
    figures.memory_mb = memory_mb() - before;
    figures.replace_ms = replace(work, &data);
    figures.append_per_second = append(work, &data);
    figures
}

fn fill(work: &Path, data: &Data) -> Filled {
    let mut connection = connect(&work.join("data.sqlite"));
    let create = format!(
        "CREATE VIRTUAL TABLE rows USING vec0(id INTEGER PRIMARY KEY, vector float[{}] distance_metric=cosine)",
        data.dimensions
    );
    connection.execute_batch(&create).expect("the table");
    let (_, filled) = time(|| {
        for start in (0..data.rows).step_by(BATCH) {
            let vectors = data.read(start..data.rows.min(start + BATCH));
            insert(&mut connection, start as i64, &vectors, data.dimensions);
        }
    });
    let rate = data.rows as f64 / filled.as_secs_f64();
    drop(connection);
    Filled { insert_per_second: rate, indexed_per_second: rate, disk_mb: disk_mb(work) }
}

/// Rows in one transaction.
fn insert(connection: &mut Connection, first: i64, vectors: &[f32], dimensions: usize) {
    let transaction = connection.transaction().expect("a transaction");
    for (id, vector) in (first..).zip(vectors.chunks_exact(dimensions)) {
        transaction
            .prepare_cached("INSERT INTO rows (id, vector) VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute((id, blob(vector))))
            .expect("room");
    }
    transaction.commit().expect("a commit");
}

/// Writes more rows into the full table, and takes them out again.
fn append(work: &Path, data: &Data) -> f64 {
    let mut connection = connect(&work.join("data.sqlite"));
    let (first, rows) = (data.rows as i64, data.more.len() / data.dimensions);
    let (_, took) = time(|| insert(&mut connection, first, &data.more, data.dimensions));
    connection.execute("DELETE FROM rows WHERE id >= ?1", [first]).expect("rows");
    rows as f64 / took.as_secs_f64()
}

fn search(connection: &Connection, query: &[f32], ids: Option<&str>) -> Vec<i64> {
    let read = |row: &rusqlite::Row<'_>| row.get(0);
    match ids {
        None => connection
            .prepare_cached("SELECT id FROM rows WHERE vector MATCH ?1 AND k = 10 ORDER BY distance")
            .and_then(|mut select| select.query_map([blob(query)], read)?.collect()),
        Some(ids) => connection
            .prepare_cached(
                "SELECT id FROM rows WHERE vector MATCH ?1 AND k = 10 \
                 AND id IN (SELECT value FROM json_each(?2)) ORDER BY distance",
            )
            .and_then(|mut select| select.query_map((blob(query), ids), read)?.collect()),
    }
    .expect("an answer")
}

fn ask(connection: &Connection, data: &Data, part: usize, ids: Option<&str>) -> (f64, f64, f64, usize) {
    let (mut times, mut found, begin) = (Vec::new(), 0.0, Instant::now());
    for (query, truth) in data.queries().take(MOST_QUERIES) {
        if enough(begin, times.len()) {
            break;
        }
        let (hits, took) = time(|| search(connection, query, ids));
        times.push(took);
        found += recall(&hits, &truth[part]);
    }
    let recall = found / times.len() as f64;
    (percentile(&mut times, 50), percentile(&mut times, 95), recall, times.len())
}

fn replace(work: &Path, data: &Data) -> f64 {
    let mut connection = connect(&work.join("data.sqlite"));
    let vectors: Vec<Vec<u8>> = (0..100)
        .map(|id| {
            connection
                .query_row("SELECT vector FROM rows WHERE id = ?1", [id], |row| row.get(0))
                .expect("a row")
        })
        .collect();
    let (_, took) = time(|| {
        let transaction = connection.transaction().expect("a transaction");
        for id in 0..100 {
            transaction.execute("DELETE FROM rows WHERE id = ?1", [id]).expect("a row");
        }
        transaction.commit().expect("a commit");
        let transaction = connection.transaction().expect("a transaction");
        for (id, vector) in vectors.iter().enumerate() {
            transaction
                .execute("INSERT INTO rows (id, vector) VALUES (?1, ?2)", (id as i64, vector))
                .expect("room");
        }
        transaction.commit().expect("a commit");
        search(&connection, &data.queries[..data.dimensions], None)
    });
    took.as_secs_f64() * 1e3
}
