//! Passages: pieces of a reading that fit an embedding model, cut where the text itself pauses.
//!
//! A reading is taken apart into units (sentences, lines of code, rows), each with the strength of the pause
//! after it. Units are packed up to the budget; where the budget ends in the middle, the strongest pause in
//! the second half of the passage is chosen. A passage never crosses a page, and crosses a heading only while
//! it is still small. Every passage is a contiguous range of the reading's text.

mod units;

use std::ops::Range;

use units::{Pause, Unit};

use crate::{Reading, SectionKind};

/// How large passages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Tokens of one passage with its headings and repeated table header. At least [`Budget::LEAST`].
    pub tokens: usize,
    /// Tokens of the passage before that are repeated at the start of the next.
    pub overlap: usize,
}

impl Budget {
    /// Below this a passage cannot hold a word with its context.
    pub const LEAST: usize = 24;
}

impl Default for Budget {
    /// Sized for `bge-m3`, and within the 512 tokens of the other embedding models.
    fn default() -> Self {
        Self { tokens: 400, overlap: 60 }
    }
}

/// A piece of a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Its place among the passages of the reading, from 0.
    pub ordinal: u32,
    /// Exactly `reading.text[range]`.
    pub text: String,
    /// The header of the table that the passage continues, where it does not hold that row itself.
    pub header: Option<String>,
    /// The headings above it, outermost first.
    pub heading_path: Vec<String>,
    /// The page it stands on, from 1.
    pub page: Option<u32>,
    /// Byte offsets in the reading's text.
    pub range: Range<usize>,
    /// Tokens of [`Passage::embedding_text`], by the counter that was given.
    pub tokens: usize,
    /// blake3 of [`Passage::embedding_text`]: equal means there is nothing to embed again.
    pub hash: [u8; 32],
}

impl Passage {
    /// What is given to the embedding model: headings, repeated header, text.
    pub fn embedding_text(&self) -> String {
        embedding_text(&self.heading_path, self.header.as_deref(), &self.text)
    }
}

fn embedding_text(path: &[String], header: Option<&str>, text: &str) -> String {
    let mut whole = path.join(" › ");
    for part in [header, Some(text)].into_iter().flatten() {
        if !whole.is_empty() {
            whole.push('\n');
        }
        whole.push_str(part);
    }
    whole
}

/// Cuts a reading into passages. `count_tokens` is the model's counter or [`crate::estimate_tokens`].
///
/// The ranges are in order of their starts and together hold every character that is not white space; no
/// passage is blank and none counts more than `budget.tokens`, as long as the counter gives a single
/// character fewer tokens than [`Budget::LEAST`] / 2.
pub fn cut(reading: &Reading, budget: &Budget, count_tokens: &dyn Fn(&str) -> usize) -> Vec<Passage> {
    let tokens = budget.tokens.max(Budget::LEAST);
    let cutter = Cutter {
        reading,
        budget: Budget { tokens, overlap: budget.overlap.min(tokens / 3) },
        count: count_tokens,
    };
    let units = cutter.units();
    cutter.pack(&units)
}

struct Cutter<'a> {
    reading: &'a Reading,
    budget: Budget,
    count: &'a dyn Fn(&str) -> usize,
}

/// What surrounds a unit and goes into the embedding with it.
struct Frame {
    path: Vec<String>,
    header: Option<String>,
    tokens: usize,
}

impl Cutter<'_> {
    /// The room that a unit may take: what the budget leaves after headings and table header.
    fn units(&self) -> Vec<Unit> {
        let mut units = Vec::new();
        for (index, section) in self.reading.sections.iter().enumerate() {
            let room = self.budget.tokens - self.frame(index, true).tokens;
            units::of_section(self.reading, index, section, room.max(1), self.count, &mut units);
        }
        units
    }

    /// Headings and header of a section, shortened to at most half of the budget together.
    fn frame(&self, section: usize, with_header: bool) -> Frame {
        let section = &self.reading.sections[section];
        let mut path = section.heading_path.clone();
        let mut allowance = self.budget.tokens / 4;
        while !path.is_empty() && (self.count)(&path.join(" › ")) > allowance {
            // The innermost heading says most.
            if path.len() > 1 {
                path.remove(0);
            } else {
                let short = units::fitting_prefix(&path[0], allowance, self.count).trim_end().to_owned();
                path = if short.is_empty() { Vec::new() } else { vec![short] };
                break;
            }
        }
        allowance = self.budget.tokens / 4;
        let header = match &section.kind {
            SectionKind::Table { header: Some(range) } if with_header => {
                let whole = &self.reading.text[range.clone()];
                let short = units::fitting_prefix(whole, allowance, self.count).trim_end();
                (!short.is_empty()).then(|| short.to_owned())
            }
            _ => None,
        };
        let tokens = (self.count)(&embedding_text(&path, header.as_deref(), ""));
        Frame { path, header, tokens }
    }

    fn pack(&self, units: &[Unit]) -> Vec<Passage> {
        let mut passages: Vec<Passage> = Vec::new();
        let mut first = 0;
        let mut floor = 0;
        while first < units.len() {
            let start = self.overlap_start(units, first, floor);
            let last = self.last_of(units, start, first);
            let (start, last) = self.fit(units, start, first, last);
            passages.push(self.passage(units, start, last, passages.len()));
            floor = start + 1;
            first = last + 1;
        }
        passages
    }

    /// The last unit of the passage whose new text begins with `first`, after an overlap from `start`: as many
    /// as the sums allow, then back to the strongest pause.
    fn last_of(&self, units: &[Unit], start: usize, first: usize) -> usize {
        let overlap: usize = units[start..first].iter().map(|unit| unit.tokens).sum();
        let room =
            self.budget.tokens.saturating_sub(self.frame(units[first].section, true).tokens + overlap).max(1);
        let mut sum = 0;
        for (index, unit) in units.iter().enumerate().skip(first) {
            let full = sum + unit.tokens > room;
            if index > first && (full || self.must_break(units, index, sum)) {
                return if full { strongest_pause(units, first, index, sum) } else { index - 1 };
            }
            sum += unit.tokens;
        }
        units.len() - 1
    }

    /// Whether a passage must end before this unit although there is room.
    fn must_break(&self, units: &[Unit], index: usize, sum: usize) -> bool {
        let (before, after) =
            (&self.reading.sections[units[index - 1].section], &self.reading.sections[units[index].section]);
        if units[index - 1].section == units[index].section {
            return false;
        }
        if before.page != after.page {
            return true;
        }
        let leaves_table = matches!(before.kind, SectionKind::Table { .. });
        let opens_heading = matches!(after.kind, SectionKind::Heading { .. });
        let follows_heading = matches!(before.kind, SectionKind::Heading { .. });
        (leaves_table || opens_heading || before.heading_path != after.heading_path)
            && !follows_heading
            && sum * 4 >= self.budget.tokens
    }

    /// Makes the count of the whole true: drops the overlap, then units at the end, until the passage as it
    /// will be embedded is within the budget.
    fn fit(&self, units: &[Unit], start: usize, first: usize, last: usize) -> (usize, usize) {
        let (mut start, mut last) = (start, last);
        while (last > first || start < first) && self.measure(units, start, last) > self.budget.tokens {
            if start < first { start += 1 } else { last -= 1 }
        }
        (start, last)
    }

    /// How far back the passage that begins with `first` repeats the one before: whole units of flowing text
    /// in the same section.
    fn overlap_start(&self, units: &[Unit], first: usize, floor: usize) -> usize {
        let section = units[first].section;
        if !matches!(self.reading.sections[section].kind, SectionKind::Prose | SectionKind::Code { .. }) {
            return first;
        }
        let mut sum = 0;
        let mut start = first;
        while start > floor && units[start - 1].section == section {
            sum += units[start - 1].tokens;
            if sum > self.budget.overlap {
                break;
            }
            start -= 1;
        }
        start
    }

    fn measure(&self, units: &[Unit], start: usize, last: usize) -> usize {
        let (frame, range) = self.framed(units, start, last);
        (self.count)(&embedding_text(&frame.path, frame.header.as_deref(), &self.reading.text[range]))
    }

    fn framed(&self, units: &[Unit], start: usize, last: usize) -> (Frame, Range<usize>) {
        let range = units[start].range.start..units[last].range.end;
        let section = self.main_section(&units[start..=last]);
        let continued = match &self.reading.sections[units[start].section].kind {
            SectionKind::Table { header: Some(header) } => range.start >= header.end,
            _ => false,
        };
        let mut frame = self.frame(section, false);
        if continued {
            frame.header = self.frame(units[start].section, true).header;
        }
        (frame, range)
    }

    /// The section that most of the passage is of, headings aside, names the place.
    fn main_section(&self, units: &[Unit]) -> usize {
        let mut best = (0, units[units.len() - 1].section);
        for group in units.chunk_by(|a, b| a.section == b.section) {
            let section = group[0].section;
            let tokens: usize = group.iter().map(|unit| unit.tokens).sum();
            if tokens > best.0 && !matches!(self.reading.sections[section].kind, SectionKind::Heading { .. })
            {
                best = (tokens, section);
            }
        }
        best.1
    }

    fn passage(&self, units: &[Unit], start: usize, last: usize, ordinal: usize) -> Passage {
        let (frame, range) = self.framed(units, start, last);
        let text = self.reading.text[range.clone()].to_owned();
        let whole = embedding_text(&frame.path, frame.header.as_deref(), &text);
        Passage {
            ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
            tokens: (self.count)(&whole),
            hash: *blake3::hash(whole.as_bytes()).as_bytes(),
            page: self.reading.sections[units[start].section].page,
            heading_path: frame.path,
            header: frame.header,
            text,
            range,
        }
    }
}

/// The unit before `full` after which to cut: the strongest pause in the second half of the passage, the
/// latest of equals.
fn strongest_pause(units: &[Unit], first: usize, full: usize, sum: usize) -> usize {
    let mut before = sum;
    let mut best = (units[full - 1].pause, full - 1);
    for index in (first..full).rev() {
        if before * 2 < sum {
            break;
        }
        if units[index].pause > best.0 {
            best = (units[index].pause, index);
        }
        before -= units[index].tokens;
    }
    if best.0 == Pause::None { full - 1 } else { best.1 }
}
