//! Addresses: which may be links, which bare ones in a text are, and which `[n]` are citation marks.

use std::collections::BTreeSet;

use url::Url;

use crate::escape_into;

/// The address as the `url` crate writes it, if it is absolute and `http`, `https` or `mailto`.
///
/// The parsed and re-written form goes into the page, never the model's spelling: what was checked is what is opened.
#[must_use]
pub fn link_address(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    matches!(url.scheme(), "http" | "https" | "mailto").then(|| url.into())
}

/// The address of a remote picture, if it is `http` or `https`.
#[must_use]
pub fn picture_address(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

/// Opens a link to `address`, which [`link_address`] returned.
pub(crate) fn open_link(html: &mut String, address: &str) {
    html.push_str("<a href=\"");
    escape_into(html, address);
    html.push_str("\" rel=\"noopener noreferrer nofollow\">");
}

/// Appends running text: escaped, bare web addresses as links, and given numbers in brackets as citation marks.
pub(crate) fn push_text(html: &mut String, text: &str, citations: &BTreeSet<u32>) {
    let mut rest = text;
    while let Some(at) = rest.find("http") {
        let Some((length, address)) = bare_address(rest, at) else {
            push_cited(html, &rest[..at + 4], citations);
            rest = &rest[at + 4..];
            continue;
        };
        push_cited(html, &rest[..at], citations);
        open_link(html, &address);
        escape_into(html, &rest[at..at + length]);
        html.push_str("</a>");
        rest = &rest[at + length..];
    }
    push_cited(html, rest, citations);
}

/// The bare address that starts at byte `at`: its length in the text, and the address.
fn bare_address(text: &str, at: usize) -> Option<(usize, String)> {
    let candidate = &text[at..];
    if !candidate.starts_with("https://") && !candidate.starts_with("http://") {
        return None;
    }
    if text[..at].chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let end = candidate.find(ends_address).unwrap_or(candidate.len());
    let address = trim_address(&candidate[..end]);
    let parsed = link_address(address)?;
    let has_host = address.split_once("://").is_some_and(|(_, rest)| rest.starts_with(char::is_alphanumeric));
    has_host.then_some((address.len(), parsed))
}

/// Characters that no bare address contains. Full-width punctuation is among them: in Chinese no space follows.
fn ends_address(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "<>\"`{}|\\^，。；：！？、（）「」『』《》【】“”‘’…".contains(c)
}

/// Without the punctuation that belongs to the sentence: `(see https://a.example/b_(c)).`
fn trim_address(address: &str) -> &str {
    let mut address = address;
    while let Some(last) = address.chars().next_back() {
        let closes = |open: char, close: char| {
            last == close && address.matches(close).count() > address.matches(open).count()
        };
        if !".,;:!?'*_~".contains(last) && !closes('(', ')') && !closes('[', ']') {
            break;
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    address
}

/// Appends escaped text in which `[3]`, `[1, 3]` and `【3】` become marks when all their numbers were given.
fn push_cited(html: &mut String, text: &str, citations: &BTreeSet<u32>) {
    if citations.is_empty() {
        escape_into(html, text);
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.find(['[', '【']) {
        escape_into(html, &rest[..at]);
        rest = &rest[at..];
        if let Some((numbers, length)) = citation_mark(rest, citations) {
            for number in numbers {
                html.push_str(&format!("<cite data-n=\"{number}\">{number}</cite>"));
            }
            rest = &rest[length..];
        } else {
            let bracket = rest.chars().next().map_or(0, char::len_utf8);
            escape_into(html, &rest[..bracket]);
            rest = &rest[bracket..];
        }
    }
    escape_into(html, rest);
}

/// The citation mark at the start of `text`: its numbers and its length in bytes.
fn citation_mark(text: &str, citations: &BTreeSet<u32>) -> Option<(Vec<u32>, usize)> {
    let close = if text.starts_with('[') { ']' } else { '】' };
    let open = text.chars().next()?.len_utf8();
    let end = text.find(close)?;
    let numbers: Vec<u32> = text[open..end]
        .split([',', '，'])
        .map(|number| plain_number(number.trim()))
        .collect::<Option<_>>()?;
    numbers.iter().all(|number| citations.contains(number)).then(|| (numbers, end + close.len_utf8()))
}

fn plain_number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
