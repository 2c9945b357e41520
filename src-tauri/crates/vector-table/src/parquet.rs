//! Parquet, by the crate of that name without Arrow: `id`, `collection`, the caller's columns, and `vector` as a list of
//! floats in the standard three levels, which every reader of Parquet takes for a list.

use std::io::Write;
use std::sync::Arc;

use ::parquet::basic::{LogicalType, Repetition, Type as Physical};
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{Type, TypePtr};
use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::export::Columns;
use crate::rows::StoredRow;
use crate::space::Space;
use crate::table::VectorTable;

/// Rows written together: some megabytes.
const GROUP_ROWS: usize = 2048;

/// Writes all rows; returns how many there were.
pub fn write(
    table: &VectorTable,
    connection: &Connection,
    out: &mut (dyn Write + Send),
    columns: &mut Columns<'_>,
) -> Result<u64> {
    let properties =
        WriterProperties::builder().set_key_value_metadata(Some(metadata(table.space()))).build();
    let mut writer = SerializedFileWriter::new(out, schema(columns.names)?, Arc::new(properties))?;
    let (mut group, mut written) = (Vec::with_capacity(GROUP_ROWS), 0);
    table.iterate(connection, |row| {
        let values = (columns.values)(row.id);
        group.push((row, values));
        written += 1;
        if group.len() == GROUP_ROWS {
            write_group(&mut writer, &group, columns.names.len())?;
            group.clear();
        }
        Ok(true)
    })?;
    if !group.is_empty() {
        write_group(&mut writer, &group, columns.names.len())?;
    }
    writer.close()?;
    Ok(written)
}

impl From<ParquetError> for Error {
    fn from(failure: ParquetError) -> Self {
        Error::Export(std::io::Error::other(failure))
    }
}

fn metadata(space: &Space) -> Vec<KeyValue> {
    let pair = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    vec![
        pair("model", &space.model),
        pair("dimensions", &space.dimensions.to_string()),
        pair("pooling", space.pooling.as_deref().unwrap_or("")),
        pair("metric", space.metric.name()),
    ]
}

fn schema(names: &[&str]) -> Result<TypePtr> {
    let number = |name: &str| {
        Type::primitive_type_builder(name, Physical::INT64).with_repetition(Repetition::REQUIRED).build()
    };
    let mut fields = vec![Arc::new(number("id")?), Arc::new(number("collection")?)];
    for name in names {
        let text = Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(Some(LogicalType::String));
        fields.push(Arc::new(text.build()?));
    }
    let element = Type::primitive_type_builder("element", Physical::FLOAT)
        .with_repetition(Repetition::REQUIRED)
        .build()?;
    let list = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    let vector = Type::group_type_builder("vector")
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(list)])
        .build()?;
    fields.push(Arc::new(vector));
    Ok(Arc::new(Type::group_type_builder("vectors").with_fields(fields).build()?))
}

type Described = (StoredRow, Vec<Option<String>>);

fn write_group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    rows: &[Described],
    texts: usize,
) -> Result<()> {
    let mut group = writer.next_row_group()?;
    let mut index = 0;
    while let Some(mut column) = group.next_column()? {
        match column.untyped() {
            ColumnWriter::Int64ColumnWriter(column) => {
                let values: Vec<i64> =
                    rows.iter().map(|(row, _)| if index == 0 { row.id } else { row.collection }).collect();
                column.write_batch(&values, None, None)?;
            }
            ColumnWriter::ByteArrayColumnWriter(column) => {
                let text = |described: &Described| described.1.get(index - 2).cloned().flatten();
                let (values, levels) = (
                    rows.iter()
                        .filter_map(text)
                        .map(|text| ByteArray::from(text.into_bytes()))
                        .collect::<Vec<_>>(),
                    rows.iter().map(|row| i16::from(text(row).is_some())).collect::<Vec<_>>(),
                );
                column.write_batch(&values, Some(&levels), None)?;
            }
            ColumnWriter::FloatColumnWriter(column) => {
                let values: Vec<f32> = rows.iter().flat_map(|(row, _)| row.vector.iter().copied()).collect();
                // Each element is there (definition 1); the first of each row begins a new list (repetition 0).
                let definitions = vec![1; values.len()];
                let repetitions: Vec<i16> = rows
                    .iter()
                    .flat_map(|(row, _)| (0..row.vector.len()).map(|place| i16::from(place > 0)))
                    .collect();
                column.write_batch(&values, Some(&definitions), Some(&repetitions))?;
            }
            _ => unreachable!("the schema has no other types"),
        }
        column.close()?;
        index += 1;
    }
    debug_assert_eq!(index, texts + 3, "every column was written");
    group.close()?;
    Ok(())
}
