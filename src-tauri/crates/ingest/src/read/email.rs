//! Messages and mailboxes: who, when, about what, and the text; attachments are named, not opened.

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

use super::html;
use crate::{Error, Format, Limits, Warning, writer::Writer};

/// Messages kept of one mailbox.
const MOST_MESSAGES: usize = 20_000;

pub(crate) fn read(bytes: &[u8], limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let message = MessageParser::default()
        .parse(bytes)
        .ok_or_else(|| Error::damaged(Format::Email, "no header was found"))?;
    write_message(&message, 1, limits.depth.min(8), writer);
    Ok(())
}

/// A mailbox: messages that each begin with a line `From `.
pub(crate) fn read_mailbox(bytes: &[u8], limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    for raw in messages(bytes).into_iter().take(MOST_MESSAGES) {
        if writer.is_full() {
            break;
        }
        if let Some(message) = MessageParser::default().parse(raw) {
            writer.leave(1);
            write_message(&message, 1, limits.depth.min(8), writer);
        }
    }
    Ok(())
}

/// The raw messages between the `From ` lines; one counts only at the start of a line after an empty one.
fn messages(bytes: &[u8]) -> Vec<&[u8]> {
    let mut starts: Vec<usize> = memchr::memmem::find_iter(bytes, b"\n\nFrom ").map(|at| at + 2).collect();
    starts.extend(memchr::memmem::find_iter(bytes, b"\r\n\r\nFrom ").map(|at| at + 4));
    if bytes.starts_with(b"From ") {
        starts.push(0);
    }
    starts.retain(|&start| begins_message(&bytes[start..]));
    starts.sort_unstable();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            let message = &bytes[start..end];
            let line = memchr::memchr(b'\n', message).map_or(message.len(), |at| at + 1);
            &message[line..]
        })
        .collect()
}

/// A sentence may begin with "From", too: of a message's first line the next is a header.
fn begins_message(bytes: &[u8]) -> bool {
    let second = bytes.split(|&b| b == b'\n').nth(1).unwrap_or_default();
    let name = second.split(|&b| b == b':').next().unwrap_or_default();
    name.len() < second.len() && !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic())
}

fn write_message(message: &Message<'_>, level: u8, depth: usize, writer: &mut Writer) {
    let subject = message.subject().unwrap_or("(no subject)");
    writer.propose_title(subject);
    writer.heading(level, subject);
    writer.paragraph(&header_lines(message));
    for part in body_parts(message) {
        match part {
            Body::Text(text) => write_text(&text, writer),
            Body::Html(text) => html::read(&text, html::Part::All, writer),
        }
    }
    let mut skipped = Vec::new();
    for attachment in message.attachments() {
        match &attachment.body {
            PartType::Message(inner) if depth > 0 => {
                write_message(inner, level.saturating_add(1).min(6), depth - 1, writer);
            }
            _ => skipped.push(attachment.attachment_name().unwrap_or("(unnamed)").to_owned()),
        }
    }
    if !skipped.is_empty() {
        writer.paragraph(&format!("Attachments: {}", skipped.join(", ")));
        writer.warnings.push(Warning::AttachmentsSkipped { names: skipped });
    }
}

enum Body {
    Text(String),
    Html(String),
}

/// The plain text of a message where it has one, else its page.
fn body_parts(message: &Message<'_>) -> Vec<Body> {
    let mut parts = Vec::new();
    for index in 0..message.text_body_count() {
        let Some(part) = message.text_part(index as u32) else { continue };
        match &part.body {
            PartType::Text(text) => parts.push(Body::Text(text.to_string())),
            PartType::Html(text) => parts.push(Body::Html(text.to_string())),
            _ => {}
        }
    }
    parts
}

fn write_text(text: &str, writer: &mut Writer) {
    for paragraph in crate::writer::clean(text).split("\n\n") {
        writer.paragraph(paragraph);
    }
}

fn header_lines(message: &Message<'_>) -> String {
    let mut lines = Vec::new();
    for (name, address) in [("From", message.from()), ("To", message.to()), ("Cc", message.cc())] {
        if let Some(address) = address {
            lines.push(format!("{name}: {}", shown(address)));
        }
    }
    if let Some(date) = message.date() {
        lines.push(format!("Date: {}", date.to_rfc3339()));
    }
    lines.join("\n")
}

fn shown(address: &Address<'_>) -> String {
    let one = |entry: &mail_parser::Addr<'_>| match (entry.name(), entry.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    };
    address.iter().map(one).collect::<Vec<_>>().join(", ")
}
