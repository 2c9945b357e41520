//! Numbered passages in a request, and an answer that quotes the sentences which share most with the question.

use super::{Role, Turn};
use crate::words;

/// A passage as the request numbers it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Passage {
    pub(crate) n: usize,
    pub(crate) text: String,
}

/// Every passage of the system's and the last person's message, in order.
pub(crate) fn found_in(turns: &[Turn]) -> Vec<Passage> {
    let last_user = turns.iter().rposition(|turn| turn.role == Role::User);
    let mut found = Vec::new();
    for (i, turn) in turns.iter().enumerate() {
        if turn.role == Role::System || Some(i) == last_user {
            found.extend(in_text(&turn.text));
        }
    }
    found
}

/// `<source n="1" ...>text</source>` (also `passage`, `document`, `context`, with `id` or `index`), else blocks that
/// begin with `[1]` at a line's start.
pub(super) fn in_text(text: &str) -> Vec<Passage> {
    let tagged = tagged(text);
    if tagged.is_empty() { bracketed(text) } else { tagged }
}

fn tagged(text: &str) -> Vec<Passage> {
    let mut found = Vec::new();
    for name in ["source", "passage", "document", "context"] {
        let (open, close) = (format!("<{name} "), format!("</{name}>"));
        let mut rest = text;
        while let Some(at) = rest.find(&open) {
            let after = &rest[at + open.len()..];
            let Some(end_of_tag) = after.find('>') else { break };
            let inner = &after[end_of_tag + 1..];
            let end = inner.find(&close).unwrap_or(inner.len());
            if let Some(n) = number_in(&after[..end_of_tag]) {
                found.push(Passage {
                    n,
                    text: inner[..end].trim().replace("&lt;", "<").replace("&amp;", "&"),
                });
            }
            rest = &inner[end..];
        }
    }
    found
}

/// The first of the attributes `n="1"`, `id="1"`, `index="1"`, `number="1"` that holds a number.
fn number_in(attributes: &str) -> Option<usize> {
    let mut rest = attributes;
    while let Some((name, after)) = rest.split_once('=') {
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, later) = match quote {
            Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            None => after.split_once(' ').unwrap_or((after, "")),
        };
        if ["n", "id", "index", "number"].contains(&name.trim())
            && let Ok(number) = value.trim_matches(['[', ']']).parse()
        {
            return Some(number);
        }
        rest = later;
    }
    None
}

fn bracketed(text: &str) -> Vec<Passage> {
    let mut found: Vec<Passage> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if let Some((n, rest)) = leading_mark(line) {
            found.push(Passage { n, text: rest.trim().to_owned() });
            open = true;
        } else if is_fence(line)
            || (line.trim().is_empty() && found.last().is_some_and(|p| !p.text.is_empty()))
        {
            // A blank line or a fence ends a passage that has begun to speak.
            open = false;
        } else if open && let Some(passage) = found.last_mut() {
            passage.text.push('\n');
            passage.text.push_str(line);
        }
    }
    found.retain(|passage| !passage.text.trim().is_empty());
    found
}

fn is_fence(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("```") || line.starts_with("~~~") || line.starts_with("---") || line.starts_with("===")
}

/// `[3] text` gives 3 and the text.
fn leading_mark(line: &str) -> Option<(usize, &str)> {
    let (digits, rest) = line.trim_start().strip_prefix('[')?.split_once(']')?;
    Some((digits.parse().ok()?, rest))
}

/// The person's own words: the message without passages and the lines around them.
pub(crate) fn question_of(said: &str) -> String {
    let mut text = said.to_owned();
    for name in ["source", "passage", "document", "context"] {
        let (open, close) = (format!("<{name} "), format!("</{name}>"));
        while let Some(at) = text.find(&open) {
            let end = text[at..].find(&close).map_or(text.len(), |end| at + end + close.len());
            text.replace_range(at..end, "");
        }
    }
    let passages: String = bracketed(&text).iter().map(|passage| passage.text.clone() + "\n").collect();
    let own = |line: &&str| {
        let line = line.trim();
        let tag = line.starts_with('<') && line.ends_with('>');
        let material = is_fence(line) || leading_mark(line).is_some() || passages.contains(line);
        !line.is_empty() && !tag && !material
    };
    let lines: Vec<&str> = text.lines().filter(own).map(str::trim).collect();
    let strip = |line: &str| {
        let labels = ["question:", "Question:", "问题：", "问题:"];
        labels.iter().find_map(|label| line.strip_prefix(label)).unwrap_or(line).trim().to_owned()
    };
    lines.into_iter().map(strip).collect::<Vec<_>>().join(" ")
}

/// One sentence with its passage's number and how much of the question it covers.
struct Quote<'a> {
    n: usize,
    sentence: &'a str,
    score: f32,
}

/// At most this many quotes.
const MOST_QUOTES: usize = 3;
/// Below this share of the question's weight a sentence says nothing about it.
const FAINT: f32 = 0.12;

/// An answer made of the best sentences, each with its mark.
pub(crate) fn quoted(passages: &[Passage], question: &str, chinese: bool) -> String {
    let query = words::terms(question);
    let mut quotes: Vec<Quote<'_>> = passages.iter().filter_map(|passage| best_of(passage, &query)).collect();
    quotes.sort_by(|a, b| b.score.total_cmp(&a.score));
    let strongest = quotes.first().map_or(0.0, |quote| quote.score);
    quotes.retain(|quote| quote.score >= FAINT && quote.score >= strongest * 0.5);
    quotes.truncate(MOST_QUOTES);
    match (quotes.split_first(), chinese) {
        (None, true) => format!("这是模拟回答。{} 段资料里没有一句与问题有足够的共同之处。", passages.len()),
        (None, false) => {
            format!(
                "This is a simulated answer. None of the {} passages shares enough words with the question.",
                passages.len()
            )
        }
        (Some((best, others)), true) => {
            let more: String = others
                .iter()
                .map(|quote| format!("\n- {} [{}]", shortened(quote.sentence), quote.n))
                .collect();
            let lead = if more.is_empty() { "" } else { "\n\n相关的还有：\n" };
            format!(
                "这是模拟回答，它引用与问题最接近的句子：\n\n> {} [{}]{lead}{more}",
                shortened(best.sentence),
                best.n
            )
        }
        (Some((best, others)), false) => {
            let more: String = others
                .iter()
                .map(|quote| format!("\n- {} [{}]", shortened(quote.sentence), quote.n))
                .collect();
            let lead = if more.is_empty() { "" } else { "\n\nAlso close to it:\n" };
            format!(
                "This is a simulated answer: it quotes the sentences nearest to your question.\n\n> {} [{}]{lead}{more}",
                shortened(best.sentence),
                best.n
            )
        }
    }
}

fn best_of<'a>(passage: &'a Passage, query: &std::collections::BTreeMap<u64, f32>) -> Option<Quote<'a>> {
    let scored = words::sentences(&passage.text).into_iter().map(|sentence| {
        let score = words::coverage(query, &words::terms(sentence));
        Quote { n: passage.n, sentence, score }
    });
    scored.max_by(|a, b| a.score.total_cmp(&b.score))
}

/// On one line, at most 320 characters.
fn shortened(sentence: &str) -> String {
    let line = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 320 { line } else { line.chars().take(319).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAGGED: &str = "Use the sources.\n<source n=\"1\" title=\"lease.pdf\" page=\"2\">\nThe rent is 900 euros. Pets are \
        allowed.\n</source>\n<source n=\"2\">The notice period is three months.</source>";

    #[test]
    fn passages_are_found_in_both_forms() {
        let tagged = in_text(TAGGED);
        assert_eq!(tagged.iter().map(|p| p.n).collect::<Vec<_>>(), [1, 2]);
        let lines = in_text(
            "Sources:\n[1] lease.pdf, page 2\nThe rent is 900 euros.\n\n[2] The notice is short.\n\nQuestion: rent?",
        );
        assert_eq!(lines.len(), 2);
        assert!(lines[0].text.ends_with("900 euros."), "{lines:?}");
        assert_eq!(lines[1].text, "The notice is short.");
    }

    #[test]
    fn the_sentence_that_answers_is_quoted_with_its_mark() {
        let answer = quoted(&in_text(TAGGED), "How long is the notice period?", false);
        assert!(answer.contains("> The notice period is three months. [2]"), "{answer}");
        assert!(!answer.contains("[1]"), "an unrelated passage is not cited: {answer}");
    }

    #[test]
    fn the_question_is_what_the_passages_leave() {
        assert_eq!(question_of(&format!("{TAGGED}\n\nQuestion: How long?")), "Use the sources. How long?");
    }
}
