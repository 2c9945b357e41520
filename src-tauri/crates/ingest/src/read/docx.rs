//! Word documents: the body, then notes and comments; deleted text is left out, inserted text is in.

use std::collections::HashMap;

use super::archive::Archive;
use super::relations::{read_properties, relations_of};
use super::xml::{Element, Piece, walk};
use crate::{Error, Format, Limits, SectionKind, Warning, writer::Writer};

const FORMAT: Format = Format::Docx;

pub(crate) fn read(bytes: &[u8], limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let mut archive = Archive::open(bytes, FORMAT, limits)?;
    read_properties(&mut archive, FORMAT, limits, writer);
    let main = main_part(&mut archive, limits)?;
    let relations = relations_of(&mut archive, &main, FORMAT, limits).unwrap_or_default();
    let part_of = |kind: &str| relations.iter().find(|r| r.kind == kind).map(|r| r.target.clone());
    let styles = match part_of("styles") {
        Some(part) => Styles::read(&mut archive, &part, limits).unwrap_or_default(),
        None => Styles::default(),
    };
    let body = archive.text(&main)?;
    Walk::new(&styles, writer).read(&body, limits)?;
    for relation in relations.iter().filter(|relation| relation.kind == "chart") {
        match archive.text(&relation.target).and_then(|text| super::pptx::read_chart(&text, limits, writer)) {
            Err(Error::Damaged { .. }) => {
                writer.warnings.push(Warning::PartFailed { part: relation.target.clone() });
            }
            other => other?,
        }
    }
    for kind in ["header", "footer", "footnotes", "endnotes", "comments"] {
        for relation in relations.iter().filter(|relation| relation.kind == kind) {
            read_extra(&mut archive, &relation.target, &styles, limits, writer)?;
        }
    }
    Ok(())
}

/// Notes, comments, headers and footers; one that is missing or damaged costs only itself.
fn read_extra(
    archive: &mut Archive<'_>,
    part: &str,
    styles: &Styles,
    limits: &Limits,
    writer: &mut Writer,
) -> Result<(), Error> {
    writer.leave(1);
    let read = match archive.text(part) {
        Ok(text) => Walk::new(styles, writer).read(&text, limits),
        Err(error) => Err(error),
    };
    match read {
        Err(Error::Damaged { .. }) => writer.warnings.push(Warning::PartFailed { part: part.to_owned() }),
        other => other?,
    }
    Ok(())
}

fn main_part(archive: &mut Archive<'_>, limits: &Limits) -> Result<String, Error> {
    let relations = relations_of(archive, "", FORMAT, limits).unwrap_or_default();
    let named = relations.into_iter().find(|relation| relation.kind == "officeDocument").map(|r| r.target);
    Ok(named.filter(|part| archive.has(part)).unwrap_or_else(|| "word/document.xml".to_owned()))
}

/// Which paragraph styles are headings, by style id.
#[derive(Default)]
struct Styles {
    levels: HashMap<String, u8>,
}

impl Styles {
    fn read(archive: &mut Archive<'_>, part: &str, limits: &Limits) -> Result<Self, Error> {
        let text = archive.text(part)?;
        let mut levels = HashMap::new();
        let mut based_on = Vec::new();
        let mut id = String::new();
        walk(&text, FORMAT, limits, |piece| {
            let Piece::Start(element) = piece else { return Ok(()) };
            match element.name.as_str() {
                "style" => id = element.attribute("styleId").unwrap_or_default(),
                "name" => {
                    if let Some(level) = element.attribute("val").and_then(|name| named_level(&name)) {
                        levels.insert(id.clone(), level);
                    }
                }
                "outlineLvl" => {
                    if let Some(level) = outline_level(&element) {
                        levels.entry(id.clone()).or_insert(level);
                    }
                }
                "basedOn" => based_on.push((id.clone(), element.attribute("val").unwrap_or_default())),
                _ => {}
            }
            Ok(())
        })?;
        for (style, parent) in based_on {
            if let Some(&level) = levels.get(&parent) {
                levels.entry(style).or_insert(level);
            }
        }
        Ok(Self { levels })
    }

    fn level(&self, id: &str) -> Option<u8> {
        self.levels.get(id).copied().or_else(|| named_level(id))
    }
}

fn named_level(name: &str) -> Option<u8> {
    let lower = name.to_lowercase().replace(' ', "");
    if lower == "title" {
        return Some(1);
    }
    let digits = lower.strip_prefix("heading").or_else(|| lower.strip_prefix("überschrift"))?;
    digits.parse().ok().filter(|level| (1..=9).contains(level))
}

fn outline_level(element: &Element<'_>) -> Option<u8> {
    element.attribute("val")?.parse::<u8>().ok().filter(|level| *level < 9).map(|level| level + 1)
}

/// The state of one part's walk.
struct Walk<'a> {
    styles: &'a Styles,
    writer: &'a mut Writer,
    paragraph: String,
    level: Option<u8>,
    list: Option<usize>,
    code: bool,
    /// Open elements whose text does not count, such as deleted runs and the older twin of a drawing.
    hidden: usize,
    in_text: bool,
    tables: Vec<Rows>,
    /// Paragraphs interrupted by a text box, which is written before them.
    anchors: Vec<(String, Option<u8>, Option<usize>, bool)>,
}

#[derive(Default)]
struct Rows {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    cell: String,
    span: usize,
    /// The cell is a part of the one above it.
    continues: bool,
}

/// Columns that a merged cell may stand for.
const WIDEST_SPAN: usize = 64;

impl<'a> Walk<'a> {
    fn new(styles: &'a Styles, writer: &'a mut Writer) -> Self {
        Self {
            styles,
            writer,
            paragraph: String::new(),
            level: None,
            list: None,
            code: false,
            hidden: 0,
            in_text: false,
            tables: Vec::new(),
            anchors: Vec::new(),
        }
    }

    fn read(mut self, text: &str, limits: &Limits) -> Result<(), Error> {
        walk(text, FORMAT, limits, |piece| {
            match piece {
                Piece::Start(element) => self.start(&element),
                Piece::End(name) => self.end(&name),
                Piece::Text(text) if self.in_text && self.hidden == 0 => self.paragraph.push_str(&text),
                Piece::Text(_) => {}
            }
            Ok(())
        })?;
        self.end_paragraph();
        Ok(())
    }

    fn start(&mut self, element: &Element<'_>) {
        if is_hidden(&element.name) {
            self.hidden += 1;
        }
        match element.name.as_str() {
            "p" => self.begin_paragraph(),
            "pStyle" => self.style(&element.attribute("val").unwrap_or_default()),
            "outlineLvl" => self.level = self.level.or_else(|| outline_level(element)),
            "numPr" => self.list = self.list.or(Some(0)),
            // Number 0 takes a paragraph out of the list that its style puts it in.
            "numId" if element.attribute("val").as_deref() == Some("0") => self.list = None,
            "ilvl" => {
                self.list = element.attribute("val").and_then(|level| level.parse().ok()).or(self.list);
            }
            "t" => self.in_text = true,
            "tab" | "ptab" if self.hidden == 0 => self.paragraph.push('\t'),
            "br" | "cr" if self.hidden == 0 => self.paragraph.push('\n'),
            "noBreakHyphen" if self.hidden == 0 => self.paragraph.push('-'),
            "txbxContent" => {
                let paragraph = std::mem::take(&mut self.paragraph);
                self.anchors.push((paragraph, self.level, self.list, self.code));
            }
            "tbl" => self.tables.push(Rows::default()),
            "vMerge" => {
                if let Some(table) = self.tables.last_mut() {
                    table.continues = element.attribute("val").as_deref() != Some("restart");
                }
            }
            "gridSpan" => {
                if let (Some(table), Some(span)) = (self.tables.last_mut(), element.attribute("val")) {
                    table.span = span.parse().unwrap_or(1).clamp(1, WIDEST_SPAN);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if is_hidden(name) {
            self.hidden = self.hidden.saturating_sub(1);
        }
        match name {
            "p" => self.end_paragraph(),
            "t" => self.in_text = false,
            "txbxContent" => {
                if let Some(anchor) = self.anchors.pop() {
                    (self.paragraph, self.level, self.list, self.code) = anchor;
                }
            }
            "tc" => self.end_cell(),
            "tr" => self.end_row(),
            "tbl" => self.end_table(),
            _ => {}
        }
    }

    fn begin_paragraph(&mut self) {
        self.paragraph.clear();
        self.level = None;
        self.list = None;
        self.code = false;
    }

    fn style(&mut self, id: &str) {
        self.level = self.styles.level(id);
        let lower = id.to_lowercase();
        if self.list.is_none() && (lower.starts_with("listbullet") || lower.starts_with("listnumber")) {
            self.list = Some(0);
        }
        self.code = ["code", "sourcecode", "htmlpreformatted", "macrotext"].contains(&lower.as_str());
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.paragraph);
        if self.hidden > 0 {
            return;
        }
        if let Some(table) = self.tables.last_mut() {
            if !table.cell.is_empty() && !text.trim().is_empty() {
                table.cell.push('\n');
            }
            table.cell.push_str(text.trim());
            return;
        }
        match (self.level, self.list) {
            (Some(level), _) => self.writer.heading(level, &text),
            (None, Some(depth)) if !text.trim().is_empty() => {
                let item = format!("{}- {}", "  ".repeat(depth.min(8)), text.trim());
                self.writer.block(SectionKind::List, &item);
            }
            _ if self.code => self.writer.block(SectionKind::Code { language: None }, &text),
            _ => self.writer.paragraph(&text),
        }
    }

    fn end_cell(&mut self) {
        if let Some(table) = self.tables.last_mut() {
            let mut cell = std::mem::take(&mut table.cell);
            if std::mem::take(&mut table.continues) && cell.is_empty() {
                let above = table.rows.last().and_then(|row| row.get(table.row.len()));
                cell = above.cloned().unwrap_or_default();
            }
            table.row.push(cell);
            // A merged cell keeps the columns after it in their places.
            for _ in 1..std::mem::replace(&mut table.span, 1) {
                table.row.push(String::new());
            }
        }
    }

    fn end_row(&mut self) {
        if let Some(table) = self.tables.last_mut()
            && !table.row.is_empty()
        {
            let row = std::mem::take(&mut table.row);
            table.rows.push(row);
        }
    }

    /// A table inside a cell becomes text of that cell; one with a single cell is a frame around text.
    fn end_table(&mut self) {
        let Some(table) = self.tables.pop() else { return };
        let rows = table.rows;
        if let Some(outer) = self.tables.last_mut() {
            for row in rows {
                if !outer.cell.is_empty() {
                    outer.cell.push('\n');
                }
                outer.cell.push_str(&row.join(" | "));
            }
        } else if rows.len() == 1 && rows[0].len() == 1 {
            self.writer.paragraph(&rows[0][0]);
        } else {
            let headed = super::table::is_headed(&rows);
            self.writer.table(&rows, headed);
        }
    }
}

/// Deleted and moved-away text, field codes, and the fallback twin of a drawing.
fn is_hidden(name: &str) -> bool {
    matches!(name, "del" | "moveFrom" | "Fallback" | "instrText" | "delText")
}
