//! Edgewise's vector table.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use vector_table::{Cancel, Filter, Metric, Options, Recall, Row, Space, SpaceId, VectorTable};

use crate::data::{self, Data};
use crate::measure::{Figures, Filled, Phase, disk_mb, memory_mb, percentile, processor_time, recall, time};

const BATCH: usize = 1000;

fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a database");
    connection.pragma_update(None, "journal_mode", "wal").expect("a write-ahead log");
    connection.pragma_update(None, "synchronous", "normal").expect("a setting");
    connection.pragma_update(None, "cache_size", -16_000).expect("a setting");
    connection
}

pub fn fill(folder: &Path) {
    let (work, codes) = (folder.join("edgewise"), folder.join("edgewise/codes"));
    fs::remove_dir_all(&work).ok();
    fs::create_dir_all(&work).expect("a folder");
    write(&work, &codes, &data::read(folder)).keep(folder, "edgewise");
}

pub fn run(folder: &Path, phase: Phase) {
    if phase.fills() {
        fill(folder);
    }
    if phase.measures() {
        println!("{}", measure(folder));
    }
}

fn measure(folder: &Path) -> Figures {
    let (work, codes, id) = (folder.join("edgewise"), folder.join("edgewise/codes"), SpaceId(1));
    let data = data::read(folder);
    let (rows, dimensions) = (data.rows, data.dimensions);
    let mut figures = Figures {
        system: "Edgewise".into(),
        filled: Filled::recall(folder, "edgewise"),
        ..Figures::default()
    };
    let before = memory_mb();
    let ((connection, table), opened) = time(|| {
        let connection = connect(&work.join("data.sqlite"));
        let table = VectorTable::open(&connection, &codes, id, Options::default()).expect("the table");
        search(&table, &connection, &data.queries[..dimensions], &Filter::All);
        (connection, table)
    });
    figures.open_ms = opened.as_secs_f64() * 1e3;
    ask(&table, &connection, &data, 0, &Filter::All);
    let (p50, p95, found) = ask(&table, &connection, &data, 0, &Filter::All);
    (figures.p50_ms, figures.p95_ms, figures.recall) = (p50, p95, found);
    let every = |step: usize| (0..rows as i64).step_by(step).collect::<Vec<i64>>();
    let (tenth, hundredth) = (every(10), every(100));
    let (p50, _, found) = ask(&table, &connection, &data, 1, &Filter::Ids(&tenth));
    figures.filtered_10 = (p50, found);
    let (p50, _, found) = ask(&table, &connection, &data, 2, &Filter::Ids(&hundredth));
    figures.filtered_1 = (p50, found);
    figures.queries = data.queries().count();
    figures.memory_mb = memory_mb() - before;
    figures.replace_ms = replace(&work, &table, &data);
    figures.append_per_second = append(&work, &table, &data);
    eprintln!("{:?}", table.stats(&connection).expect("stats").segments);
    figures
}

fn write(work: &Path, codes: &Path, data: &Data) -> Filled {
    let mut connection = connect(&work.join("data.sqlite"));
    let transaction = connection.transaction().expect("a transaction");
    transaction.execute_batch(VectorTable::SCHEMA).expect("the schema");
    let space =
        Space { model: "bench".into(), dimensions: data.dimensions, pooling: None, metric: Metric::Cosine };
    let id = VectorTable::create(&transaction, &space).expect("a space");
    transaction.commit().expect("a commit");
    let table = VectorTable::open(&connection, codes, id, Options::default()).expect("the table");
    // Until the last row is in a code file: nothing is left over for the searches.
    let (written, filled) = time(|| {
        let (_, written) = time(|| {
            for start in (0..data.rows).step_by(BATCH) {
                let vectors = data.read(start..data.rows.min(start + BATCH));
                let transaction = connection.transaction().expect("a transaction");
                let rows: Vec<Row<'_>> = (start as i64..)
                    .zip(vectors.chunks_exact(data.dimensions))
                    .map(|(id, vector)| Row { id, collection: 0, vector })
                    .collect();
                table.upsert(&transaction, &rows).expect("room");
                transaction.commit().expect("a commit");
            }
        });
        while !table.settle(&connection, &Cancel::new()).expect("codes") {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        written
    });
    eprintln!("rows written in {written:.2?}, codes in {filled:.2?}");
    drop((table, connection));
    Filled {
        insert_per_second: data.rows as f64 / written.as_secs_f64(),
        indexed_per_second: data.rows as f64 / filled.as_secs_f64(),
        disk_mb: disk_mb(work),
    }
}

fn search(table: &VectorTable, connection: &Connection, query: &[f32], filter: &Filter<'_>) -> Vec<i64> {
    let recall = match std::env::var("PEERS_RECALL").as_deref() {
        Ok("fast") => Recall::Fast,
        Ok("exact") => Recall::Exact,
        _ => Recall::Balanced,
    };
    let hits = table.search(connection, query, 10, filter, recall, &Cancel::new()).expect("an answer");
    hits.into_iter().map(|hit| hit.id).collect()
}

fn ask(
    table: &VectorTable,
    connection: &Connection,
    data: &Data,
    part: usize,
    filter: &Filter<'_>,
) -> (f64, f64, f64) {
    let (mut times, mut found) = (Vec::new(), 0.0);
    for (query, truth) in data.queries() {
        let (ids, took) = time(|| search(table, connection, query, filter));
        times.push(took);
        found += recall(&ids, &truth[part]);
    }
    (percentile(&mut times, 50), percentile(&mut times, 95), found / times.len() as f64)
}

/// Deletes a hundred rows, writes them again, and searches.
fn replace(work: &Path, table: &VectorTable, data: &Data) -> f64 {
    let mut connection = connect(&work.join("data.sqlite"));
    let ids: Vec<i64> = (0..100).collect();
    let vectors: Vec<Vec<f32>> =
        ids.iter().map(|id| table.get(&connection, *id).expect("a row").expect("a row").vector).collect();
    let (_, took) = time(|| {
        let transaction = connection.transaction().expect("a transaction");
        table.delete(&transaction, &ids).expect("rows");
        transaction.commit().expect("a commit");
        let transaction = connection.transaction().expect("a transaction");
        let rows: Vec<Row<'_>> =
            ids.iter().zip(&vectors).map(|(id, vector)| Row { id: *id, collection: 0, vector }).collect();
        table.upsert(&transaction, &rows).expect("room");
        transaction.commit().expect("a commit");
        search(table, &connection, &data.queries[..data.dimensions], &Filter::All)
    });
    took.as_secs_f64() * 1e3
}

/// Writes more rows into the full table, and takes them out again.
fn append(work: &Path, table: &VectorTable, data: &Data) -> f64 {
    let mut connection = connect(&work.join("data.sqlite"));
    let rows: Vec<Row<'_>> = (data.rows as i64..)
        .zip(data.more.chunks_exact(data.dimensions))
        .map(|(id, vector)| Row { id, collection: 0, vector })
        .collect();
    let (_, took) = time(|| {
        let transaction = connection.transaction().expect("a transaction");
        table.upsert(&transaction, &rows).expect("room");
        transaction.commit().expect("a commit");
    });
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let transaction = connection.transaction().expect("a transaction");
    table.delete(&transaction, &ids).expect("rows");
    transaction.commit().expect("a commit");
    rows.len() as f64 / took.as_secs_f64()
}

/// Searches the table of an earlier run for five seconds.
pub fn search_again(folder: &Path, every: usize) {
    let data = data::read(folder);
    let connection = connect(&folder.join("edgewise/data.sqlite"));
    let codes = folder.join("edgewise/codes");
    let table = VectorTable::open(&connection, &codes, SpaceId(1), Options::default()).expect("the table");
    let ids: Vec<i64> = (0..data.rows as i64).step_by(every).collect();
    let filter = if every == 1 { Filter::All } else { Filter::Ids(&ids) };
    let start = std::time::Instant::now();
    let (mut searches, mut times, mut costs) = (0, Vec::new(), Vec::new());
    while start.elapsed().as_secs() < 5 {
        for (query, _) in data.queries() {
            let before = processor_time();
            times.push(time(|| search(&table, &connection, query, &filter)).1);
            costs.push(processor_time() - before);
            searches += 1;
        }
    }
    let mean = costs.iter().sum::<std::time::Duration>().as_secs_f64() * 1e3 / searches as f64;
    println!(
        "{searches} searches, p50 {:.4} ms; on the processor p50 {:.4} ms, mean {mean:.4} ms",
        percentile(&mut times, 50),
        percentile(&mut costs, 50)
    );
}

/// Makes the code files anew, with lists of so many rows.
pub fn index_again(folder: &Path, list_rows: usize) {
    let codes = folder.join("edgewise/codes");
    fs::remove_dir_all(&codes).ok();
    let connection = connect(&folder.join("edgewise/data.sqlite"));
    let options = Options { list_rows, background: false, ..Options::default() };
    let table = VectorTable::open(&connection, &codes, SpaceId(1), options).expect("the table");
    let (_, took) = time(|| table.settle(&connection, &Cancel::new()).expect("codes"));
    println!(
        "lists of {list_rows} rows in {took:.1?}: {:?}",
        table.stats(&connection).expect("stats").segments
    );
}
