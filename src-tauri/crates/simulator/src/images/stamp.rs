//! The word SIMULATION in the corner of each picture, so that none is taken for a real one.

use image::{Rgb, RgbImage};

/// Five rows of three, a bit for each point, for the letters of the word.
const LETTERS: &[[u8; 5]] = &[
    [0b011, 0b100, 0b010, 0b001, 0b110], // S
    [0b111, 0b010, 0b010, 0b010, 0b111], // I
    [0b101, 0b111, 0b111, 0b101, 0b101], // M
    [0b101, 0b101, 0b101, 0b101, 0b111], // U
    [0b100, 0b100, 0b100, 0b100, 0b111], // L
    [0b010, 0b101, 0b111, 0b101, 0b101], // A
    [0b111, 0b010, 0b010, 0b010, 0b010], // T
    [0b111, 0b010, 0b010, 0b010, 0b111], // I
    [0b010, 0b101, 0b101, 0b101, 0b010], // O
    [0b110, 0b101, 0b101, 0b101, 0b101], // N
];

/// Writes the word at the lower right, a hundred-and-sixtieth of the width for each point.
pub(super) fn mark(picture: &mut RgbImage) {
    let scale = (picture.width() / 240).max(1);
    let width = LETTERS.len() as u32 * 4 * scale;
    let left = picture.width().saturating_sub(width + 2 * scale);
    let top = picture.height().saturating_sub(7 * scale);
    for (i, rows) in LETTERS.iter().enumerate() {
        for (row, bits) in rows.iter().enumerate() {
            for column in 0..3 {
                if bits >> (2 - column) & 1 == 1 {
                    point(picture, left + (i as u32 * 4 + column) * scale, top + row as u32 * scale, scale);
                }
            }
        }
    }
}

fn point(picture: &mut RgbImage, left: u32, top: u32, size: u32) {
    for x in left..(left + size).min(picture.width()) {
        for y in top..(top + size).min(picture.height()) {
            let old = picture.get_pixel(x, y).0;
            picture.put_pixel(x, y, Rgb(old.map(|value| value / 3 + 168)));
        }
    }
}
