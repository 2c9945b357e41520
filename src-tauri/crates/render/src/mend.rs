//! A text that stops in the middle, completed for the eye: `**half bold` is shown bold before its end has come.
//!
//! Only the view of the open tail is mended. What is kept, and what `Stream::finish` renders, is the text itself.

use pulldown_cmark::{Event, Tag};

use crate::markdown::Placed;

/// What to append to `source` so that the constructs left open in its last line of text are closed. Empty when there
/// are none. `events` are those of its last block.
pub fn closers(source: &str, events: &[Placed<'_>]) -> String {
    let Some(start) = last_leaf(events) else { return String::new() };
    let mut open: Vec<Mark> = Vec::new();
    for (event, range) in &events[start..] {
        if !matches!(event, Event::Text(_)) {
            continue;
        }
        let Some(mark) = Mark::at(source, range.start) else { continue };
        if open.last().is_some_and(|last| last.kind == '`' || last.end() > range.start) {
            continue;
        }
        if mark.opens(source) {
            open.push(mark);
        }
    }
    let mut closers: String = open.iter().rev().map(Mark::closer).collect();
    if open.is_empty() && opens_address(&source[events[start].1.start..]) {
        closers.push(')');
    }
    closers
}

/// A run of one delimiter that the parser left as text.
struct Mark {
    kind: char,
    at: usize,
    length: usize,
}

impl Mark {
    fn at(source: &str, at: usize) -> Option<Self> {
        let kind = source[at..].chars().next().filter(|c| "*_`~".contains(*c))?;
        let begin = source[..at].trim_end_matches(kind).len();
        if begin < at && source[..begin].ends_with('\\') {
            return None;
        }
        let length = source[at..].chars().take_while(|c| *c == kind).count();
        (!source[..at].ends_with('\\')).then_some(Self { kind, at, length })
    }

    fn end(&self) -> usize {
        self.at + self.length
    }

    /// Whether this can be the beginning of something: text follows at once, and for the one-character marks (a
    /// product `5*3`, a name `a_b`) a space or a bracket stands before.
    fn opens(&self, source: &str) -> bool {
        let follows = source[self.end()..].trim_end().chars().next();
        let before = source[..self.at].chars().next_back();
        if follows.is_none_or(char::is_whitespace) {
            return false;
        }
        match (self.kind, self.length) {
            ('`', 1..=2) | ('*', 2..=3) | ('~', 2) => true,
            ('*', 1) | ('_', 1..=3) => before.is_none_or(|c| c.is_whitespace() || "([\"'*_（“「".contains(c)),
            _ => false,
        }
    }

    fn closer(&self) -> String {
        self.kind.to_string().repeat(self.length)
    }
}

/// Index of the event that begins the last paragraph, heading, item or cell; `None` inside code and raw HTML.
fn last_leaf(events: &[Placed<'_>]) -> Option<usize> {
    let at = events.iter().rposition(|(event, _)| {
        matches!(
            event,
            Event::Start(
                Tag::Paragraph
                    | Tag::Heading { .. }
                    | Tag::Item
                    | Tag::TableCell
                    | Tag::CodeBlock(_)
                    | Tag::HtmlBlock
            )
        )
    })?;
    let literal = matches!(&events[at].0, Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock));
    (!literal).then_some(at)
}

/// Whether the text stops inside the address of a link: `[words](https://exa`.
fn opens_address(text: &str) -> bool {
    let Some(at) = text.rfind("](") else { return false };
    let address = &text[at + 2..];
    text[..at].contains('[') && !address.is_empty() && !address.contains([')', ' ', '\n', '<', '('])
}
