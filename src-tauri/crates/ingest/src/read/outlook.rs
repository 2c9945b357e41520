//! A message as Outlook saves it (`.msg`): an OLE compound file whose streams are the message's properties
//! (MS-OXMSG 2.1.3; the numbers are property ids, `001F` is UTF-16 and `001E` an 8-bit string).

use std::io::{Cursor, Read};

use crate::{Error, Format, Limits, Measure, Warning, encoding, writer::Writer};

const FORMAT: Format = Format::OutlookMessage;
const SUBJECT: &str = "0037";
const SENDER: &str = "0C1A";
const RECIPIENTS: &str = "0E04";
const COPIES: &str = "0E03";
const BODY: &str = "1000";
const ATTACHMENT_NAME: &str = "3707";
const HTML: &str = "__substg1.0_10130102";

pub(crate) fn read(bytes: &[u8], limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let mut file =
        cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|error| Error::damaged(FORMAT, error))?;
    let subject = property(&mut file, "/", SUBJECT, limits)?.unwrap_or_else(|| "(no subject)".to_owned());
    writer.propose_title(&subject);
    writer.heading(1, &subject);
    let mut lines = Vec::new();
    for (label, id) in [("From", SENDER), ("To", RECIPIENTS), ("Cc", COPIES)] {
        if let Some(value) = property(&mut file, "/", id, limits)?.filter(|value| !value.trim().is_empty()) {
            lines.push(format!("{label}: {}", value.trim_end_matches('\0')));
        }
    }
    writer.paragraph(&lines.join("\n"));
    if let Some(body) = property(&mut file, "/", BODY, limits)? {
        for paragraph in crate::writer::clean(&body).split("\n\n") {
            writer.paragraph(paragraph);
        }
    } else if let Some(page) = stream(&mut file, &format!("/{HTML}"), limits)? {
        let declared = super::html::declared_encoding(&page);
        let decoded = encoding::decode(&page, declared.as_deref())?;
        super::html::read(&decoded.text, super::html::Part::All, writer);
    }
    name_attachments(&mut file, limits, writer)
}

type File<'a> = cfb::CompoundFile<Cursor<&'a [u8]>>;

fn name_attachments(file: &mut File<'_>, limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let folders: Vec<String> = file
        .read_root_storage()
        .filter(|entry| entry.name().starts_with("__attach_version1.0_"))
        .map(|entry| format!("/{}/", entry.name()))
        .collect();
    let mut names = Vec::new();
    for folder in folders {
        names.push(
            property(file, &folder, ATTACHMENT_NAME, limits)?.unwrap_or_else(|| "(unnamed)".to_owned()),
        );
    }
    if !names.is_empty() {
        writer.paragraph(&format!("Attachments: {}", names.join(", ")));
        writer.warnings.push(Warning::AttachmentsSkipped { names });
    }
    Ok(())
}

fn property(file: &mut File<'_>, folder: &str, id: &str, limits: &Limits) -> Result<Option<String>, Error> {
    if let Some(bytes) = stream(file, &format!("{folder}__substg1.0_{id}001F"), limits)? {
        return Ok(Some(encoding_rs::UTF_16LE.decode_without_bom_handling(&bytes).0.into_owned()));
    }
    match stream(file, &format!("{folder}__substg1.0_{id}001E"), limits)? {
        Some(bytes) => Ok(Some(encoding::decode(&bytes, None)?.text)),
        None => Ok(None),
    }
}

fn stream(file: &mut File<'_>, name: &str, limits: &Limits) -> Result<Option<Vec<u8>>, Error> {
    if !file.is_stream(name) {
        return Ok(None);
    }
    let stream = file.open_stream(name).map_err(|error| Error::damaged(FORMAT, error))?;
    let mut bytes = Vec::new();
    let read = stream.take(limits.text_bytes as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| Error::damaged(FORMAT, error))?;
    if bytes.len() > limits.text_bytes {
        return Err(Error::TooLarge { what: Measure::TextBytes, limit: limits.text_bytes as u64 });
    }
    Ok(Some(bytes))
}
