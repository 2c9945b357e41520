//! From text to blocks, away from the thread that reads the stream.
//!
//! Rendering runs on a blocking thread and is waited for, so that Stop and the next token are never behind it. An
//! answer whose patch takes longer than the limit is shown as plain text meanwhile, so that a reader is never behind
//! either, and is rendered anew beside it: the limit is one of a clock, and a busy machine or a grammar's first use
//! can pass it too. One that grows beyond [`LONGEST`] stays plain. The stored text is the same in every case.

use domain::Block;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The longest text in bytes that is rendered as Markdown.
pub(crate) const LONGEST: usize = 1024 * 1024;
/// A plain block is closed at the end of a line after so many bytes, so that patches stay small.
const PLAIN_BLOCK: usize = 4 * 1024;
/// How often an answer is rendered anew after Markdown was given up. Each costs a thread until it is done, so that a
/// text that can never be rendered in time must not cost one for each of its tokens.
const RETRIES: u32 = 3;

/// Blocks that replace those from `from` on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Painted {
    /// Index of the first replaced block.
    pub(crate) from: u32,
    /// The blocks from there on.
    pub(crate) blocks: Vec<Block>,
}

/// Renders an answer while it grows.
pub(crate) struct Painter {
    /// The whole text, for the day that Markdown is given up.
    text: String,
    /// What `stream` was not given yet begins here.
    given: usize,
    citations: BTreeSet<u32>,
    stream: Option<render::Stream>,
    painting: Option<Painting>,
    limit: Duration,
    plain: Option<Plain>,
    /// The whole text being rendered anew while it is shown plain.
    again: Option<Again>,
    retries: u32,
}

/// A whole text in the making, and how many bytes of it were given.
struct Again {
    work: JoinHandle<(render::Stream, Option<render::Patch>)>,
    given: usize,
}

/// A patch in the making.
struct Painting {
    work: JoinHandle<(render::Stream, Option<render::Patch>)>,
    /// When it is given up.
    deadline: Instant,
}

/// How far plain text was shown: the open block's number, and where it begins.
#[derive(Default)]
struct Plain {
    block: u32,
    start: usize,
}

impl Painter {
    /// A painter that begins with `text` (of an answer that is continued) and gives up Markdown when a patch takes
    /// longer than `limit`.
    pub(crate) fn new(text: &str, citations: BTreeSet<u32>, limit: Duration) -> Self {
        Self {
            text: text.to_owned(),
            given: 0,
            stream: Some(render::Stream::with(render::Options { citations: citations.clone() })),
            citations,
            painting: None,
            limit,
            plain: None,
            again: None,
            retries: 0,
        }
    }

    /// More of the answer.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Begins to render what is new, unless it is being done. The result comes from [`Painter::painted`].
    pub(crate) fn paint(&mut self) -> Option<Painted> {
        if self.text.len() > LONGEST {
            self.again = None;
            if self.plain.is_none() {
                self.give_up();
            }
        }
        if self.plain.is_some() {
            return self.paint_plain();
        }
        let mut stream = self.stream.take()?;
        let fresh = self.text[self.given..].to_owned();
        self.given = self.text.len();
        let work = tokio::task::spawn_blocking(move || {
            stream.push(&fresh);
            let patch = stream.patch();
            (stream, patch)
        });
        self.painting = Some(Painting { work, deadline: Instant::now() + self.limit });
        None
    }

    /// There is text that neither was rendered nor is being rendered.
    pub(crate) fn is_behind(&self) -> bool {
        self.plain.is_none() && self.given < self.text.len()
    }

    /// Rendering is going on.
    pub(crate) fn is_painting(&self) -> bool {
        self.painting.is_some()
    }

    /// Waits for what [`Painter::paint`] began; for ever when nothing was. May be dropped and called again.
    pub(crate) async fn painted(&mut self) -> Option<Painted> {
        let Some(painting) = &mut self.painting else { return self.painted_again().await };
        let done = tokio::time::timeout_at(painting.deadline, &mut painting.work).await;
        self.painting = None;
        match done {
            Ok(Ok((stream, patch))) => {
                self.stream = Some(stream);
                patch.map(|patch| Painted { from: patch.from, blocks: patch.blocks })
            }
            // A defect of the renderer: it would fail again.
            Ok(Err(_)) => {
                self.give_up();
                self.paint_plain()
            }
            // Too slow: the thread ends by itself and is not waited for.
            Err(_) => {
                self.give_up();
                self.begin_again();
                self.paint_plain()
            }
        }
    }

    /// Waits for the whole text that is rendered anew; for ever when none is.
    async fn painted_again(&mut self) -> Option<Painted> {
        let Some(again) = &mut self.again else { return std::future::pending().await };
        let done = (&mut again.work).await;
        let given = again.given;
        self.again = None;
        // A defect of the renderer leaves the text plain.
        let (stream, patch) = done.ok()?;
        self.stream = Some(stream);
        self.given = given;
        self.plain = None;
        patch.map(|patch| Painted { from: patch.from, blocks: patch.blocks })
    }

    fn begin_again(&mut self) {
        if self.retries == RETRIES || self.text.len() > LONGEST {
            return;
        }
        self.retries += 1;
        let mut stream = render::Stream::with(render::Options { citations: self.citations.clone() });
        let (text, given) = (self.text.clone(), self.text.len());
        let work = tokio::task::spawn_blocking(move || {
            stream.push(&text);
            let patch = stream.patch();
            (stream, patch)
        });
        self.again = Some(Again { work, given });
    }

    fn give_up(&mut self) {
        tracing::warn!(bytes = self.text.len(), "an answer is shown as plain text for now");
        self.stream = None;
        self.painting = None;
        self.plain = Some(Plain::default());
    }

    fn paint_plain(&mut self) -> Option<Painted> {
        let plain = self.plain.as_mut()?;
        let from = plain.block;
        let pieces = plain_pieces(&self.text[plain.start..]);
        if let Some((last, closed)) = pieces.split_last() {
            plain.block += u32::try_from(closed.len()).unwrap_or(u32::MAX);
            plain.start = self.text.len() - last.len();
        }
        Some(Painted { from, blocks: pieces.into_iter().map(plain_block).collect() })
    }
}

/// The blocks of a whole text; plain ones when it is too long. Blocking.
pub(crate) fn blocks_of(text: &str, citations: BTreeSet<u32>) -> Vec<Block> {
    if text.len() > LONGEST {
        return plain_blocks(text);
    }
    render::render_with(text, &render::Options { citations })
}

/// A whole text without Markdown.
pub(crate) fn plain_blocks(text: &str) -> Vec<Block> {
    plain_pieces(text).into_iter().map(plain_block).collect()
}

fn plain_block(text: &str) -> Block {
    Block { html: format!("<p class=\"plain\">{}</p>", render::escape(text)) }
}

/// Cuts text at ends of lines into pieces of about [`PLAIN_BLOCK`] bytes.
fn plain_pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > PLAIN_BLOCK {
        let line_end = rest.as_bytes()[PLAIN_BLOCK..].iter().position(|&byte| byte == b'\n');
        let Some(end) = line_end.map(|offset| PLAIN_BLOCK + offset + 1).filter(|&end| end < rest.len())
        else {
            break;
        };
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn paint(painter: &mut Painter, shown: &mut Vec<Block>) {
        let mut painted = painter.paint();
        if painter.is_painting() {
            painted = painter.painted().await;
        }
        if let Some(Painted { from, blocks }) = painted {
            shown.truncate(from as usize);
            shown.extend(blocks);
        }
    }

    fn text_of(shown: &[Block]) -> String {
        shown
            .iter()
            .map(|block| block.html.trim_start_matches("<p class=\"plain\">").trim_end_matches("</p>"))
            .collect()
    }

    #[tokio::test]
    async fn a_growing_answer_ends_as_the_whole_one_is_rendered() {
        // It ends in a word: a line's end is shown with the word that follows.
        let text = "# Title\n\nSome *words* and\n\n```rust\nfn main() {}\n```\n\n- one\n- two\n\nThe end";
        let mut painter = Painter::new("", BTreeSet::new(), Duration::from_secs(10));
        let mut shown = Vec::new();
        for piece in text.split_inclusive(' ') {
            painter.push(piece);
            paint(&mut painter, &mut shown).await;
        }
        let whole = blocks_of(text, BTreeSet::new());
        assert_eq!(shown.len(), whole.len());
        assert_eq!(shown[0], whole[0]);
    }

    #[tokio::test]
    async fn an_answer_that_takes_too_long_goes_on_as_plain_text() {
        let mut painter = Painter::new("", BTreeSet::new(), Duration::from_secs(10));
        painter.give_up();
        let mut shown = Vec::new();
        let mut text = String::new();
        for number in 0..2_000 {
            let line = format!("line *{number}*\n");
            painter.push(&line);
            text.push_str(&line);
            if number % 100 == 0 {
                paint(&mut painter, &mut shown).await;
            }
        }
        paint(&mut painter, &mut shown).await;
        assert_eq!(text_of(&shown), text, "every character is shown once");
        assert!(shown.len() > 3, "in blocks small enough for the channel");
    }

    #[tokio::test]
    async fn an_answer_that_was_too_slow_once_becomes_markdown_again() {
        let mut painter = Painter::new("", BTreeSet::new(), Duration::ZERO);
        let text = "# Title\n\n- one\n- two\n\n".repeat(200);
        painter.push(&text);
        let mut shown = Vec::new();
        paint(&mut painter, &mut shown).await;
        assert_eq!(text_of(&shown), text, "plain while it is rendered beside");
        // What follows is in time again.
        painter.limit = Duration::from_secs(10);
        if let Some(Painted { from, blocks }) = painter.painted().await {
            shown.truncate(from as usize);
            shown.extend(blocks);
        }
        // The renderer itself puts off what adds little to a long text.
        painter.push(&"The *end*, and more words after it.\n\n".repeat(20));
        paint(&mut painter, &mut shown).await;
        assert!(shown[0].html.starts_with("<h1"), "{}", shown[0].html);
        assert!(shown.last().unwrap().html.contains("<em>end</em>"));
    }

    #[test]
    fn plain_text_is_escaped() {
        assert!(!plain_blocks("<script>").first().unwrap().html.contains("<script>"));
        assert!(plain_blocks("").is_empty());
    }
}
