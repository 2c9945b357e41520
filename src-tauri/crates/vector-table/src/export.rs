//! The table as a file that others read: JSON lines, CSV, NDJSON for Cloudflare Vectorize, SQL, Parquet.
//!
//! The table knows no texts and no documents: the caller adds columns of its own to each row ([`Columns`]). Numbers are
//! written with as many digits as give back the same f32.

use std::io::Write;

use rusqlite::Connection;

use crate::error::Result;
use crate::rows::StoredRow;
use crate::space::Space;
use crate::table::VectorTable;

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line: `id`, `collection`, the caller's columns, `vector`.
    JsonLines,
    /// A header and one line a row, RFC 4180; the vector as a JSON array in its last column.
    Csv,
    /// One JSON object a line as `wrangler vectorize insert` takes it: `id` (text), `values`, `namespace` (the
    /// collection, as text), `metadata` (the caller's columns).
    Vectorize,
    /// Statements that make a table `vectors` and fill it, in the words that SQLite and the MySQL family share; the
    /// vector as a JSON array in text, which TiDB and seekdb cast to their vector types.
    Sql,
    /// A Parquet file with the vector as a list of floats. Needs the feature `parquet`.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Format {
    /// The format of a word: `jsonl`, `csv`, `vectorize`, `sql`, and `parquet` where it is built in.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "jsonl" => Format::JsonLines,
            "csv" => Format::Csv,
            "vectorize" => Format::Vectorize,
            "sql" => Format::Sql,
            #[cfg(feature = "parquet")]
            "parquet" => Format::Parquet,
            _ => return None,
        })
    }
}

/// What the caller adds to each row: text, document, heading.
pub struct Columns<'a> {
    /// Their names, as they are to stand in the file.
    pub names: &'a [&'a str],
    /// The values for the row of an id, one for each name; none is written as null (or left out of metadata).
    pub values: &'a mut dyn FnMut(i64) -> Vec<Option<String>>,
}

impl VectorTable {
    /// Writes all rows, in one snapshot of the database; returns how many there were.
    ///
    /// # Errors
    /// [`crate::Error::Export`] when the writer fails; what the database says.
    pub fn export(
        &self,
        connection: &Connection,
        format: Format,
        out: &mut (dyn Write + Send),
        columns: &mut Columns<'_>,
    ) -> Result<u64> {
        match format {
            Format::JsonLines => self.write_each(connection, out, columns, json_line),
            Format::Vectorize => self.write_each(connection, out, columns, vectorize_line),
            Format::Csv => {
                let header: Vec<String> = ["id", "collection"]
                    .iter()
                    .chain(columns.names)
                    .chain(&["vector"])
                    .map(|name| csv_field(name))
                    .collect();
                out.write_all(format!("{}\r\n", header.join(",")).as_bytes())?;
                self.write_each(connection, out, columns, csv_line)
            }
            Format::Sql => {
                out.write_all(sql_head(self.space(), columns.names).as_bytes())?;
                let written = self.write_each(connection, out, columns, sql_line)?;
                out.write_all(b"COMMIT;\n")?;
                Ok(written)
            }
            #[cfg(feature = "parquet")]
            Format::Parquet => crate::parquet::write(self, connection, out, columns),
        }
    }

    fn write_each(
        &self,
        connection: &Connection,
        out: &mut dyn Write,
        columns: &mut Columns<'_>,
        line: fn(&StoredRow, &[&str], &[Option<String>]) -> String,
    ) -> Result<u64> {
        let mut written = 0;
        self.iterate(connection, |row| {
            let values = (columns.values)(row.id);
            out.write_all(line(&row, columns.names, &values).as_bytes())?;
            written += 1;
            Ok(true)
        })?;
        Ok(written)
    }
}

/// A JSON array. `{}` of an f32 is the shortest text that reads back as the same number.
fn array(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// A JSON string, or null.
fn json(text: Option<&str>) -> String {
    let Some(text) = text else { return "null".to_owned() };
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if u32::from(control) < 0x20 => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(control)))
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

fn json_line(row: &StoredRow, names: &[&str], values: &[Option<String>]) -> String {
    let extra: String = names
        .iter()
        .zip(values)
        .map(|(name, value)| format!("{}:{},", json(Some(name)), json(value.as_deref())))
        .collect();
    format!(
        "{{\"id\":{},\"collection\":{},{extra}\"vector\":{}}}\n",
        row.id,
        row.collection,
        array(&row.vector)
    )
}

fn vectorize_line(row: &StoredRow, names: &[&str], values: &[Option<String>]) -> String {
    let metadata: Vec<String> = names
        .iter()
        .zip(values)
        .filter_map(|(name, value)| Some(format!("{}:{}", json(Some(name)), json(Some(value.as_deref()?)))))
        .collect();
    format!(
        "{{\"id\":\"{}\",\"values\":{},\"namespace\":\"{}\",\"metadata\":{{{}}}}}\n",
        row.id,
        array(&row.vector),
        row.collection,
        metadata.join(",")
    )
}

fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn csv_line(row: &StoredRow, _names: &[&str], values: &[Option<String>]) -> String {
    let mut fields = vec![row.id.to_string(), row.collection.to_string()];
    fields.extend(values.iter().map(|value| csv_field(value.as_deref().unwrap_or(""))));
    fields.push(csv_field(&array(&row.vector)));
    format!("{}\r\n", fields.join(","))
}

/// Column names come from the application, but may hold what SQL would read otherwise.
fn sql_name(name: &str) -> String {
    name.chars().map(|character| if character.is_alphanumeric() { character } else { '_' }).collect()
}

fn sql_head(space: &Space, names: &[&str]) -> String {
    let extra: String = names.iter().map(|name| format!("  {} TEXT,\n", sql_name(name))).collect();
    let model = space.to_string().replace(['\n', '\r'], " ");
    format!(
        "-- {model}\nBEGIN;\nCREATE TABLE vectors (\n  id BIGINT PRIMARY KEY,\n  collection BIGINT NOT NULL,\n{extra}  \
         vector TEXT NOT NULL -- {} numbers\n);\n",
        space.dimensions
    )
}

fn sql_line(row: &StoredRow, _names: &[&str], values: &[Option<String>]) -> String {
    let extra: String = values.iter().map(|value| format!("{},", sql_text(value.as_deref()))).collect();
    format!("INSERT INTO vectors VALUES ({},{},{extra}'{}');\n", row.id, row.collection, array(&row.vector))
}

/// A text as SQLite, MySQL and TiDB all read it. Backslashes mean something to the latter two and nothing to SQLite, and
/// NUL ends a text for some: such texts are written as bytes and cast.
fn sql_text(text: Option<&str>) -> String {
    match text {
        None => "NULL".to_owned(),
        Some(text) if text.contains(['\\', '\0']) => {
            let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            format!("CAST(x'{bytes}' AS CHAR)")
        }
        Some(text) => format!("'{}'", text.replace('\'', "''")),
    }
}
