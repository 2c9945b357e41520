//! OpenDocument texts and presentations, from `content.xml`.

use super::archive::Archive;
use super::xml::{Element, Piece, walk};
use crate::{Error, Format, Limits, SectionKind, writer::Writer};

/// How often a repeated space, cell or row is written out; files claim a million.
const MOST_REPEATS: usize = 64;

pub(crate) fn read(bytes: &[u8], format: Format, limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let mut archive = Archive::open(bytes, format, limits)?;
    refuse_encrypted(&mut archive)?;
    read_meta(&mut archive, format, limits, writer);
    let content = archive.text("content.xml")?;
    let mut state = Walk::new(writer);
    walk(&content, format, limits, |piece| {
        match piece {
            Piece::Start(element) => state.start(&element),
            Piece::End(name) => state.end(&name),
            Piece::Text(text) => state.text(&text),
        }
        Ok(())
    })?;
    state.end_paragraph();
    state.end_page();
    Ok(())
}

fn refuse_encrypted(archive: &mut Archive<'_>) -> Result<(), Error> {
    match archive.optional_text("META-INF/manifest.xml")? {
        Some(manifest) if manifest.contains("encryption-data") => {
            Err(Error::Encrypted { wrong_password: false })
        }
        _ => Ok(()),
    }
}

fn read_meta(archive: &mut Archive<'_>, format: Format, limits: &Limits, writer: &mut Writer) {
    let Ok(Some(text)) = archive.optional_text("meta.xml") else { return };
    let mut field = String::new();
    // Whatever was found before a fault is used.
    let _ = walk(&text, format, limits, |piece| {
        match piece {
            Piece::Start(element) => field = element.name,
            Piece::Text(text) if field == "title" => writer.propose_title(&text),
            Piece::Text(text) if field == "language" => writer.language = Some(text.trim().to_owned()),
            Piece::Text(_) => {}
            Piece::End(_) => field.clear(),
        }
        Ok(())
    });
}

struct Walk<'a> {
    writer: &'a mut Writer,
    line: String,
    open: usize,
    heading: Option<u8>,
    lists: usize,
    /// Open elements whose text is not the document's: tracked changes, index templates, forms.
    hidden: usize,
    tables: Vec<Table>,
    page: u32,
    page_start: usize,
    /// The paragraph comes from a placeholder that holds the title of a slide.
    in_title: bool,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    row_repeats: usize,
    cell: String,
    cell_repeats: usize,
}

impl<'a> Walk<'a> {
    fn new(writer: &'a mut Writer) -> Self {
        Self {
            writer,
            line: String::new(),
            open: 0,
            heading: None,
            lists: 0,
            hidden: 0,
            tables: Vec::new(),
            page: 0,
            page_start: 0,
            in_title: false,
        }
    }

    fn text(&mut self, text: &str) {
        if self.hidden > 0 || self.open == 0 {
            return;
        }
        // White space counts as one space, as the format defines it; wanted spaces are elements.
        for (index, piece) in text.split(['\n', '\t', '\r', ' ']).enumerate() {
            if index > 0 && !self.line.ends_with(' ') {
                self.line.push(' ');
            }
            self.line.push_str(piece);
        }
    }

    fn start(&mut self, element: &Element<'_>) {
        if is_hidden(&element.name) {
            self.hidden += 1;
        }
        match element.name.as_str() {
            "h" => {
                self.begin_paragraph();
                let level = element.attribute("outline-level").and_then(|level| level.parse().ok());
                self.heading = Some(level.unwrap_or(1));
            }
            "p" => self.begin_paragraph(),
            "s" => {
                let count = repeats(element, "c");
                self.line.extend(std::iter::repeat_n(' ', count));
            }
            "tab" => self.line.push('\t'),
            "line-break" => self.line.push('\n'),
            "list" => self.lists += 1,
            "table" => self.tables.push(Table::default()),
            "table-row" => {
                if let Some(table) = self.tables.last_mut() {
                    table.row_repeats = repeats(element, "number-rows-repeated");
                }
            }
            "table-cell" | "covered-table-cell" => {
                if let Some(table) = self.tables.last_mut() {
                    table.cell.clear();
                    table.cell_repeats = repeats(element, "number-columns-repeated");
                }
            }
            "page" => self.begin_page(),
            "frame" => self.in_title = element.attribute("class").as_deref() == Some("title"),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if is_hidden(name) {
            self.hidden = self.hidden.saturating_sub(1);
        }
        match name {
            "h" | "p" => {
                self.end_paragraph();
                self.open = self.open.saturating_sub(1);
            }
            "list" => self.lists = self.lists.saturating_sub(1),
            "table-cell" | "covered-table-cell" => self.end_cell(),
            "table-row" => self.end_row(),
            "table" => self.end_table(),
            "frame" => self.in_title = false,
            "page" => self.end_page(),
            _ => {}
        }
    }

    /// A paragraph inside another one (a text box anchored in it) ends the outer one first.
    fn begin_paragraph(&mut self) {
        self.end_paragraph();
        self.open += 1;
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.line);
        let heading = self.heading.take();
        if self.hidden > 0 || text.trim().is_empty() {
            return;
        }
        if let Some(table) = self.tables.last_mut() {
            if !table.cell.is_empty() {
                table.cell.push('\n');
            }
            table.cell.push_str(text.trim());
        } else if let Some(level) = heading.or(self.in_title.then_some(1)) {
            self.writer.heading(level, &text);
        } else if self.lists > 0 {
            let item = format!("{}- {}", "  ".repeat((self.lists - 1).min(8)), text.trim());
            self.writer.block(SectionKind::List, &item);
        } else {
            self.writer.paragraph(&text);
        }
    }

    fn end_cell(&mut self) {
        if let Some(table) = self.tables.last_mut() {
            let cell = std::mem::take(&mut table.cell);
            let times =
                if cell.is_empty() { table.cell_repeats.min(MOST_REPEATS) } else { table.cell_repeats };
            table.row.extend(std::iter::repeat_n(cell, times));
        }
    }

    fn end_row(&mut self) {
        if let Some(table) = self.tables.last_mut() {
            let row = std::mem::take(&mut table.row);
            if row.iter().any(|cell| !cell.is_empty()) {
                table.rows.extend(std::iter::repeat_n(row, table.row_repeats));
            }
        }
    }

    fn end_table(&mut self) {
        let Some(table) = self.tables.pop() else { return };
        if let Some(outer) = self.tables.last_mut() {
            for row in &table.rows {
                if !outer.cell.is_empty() {
                    outer.cell.push('\n');
                }
                outer.cell.push_str(&row.join(" | "));
            }
        } else if table.rows.len() == 1 && table.rows[0].len() == 1 {
            self.writer.paragraph(&table.rows[0][0]);
        } else {
            let headed = super::table::is_headed(&table.rows);
            self.writer.table(&table.rows, headed);
        }
    }

    fn begin_page(&mut self) {
        self.page += 1;
        self.page_start = self.writer.len();
        self.writer.set_page(self.page);
        self.writer.pages = Some(self.page);
        self.writer.leave(1);
    }

    fn end_page(&mut self) {
        if self.page > 0
            && self.writer.len() == self.page_start
            && !self.writer.empty_pages.contains(&self.page)
        {
            self.writer.empty_pages.push(self.page);
        }
    }
}

fn repeats(element: &Element<'_>, attribute: &str) -> usize {
    element.attribute(attribute).and_then(|count| count.parse().ok()).unwrap_or(1).clamp(1, MOST_REPEATS)
}

fn is_hidden(name: &str) -> bool {
    matches!(
        name,
        "tracked-changes" | "index-title-template" | "table-of-content-source" | "forms" | "annotation"
    )
}
