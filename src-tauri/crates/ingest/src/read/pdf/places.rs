//! Where the lines of a page's text are drawn: the placed pieces of the page, found again in the text made of it.
//!
//! The text comes from the library in an order of its own, without places; the pieces have places and no text order. A row
//! of pieces is a line's place only where no other row could be meant: its letters stand once in the text and no other row
//! claims them, or it follows such a row in both, on the page as in the text. Everything else stays without a place,
//! because a wrong mark is worse than none.

use std::ops::Range;

use pdf_oxide::layout::TextSpan;

use crate::reading::{Area, PlacedLine};

/// Letters by which a row can be known alone; an ideograph counts as three.
const TELLING: usize = 8;
/// Rows and letters of a page that are compared at most, multiplied.
const MOST_COMPARED: usize = 60_000_000;
/// Lines further apart than this many heights do not follow one another.
const FOLLOWS: i32 = 3;
/// How far letters reach below the base line and above it, as shares of the size.
const BELOW: f32 = 0.22;
const ABOVE: f32 = 0.82;

/// A row of pieces: its letters and where it is drawn.
pub(super) struct Row {
    letters: String,
    area: Area,
    /// Where it is on the page as it is seen, which tells what stands below what.
    seen: Area,
}

impl Row {
    /// On a page that is seen otherwise than it is drawn.
    pub(super) fn turned_by(self, back: impl Fn(Area) -> Area) -> Self {
        Self { area: back(self.seen), ..self }
    }
}

/// A row, unless its place is uncertain: turned, mirrored or vertical pieces, and coordinates that are none.
pub(super) fn row(pieces: &[TextSpan], text: &str) -> Option<Row> {
    let is_plain = |piece: &TextSpan| {
        piece.rotation_degrees == 0.0
            && !piece.mirrored
            && piece.wmode == 0
            && piece.page_rotation_applied == 0
    };
    let letters: String = letters_of(text).map(|(_, _, letter)| letter).collect();
    if letters.is_empty() || !pieces.iter().all(is_plain) {
        return None;
    }
    let (mut left, mut right, mut bottom, mut top) = (f32::MAX, f32::MIN, f32::MAX, f32::MIN);
    for piece in pieces.iter().filter(|piece| !piece.text.trim().is_empty()) {
        let (size, base) = (piece.bbox.height, piece.bbox.y);
        left = left.min(piece.bbox.x);
        right = right.max(piece.bbox.x + piece.bbox.width);
        bottom = bottom.min(base - BELOW * size);
        top = top.max(base + ABOVE * size);
    }
    let sane = [left, right, bottom, top].iter().all(|value| value.abs() < 200_000.0);
    let area = Area {
        left: tenths(left),
        bottom: tenths(bottom),
        width: tenths(right - left),
        height: tenths(top - bottom),
    };
    (sane && area.width > 0 && area.height > 0).then_some(Row { letters, area, seen: area })
}

fn tenths(points: f32) -> i32 {
    (points * 10.0).round() as i32
}

/// Letters and digits with where they begin and end, ligatures taken apart.
fn letters_of(text: &str) -> impl Iterator<Item = (usize, usize, char)> {
    text.char_indices().flat_map(|(at, sign)| {
        let end = at + sign.len_utf8();
        let parts = match sign {
            '\u{fb00}' => "ff",
            '\u{fb01}' => "fi",
            '\u{fb02}' => "fl",
            '\u{fb03}' => "ffi",
            '\u{fb04}' => "ffl",
            '\u{fb05}' | '\u{fb06}' => "st",
            _ => "",
        };
        let own = parts.is_empty().then_some(sign);
        parts
            .chars()
            .chain(own)
            .filter(|letter| letter.is_alphanumeric())
            .map(move |letter| (at, end, letter))
    })
}

/// The page's text as letters, with the way back.
struct Letters {
    text: String,
    /// For each byte of `text`, which letter it belongs to.
    order: Vec<usize>,
    /// For each letter, its bytes in the page's text.
    places: Vec<(usize, usize)>,
}

impl Letters {
    fn of(text: &str) -> Self {
        let mut letters = Self { text: String::new(), order: Vec::new(), places: Vec::new() };
        for (start, end, letter) in letters_of(text) {
            letters.text.push(letter);
            letters.order.resize(letters.text.len(), letters.places.len());
            letters.places.push((start, end));
        }
        letters
    }

    /// Where some letters stand, as ranges of bytes of [`Letters::text`], overlapping ones too.
    fn all_of(&self, wanted: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(at) = self.text.get(from..).and_then(|rest| rest.find(wanted)) {
            found.push(from + at..from + at + wanted.len());
            from += at + self.text[from + at..].chars().next().map_or(1, char::len_utf8);
        }
        found
    }

    fn bytes(&self, range: &Range<usize>) -> Range<usize> {
        let (start, _) = self.places[self.order[range.start]];
        let (_, end) = self.places[self.order[range.end - 1]];
        start..end
    }
}

/// The lines of a page whose places are certain. `text` is what was kept of the page, from byte `start` of the whole.
pub(super) fn of(rows: &[Row], text: &str, start: usize, page: u32) -> Vec<PlacedLine> {
    let letters = Letters::of(text);
    if letters.text.is_empty() || rows.len().saturating_mul(letters.text.len()) > MOST_COMPARED {
        return Vec::new();
    }
    let mut placed = anchors(rows, &letters);
    // Down the page and up again: each row may be known by its neighbour.
    for index in 1..rows.len() {
        follow(rows, &letters, &mut placed, index - 1, index);
    }
    for index in (1..rows.len()).rev() {
        follow(rows, &letters, &mut placed, index, index - 1);
    }
    let mut lines: Vec<PlacedLine> = rows
        .iter()
        .zip(placed)
        .filter_map(|(row, range)| {
            let range = letters.bytes(&range?);
            Some(PlacedLine { page, range: start + range.start..start + range.end, area: row.area })
        })
        .collect();
    lines.sort_by_key(|line| line.range.start);
    lines
}

/// Rows whose letters stand once in the text and are claimed by no other row.
fn anchors(rows: &[Row], letters: &Letters) -> Vec<Option<Range<usize>>> {
    const NOBODY: u32 = 0;
    const SEVERAL: u32 = u32::MAX;
    let mut owners = vec![NOBODY; letters.text.len()];
    let mut hits = Vec::with_capacity(rows.len());
    for (number, row) in (1..).zip(rows) {
        let found = if is_telling(&row.letters) { letters.all_of(&row.letters) } else { Vec::new() };
        for at in found.iter().flat_map(Clone::clone) {
            let owner = &mut owners[at];
            *owner = if *owner == NOBODY || *owner == number { number } else { SEVERAL };
        }
        hits.push(found);
    }
    hits.into_iter()
        .zip(1..)
        .map(|(found, number)| match found.as_slice() {
            [only] if owners[only.clone()].iter().all(|owner| *owner == number) => Some(only.clone()),
            _ => None,
        })
        .collect()
}

fn is_telling(letters: &str) -> bool {
    let weight = |letter: char| if crate::tokens::is_ideograph(letter) { 3 } else { 1 };
    letters.chars().map(weight).sum::<usize>() >= TELLING
}

/// Places `next` beside the row `known`, if it stands there in the text and on the page.
fn follow(rows: &[Row], letters: &Letters, placed: &mut [Option<Range<usize>>], known: usize, next: usize) {
    let (Some(range), None) = (&placed[known], &placed[next]) else { return };
    let wanted = rows[next].letters.as_str();
    let is_behind = next > known;
    let there = if is_behind {
        letters.text[range.end..].starts_with(wanted).then(|| range.end..range.end + wanted.len())
    } else {
        letters.text[..range.start].ends_with(wanted).then(|| range.start - wanted.len()..range.start)
    };
    let (above, below) = if is_behind { (known, next) } else { (next, known) };
    let is_free = |there: &Range<usize>| {
        placed.iter().flatten().all(|other| other.end <= there.start || there.end <= other.start)
    };
    if let Some(there) = there.filter(|there| is_free(there) && stands_below(&rows[above], &rows[below])) {
        placed[next] = Some(there);
    }
}

/// The next line of the same column, or what goes on behind on the same line.
fn stands_below(above: &Row, below: &Row) -> bool {
    let (one, two) = (&above.seen, &below.seen);
    let height = one.height.max(two.height);
    let fall = one.bottom - two.bottom;
    if fall.abs() * 3 < height {
        let gap = two.left - (one.left + one.width);
        return (-height / 3..height * 12).contains(&gap);
    }
    let shares_column = one.left < two.left + two.width && two.left < one.left + one.width;
    fall > 0 && fall < height * FOLLOWS && shares_column
}
