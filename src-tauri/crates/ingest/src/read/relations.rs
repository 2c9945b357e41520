//! The relations between the parts of an Office Open XML file, and its title.

use super::archive::Archive;
use super::xml::{Piece, walk};
use crate::{Error, Format, Limits, writer::Writer};

/// One relation that points inside the file.
pub(crate) struct Relation {
    pub(crate) id: String,
    /// The last word of the type's address, such as `slide`.
    pub(crate) kind: String,
    /// The full name of the part it points to.
    pub(crate) target: String,
}

/// The relations of a part. Those that point outside are left out: nothing is fetched.
pub(crate) fn relations_of(
    archive: &mut Archive<'_>,
    part: &str,
    format: Format,
    limits: &Limits,
) -> Result<Vec<Relation>, Error> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    let name = format!("{folder}/_rels/{file}.rels");
    let Some(text) = archive.optional_text(name.trim_start_matches('/'))? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    walk(&text, format, limits, |piece| {
        if let Piece::Start(element) = piece
            && element.name == "Relationship"
            && element.attribute("TargetMode").as_deref() != Some("External")
        {
            let kind = element.attribute("Type").unwrap_or_default();
            found.push(Relation {
                id: element.attribute("Id").unwrap_or_default(),
                kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                target: resolve(folder, &element.attribute("Target").unwrap_or_default()),
            });
        }
        Ok(())
    })?;
    Ok(found)
}

/// A relative name within the container; `..` cannot leave it.
pub(crate) fn resolve(folder: &str, target: &str) -> String {
    let absolute = target.starts_with('/');
    let base = if absolute { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The title and language in `docProps/core.xml`; a damaged one is no reason to refuse the document.
pub(crate) fn read_properties(
    archive: &mut Archive<'_>,
    format: Format,
    limits: &Limits,
    writer: &mut Writer,
) {
    let Ok(Some(text)) = archive.optional_text("docProps/core.xml") else { return };
    let (mut field, mut value) = (String::new(), String::new());
    // Whatever was found before a fault is used.
    let _ = walk(&text, format, limits, |piece| {
        match piece {
            Piece::Start(element) => {
                field = element.name;
                value.clear();
            }
            Piece::Text(text) => value.push_str(&text),
            Piece::End(name) if name == field => match name.as_str() {
                "title" => writer.propose_title(&value),
                "language" if !value.trim().is_empty() => writer.language = Some(value.trim().to_owned()),
                _ => {}
            },
            Piece::End(_) => {}
        }
        Ok(())
    });
}

/// The texts of the comments in a folder of the container; a damaged part costs only itself.
pub(crate) fn comments(
    archive: &mut Archive<'_>,
    folder: &str,
    format: Format,
    limits: &Limits,
) -> Vec<String> {
    let is_comments = |name: &String| {
        let lower = name.to_lowercase();
        lower.starts_with(folder) && lower.contains("comments") && lower.ends_with(".xml")
    };
    let parts: Vec<String> = archive.names().into_iter().filter(is_comments).collect();
    let mut found = Vec::new();
    for part in parts {
        let Ok(text) = archive.text(&part) else { continue };
        let mut comment = String::new();
        // Whatever was found before a fault is used.
        let _ = walk(&text, format, limits, |piece| {
            match piece {
                Piece::Text(text) => comment.push_str(&text),
                Piece::End(name) if name == "comment" || name == "threadedComment" => {
                    found.push(std::mem::take(&mut comment));
                }
                _ => {}
            }
            Ok(())
        });
    }
    found
}
