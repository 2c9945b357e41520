//! Which lines of a PDF are headings: set larger than the body, or bold and alone.

use std::collections::HashMap;

use pdf_oxide::layout::TextSpan;

/// How much larger than the body a heading is set.
const HEADING_RATIO: f32 = 1.18;
/// Sizes nearer than this to each other are one level: programs round.
const SAME_LEVEL: f32 = 0.94;
/// A heading is one line of at most this many characters.
const LONGEST: usize = 120;
/// Levels told apart by size.
const MOST_LEVELS: usize = 5;

/// Size in tenths of a point, and whether it is bold.
type Type = (u32, bool);

/// How the lines of a page are set.
pub(super) struct Setting {
    /// Characters set in each type.
    characters: HashMap<Type, usize>,
    /// Each line that is of one type, by its letters and digits: the ways of reading it differ in spaces.
    lines: HashMap<String, Type>,
}

impl Setting {
    pub(super) fn of(spans: &[TextSpan]) -> Self {
        let mut setting = Self { characters: HashMap::new(), lines: HashMap::new() };
        let mut line: Option<(String, f32, Type)> = None;
        for span in spans {
            let set = (tenths(span.font_size), span.font_weight.is_bold());
            *setting.characters.entry(set).or_default() += span.text.chars().count();
            match &mut line {
                Some((text, y, of)) if *of == set && (*y - span.bbox.y).abs() < 1.0 => {
                    text.push_str(&span.text)
                }
                _ => {
                    setting.keep(line.take());
                    line = Some((span.text.clone(), span.bbox.y, set));
                }
            }
        }
        setting.keep(line);
        setting
    }

    fn keep(&mut self, line: Option<(String, f32, Type)>) {
        if let Some((text, _, set)) = line {
            self.lines.insert(key(&text), set);
        }
    }
}

fn tenths(points: f32) -> u32 {
    (points.clamp(0.0, 1_000.0) * 10.0).round() as u32
}

fn key(line: &str) -> String {
    line.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The types that are headings, over the whole document.
pub(super) struct Headings {
    /// The largest size of each level, outermost first.
    sizes: Vec<u32>,
    /// A bold line of the body's size is a heading too, one level further in.
    bold: bool,
}

impl Headings {
    pub(super) fn of<'a>(pages: impl Iterator<Item = &'a Setting>) -> Self {
        let (mut by_size, mut bold, mut total) = (HashMap::<u32, usize>::new(), 0, 0);
        for (&(size, is_bold), &count) in pages.flat_map(|page| &page.characters) {
            *by_size.entry(size).or_default() += count;
            bold += if is_bold { count } else { 0 };
            total += count;
        }
        let body = by_size.iter().max_by_key(|(size, count)| (**count, **size)).map_or(0, |(size, _)| *size);
        // Type that sets a fifth of the text is no heading, however large.
        let mut large: Vec<u32> = by_size
            .into_iter()
            .filter(|(size, count)| {
                body > 0 && *size as f32 >= body as f32 * HEADING_RATIO && count * 5 < total
            })
            .map(|(size, _)| size)
            .collect();
        large.sort_unstable_by(|a, b| b.cmp(a));
        let mut sizes: Vec<u32> = Vec::new();
        for size in large {
            if sizes.last().is_none_or(|&above| (size as f32) < above as f32 * SAME_LEVEL) {
                sizes.push(size);
            }
        }
        sizes.truncate(MOST_LEVELS);
        Self { sizes, bold: bold * 5 < total }
    }

    /// The level of a line, where it is a heading; `alone` when blank lines stand around it.
    pub(super) fn level(&self, page: &Setting, line: &str, alone: bool) -> Option<u8> {
        if line.chars().count() > LONGEST || line.chars().filter(|c| c.is_alphabetic()).take(2).count() < 2 {
            return None;
        }
        let &(size, is_bold) = page.lines.get(&key(line))?;
        let place =
            self.sizes.iter().position(|&level| size as f32 > level as f32 * SAME_LEVEL && size <= level);
        let letters = line.chars().filter(|c| c.is_alphabetic()).count();
        let closes = line.ends_with(['.', ',', ';', ':']);
        match place {
            Some(place) => u8::try_from(place + 1).ok(),
            // Three letters are a page number or a mark.
            None if self.bold && is_bold && alone && !closes && letters > 3 => {
                u8::try_from(self.sizes.len() + 1).ok()
            }
            None => None,
        }
    }
}
