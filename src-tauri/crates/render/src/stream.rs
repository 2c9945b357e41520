//! Markdown that arrives in pieces: finished blocks are rendered once, and only the open tail is parsed again.
//!
//! Three ways, by cost. Plain words that continue a sentence or an open code fence are appended to the HTML that is
//! there ([`Typing`]). Anything else parses the open tail, which starts at the last block that can still change. And
//! `finish` parses the whole text once, to see whether a definition that came late (a link's address, a footnote)
//! changed a block that was thought finished: so the result equals [`crate::render_with`] by construction.

use std::ops::Range;

use domain::Block;
use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};

use crate::markdown::{Definition, Piece, Placed, parse, preamble};
use crate::writer::{self, Desk};
use crate::{MAX_TEXT, Options, escape, escape_into, mend, plain};

/// A tail up to this many bytes is parsed again for every patch that needs it; above it, only when it has grown by a
/// 32nd, so that the work for one endless block stays linear in its length. (Words alone need no parsing.)
const SMALL_TAIL: usize = 512;

/// New text that shows nothing by itself (marks, a line break, the number of an item) is shown with the word that
/// follows, and a few bold words or a short link at once, unless it is longer than this.
const SHORT_WAIT: usize = 48;

/// Half a table row and half a formula are shown when they are whole, unless they are longer than this.
const LONG_WAIT: usize = 400;

/// Blocks that replace what a receiver has from block `from` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Index of the first block that changed.
    pub from: u32,
    /// All blocks from there to the end.
    pub blocks: Vec<Block>,
}

impl Patch {
    /// Brings a receiver's blocks up to date: what every receiver does with a patch.
    pub fn apply(self, blocks: &mut Vec<Block>) {
        blocks.truncate(self.from as usize);
        blocks.extend(self.blocks);
    }
}

/// A text in the making and its blocks.
#[derive(Debug, Default)]
pub struct Stream {
    text: String,
    /// How much of `text` the blocks show, in bytes.
    shown: usize,
    /// Where the open tail starts, in bytes.
    tail: usize,
    /// Blocks before the open tail.
    closed: Vec<Closed>,
    /// How many of `closed` the receiver has as they are.
    sent: usize,
    /// The open tail as it was last shown.
    open: Vec<Block>,
    /// Definitions before the open tail.
    definitions: Vec<Definition>,
    /// The same as Markdown, put before the tail to parse it.
    prefix: String,
    desk: Desk,
    typing: Option<Typing>,
    parsed: u64,
}

/// A block that only a later definition can change.
#[derive(Debug)]
struct Closed {
    block: Block,
    range: Range<usize>,
    outline: u64,
}

impl Stream {
    /// An empty text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty text that is rendered as [`crate::render_with`] would.
    #[must_use]
    pub fn with(options: Options) -> Self {
        Self { desk: Desk::new(options), ..Self::default() }
    }

    /// Appends what arrived. Costs a copy; the work is done by [`Self::patch`].
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Length of the text so far, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether nothing has arrived yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Bytes that were parsed so far, however often: the work done, counted for tests and benchmarks.
    #[must_use]
    pub fn parsed(&self) -> u64 {
        self.parsed
    }

    /// The blocks that changed since the last patch. `None` when there is nothing new to show; also beyond
    /// [`MAX_TEXT`], where only [`Self::finish`] shows the rest.
    pub fn patch(&mut self) -> Option<Patch> {
        if self.shown == self.text.len() || self.text.len() > MAX_TEXT {
            return None;
        }
        let half = is_half(&self.text[self.shown..], last_line(&self.text));
        let in_fence = matches!(&self.typing, Some(Typing { place: Place::Fence { .. }, .. }));
        if half && !in_fence {
            return None;
        }
        if let Some(patch) = self.append() {
            return Some(patch);
        }
        if half || self.grew_little() {
            return None;
        }
        self.parse_tail();
        let from = self.sent;
        self.sent = self.closed.len();
        let closed = self.closed[from..].iter().map(|closed| closed.block.clone());
        Some(Patch { from: number(from), blocks: closed.chain(self.open.iter().cloned()).collect() })
    }

    /// Whether the open tail is so long that it is better parsed later.
    fn grew_little(&self) -> bool {
        let tail = self.text.len() - self.tail;
        tail > SMALL_TAIL && self.text.len() - self.shown < tail / 32
    }

    /// Ends the text: its blocks are now those of [`crate::render_with`] over all of it, one for one. The last patch, or
    /// `None` when the receiver has them already.
    pub fn finish(&mut self) -> Option<Patch> {
        let had = self.sent + self.open.len();
        let (from, blocks) = if self.text.len() > MAX_TEXT { (0, plain(&self.text)) } else { self.settle() };
        self.open.clear();
        self.typing = None;
        self.shown = self.text.len();
        (had != from || !blocks.is_empty()).then(|| Patch { from: number(from), blocks })
    }

    /// Parses everything and renders again what is not as it was: the first changed index and the blocks from there.
    fn settle(&mut self) -> (usize, Vec<Block>) {
        let document = parse(&self.text, "");
        self.parsed += self.text.len() as u64;
        self.desk.keep_notes(0);
        let mut changed = None;
        let mut closed = Vec::with_capacity(document.pieces.len());
        let mut before = std::mem::take(&mut self.closed).into_iter();
        for (at, piece) in document.pieces.iter().enumerate() {
            let definitions = [document.definitions.as_slice()];
            let notes = self.desk.notes();
            let outline = writer::outline(piece, &definitions, &mut self.desk);
            let same = before.next().filter(|old| old.outline == outline && old.range == piece.range);
            if same.is_none() || at >= self.sent {
                changed.get_or_insert(at);
            }
            let block = same.map(|old| old.block).unwrap_or_else(|| {
                self.desk.keep_notes(notes);
                writer::finished(&self.text, piece, &definitions, &mut self.desk)
            });
            closed.push(Closed { block, range: piece.range.clone(), outline });
        }
        let from = changed.unwrap_or(closed.len());
        self.closed = closed;
        self.sent = self.closed.len();
        self.tail = self.text.len();
        (from, self.closed[from..].iter().map(|closed| closed.block.clone()).collect())
    }

    /// Shows new text without parsing, when it is such text and stands in such a place.
    fn append(&mut self) -> Option<Patch> {
        let new = &self.text[self.shown..];
        if !self.typing.as_mut()?.accepts(new) {
            self.typing = None;
            return None;
        }
        let typing = self.typing.as_mut()?;
        let from = number((self.sent + self.open.len()).checked_sub(1)?);
        let block = self.open.last_mut()?;
        let mut html = String::with_capacity(new.len());
        escape_into(&mut html, new);
        block.html.insert_str(typing.at, &html);
        typing.at += html.len();
        self.shown = self.text.len();
        // Closed blocks were sent when the tail was last parsed.
        Some(Patch { from, blocks: vec![block.clone()] })
    }

    /// Parses the open tail, closes what no further line can change, and shows the rest as it looks now.
    fn parse_tail(&mut self) {
        let tail = &self.text[self.tail..];
        let prefix = if tail.contains('[') { self.prefix.as_str() } else { "" };
        let source = format!("{prefix}{tail}");
        self.parsed += source.len() as u64;
        let document = parse(&source, prefix);
        let closed = closed_count(&source, &document.pieces);
        let shift = prefix.len();
        let definitions = [self.definitions.as_slice(), document.definitions.as_slice()];
        for piece in &document.pieces[..closed] {
            let notes = self.desk.notes();
            let outline = writer::outline(piece, &definitions, &mut self.desk);
            self.desk.keep_notes(notes);
            let block = writer::finished(&source, piece, &definitions, &mut self.desk);
            let range = piece.range.start - shift + self.tail..piece.range.end - shift + self.tail;
            self.closed.push(Closed { block, range, outline });
        }
        let notes = self.desk.notes();
        self.parsed += show(
            &mut Open { blocks: &mut self.open, typing: &mut self.typing, desk: &mut self.desk },
            &source,
            &document.pieces[closed..],
            &definitions,
        );
        self.desk.keep_notes(notes);
        let end = tail_start(&source, &document.pieces, closed).unwrap_or(shift);
        self.remember(document.definitions.into_iter().filter(|definition| definition.at < end).collect());
        self.tail += end - shift;
        self.shown = self.text.len();
    }

    /// Keeps definitions that the open tail has left behind.
    fn remember(&mut self, passed: Vec<Definition>) {
        let known = self.definitions.len();
        for definition in passed {
            if self.definitions.iter().all(|other| other.label != definition.label) {
                self.definitions.push(Definition { at: 0, ..definition });
            }
        }
        if self.definitions.len() > known {
            self.prefix = preamble(self.definitions.iter());
        }
    }
}

/// What shows the open tail.
struct Open<'a> {
    blocks: &'a mut Vec<Block>,
    typing: &'a mut Option<Typing>,
    desk: &'a mut Desk,
}

/// Shows the blocks of the open tail, the last of them mended. Returns how many bytes that parsed.
fn show(open: &mut Open<'_>, source: &str, pieces: &[Piece<'_>], definitions: &[&[Definition]]) -> u64 {
    open.blocks.clear();
    *open.typing = None;
    let Some((last, others)) = pieces.split_last() else { return 0 };
    for piece in others {
        let html = writer::open(source, piece, definitions, open.desk);
        open.blocks.push(Block { html });
    }
    let closers = if last.adapted.is_some() { String::new() } else { mend::closers(source, &last.events) };
    if closers.is_empty() {
        show_last(open, source, source, last, definitions);
        return 0;
    }
    // The mended block is parsed alone; definitions make its references work as before.
    let before = definitions.iter().copied().flatten().filter(|other| other.at < last.range.start);
    let prefix = preamble(before);
    let real = format!("{prefix}{}", &source[last.range.start..]);
    let mended = format!("{}{closers}", real.trim_end());
    match parse(&mended, &prefix).pieces.as_slice() {
        [only] => show_last(open, &mended, &real, only, definitions),
        _ => show_last(open, source, source, last, definitions),
    }
    mended.len() as u64
}

/// Shows the last block, which is `piece` of `source`. `real` is the source without what was added to mend it.
fn show_last(
    open: &mut Open<'_>,
    source: &str,
    real: &str,
    piece: &Piece<'_>,
    definitions: &[&[Definition]],
) {
    let mut html = writer::open(source, piece, definitions, open.desk);
    *open.typing = Typing::after(source, real, piece, &mut html);
    open.blocks.push(Block { html });
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn last_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or(text)
}

/// Whether `new`, which ends in `line`, is half of something that is better shown whole.
fn is_half(new: &str, line: &str) -> bool {
    if new.len() > LONG_WAIT {
        return false;
    }
    if line.starts_with('|') || opens_formula(new) {
        return !new.contains("|\n");
    }
    // A space after a word takes nothing from the word.
    let words = new.strip_suffix(' ').unwrap_or(new);
    let ends_in_mark = words.chars().next_back().is_none_or(|last| !continues(last));
    let no_word_yet = !line.chars().any(char::is_alphabetic);
    new.len() <= SHORT_WAIT && !new.ends_with("|\n") && (ends_in_mark || no_word_yet || opens_span(new))
}

/// Whether bold text, code or a link begins in `new` and does not end there.
fn opens_span(new: &str) -> bool {
    let odd = |mark: &str| new.matches(mark).count() % 2 == 1;
    let link = new.rfind('[').is_some_and(|at| match new[at..].find(']') {
        Some(end) => new[at + end..].starts_with("](") && !new[at + end..].contains(')'),
        None => true,
    });
    link || odd("**") || (odd("`") && !new.contains("```"))
}

/// Whether a formula begins in `new` and does not end there. A dollar before a digit is a price.
fn opens_formula(new: &str) -> bool {
    if let Some(at) = new.rfind(['$', '\\']) {
        let opens = |mark: &str, close: &str| {
            new.rfind(mark).is_some_and(|at| !new[at + mark.len()..].contains(close))
        };
        let dollars = new.matches("$$").count();
        let single = new.matches('$').count() - 2 * dollars;
        let price = new[at + 1..].starts_with(|c: char| c.is_ascii_digit() || c.is_whitespace());
        return dollars % 2 == 1 || (single % 2 == 1 && !price) || opens("\\(", "\\)") || opens("\\[", "\\]");
    }
    false
}

/// How many of the pieces no further text can change, but for late definitions. A block is closed by the whole first
/// line of the next one, because half a line may yet turn out to continue it; and a fence by its own closing line.
fn closed_count(source: &str, pieces: &[Piece<'_>]) -> usize {
    let Some((last, others)) = pieces.split_last() else { return 0 };
    if is_closed_fence(source, last) {
        return pieces.len();
    }
    let begins_whole_line = source[last.range.start..].contains('\n');
    if begins_whole_line { others.len() } else { others.len().saturating_sub(1) }
}

/// Where the open tail starts after `closed` pieces: behind the last of them, with what stands between (definitions).
fn tail_start(source: &str, pieces: &[Piece<'_>], closed: usize) -> Option<usize> {
    let end = pieces.get(closed.checked_sub(1)?)?.range.end;
    let ends_line = end == 0 || source.as_bytes()[end - 1] == b'\n';
    let next_line =
        if ends_line { end } else { source[end..].find('\n').map_or(source.len(), |at| end + at + 1) };
    Some(pieces.get(closed).map_or(next_line, |next| next_line.min(next.range.start)))
}

/// Whether this is a code fence at the left margin whose closing line is complete.
fn is_closed_fence(source: &str, piece: &Piece<'_>) -> bool {
    let Some(fence) = Fence::of(source, piece) else { return false };
    let text = &source[piece.range.start..];
    let Some(end) = text.rfind('\n') else { return false };
    let last = text[..end].trim_end_matches(['\n', '\r']).rsplit('\n').next().unwrap_or("");
    text[..end].contains('\n') && fence.is_closed_by(last)
}

/// The opening of a code fence at the left margin.
struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    fn of(source: &str, piece: &Piece<'_>) -> Option<Self> {
        if !matches!(piece.events.first()?.0, Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_)))) {
            return None;
        }
        let line = &source[piece.range.start..];
        let mark = line.chars().next().filter(|c| "`~".contains(*c))?;
        Some(Self { mark, length: line.chars().take_while(|c| *c == mark).count() })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let text = line.trim_start_matches(' ');
        let marks = text.chars().take_while(|c| *c == self.mark).count();
        line.len() - text.len() <= 3 && marks >= self.length && text[marks..].trim().is_empty()
    }
}

/// The place at the end of the open block where plain text may be appended without parsing.
#[derive(Debug)]
struct Typing {
    /// Byte of the block's HTML where it goes.
    at: usize,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// In a sentence; the last character decides what a space may do. `lines`: in a paragraph, which the next line
    /// continues when it begins with a letter.
    Prose { last: char, lines: bool },
    /// In an open code fence. `at_start`: the line so far is blank, so that a fence mark could close the block.
    Fence { mark: char, at_start: bool },
}

impl Typing {
    /// The place after what `piece` shows, if it is one. `real` is the source without what was added to mend it.
    /// A space that the parser left out at the end is put into `html`.
    fn after(source: &str, real: &str, piece: &Piece<'_>, html: &mut String) -> Option<Self> {
        if let Some(fence) = Fence::of(real, piece) {
            let line = real.rsplit('\n').next()?;
            let body = real[piece.range.start..].contains('\n') && html.ends_with("</code></pre></figure>\n");
            let at_start = line.trim().is_empty();
            let blank_or_text = at_start || !line.trim_start().starts_with(fence.mark);
            let place = Place::Fence { mark: fence.mark, at_start };
            return (body && blank_or_text).then(|| Self { at: insertion(html), place });
        }
        let words = real.strip_suffix(' ').unwrap_or(real);
        let last = words.chars().next_back()?;
        let shown = if piece.adapted.is_some() {
            ends_with_words(&html[..insertion(html)], words)
        } else {
            ends_in_words(source, words.len(), &piece.events)
        };
        if !continues(last) || !shown || !is_prose(words) {
            return None;
        }
        let mut at = insertion(html);
        if words.len() < real.len() {
            html.insert(at, ' ');
            at += 1;
        }
        Some(Self {
            at,
            place: Place::Prose { last: real.chars().next_back()?, lines: takes_lines(&piece.events) },
        })
    }

    /// Whether `new` is nothing but text here. Afterwards the place stands behind it; a refusal ends the typing.
    fn accepts(&mut self, new: &str) -> bool {
        match &mut self.place {
            Place::Prose { last, lines } => new.chars().all(|c| {
                let fine = match (*last, c) {
                    ('\n', c) => c.is_alphabetic(),
                    (before, '\n') => *lines && continues(before),
                    (before, ' ') => continues(before),
                    (':' | '/', '/') => false,
                    (_, c) => continues(c),
                };
                *last = c;
                fine
            }),
            Place::Fence { mark, at_start } => new.chars().all(|c| match c {
                '\n' => {
                    *at_start = true;
                    true
                }
                '\r' | '\0' => false,
                ' ' | '\t' => true,
                c if c == *mark && *at_start => false,
                _ => {
                    *at_start = false;
                    true
                }
            }),
        }
    }
}

/// Characters that only ever continue a sentence which has begun: letters, digits, and punctuation without a meaning
/// in Markdown in the middle of a line.
fn continues(c: char) -> bool {
    c.is_alphanumeric()
        || ",.:?!'\"-/%=+@".contains(c)
        || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
}

/// Whether the last line has a word already and ends neither in an address nor in half an entity.
fn is_prose(words: &str) -> bool {
    let line = last_line(words);
    let word = line.rsplit(' ').next().unwrap_or(line);
    let in_address = line.rfind("](").is_some_and(|at| !line[at..].contains(')'));
    line.chars().any(char::is_alphabetic) && !word.contains("://") && !word.contains('&') && !in_address
}

/// Whether the block ends in a paragraph, at whatever depth.
fn takes_lines(events: &[Placed<'_>]) -> bool {
    let mut ends = events.iter().rev().map_while(|(event, _)| match event {
        Event::End(end) => Some(end),
        _ => None,
    });
    ends.all(|end| {
        matches!(
            end,
            TagEnd::Paragraph
                | TagEnd::Item
                | TagEnd::List(_)
                | TagEnd::BlockQuote(_)
                | TagEnd::Strong
                | TagEnd::Emphasis
        )
    })
}

/// Whether the last thing in the block is text (or a code span that was mended) that reaches to byte `end`.
fn ends_in_words(source: &str, end: usize, events: &[Placed<'_>]) -> bool {
    for (event, range) in events.iter().rev() {
        match event {
            Event::Text(_) => return range.end == end,
            Event::Code(_) => return range.end == source.len() && source.len() > end,
            Event::End(TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::Image | TagEnd::Link) => return false,
            Event::End(_) => {}
            _ => return false,
        }
    }
    false
}

/// Whether the last words of an adapted block, whose events have other places, stand at the end of its HTML as they are.
fn ends_with_words(html: &str, words: &str) -> bool {
    let start = words.char_indices().rev().nth(7).map_or(0, |(at, _)| at);
    let last = &words[start..];
    last.chars().all(|c| c == ' ' || continues(c)) && html.ends_with(&escape(last))
}

/// The byte before the closing tags at the end of `html`.
fn insertion(html: &str) -> usize {
    let mut at = html.len();
    loop {
        let text = html[..at].trim_end();
        match text.rfind('<') {
            Some(tag) if text.ends_with('>') && text[tag..].starts_with("</") => at = tag,
            _ => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{render, render_with};

    fn stream_of(parts: &[&str]) -> (Vec<Vec<String>>, Vec<Block>) {
        let mut stream = Stream::new();
        let mut blocks = Vec::new();
        let mut views = Vec::new();
        for part in parts {
            stream.push(part);
            if let Some(patch) = stream.patch() {
                patch.apply(&mut blocks);
            }
            views.push(blocks.iter().map(|block: &Block| block.html.clone()).collect());
        }
        if let Some(patch) = stream.finish() {
            patch.apply(&mut blocks);
        }
        (views, blocks)
    }

    #[test]
    fn half_bold_is_shown_bold() {
        let (views, _) =
            stream_of(&["some", " **bold words that", " go on and on for longer than is waited"]);
        assert_eq!(views[1], ["<p>some</p>\n"], "a short span is waited for");
        let bold = "bold words that go on and on for longer than is waited";
        assert_eq!(views[2], [format!("<p>some <strong>{bold}</strong></p>\n")]);
    }

    #[test]
    fn an_open_fence_is_code_already() {
        let (views, blocks) = stream_of(&["```rust\nfn", " main() {\n", "}\n``", "`\nDone\nand"]);
        assert!(views[1][0].ends_with("<pre><code>fn main() {\n</code></pre></figure>\n"), "{}", views[1][0]);
        assert!(views[3][0].contains("hl-keyword"), "a closed fence is highlighted at once: {}", views[3][0]);
        assert_eq!(blocks, render("```rust\nfn main() {\n}\n```\nDone\nand"));
    }

    #[test]
    fn words_are_appended_without_parsing() {
        let mut stream = Stream::new();
        stream.push("The first");
        stream.patch();
        let parsed = stream.parsed();
        stream.push(" words of a sentence, and");
        let patch = stream.patch().expect("new text is shown");
        assert_eq!(patch.blocks[0].html, "<p>The first words of a sentence, and</p>\n");
        assert_eq!(stream.parsed(), parsed, "nothing was parsed for plain words");
    }

    #[test]
    fn a_word_is_shown_at_once_whichever_side_its_space_is_on() {
        for parts in [["The first", " word", " and", " one"], ["The first ", "word ", "and ", "one "]] {
            let mut stream = Stream::new();
            for part in parts {
                stream.push(part);
                let patch = stream.patch().unwrap_or_else(|| panic!("{part:?} is shown"));
                assert!(patch.blocks[0].html.contains(part.trim()), "{part:?} in {patch:?}");
            }
        }
    }

    #[test]
    fn a_definition_that_comes_last_mends_the_first_block() {
        let text =
            "See [the page][p] and a note[^1].\n\nMore.\n\n[p]: https://example.com\n[^1]: The note.\n";
        let parts: Vec<&str> = text.split_inclusive(' ').collect();
        let (_, blocks) = stream_of(&parts);
        assert!(blocks[0].html.contains("href=\"https://example.com/\""), "{}", blocks[0].html);
        assert!(blocks[0].html.contains("<sup class=\"footnote-ref\">1</sup>"), "{}", blocks[0].html);
        assert_eq!(blocks, render(text));
    }

    #[test]
    fn a_text_beyond_the_cap_is_plain() {
        let text = "**word** ".repeat(MAX_TEXT / 9 + 1);
        let (_, blocks) = stream_of(&[&text]);
        assert_eq!(blocks, render_with(&text, &Options::default()));
        assert!(blocks[0].html.starts_with("<p class=\"plain\">**word**"), "the marks are shown as they are");
    }
}
