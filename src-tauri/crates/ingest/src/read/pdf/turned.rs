//! Turned pages (`/Rotate`) whose text is drawn sideways so that it is seen upright, as landscape pages often are.
//!
//! The library maps such pieces into the page as it is seen but orders them by where they are drawn, which shreds the text,
//! and leaves their boxes with width and height exchanged. Here they are set upright, put into order again, and taken as
//! lines.

use pdf_oxide::document::PdfDocument;
use pdf_oxide::layout::TextSpan;
use pdf_oxide::pipeline::reading_order::{ReadingOrderContext, ReadingOrderStrategy, XYCutStrategy};

use crate::reading::Area;

/// How a page is turned: degrees clockwise, and its width and height before that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    degrees: i32,
    left: f32,
    bottom: f32,
    width: f32,
    height: f32,
}

impl Turn {
    /// Of a page; nothing when it stands as it is drawn.
    pub(super) fn of(document: &PdfDocument, index: usize) -> Option<Self> {
        let degrees = document.get_page_rotation(index).ok().filter(|degrees| *degrees != 0)?;
        let (left, bottom, right, top) = document.get_page_media_box(index).ok()?;
        Some(Self { degrees, left, bottom, width: right - left, height: top - bottom })
    }

    fn is_upright(self, piece: &TextSpan) -> bool {
        let seen = (piece.rotation_degrees - self.degrees as f32).rem_euclid(360.0);
        let is_straight = !(0.5..=359.5).contains(&seen);
        is_straight && piece.page_rotation_applied == self.degrees && !piece.mirrored && piece.wmode == 0
    }

    /// The pieces as a reader sees them, in order, where most are seen upright; and the others as they are.
    pub(super) fn upright(self, pieces: &[TextSpan]) -> Option<(Vec<TextSpan>, Vec<TextSpan>)> {
        let letters = |pieces: &[TextSpan]| pieces.iter().map(|piece| piece.text.len()).sum::<usize>();
        let (seen, others): (Vec<TextSpan>, Vec<TextSpan>) =
            pieces.iter().cloned().partition(|piece| self.is_upright(piece));
        if letters(&seen) * 10 < letters(pieces) * 8 {
            return None;
        }
        let seen: Vec<TextSpan> = seen.into_iter().map(|piece| self.set_upright(piece)).collect();
        let ordered = XYCutStrategy::new().apply(seen, &ReadingOrderContext::new()).ok()?;
        Some((ordered.into_iter().map(|piece| piece.span).collect(), others))
    }

    /// The run's origin is a known corner of its mapped box; its width and height are those of its own frame.
    fn set_upright(self, mut piece: TextSpan) -> TextSpan {
        let bounds = piece.bbox;
        let (x, base) = match self.degrees {
            90 => (bounds.x, bounds.y + bounds.height),
            180 => (bounds.x + bounds.width, bounds.y + bounds.height),
            _ => (bounds.x + bounds.width, bounds.y),
        };
        if self.degrees != 180 {
            (piece.bbox.width, piece.bbox.height) = (bounds.height, bounds.width);
        }
        (piece.bbox.x, piece.bbox.y) = (x, base);
        (piece.rotation_degrees, piece.page_rotation_applied) = (0.0, 0);
        piece
    }

    /// An area of the page as it is seen, in the page's own coordinates.
    pub(super) fn back(self, seen: Area) -> Area {
        let tenths = |points: f32| (points * 10.0).round() as i32;
        let (left, bottom) = (tenths(self.left), tenths(self.bottom));
        let (width, height) = (tenths(self.width), tenths(self.height));
        let (x, y) = (seen.left - left, seen.bottom - bottom);
        let (x, y) = match self.degrees {
            90 => (width - y - seen.height, x),
            180 => (width - x - seen.width, height - y - seen.height),
            _ => (y, height - x - seen.width),
        };
        let is_sideways = self.degrees != 180;
        Area {
            left: left + x,
            bottom: bottom + y,
            width: if is_sideways { seen.height } else { seen.width },
            height: if is_sideways { seen.width } else { seen.height },
        }
    }
}
