//! E-books: the chapters in the order of the spine, each read as a page.

use std::collections::HashMap;

use super::archive::Archive;
use super::html;
use super::relations::resolve;
use super::xml::{Piece, walk};
use crate::{Error, Format, Limits, Warning, writer::Writer};

const FORMAT: Format = Format::Epub;

pub(crate) fn read(bytes: &[u8], limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let mut archive = Archive::open(bytes, FORMAT, limits)?;
    if archive.optional_text("META-INF/encryption.xml")?.is_some_and(|text| locks_chapters(&text)) {
        return Err(Error::Encrypted { wrong_password: false });
    }
    let package = package_part(&mut archive, limits)?;
    let text = archive.text(&package)?;
    for chapter in chapters(&text, &package, limits, writer)? {
        if writer.is_full() {
            break;
        }
        match archive.bytes(&chapter) {
            Ok(bytes) => {
                let text = super::xml::decode(&bytes);
                writer.leave(1);
                html::read(&text, html::Part::All, writer);
            }
            Err(Error::Damaged { .. }) => writer.warnings.push(Warning::PartFailed { part: chapter }),
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

/// Encrypted fonts are common and harmless; encrypted chapters are copy protection.
fn locks_chapters(encryption: &str) -> bool {
    [".xhtml\"", ".html\"", ".htm\""].iter().any(|end| encryption.contains(end))
}

fn package_part(archive: &mut Archive<'_>, limits: &Limits) -> Result<String, Error> {
    let container = archive.text("META-INF/container.xml")?;
    let mut part = None;
    walk(&container, FORMAT, limits, |piece| {
        if let Piece::Start(element) = piece
            && element.name == "rootfile"
            && part.is_none()
        {
            part = element.attribute("full-path");
        }
        Ok(())
    })?;
    part.ok_or_else(|| Error::damaged(FORMAT, "no package is named"))
}

/// The parts of the spine; title and language on the way.
fn chapters(text: &str, package: &str, limits: &Limits, writer: &mut Writer) -> Result<Vec<String>, Error> {
    let folder = package.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut manifest: HashMap<String, String> = HashMap::new();
    let mut chapters = Vec::new();
    let mut field = String::new();
    walk(text, FORMAT, limits, |piece| {
        match piece {
            Piece::Start(element) => {
                match element.name.as_str() {
                    "item" if is_page(&element.attribute("media-type").unwrap_or_default()) => {
                        let target = percent_decoded(&element.attribute("href").unwrap_or_default());
                        manifest
                            .insert(element.attribute("id").unwrap_or_default(), resolve(folder, &target));
                    }
                    "itemref" => {
                        chapters.extend(element.attribute("idref").and_then(|id| manifest.get(&id).cloned()));
                    }
                    _ => {}
                }
                field = element.name;
            }
            Piece::Text(text) if field == "title" => writer.propose_title(&text),
            Piece::Text(text) if field == "language" && !text.trim().is_empty() => {
                writer.language = Some(text.trim().to_owned());
            }
            Piece::Text(_) => {}
            Piece::End(_) => field.clear(),
        }
        Ok(())
    })?;
    Ok(chapters)
}

fn is_page(media_type: &str) -> bool {
    matches!(media_type, "application/xhtml+xml" | "text/html" | "application/x-dtbook+xml")
}

fn percent_decoded(address: &str) -> String {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped =
            tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match escaped {
            Some(value) if byte == b'%' => {
                bytes.push(value);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
