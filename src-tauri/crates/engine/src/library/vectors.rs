//! The vector tables of the library, opened when they are first needed, and the embedding spaces that settings mean.

use crate::Engine;
use crate::error::Error;
use domain::CollectionSettings;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use store::Store;
use store::rusqlite::{Connection, Transaction};
use vector_table::{Metric, Options, Space, SpaceId, VectorTable};
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
    /// The table of a space. `connection` is used for this call only.
    pub(crate) fn table(
        &self,
        connection: &Connection,
        store: &Store,
        space: SpaceId,
    ) -> Result<VectorTable, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = open.get(&space.0) {
            return Ok(table.clone());
        }
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

impl Engine {
    pub(crate) fn tables(&self) -> &Tables {
        &self.library_state().tables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
