//! Single pages of a PDF as documents of their own, and their texts put back where the pages stood: what has no text is
//! sent away to be read, and nothing else.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_oxide::editor::{DocumentEditor, EditableDocument};

use crate::{Error, Format, Reading, Section, SectionKind};

/// Pages of a PDF, each as a document: those that are named, or all of them.
///
/// Unlike [`crate::read`] this may be called outside the fence: only for documents that were read behind it before, within
/// all limits. A panic of the library is damage of the document here too.
///
/// # Errors
/// [`Error::Damaged`] when the document cannot be taken apart, as when it is encrypted.
pub fn pdf_pages(bytes: &[u8], wanted: Option<&[u32]>, most: usize) -> Result<Vec<(u32, Vec<u8>)>, Error> {
    let damaged = |error: pdf_oxide::error::Error| Error::damaged(Format::Pdf, error);
    let split = || {
        let mut document = DocumentEditor::from_bytes(bytes.to_vec()).map_err(damaged)?;
        let count = u32::try_from(document.page_count().map_err(damaged)?).unwrap_or(u32::MAX);
        let all: Vec<u32> = (1..=count).collect();
        let pages = wanted.unwrap_or(&all).iter().copied().filter(|page| (1..=count).contains(page));
        pages
            .take(most)
            .map(|page| {
                let one = document.extract_pages_to_bytes(&[page as usize - 1]).map_err(damaged)?;
                Ok((page, one))
            })
            .collect()
    };
    catch_unwind(AssertUnwindSafe(split))
        .unwrap_or_else(|_| Err(Error::damaged(Format::Pdf, "its structure cannot be followed")))
}

impl Reading {
    /// This reading with texts for pages that had none. Each stands where its page does; pages that are still blank stay
    /// among the empty ones. It has no placed lines: those of this reading count from elsewhere.
    pub fn with_pages(&self, found: &BTreeMap<u32, Self>) -> Self {
        let mut whole = Self { text: String::new(), sections: Vec::new(), lines: Vec::new(), ..self.clone() };
        let last = self.sections.iter().filter_map(|section| section.page).max().unwrap_or_default();
        let last = last.max(found.keys().copied().max().unwrap_or_default());
        whole.append(self, |section| section.page.is_none(), None);
        for page in 1..=last {
            match found.get(&page).filter(|reading| !reading.text.trim().is_empty()) {
                Some(reading) => {
                    whole.append(reading, |_| true, Some(page));
                    whole.empty_pages.retain(|empty| *empty != page);
                }
                None => whole.append(self, |section| section.page == Some(page), None),
            }
        }
        whole
    }

    /// Adds sections of another reading, on their own page or on `page`.
    fn append(&mut self, other: &Self, wanted: impl Fn(&Section) -> bool, page: Option<u32>) {
        for section in other.sections.iter().filter(|section| wanted(section)) {
            if !self.text.is_empty() {
                self.text.push_str("\n\n");
            }
            let (before, start) = (section.range.start, self.text.len());
            self.text.push_str(other.text_of(section));
            let moved = |place: usize| (place + start).saturating_sub(before);
            let kind = match &section.kind {
                // A header that stands in another section is not at hand here.
                SectionKind::Table { header } => SectionKind::Table {
                    header: header
                        .clone()
                        .filter(|header| {
                            section.range.start <= header.start && header.end <= section.range.end
                        })
                        .map(|header| moved(header.start)..moved(header.end)),
                },
                kind => kind.clone(),
            };
            self.sections.push(Section {
                heading_path: section.heading_path.clone(),
                page: page.or(section.page),
                range: start..self.text.len(),
                kind,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Source, read};

    fn reading(text: &str) -> Reading {
        read(&Source { name: "a.md", bytes: text.as_bytes(), password: None }, &Limits::default())
            .expect("read")
    }

    #[test]
    fn texts_of_pages_stand_where_the_pages_do() {
        let first = reading("# One\n\nFirst page.");
        let third = reading("Third page.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n");
        let mut scan = Reading { pages: Some(4), empty_pages: vec![2, 4], ..first.clone() };
        scan.text.clear();
        scan.sections.clear();
        scan.append(&first, |_| true, Some(1));
        scan.append(&third, |_| true, Some(3));
        let found = BTreeMap::from([(2, reading("# Two\n\nSecond page, read elsewhere."))]);
        let whole = scan.with_pages(&found);
        assert_eq!(whole.empty_pages, [4]);
        let pages: Vec<u32> = whole.sections.iter().filter_map(|section| section.page).collect();
        assert!(pages.is_sorted() && pages.contains(&2), "{pages:?}");
        let of = |page: u32| -> String {
            let sections = whole.sections.iter().filter(|section| section.page == Some(page));
            sections.map(|section| whole.text_of(section)).collect::<Vec<_>>().join("\n")
        };
        assert!(
            of(1).contains("First page.") && of(2).contains("Second page") && of(3).contains("Third page.")
        );
        for section in &whole.sections {
            if let SectionKind::Table { header: Some(header) } = &section.kind {
                assert!(whole.text[header.clone()].contains('a'), "the header is found again");
            }
        }
        let passages = crate::cut(&whole, &crate::Budget::default(), &crate::estimate_tokens);
        assert!(passages.iter().any(|passage| passage.page == Some(2)));
    }
}
