//! Workbooks: one table a sheet under the sheet's name.

use std::io::Cursor;

use calamine::{Data, DataRef, Ods, OdsError, Reader, Xls, XlsError, Xlsb, Xlsx, XlsxError};

use super::archive::Archive;
use crate::{Error, Format, Limits, Warning, writer::Writer};

/// Rows of one sheet, and cells of one row, that are kept.
const MOST_ROWS: usize = 200_000;
const WIDEST: usize = 4_096;

pub(crate) fn read(bytes: &[u8], format: Format, limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let mut comments = Vec::new();
    if format != Format::Xls {
        // The library inflates parts whole: what they really hold is measured before it may.
        let mut archive = Archive::open(bytes, format, limits)?;
        super::relations::read_properties(&mut archive, format, limits, writer);
        archive.check_all()?;
        comments = super::relations::comments(&mut archive, "xl/", format, limits);
    }
    let bytes = Cursor::new(bytes);
    match format {
        Format::Xlsx => read_xlsx(Xlsx::new(bytes).map_err(xlsx_error)?, writer),
        Format::Xlsb => read_dense(Xlsb::new(bytes).map_err(|e| Error::damaged(format, e))?, writer),
        Format::Xls => read_dense(Xls::new(bytes).map_err(xls_error)?, writer),
        _ => read_dense(Ods::new(bytes).map_err(ods_error)?, writer),
    }
    writer.leave(1);
    for comment in comments {
        writer.paragraph(&comment);
    }
    Ok(())
}

fn xlsx_error(error: XlsxError) -> Error {
    match error {
        XlsxError::Password => Error::Encrypted { wrong_password: false },
        other => Error::damaged(Format::Xlsx, other),
    }
}

fn xls_error(error: XlsError) -> Error {
    match error {
        XlsError::Password => Error::Encrypted { wrong_password: false },
        other => Error::damaged(Format::Xls, other),
    }
}

fn ods_error(error: OdsError) -> Error {
    match error {
        OdsError::Password => Error::Encrypted { wrong_password: false },
        other => Error::damaged(Format::Ods, other),
    }
}

/// Cell by cell: a sheet with one cell in its last corner would fill a dense table of 17 thousand million.
fn read_xlsx(mut book: Xlsx<Cursor<&[u8]>>, writer: &mut Writer) {
    for sheet in book.sheet_names() {
        let Ok(mut cells) = book.worksheet_cells_reader(&sheet) else {
            writer.warnings.push(Warning::PartFailed { part: sheet });
            continue;
        };
        let mut rows = Rows::default();
        loop {
            match cells.next_cell() {
                Ok(Some(cell)) => rows.put(cell.get_position(), shown_ref(cell.get_value())),
                Ok(None) => break,
                Err(_) => {
                    writer.warnings.push(Warning::PartFailed { part: sheet.clone() });
                    break;
                }
            }
            if rows.rows.len() >= MOST_ROWS {
                break;
            }
        }
        write_sheet(&sheet, rows.rows, writer);
    }
}

fn read_dense<R: Reader<Cursor<T>>, T: AsRef<[u8]>>(mut book: R, writer: &mut Writer) {
    for sheet in book.sheet_names() {
        match book.worksheet_range(&sheet) {
            Ok(range) => {
                let rows = range.rows().take(MOST_ROWS);
                let rows = rows.map(|row| row.iter().take(WIDEST).map(shown).collect()).collect();
                write_sheet(&sheet, rows, writer);
            }
            Err(_) => writer.warnings.push(Warning::PartFailed { part: sheet }),
        }
    }
}

fn write_sheet(name: &str, mut rows: Vec<Vec<String>>, writer: &mut Writer) {
    rows.retain(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    if rows.is_empty() {
        return;
    }
    writer.heading(1, name);
    let headed = super::table::is_headed(&rows);
    writer.table(&rows, headed);
}

/// Rows filled cell by cell in file order; blank rows between are not kept.
#[derive(Default)]
struct Rows {
    rows: Vec<Vec<String>>,
    number: Option<u32>,
}

impl Rows {
    fn put(&mut self, (row, column): (u32, u32), value: String) {
        if value.is_empty() {
            return;
        }
        if self.number != Some(row) {
            self.number = Some(row);
            self.rows.push(Vec::new());
        }
        let column = column as usize;
        let Some(cells) = self.rows.last_mut().filter(|_| column < WIDEST) else { return };
        if cells.len() <= column {
            cells.resize(column + 1, String::new());
        }
        cells[column] = value;
    }
}

fn shown(value: &Data) -> String {
    match value {
        Data::DateTime(date) => shown_date(date),
        other => other.to_string(),
    }
}

fn shown_ref(value: &DataRef<'_>) -> String {
    shown(&Data::from(value.clone()))
}

/// Dates as people write them; the day number of the file format means nothing to a reader.
fn shown_date(date: &calamine::ExcelDateTime) -> String {
    if date.is_duration() {
        return date.to_string();
    }
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    if (hour, minute, second) == (0, 0, 0) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}
