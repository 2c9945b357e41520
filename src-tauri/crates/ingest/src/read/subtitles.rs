//! Subtitles: what is said, without numbers, times and markup; cues that continue a sentence are joined.

use crate::writer::Writer;

/// Cues are gathered into paragraphs of about this many characters, ended at a sentence end.
const PARAGRAPH: usize = 600;

pub(crate) fn read(text: &str, writer: &mut Writer) {
    let mut paragraph = String::new();
    for cue in cues(text) {
        if !paragraph.is_empty() {
            paragraph.push(' ');
        }
        paragraph.push_str(&cue);
        if paragraph.len() > PARAGRAPH && cue.ends_with(['.', '!', '?', '。', '！', '？', '…']) {
            writer.paragraph(&paragraph);
            paragraph.clear();
        }
    }
    writer.paragraph(&paragraph);
}

/// The text of each cue; a cue said again word for word, as live captions do, is given once.
fn cues(text: &str) -> Vec<String> {
    let text = crate::writer::clean(text);
    let mut found: Vec<String> = Vec::new();
    for block in text.split("\n\n") {
        let mut lines = block.lines().skip_while(|line| !line.contains("-->"));
        if lines.next().is_none() {
            continue;
        }
        let said: Vec<String> = lines.map(without_markup).filter(|line| !line.is_empty()).collect();
        let said = said.join(" ");
        if !said.is_empty() && found.last() != Some(&said) {
            found.push(said);
        }
    }
    found
}

/// Tags are dropped but for a speaker's name, which becomes `Name: `.
fn without_markup(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let Some(close) = rest[open..].find('>') else { break };
        let tag = &rest[open + 1..open + close];
        if let Some((_, speaker)) =
            tag.split_once(' ').filter(|(name, _)| name.split('.').next() == Some("v"))
        {
            out.push_str(speaker.trim());
            out.push_str(": ");
        }
        rest = &rest[open + close + 1..];
    }
    if !rest.starts_with('<') {
        out.push_str(rest);
    }
    entities(out.trim())
}

fn entities(text: &str) -> String {
    text.replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&lrm;", "")
        .replace("&rlm;", "")
        .replace("&amp;", "&")
}
