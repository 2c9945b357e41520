//! The vector tables of the library, opened when they are first needed, and the embedding spaces that settings mean.

use crate::Engine;
use crate::database::Database;
use crate::error::Error;
use crate::library::Library;
use domain::{CollectionSettings, Fault};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use store::Store;
use store::rusqlite::{Connection, Transaction};
use vector_table::{Cancel, Metric, Options, Space, SpaceId, VectorTable};
use workers_ai::has_pooling;

/// The tables that are open.
#[derive(Default)]
pub(crate) struct Tables {
    open: Mutex<HashMap<i64, VectorTable>>,
}

/// What a collection's settings say of its vectors; how long they are, the model's first answer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpaceName {
    /// The model, with the provider's address where it is not Workers AI.
    pub(crate) model: String,
    /// Of the models that have a choice.
    pub(crate) pooling: Option<String>,
}

impl SpaceName {
    /// The name of the space that settings mean.
    pub(crate) fn of(settings: &CollectionSettings) -> Self {
        match &settings.provider_url {
            Some(url) => Self { model: format!("{url} {}", settings.embedding_model), pooling: None },
            None => Self {
                model: settings.embedding_model.to_string(),
                pooling: has_pooling(&settings.embedding_model).then(|| "cls".to_owned()),
            },
        }
    }

    /// The space of that name, when there is one. Of several (a model whose length changed) the newest.
    pub(crate) fn find(&self, connection: &Connection) -> Result<Option<SpaceId>, Error> {
        let spaces = VectorTable::spaces(connection)?;
        let of_this_name = spaces.into_iter().filter(|(_, space)| {
            space.model == self.model && space.pooling == self.pooling && space.metric == Metric::Cosine
        });
        Ok(of_this_name.map(|(id, _)| id).max())
    }

    /// The space of that name for vectors of this length.
    pub(crate) fn create(&self, transaction: &Transaction<'_>, dimensions: usize) -> Result<SpaceId, Error> {
        let space = Space {
            model: self.model.clone(),
            dimensions,
            pooling: self.pooling.clone(),
            metric: Metric::Cosine,
        };
        Ok(VectorTable::create(transaction, &space)?)
    }
}

impl Tables {
    /// The table of a space, as the database has it that `connection` reads. `connection` is used for this call only.
    pub(crate) fn table(
        &self,
        connection: &Connection,
        store: &Store,
        space: SpaceId,
    ) -> Result<VectorTable, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = open.get(&space.0)
            && table.belongs(connection)?
        {
            return Ok(table.clone());
        }
        // None yet, or one of a database that another has taken the place of.
        let table = VectorTable::open(connection, &folder(store), space, Options::default())?;
        open.insert(space.0, table.clone());
        Ok(table)
    }

    /// Deletes vectors, told by space, in the caller's transaction.
    pub(crate) fn delete(
        &self,
        transaction: &Transaction<'_>,
        store: &Store,
        vectors: &[(i64, i64)],
    ) -> Result<(), Error> {
        let mut by_space: HashMap<i64, Vec<i64>> = HashMap::new();
        for (space, id) in vectors {
            by_space.entry(*space).or_default().push(*id);
        }
        for (space, ids) in by_space {
            self.table(transaction, store, SpaceId(space))?.delete(transaction, &ids)?;
        }
        Ok(())
    }

    /// Lets go of all tables: their threads end.
    pub(crate) fn close(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Has the vectors of passages lie in another collection of the vector table.
pub(crate) fn recollect(
    engine: &Engine,
    transaction: &Transaction<'_>,
    store: &Store,
    passages: &[i64],
    collection: i64,
) -> Result<(), Error> {
    for (space, _) in VectorTable::spaces(transaction)? {
        let table = engine.tables().table(transaction, store, space)?;
        for id in passages {
            if let Some(row) = table.get(transaction, *id)? {
                table
                    .upsert(transaction, &[vector_table::Row { id: *id, collection, vector: &row.vector }])?;
            }
        }
    }
    Ok(())
}

/// Where codes lie. They are made from the rows and can be deleted at any time.
fn folder(store: &Store) -> PathBuf {
    store.dir().map_or_else(PathBuf::new, |dir| dir.join("cache").join("vectors"))
}

/// Something that is not as it was written, in a vector table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorProblem {
    /// The table, and what is wrong.
    pub what: String,
    /// Whether it is of codes alone, which are made anew from the rows: nothing is lost.
    pub rebuildable: bool,
}

impl Library {
    /// All there is to say of the vector tables.
    ///
    /// # Errors
    /// The store's.
    pub async fn vector_stats(&self) -> Result<Vec<vector_table::Stats>, Fault> {
        self.each_table(|table, connection| Ok(table.stats(connection)?)).await
    }

    /// Compares vectors and codes with what was written.
    ///
    /// # Errors
    /// The store's.
    pub async fn vector_problems(&self) -> Result<Vec<VectorProblem>, Fault> {
        let found = self.each_table(|table, connection| {
            let report = table.verify(connection)?;
            let problem = |problem: &vector_table::Problem| VectorProblem {
                what: format!("{}: {problem}", table.space()),
                rebuildable: problem.is_of_codes(),
            };
            Ok(report.problems.iter().map(problem).collect::<Vec<_>>())
        });
        Ok(found.await?.into_iter().flatten().collect())
    }

    async fn each_table<T: Send + 'static>(
        &self,
        look: impl Fn(&VectorTable, &Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<Vec<T>, Fault> {
        let engine = self.engine.clone();
        let looked = self.engine.database().read(move |shelf| {
            shelf.disk.read(|tx| {
                let table = |space| engine.tables().table(tx, &shelf.disk, space);
                let spaces = VectorTable::spaces(tx)?;
                spaces.into_iter().map(|(space, _)| look(&table(space)?, tx)).collect()
            })
        });
        looked.await
    }
}

/// Cancels what is searched for when it is dropped: nobody waits for the answer any more.
#[derive(Debug, Default)]
pub(crate) struct Searching(Cancel);

impl Searching {
    /// To hand to the search.
    pub(crate) fn cancel(&self) -> Cancel {
        self.0.clone()
    }
}

impl Drop for Searching {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Engine {
    pub(crate) fn tables(&self) -> &Tables {
        &self.library_state().tables
    }

    /// Closes all vector tables, before and after another database takes the place of the present one: what they know is
    /// of the one they were opened with.
    pub(crate) async fn close_tables(&self) {
        let engine = self.clone();
        // Their threads are waited for.
        let closed = Database::blocking(move || {
            engine.tables().close();
            Ok(())
        });
        if let Err(fault) = closed.await {
            tracing::warn!(code = ?fault.code, "the vector tables could not be closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_nobody_waits_for_is_cancelled() {
        let searching = Searching::default();
        let cancel = searching.cancel();
        assert!(!cancel.is_cancelled());
        drop(searching);
        assert!(cancel.is_cancelled());
    }

    #[test]
    fn the_migration_makes_the_tables_that_the_vector_table_documents() {
        let store = Store::in_memory().expect("store");
        let expected = Connection::open_in_memory().expect("memory");
        expected.execute_batch(VectorTable::SCHEMA).expect("schema");
        let schema = |connection: &Connection| {
            let mut statement = connection
                .prepare(
                    "SELECT sql FROM sqlite_schema WHERE name LIKE 'vector_%' AND sql NOT NULL ORDER BY name",
                )
                .expect("schema");
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("rows");
            rows.map(|sql| sql.expect("sql").split_whitespace().collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
        };
        let found = store.read(|tx| Ok::<_, store::Error>(schema(tx))).expect("read");
        assert_eq!(found, schema(&expected));
        assert!(found.len() >= 6);
    }
}
