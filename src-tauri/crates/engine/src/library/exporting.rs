//! The vector tables looked at from outside: figures, checks, and files for other programs.

use super::vectors::Tables;
use crate::Engine;
use crate::error::Error;
use domain::{Fault, FaultCode, VectorFormat, VectorInfo};
use std::io::{BufWriter, Write};
use store::Store;
use store::rusqlite::Connection;
use vector_table::{Columns, Format, VectorTable};

/// The columns beside each vector.
const COLUMNS: [&str; 5] = ["document", "name", "page", "headings", "text"];

/// The tables in figures.
pub(crate) async fn info(engine: &Engine) -> Result<Vec<VectorInfo>, Fault> {
    each(engine, |table, connection| {
        let stats = table.stats(connection)?;
        Ok(VectorInfo {
            model: stats.space.model.clone().into(),
            dimensions: u32::try_from(stats.space.dimensions).unwrap_or(u32::MAX),
            pooling: stats.space.pooling.clone(),
            metric: match stats.space.metric.name() {
                "dot-product" => "dot",
                name => name,
            }
            .to_owned(),
            rows: stats.rows,
            bytes: stats.vector_bytes + stats.code_bytes() as u64,
        })
    })
    .await
}

/// What is wrong, a line for each.
pub(crate) async fn verify(engine: &Engine) -> Result<Vec<String>, Fault> {
    let problems = each(engine, |table, connection| {
        let report = table.verify(connection)?;
        Ok(report.problems.iter().map(|problem| format!("{}: {problem}", table.space())).collect::<Vec<_>>())
    })
    .await?;
    Ok(problems.into_iter().flatten().collect())
}

/// Writes all vectors to `out`; how many. With several spaces it gets them one after another.
pub(crate) async fn export(
    engine: &Engine,
    format: VectorFormat,
    open: impl FnOnce() -> std::io::Result<Box<dyn Write + Send>> + Send + 'static,
) -> Result<u64, Fault> {
    let format = match format {
        VectorFormat::Jsonl => Format::JsonLines,
        VectorFormat::Csv => Format::Csv,
        VectorFormat::Parquet => Format::Parquet,
        VectorFormat::Vectorize => Format::Vectorize,
        VectorFormat::Sql => Format::Sql,
    };
    let unwritable = |error: std::io::Error| Fault::new(FaultCode::ReadOnly).with_detail(error.to_string());
    let tables = engine.clone();
    engine
        .database()
        .read(move |shelf| {
            let mut out = BufWriter::new(open().map_err(unwritable)?);
            let rows = write_all(tables.tables(), &shelf.disk, format, &mut out)?;
            out.flush().map_err(unwritable)?;
            Ok(rows)
        })
        .await
}

fn write_all(
    tables: &Tables,
    store: &Store,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<u64, Error> {
    store.read(|tx| {
        let mut rows = 0;
        for (space, _) in VectorTable::spaces(tx)? {
            let table = tables.table(tx, store, space)?;
            let mut values = |id: i64| store::library::export_columns(tx, id);
            rows += table.export(tx, format, out, &mut Columns { names: &COLUMNS, values: &mut values })?;
        }
        Ok(rows)
    })
}

async fn each<T: Send + 'static>(
    engine: &Engine,
    look: impl Fn(&VectorTable, &Connection) -> Result<T, Error> + Send + 'static,
) -> Result<Vec<T>, Fault> {
    let tables = engine.clone();
    engine
        .database()
        .read(move |shelf| {
            shelf.disk.read(|tx| {
                let spaces = VectorTable::spaces(tx)?;
                let table = |space| tables.tables().table(tx, &shelf.disk, space);
                spaces.into_iter().map(|(space, _)| look(&table(space)?, tx)).collect()
            })
        })
        .await
}
