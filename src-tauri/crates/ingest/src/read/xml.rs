//! XML as a flat run of events for the readers of office files.
//!
//! Document type declarations are refused, so no entity can be defined and nothing outside is ever named;
//! nesting is counted against a limit; nobody recurses.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::{Error, Format, Limits, Measure, writer::Writer};

/// One event, with the local name of its element: office formats use one vocabulary a part, and files of the
/// strict variants only differ in the prefixes.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    Start(Element<'a>),
    End(String),
    Text(String),
}

/// An element that opens.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    pub(crate) name: String,
    tag: BytesStart<'a>,
}

impl Element<'_> {
    /// The value of an attribute by its local name.
    pub(crate) fn attribute(&self, local: &str) -> Option<String> {
        self.attributes_named(local).into_iter().next()
    }

    /// The values of all attributes of a local name, whatever their prefixes.
    pub(crate) fn attributes_named(&self, local: &str) -> Vec<String> {
        let mut attributes = self.tag.attributes();
        let named = attributes.with_checks(false).flatten().filter(|attribute| {
            let name: &str = attribute.key.local_name().into_inner();
            name == local
        });
        named.map(|a| a.normalized_value(XmlVersion::Implicit1_0).unwrap_or_default().into_owned()).collect()
    }
}

/// Calls `visit` for each piece; an empty element comes as a start and an end.
pub(crate) fn walk(
    text: &str,
    format: Format,
    limits: &Limits,
    mut visit: impl FnMut(Piece<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    walk_while(text, format, limits, |piece| visit(piece).map(|()| true))
}

/// As [`walk`]; ends when `visit` says `false`.
pub(crate) fn walk_while(
    text: &str,
    format: Format,
    limits: &Limits,
    mut visit: impl FnMut(Piece<'_>) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    let mut depth = 0;
    loop {
        let go_on = match reader.read_event().map_err(|error| Error::damaged(format, error))? {
            Event::Start(tag) => {
                depth += 1;
                if depth > limits.depth {
                    return Err(Error::TooLarge { what: Measure::Depth, limit: limits.depth as u64 });
                }
                visit(Piece::Start(element(tag)))?
            }
            Event::Empty(tag) => {
                let element = element(tag);
                let name = element.name.clone();
                visit(Piece::Start(element))? && visit(Piece::End(name))?
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                visit(Piece::End(tag.local_name().into_inner().to_owned()))?
            }
            Event::Text(text) => visit(Piece::Text(text.xml10_content().into_owned()))?,
            Event::CData(text) => visit(Piece::Text(text.xml10_content().into_owned()))?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().ok().flatten();
                let name = reference.into_inner();
                match character.or_else(|| predefined(&name)) {
                    Some(c) => visit(Piece::Text(c.to_string()))?,
                    None => true,
                }
            }
            Event::DocType(declaration) => {
                if !is_harmless(&declaration.into_inner()) {
                    return Err(Error::DeclarationRefused);
                }
                true
            }
            Event::Eof => return Ok(()),
            _ => true,
        };
        if !go_on {
            return Ok(());
        }
    }
}

/// E-books name the public XHTML type and declare nothing in it; nothing is fetched for the name.
fn is_harmless(declaration: &str) -> bool {
    !declaration.contains('[') && !declaration.to_ascii_uppercase().contains("ENTITY")
}

fn element(tag: BytesStart<'_>) -> Element<'_> {
    Element { name: tag.local_name().into_inner().to_owned(), tag }
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => return None,
    })
}

/// XML bytes as text: UTF-16 by its mark, everything else UTF-8.
pub(crate) fn decode(bytes: &[u8]) -> String {
    match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, mark)) => encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned(),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Any XML file: the text of its elements, one paragraph per element that holds text directly.
pub(crate) fn read_generic(text: &str, limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let mut line = String::new();
    walk(text, Format::Xml, limits, |piece| {
        match piece {
            Piece::Start(_) | Piece::End(_) => {
                if line.trim().len() > 1 {
                    writer.paragraph(&line);
                }
                line.clear();
            }
            Piece::Text(text) => line.push_str(&text),
        }
        Ok(())
    })
}
