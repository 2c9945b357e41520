//! What is exported reads back as the same rows, in every format.

#![allow(clippy::unwrap_used, reason = "a test ends where something goes wrong")]

#[path = "support/world.rs"]
mod world;

use std::collections::BTreeMap;

use vector_table::{Columns, Format, Metric};
use world::{Dice, World, quiet, space};

const TEXTS: [&str; 5] = [
    "plain",
    "it's \"quoted\", with a comma",
    "two\nlines\r\nand a tab\t",
    "back\\slash \u{1}",
    "编程语言 🦀",
];

type Rows = BTreeMap<i64, (i64, Option<String>, Vec<f32>)>;

fn world() -> (World, Rows) {
    let mut world = World::new(&space(6, Metric::Cosine), quiet());
    let mut dice = Dice(1);
    let mut rows: Vec<(i64, i64, Vec<f32>)> =
        (0..50).map(|id| (id * 3 - 20, id % 4, dice.vector(6))).collect();
    rows.push((1000, 7, vec![1e-38, -0.0, 3.4e38, 0.1, 16_777_216.0, -1.0]));
    world.upsert(&rows);
    let expected =
        rows.into_iter().map(|(id, collection, vector)| (id, (collection, text_of(id), vector))).collect();
    (world, expected)
}

fn text_of(id: i64) -> Option<String> {
    (id % 7 != 0).then(|| TEXTS[id.rem_euclid(5) as usize].to_owned())
}

fn export(world: &World, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    let mut columns = Columns { names: &["text"], values: &mut |id| vec![text_of(id)] };
    assert_eq!(world.table.export(&world.connection, format, &mut out, &mut columns).unwrap(), 51);
    out
}

fn floats(value: &serde_json::Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

#[test]
fn json_lines() {
    let (world, expected) = world();
    let mut found = Rows::new();
    for line in String::from_utf8(export(&world, Format::JsonLines)).unwrap().lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = value["text"].as_str().map(str::to_owned);
        found.insert(
            value["id"].as_i64().unwrap(),
            (value["collection"].as_i64().unwrap(), text, floats(&value["vector"])),
        );
    }
    assert_eq!(found, expected);
}

#[test]
fn lines_for_vectorize() {
    let (world, expected) = world();
    let mut found = Rows::new();
    for line in String::from_utf8(export(&world, Format::Vectorize)).unwrap().lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "values", "namespace", "metadata"]);
        let number = |key: &str| value[key].as_str().unwrap().parse::<i64>().unwrap();
        let text = value["metadata"]["text"].as_str().map(str::to_owned);
        found.insert(number("id"), (number("namespace"), text, floats(&value["values"])));
    }
    assert_eq!(found, expected);
}

#[test]
fn csv() {
    let (world, expected) = world();
    let text = String::from_utf8(export(&world, Format::Csv)).unwrap();
    let mut records = parse_csv(&text).into_iter();
    assert_eq!(records.next().unwrap(), ["id", "collection", "text", "vector"]);
    let found: Rows = records
        .map(|fields| {
            let text = Some(fields[2].clone()).filter(|text| !text.is_empty());
            let vector = floats(&serde_json::from_str(&fields[3]).unwrap());
            (fields[0].parse().unwrap(), (fields[1].parse().unwrap(), text, vector))
        })
        .collect();
    assert_eq!(found, expected);
}

/// RFC 4180, for fields that may hold anything between quotes.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut fields, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut fields));
            }
            other => field.push(other),
        }
    }
    records
}

#[test]
fn sql() {
    let (world, expected) = world();
    let script = String::from_utf8(export(&world, Format::Sql)).unwrap();
    let database = rusqlite::Connection::open_in_memory().unwrap();
    database.execute_batch(&script).unwrap();
    let mut statement = database.prepare("SELECT id, collection, text, vector FROM vectors").unwrap();
    let found: Rows = statement
        .query_map([], |row| {
            let vector: String = row.get(3)?;
            Ok((row.get(0)?, (row.get(1)?, row.get(2)?, floats(&serde_json::from_str(&vector).unwrap()))))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(found, expected);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet() {
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::{Field, RowAccessor};
    let (world, expected) = world();
    let file = world.folder.path().join("rows.parquet");
    std::fs::write(&file, export(&world, Format::Parquet)).unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(&file).unwrap()).unwrap();
    let mut found = Rows::new();
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let text = match row.get_column_iter().nth(2).unwrap().1 {
            Field::Str(text) => Some(text.clone()),
            _ => None,
        };
        let vector = row.get_list(3).unwrap().elements().iter();
        let vector =
            vector.map(|field| if let Field::Float(value) = field { *value } else { f32::NAN }).collect();
        found.insert(row.get_long(0).unwrap(), (row.get_long(1).unwrap(), text, vector));
    }
    assert_eq!(found, expected);
}
