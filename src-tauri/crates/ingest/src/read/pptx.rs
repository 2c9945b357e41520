//! Presentations: one page a slide, its title as heading, tables as rows, the speaker's notes after it.

use super::archive::Archive;
use super::relations::{read_properties, relations_of};
use super::xml::{Element, Piece, walk};
use crate::{Error, Format, Limits, SectionKind, Warning, writer::Writer};

const FORMAT: Format = Format::Pptx;

pub(crate) fn read(bytes: &[u8], limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let mut archive = Archive::open(bytes, FORMAT, limits)?;
    read_properties(&mut archive, FORMAT, limits, writer);
    let slides = slides_in_order(&mut archive, limits)?;
    writer.pages = u32::try_from(slides.len()).ok();
    for (number, slide) in (1..).zip(&slides) {
        let before = writer.len();
        writer.set_page(number);
        writer.leave(1);
        match read_slide(&mut archive, slide, limits, writer) {
            Err(Error::Damaged { .. }) => writer.warnings.push(Warning::PartFailed { part: slide.clone() }),
            other => other?,
        }
        if writer.len() == before {
            writer.empty_pages.push(number);
        }
    }
    Ok(())
}

/// The slides as the presentation shows them, else by their numbers.
fn slides_in_order(archive: &mut Archive<'_>, limits: &Limits) -> Result<Vec<String>, Error> {
    const MAIN: &str = "ppt/presentation.xml";
    let relations = relations_of(archive, MAIN, FORMAT, limits).unwrap_or_default();
    let mut slides = Vec::new();
    if let Ok(Some(text)) = archive.optional_text(MAIN) {
        walk(&text, FORMAT, limits, |piece| {
            if let Piece::Start(element) = piece
                && element.name == "sldId"
                && let Some(relation) =
                    relation_id(&element).and_then(|id| relations.iter().find(|r| r.id == id))
            {
                slides.push(relation.target.clone());
            }
            Ok(())
        })?;
    }
    if slides.is_empty() {
        let number = |name: &str| -> u32 {
            name.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
        };
        slides = archive
            .names()
            .into_iter()
            .filter(|n| n.starts_with("ppt/slides/slide") && n.ends_with(".xml"))
            .collect();
        slides.sort_by_key(|name| number(name));
    }
    Ok(slides)
}

/// `r:id`; the plain `id` beside it is a number of its own.
fn relation_id(element: &Element<'_>) -> Option<String> {
    element.attributes_named("id").into_iter().find(|value| !value.chars().all(|c| c.is_ascii_digit()))
}

fn read_slide(
    archive: &mut Archive<'_>,
    slide: &str,
    limits: &Limits,
    writer: &mut Writer,
) -> Result<(), Error> {
    let text = archive.text(slide)?;
    read_shapes(&text, limits, writer)?;
    for relation in relations_of(archive, slide, FORMAT, limits)? {
        match relation.kind.as_str() {
            "chart" => read_chart(&archive.text(&relation.target)?, limits, writer)?,
            "notesSlide" => read_notes(&archive.text(&relation.target)?, limits, writer)?,
            "comments" => read_notes(&archive.text(&relation.target)?, limits, writer)?,
            _ => {}
        }
    }
    Ok(())
}

#[derive(Default)]
struct Shape {
    paragraphs: Vec<(String, bool, usize)>,
    placeholder: String,
}

fn read_shapes(text: &str, limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let shapes = shapes_of(text, limits)?;
    // The title stands first in the reading, wherever it stands in the file.
    let is_title = |shape: &Shape| matches!(shape.placeholder.as_str(), "title" | "ctrTitle");
    for part in shapes.iter().filter(|part| matches!(part, Part::Shape(shape) if is_title(shape))) {
        if let Part::Shape(shape) = part {
            let line: Vec<&str> = shape.paragraphs.iter().map(|(text, ..)| text.as_str()).collect();
            writer.propose_title(&line.join(" "));
            writer.heading(1, &line.join(" "));
        }
    }
    for part in shapes {
        match part {
            Part::Shape(shape) if is_title(&shape) => {}
            Part::Shape(shape) => {
                for (text, bullet, depth) in shape.paragraphs {
                    if text.trim().is_empty() {
                        continue;
                    }
                    if bullet {
                        let item = format!("{}- {}", "  ".repeat(depth.min(8)), text.trim());
                        writer.block(SectionKind::List, &item);
                    } else {
                        writer.paragraph(&text);
                    }
                }
            }
            Part::Table(rows) => {
                let headed = super::table::is_headed(&rows);
                writer.table(&rows, headed);
            }
        }
    }
    Ok(())
}

enum Part {
    Shape(Shape),
    Table(Vec<Vec<String>>),
}

/// The shapes and tables of a slide in file order.
fn shapes_of(text: &str, limits: &Limits) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    let mut shape = Shape::default();
    let (mut line, mut in_text, mut bullet, mut depth, mut fallback) =
        (String::new(), false, false, 0_usize, 0_usize);
    let mut table: Option<Vec<Vec<String>>> = None;
    let mut cell = String::new();
    walk(text, FORMAT, limits, |piece| {
        match piece {
            Piece::Start(element) => match element.name.as_str() {
                "Fallback" => fallback += 1,
                "sp" | "cxnSp" => shape = Shape::default(),
                "ph" => shape.placeholder = element.attribute("type").unwrap_or_else(|| "body".to_owned()),
                "p" => {
                    line.clear();
                    bullet = shape.placeholder == "body";
                    depth = 0;
                }
                "pPr" => depth = element.attribute("lvl").and_then(|level| level.parse().ok()).unwrap_or(0),
                "buNone" => bullet = false,
                "buChar" | "buAutoNum" => bullet = true,
                "t" => in_text = true,
                "br" => line.push('\n'),
                "tbl" => table = Some(Vec::new()),
                "tr" => {
                    if let Some(rows) = &mut table {
                        rows.push(Vec::new());
                    }
                }
                "tc" => cell.clear(),
                _ => {}
            },
            Piece::Text(text) if in_text && fallback == 0 => line.push_str(&text),
            Piece::Text(_) => {}
            Piece::End(name) => match name.as_str() {
                "Fallback" => fallback = fallback.saturating_sub(1),
                "t" => in_text = false,
                "p" if table.is_some() => {
                    cell.push_str(&line);
                    cell.push(' ');
                    line.clear();
                }
                "p" => shape.paragraphs.push((std::mem::take(&mut line), bullet, depth)),
                "tc" => {
                    if let Some(row) = table.as_mut().and_then(|rows| rows.last_mut()) {
                        row.push(std::mem::take(&mut cell));
                    }
                }
                "tbl" => parts.extend(table.take().map(Part::Table)),
                "sp" | "cxnSp" => parts.push(Part::Shape(std::mem::take(&mut shape))),
                _ => {}
            },
        }
        Ok(())
    })?;
    Ok(parts)
}

/// Titles, categories and values of a chart, as they were last shown.
pub(crate) fn read_chart(text: &str, limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let mut values: Vec<String> = Vec::new();
    let mut value: Option<String> = None;
    walk(text, FORMAT, limits, |piece| {
        match piece {
            Piece::Start(element) if element.name == "v" || element.name == "t" => {
                value = Some(String::new())
            }
            Piece::Text(text) => {
                if let Some(value) = &mut value {
                    value.push_str(&text);
                }
            }
            Piece::End(name) if name == "v" || name == "t" => values.extend(value.take()),
            // One line for each of: a title, a series' name, its categories, its values.
            Piece::End(name) if matches!(name.as_str(), "title" | "tx" | "cat" | "val" | "xVal" | "yVal") => {
                writer.paragraph(&values.join(" | "));
                values.clear();
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(())
}

/// Notes and comments as paragraphs; the slide number that a notes page repeats is left out.
fn read_notes(text: &str, limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let plain_comment = text.contains("<p:cm ") || text.contains(":cmLst");
    for part in shapes_of(text, limits)? {
        if let Part::Shape(shape) = part
            && !matches!(shape.placeholder.as_str(), "sldNum" | "dt" | "hdr" | "ftr")
        {
            for (text, ..) in shape.paragraphs {
                writer.paragraph(&text);
            }
        }
    }
    if plain_comment {
        let mut in_text = false;
        walk(text, FORMAT, limits, |piece| {
            match piece {
                Piece::Start(element) => in_text = element.name == "text",
                Piece::Text(text) if in_text => writer.paragraph(&text),
                Piece::Text(_) => {}
                Piece::End(_) => in_text = false,
            }
            Ok(())
        })?;
    }
    Ok(())
}
