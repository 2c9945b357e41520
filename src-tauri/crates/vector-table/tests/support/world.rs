//! A table on disk beside a plain map that knows what it should say.

#![allow(dead_code, reason = "every test file uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "a test ends where something goes wrong")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use vector_table::{Cancel, Filter, Hit, Metric, Options, Recall, Row, Space, SpaceId, VectorTable};

pub struct World {
    pub folder: TempDir,
    pub connection: Connection,
    pub table: VectorTable,
    pub truth: Truth,
    pub options: Options,
}

/// Without the worker, so that a test decides when codes are made.
pub fn quiet() -> Options {
    Options { background: false, ..Options::default() }
}

pub fn space(dimensions: usize, metric: Metric) -> Space {
    Space { model: "test-model".into(), dimensions, pooling: None, metric }
}

pub fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.pragma_update(None, "synchronous", "normal").unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    connection
}

pub fn create(path: &Path, space: &Space) -> (Connection, SpaceId) {
    let mut connection = connect(path);
    let transaction = connection.transaction().unwrap();
    transaction.execute_batch(VectorTable::SCHEMA).unwrap();
    let id = VectorTable::create(&transaction, space).unwrap();
    transaction.commit().unwrap();
    (connection, id)
}

impl World {
    pub fn new(space: &Space, options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (connection, id) = create(&folder.path().join("data.sqlite"), space);
        let table =
            VectorTable::open(&connection, &folder.path().join("codes"), id, options.clone()).unwrap();
        Self { folder, connection, table, truth: Truth::new(space.metric), options }
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data.sqlite")
    }

    pub fn codes(&self) -> PathBuf {
        self.folder.path().join("codes")
    }

    pub fn code_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.codes())
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "codes"))
            .collect();
        files.sort();
        files
    }

    pub fn upsert(&mut self, rows: &[(i64, i64, Vec<f32>)]) {
        let transaction = self.connection.transaction().unwrap();
        let borrowed: Vec<Row<'_>> = rows
            .iter()
            .map(|(id, collection, vector)| Row { id: *id, collection: *collection, vector })
            .collect();
        self.table.upsert(&transaction, &borrowed).unwrap();
        transaction.commit().unwrap();
        for (id, collection, vector) in rows {
            self.truth.rows.insert(*id, (*collection, vector.clone()));
        }
    }

    pub fn delete(&mut self, ids: &[i64]) {
        let transaction = self.connection.transaction().unwrap();
        let removed = self.table.delete(&transaction, ids).unwrap();
        transaction.commit().unwrap();
        let before = self.truth.rows.len();
        ids.iter().for_each(|id| drop(self.truth.rows.remove(id)));
        assert_eq!(removed, before - self.truth.rows.len(), "rows said to be deleted");
    }

    pub fn reopen(&mut self) {
        let id = self.table.id();
        self.connection = connect(&self.database());
        self.table = VectorTable::open(&self.connection, &self.codes(), id, self.options.clone()).unwrap();
    }

    /// Goes on with what is on disk at this moment, as after a power cut: nothing is closed.
    pub fn crash(&mut self) {
        let folder = tempfile::tempdir().unwrap();
        let mut places = vec![(self.folder.path().to_path_buf(), folder.path().to_path_buf())];
        while let Some((from, to)) = places.pop() {
            std::fs::create_dir_all(&to).unwrap();
            for entry in std::fs::read_dir(&from).unwrap().flatten() {
                let (path, copy) = (entry.path(), to.join(entry.file_name()));
                if path.is_dir() {
                    places.push((path, copy));
                } else if !path.to_string_lossy().ends_with("-shm") {
                    // What the worker deletes meanwhile was not needed.
                    let _ = std::fs::copy(&path, &copy);
                }
            }
        }
        let before = std::mem::replace(&mut self.folder, folder);
        self.reopen();
        drop(before);
    }

    fn copy_path(&self) -> PathBuf {
        self.folder.path().join("copy.sqlite")
    }

    /// Puts a copy of the database away.
    pub fn keep_copy(&self) {
        let _ = std::fs::remove_file(self.copy_path());
        self.connection.execute("VACUUM INTO ?1", [self.copy_path().to_str().unwrap()]).unwrap();
    }

    /// Puts the copy back; the code files stay, whatever they are of.
    pub fn restore_copy(&mut self) {
        let database = self.database();
        self.connection = Connection::open_in_memory().unwrap();
        // Its thread reads the old database no more.
        let id = self.table.id();
        let empty = Connection::open_in_memory().unwrap();
        empty.execute_batch(VectorTable::SCHEMA).unwrap();
        empty
            .execute(
                "INSERT INTO vector_space (id, model, dimensions, metric) VALUES (?1, 'none', 1, 'cosine')",
                [id.0],
            )
            .unwrap();
        self.table = VectorTable::open(&empty, Path::new(""), id, quiet()).unwrap();
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", database.display()));
        }
        std::fs::copy(self.copy_path(), &database).unwrap();
        self.reopen();
    }

    /// With a table opened anew, on the same connection.
    pub fn reopen_quietly(&self, look: impl FnOnce(&VectorTable, &Connection)) {
        look(
            &VectorTable::open(&self.connection, &self.codes(), self.table.id(), quiet()).unwrap(),
            &self.connection,
        );
    }

    /// Brings the codes up to date; the worker may be at it, and is waited for.
    pub fn settle(&self) {
        patiently(|| self.table.settle(&self.connection, &Cancel::new()).unwrap());
    }

    /// Writes all codes anew, likewise.
    pub fn compact(&self) {
        patiently(|| self.table.compact(&self.connection, &Cancel::new()).unwrap());
    }

    pub fn search(&self, query: &[f32], k: usize, filter: &Filter<'_>, recall: Recall) -> Vec<Hit> {
        self.table.search(&self.connection, query, k, filter, recall, &Cancel::new()).unwrap()
    }

    /// *Exact* gives the very hits of the map, in their order.
    pub fn check(&self, query: &[f32], k: usize, filter: &Filter<'_>) {
        let expected = self.truth.nearest(query, k, filter);
        let found = self.search(query, k, filter, Recall::Exact);
        let ids = |hits: &[Hit]| hits.iter().map(|hit| hit.id).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&expected), "the {k} nearest under {filter:?}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found.score - expected.score).abs() <= 1e-5 * (1.0 + expected.score.abs()), "{found:?}");
            assert!((found.distance - expected.distance).abs() <= 1e-5, "{found:?} should be {expected:?}");
        }
    }
}

/// What the table should hold, searched by looking at everything.
pub struct Truth {
    pub metric: Metric,
    pub rows: BTreeMap<i64, (i64, Vec<f32>)>,
}

impl Truth {
    pub fn new(metric: Metric) -> Self {
        Self { metric, rows: BTreeMap::new() }
    }

    pub fn nearest(&self, query: &[f32], k: usize, filter: &Filter<'_>) -> Vec<Hit> {
        let mut scored: Vec<(f64, Hit)> = self
            .rows
            .iter()
            .filter(|(id, (collection, _))| passes(filter, **id, *collection))
            .map(|(id, (_, vector))| score(self.metric, query, *id, vector))
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.id.cmp(&b.1.id)));
        scored.truncate(k);
        scored.into_iter().map(|(_, hit)| hit).collect()
    }
}

pub fn passes(filter: &Filter<'_>, id: i64, collection: i64) -> bool {
    match filter {
        Filter::All => true,
        Filter::Collections(collections) => collections.contains(&collection),
        Filter::Ids(ids) => ids.contains(&id),
        Filter::And(parts) => parts.iter().all(|part| passes(part, id, collection)),
    }
}

fn score(metric: Metric, query: &[f32], id: i64, vector: &[f32]) -> (f64, Hit) {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let (product, own, square) = (dot(query, vector), dot(query, query), dot(vector, vector));
    let norm = own.sqrt();
    let cosine = (product / (norm * square.sqrt())).clamp(-1.0, 1.0);
    let away = (own + square - 2.0 * product).max(0.0);
    let (rank, score) = match metric {
        Metric::Cosine => (cosine, cosine),
        Metric::Dot => (product / norm, product),
        Metric::Euclidean => (-away / 2.0, -away.sqrt()),
    };
    (rank, Hit { id, score: score as f32, distance: (1.0 - cosine) as f32 })
}

/// Random numbers that are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Even between 0 and 1.
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Normal, deviation 1.
    pub fn normal(&mut self) -> f32 {
        let (radius, angle) = (self.unit().max(1e-12), self.unit());
        (-2.0 * radius.ln()).sqrt() * (std::f32::consts::TAU * angle).cos()
    }

    pub fn vector(&mut self, dimensions: usize) -> Vec<f32> {
        (0..dimensions).map(|_| self.normal()).collect()
    }
}

/// Tries until it is done.
fn patiently(done: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !done() {
        assert!(std::time::Instant::now() < deadline, "the worker never ends");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}
