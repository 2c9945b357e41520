//! The vector tables looked at from outside: figures, checks, and files for other programs.

use super::Library;
use super::vectors::Tables;
use crate::Engine;
use crate::error::Error;
use domain::{Fault, FaultCode, VectorFormat, VectorInfo};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use store::Store;
use store::rusqlite::Connection;
use vector_table::{Columns, Format, Space, SpaceId, VectorTable};

/// The columns beside each vector.
const COLUMNS: [&str; 6] = ["model", "document", "name", "page", "headings", "text"];

impl Library {
    /// The vector tables in figures.
    ///
    /// # Errors
    /// The store's.
    pub async fn vector_info(&self) -> Result<Vec<VectorInfo>, Fault> {
        each(&self.engine, |table, connection| {
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

    /// Compares vectors and codes with what was written. Each line is something wrong.
    ///
    /// # Errors
    /// The store's.
    pub async fn verify_vectors(&self) -> Result<Vec<String>, Fault> {
        let problems = each(&self.engine, |table, connection| {
            let problems = table.verify(connection)?.problems;
            Ok(problems.iter().map(|problem| format!("{}: {problem}", table.space())).collect::<Vec<_>>())
        })
        .await?;
        Ok(problems.into_iter().flatten().collect())
    }

    /// Writes the vectors that searches use with their passages to a file; how many. Where collections have several models,
    /// those of each further one go to a file of their own beside it, named after the model.
    ///
    /// # Errors
    /// The disk's.
    pub async fn export_vectors(&self, format: VectorFormat, file: PathBuf) -> Result<u64, Fault> {
        export(&self.engine, format, None, Target::File(file)).await
    }

    /// As [`Library::export_vectors`], of one model only.
    ///
    /// # Errors
    /// `NotFound` when there are no vectors of this model; the disk's.
    pub async fn export_vectors_of(
        &self,
        format: VectorFormat,
        model: String,
        file: PathBuf,
    ) -> Result<u64, Fault> {
        export(&self.engine, format, Some(model), Target::File(file)).await
    }

    /// As [`Library::export_vectors`], to anything that can be written to.
    ///
    /// # Errors
    /// As there; `InvalidInput` when there are several models and none is named.
    pub async fn export_vectors_to(
        &self,
        format: VectorFormat,
        model: Option<String>,
        out: impl std::io::Write + Send + 'static,
    ) -> Result<u64, Fault> {
        export(&self.engine, format, model, Target::Stream(Box::new(out))).await
    }
}

/// Where an export goes.
enum Target {
    /// A file that the person named. It is whole or as it was before.
    File(PathBuf),
    /// Anything that can be written to.
    Stream(Box<dyn Write + Send>),
}

/// Writes the vectors that searches use, of one model to a file: two models in one would be two tables. Of several the one
/// that is named, or, into files, each into its own beside the one that was chosen.
async fn export(
    engine: &Engine,
    format: VectorFormat,
    model: Option<String>,
    target: Target,
) -> Result<u64, Fault> {
    let format = match format {
        VectorFormat::Jsonl => Format::JsonLines,
        VectorFormat::Csv => Format::Csv,
        VectorFormat::Parquet => Format::Parquet,
        VectorFormat::Vectorize => Format::Vectorize,
        VectorFormat::Sql => Format::Sql,
    };
    let owner = engine.clone();
    engine
        .database()
        .read(move |shelf| {
            let tables = owner.tables();
            let spaces = serving(tables, &shelf.disk, model.as_deref())?;
            match target {
                Target::Stream(out) => {
                    let [space] = spaces.as_slice() else { return Err(several(&spaces).into()) };
                    let mut out = BufWriter::new(out);
                    let rows = write_one(tables, &shelf.disk, format, space, &mut out)?;
                    out.flush().map_err(|error| unwritable(&error))?;
                    Ok(rows)
                }
                Target::File(file) => {
                    let mut rows = 0;
                    for (number, space) in spaces.iter().enumerate() {
                        let path = if number == 0 { file.clone() } else { beside(&file, &space.1.model) };
                        rows += write_file(&path, |out| write_one(tables, &shelf.disk, format, space, out))?;
                    }
                    Ok(rows)
                }
            }
        })
        .await
}

/// The spaces that collections are searched in, those with most rows first; emptied ones are none.
fn serving(tables: &Tables, store: &Store, model: Option<&str>) -> Result<Vec<(SpaceId, Space)>, Error> {
    let used: Vec<i64> = store.collections()?.into_iter().filter_map(|row| row.space).collect();
    store.read(|tx| {
        let mut found = Vec::new();
        for (id, space) in VectorTable::spaces(tx)? {
            let rows = tables.table(tx, store, id)?.stats(tx)?.rows;
            if rows > 0 && used.contains(&id.0) && model.is_none_or(|model| model == space.model) {
                found.push((rows, id, space));
            }
        }
        found.sort_by_key(|(rows, id, _)| (std::cmp::Reverse(*rows), id.0));
        if found.is_empty() && model.is_some() {
            return Err(crate::error::not_found("vectors of this model").into());
        }
        Ok(found.into_iter().map(|(_, id, space)| (id, space)).collect())
    })
}

fn several(spaces: &[(SpaceId, Space)]) -> Fault {
    let models: Vec<&str> = spaces.iter().map(|(_, space)| space.model.as_str()).collect();
    if models.is_empty() {
        return crate::error::not_found("vectors");
    }
    crate::error::invalid(&format!("name one of these models: {}", models.join(", ")))
}

/// `vectors.csv` and `@cf/baai/bge-m3` → `vectors (cf-baai-bge-m3).csv`.
fn beside(file: &Path, model: &str) -> PathBuf {
    let plain: String =
        model.chars().map(|one| if one.is_alphanumeric() || one == '.' { one } else { '-' }).collect();
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem} ({})", plain.trim_matches('-'));
    let extension = file.extension().map(|extension| extension.to_string_lossy());
    file.with_file_name(extension.map_or(name.clone(), |extension| format!("{name}.{extension}")))
}

/// Beside it first, then in its place: an export that fails leaves what was there.
fn write_file(
    file: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<u64, Error>,
) -> Result<u64, Error> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let part = file.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let written = File::create(&part).map_err(|error| unwritable(&error).into()).and_then(|created| {
        let mut out = BufWriter::new(created);
        let rows = fill(&mut out)?;
        let created = out.into_inner().map_err(|error| unwritable(error.error()))?;
        created.sync_all().and_then(|()| std::fs::rename(&part, file)).map_err(|error| unwritable(&error))?;
        Ok(rows)
    });
    if written.is_err() {
        // The error that is returned matters more than one about a leftover.
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn unwritable(error: &std::io::Error) -> Fault {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull => FaultCode::DiskFull,
        _ => FaultCode::ReadOnly,
    };
    Fault::new(code).with_detail(error.to_string())
}

fn write_one(
    tables: &Tables,
    store: &Store,
    format: Format,
    (id, space): &(SpaceId, Space),
    out: &mut (dyn Write + Send),
) -> Result<u64, Error> {
    store.read(|tx| {
        let table = tables.table(tx, store, *id)?;
        let mut values = |row: i64| {
            let mut columns = vec![Some(space.model.clone())];
            columns.extend(store::library::export_columns(tx, row));
            columns
        };
        Ok(table.export(tx, format, out, &mut Columns { names: &COLUMNS, values: &mut values })?)
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
