//! Markdown to safe HTML, block by block, also while it is still being written.
//!
//! What a model writes is untrusted, so two walls stand between it and the page, and each holds alone
//! (`tests/walls.rs`): the [`writer`] builds HTML only from constructs it knows (raw HTML becomes text, links keep
//! three schemes, pictures become chips), and the [`wall`] passes its output through `ammonia` with a short list of
//! tags and attributes. Whatever is too deep or too long for them is shown as plain text.
//!
//! Pure: no I/O, no clock, no async. The deadline (50 ms, then [`plain`]) belongs to the caller.
//!
//! Contents: [`render`], [`render_with`] for whole texts · [`Stream`] for a text that arrives · [`markdown`] parsing
//! and cutting into blocks · [`writer`] · [`links`] addresses and citation marks · [`code`] highlighting · [`maths`] ·
//! [`wall`].
//!
//! How to add a construct: give it an arm in `writer`, its tags and classes in `wall`, and a case in
//! `tests/snapshots.rs`. An unlisted tag or class disappears in the second wall, and the snapshot shows it.

use std::collections::BTreeSet;

use domain::Block;

pub mod code;
pub mod links;
pub mod markdown;
pub mod maths;
mod mend;
mod stream;
pub mod wall;
pub mod writer;

pub use code::warm_up;
pub use stream::{Patch, Stream};

/// Longest text that is read as Markdown, in bytes; what is longer is shown as plain text.
pub const MAX_TEXT: usize = 1024 * 1024;

/// What the caller may choose about a rendering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Numbers of the sources handed to the model. `[3]` becomes a citation mark only when 3 is among them.
    pub citations: BTreeSet<u32>,
}

/// Renders a whole text into its top-level blocks, without citation marks.
#[must_use]
pub fn render(markdown: &str) -> Vec<Block> {
    render_with(markdown, &Options::default())
}

/// Renders a whole text into its top-level blocks.
#[must_use]
pub fn render_with(markdown: &str, options: &Options) -> Vec<Block> {
    if markdown.len() > MAX_TEXT {
        return plain(markdown);
    }
    let document = markdown::parse(markdown, "");
    let mut desk = writer::Desk::new(options.clone());
    document
        .pieces
        .iter()
        .map(|piece| writer::finished(markdown, piece, &[&document.definitions], &mut desk))
        .collect()
}

/// The text as it is, one block per paragraph: for texts that are too long, too deep or too slow to render.
#[must_use]
pub fn plain(text: &str) -> Vec<Block> {
    text.split("\n\n").filter(|part| !part.trim().is_empty()).map(plain_block).collect()
}

/// One block that shows `text` as it is.
pub(crate) fn plain_block(text: &str) -> Block {
    Block { html: format!("<p class=\"plain\">{}</p>\n", escape(text.trim_matches('\n'))) }
}

/// Makes `text` safe inside an element and inside a quoted attribute.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 16);
    escape_into(&mut html, text);
    html
}

/// Appends `text` to `html`, escaped as by [`escape`].
pub(crate) fn escape_into(html: &mut String, text: &str) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => continue,
        };
        html.push_str(&text[from..at]);
        html.push_str(entity);
        from = at + 1;
    }
    html.push_str(&text[from..]);
}
