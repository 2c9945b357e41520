//! The drawing: a sky, a light, ranges of hills and water or trees, chosen by the prompt's words and hash. Equal
//! prompts, seeds and sizes give equal bytes.

use std::f32::consts::TAU;

use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};

use super::request::Order;
use super::stamp;
use crate::random::{Random, hash};

type Colour = [f32; 3];

/// Words that choose the colours: top and bottom of the sky, the light, the nearest hills.
const PALETTES: &[(&[&str], [Colour; 4])] = &[
    (
        &["night", "moon", "star", "space", "夜", "月", "星"],
        [[12., 16., 44.], [58., 60., 120.], [244., 240., 214.], [8., 10., 24.]],
    ),
    (
        &["dusk", "sunset", "evening", "fire", "red", "黄昏", "日落", "红"],
        [[72., 40., 96.], [250., 150., 96.], [255., 226., 160.], [44., 22., 46.]],
    ),
    (
        &["snow", "winter", "ice", "white", "雪", "冬"],
        [[150., 186., 220.], [236., 242., 250.], [255., 250., 236.], [92., 118., 150.]],
    ),
    (
        &["forest", "green", "jungle", "tree", "林", "绿", "树"],
        [[120., 190., 200.], [226., 240., 200.], [255., 250., 200.], [22., 74., 52.]],
    ),
    (
        &["desert", "sand", "yellow", "gold", "沙", "黄", "金"],
        [[116., 176., 214.], [252., 222., 160.], [255., 246., 204.], [158., 92., 44.]],
    ),
    (
        &["sea", "ocean", "water", "blue", "lake", "海", "湖", "蓝"],
        [[54., 130., 200.], [196., 230., 240.], [255., 246., 216.], [18., 70., 110.]],
    ),
];

/// The picture of an order.
pub(crate) fn picture(order: &Order) -> RgbImage {
    let mut drawn = scene(order);
    for (i, reference) in order.references.iter().enumerate() {
        inset(&mut drawn, reference, i);
    }
    let mut picture = match &order.start {
        Some(start) => repainted(start, &drawn, order),
        None => drawn,
    };
    stamp::mark(&mut picture);
    picture
}

/// One layer of hills: where it stands, how it waves, its colour.
struct Hill {
    level: f32,
    waves: [(f32, f32, f32); 3],
    colour: Colour,
}

fn scene(order: &Order) -> RgbImage {
    let seed =
        hash(format!("{}\u{0}{}", order.prompt, order.negative).as_bytes()) ^ order.seed.rotate_left(17);
    let mut random = Random::new(seed);
    let [top, bottom, light, near] = palette(&order.prompt, &mut random);
    let sun = (random.between(0.2, 0.8), random.between(0.18, 0.42), random.between(0.05, 0.11));
    let layers = 3 + random.below(3);
    let hills: Vec<Hill> = (0..layers).map(|i| hill(i, layers, bottom, near, &mut random)).collect();
    let stars: Vec<(f32, f32)> = if top[2] < 60.0 {
        (0..90).map(|_| (random.unit(), random.unit() * 0.6)).collect()
    } else {
        Vec::new()
    };
    let water = random.unit() < 0.45;
    let grain = random.next();
    let (width, height) = (order.width.max(1), order.height.max(1));
    let aspect = width as f32 / height as f32;
    let ridges: Vec<Vec<f32>> = hills
        .iter()
        .map(|hill| (0..width).map(|x| ridge(hill, x as f32 / width as f32 * aspect)).collect())
        .collect();
    let mut picture = RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        // Below the shore the water mirrors what is above it.
        let shore = 0.86;
        let mirrored = if water && v > shore {
            shore - (v - shore) * 1.6 + 0.006 * (v * 190.0 + u * 9.0).sin()
        } else {
            v
        };
        let mut colour = sky(u, mirrored, aspect, top, bottom, light, sun);
        for (hill, ridge) in hills.iter().zip(&ridges) {
            let edge = (mirrored - ridge[x as usize]) * height as f32;
            let share = edge.clamp(0.0, 1.0);
            let haze = ((mirrored - ridge[x as usize]) * 1.8).clamp(0.0, 0.35);
            colour = blend(colour, blend(hill.colour, bottom, haze), share);
        }
        if water && v > shore {
            colour = blend(colour, top, 0.35);
        }
        let noise = (crate::random::mix(grain ^ (u64::from(x) << 32 | u64::from(y))) & 7) as f32 - 3.5;
        let dark = 1.0 - 0.28 * ((u - 0.5).powi(2) + (v - 0.5).powi(2));
        Rgb(colour.map(|value| (value * dark + noise).clamp(0.0, 255.0) as u8))
    });
    for (u, v) in stars {
        let (x, y) = ((u * width as f32) as u32, (v * height as f32) as u32);
        picture.put_pixel(x.min(width - 1), y.min(height - 1), Rgb([250, 246, 230]));
    }
    picture
}

fn palette(prompt: &str, random: &mut Random) -> [Colour; 4] {
    let prompt = prompt.to_lowercase();
    let named = PALETTES.iter().find(|(words, _)| words.iter().any(|word| prompt.contains(word)));
    let [mut top, mut bottom, light, mut near] = named.unwrap_or_else(|| random.pick(PALETTES)).1;
    // Each seed shifts the colours a little.
    for colour in [&mut top, &mut bottom, &mut near] {
        colour.iter_mut().for_each(|value| *value = (*value + random.between(-14.0, 14.0)).clamp(0.0, 255.0));
    }
    [top, bottom, light, near]
}

fn hill(i: usize, layers: usize, far: Colour, near: Colour, random: &mut Random) -> Hill {
    let depth = (i + 1) as f32 / layers as f32;
    let waves = [(1.3, 0.07), (3.7, 0.03), (9.0, 0.012)].map(|(pitch, size): (f32, f32)| {
        (pitch * random.between(0.7, 1.5), size * random.between(0.5, 1.4), random.between(0.0, TAU))
    });
    Hill { level: 0.48 + 0.34 * depth, waves, colour: blend(far, near, 0.25 + 0.75 * depth) }
}

/// The height of a hill's edge, from the top.
fn ridge(hill: &Hill, u: f32) -> f32 {
    hill.waves
        .iter()
        .fold(hill.level, |level, (pitch, size, phase)| level + size * (u * pitch * TAU + phase).sin())
}

fn sky(
    u: f32,
    v: f32,
    aspect: f32,
    top: Colour,
    bottom: Colour,
    light: Colour,
    sun: (f32, f32, f32),
) -> Colour {
    let base = blend(top, bottom, (v * 1.25).clamp(0.0, 1.0));
    let distance = (((u - sun.0) * aspect).powi(2) + (v - sun.1).powi(2)).sqrt();
    let disc = ((sun.2 - distance) * 260.0).clamp(0.0, 1.0);
    let glow = (-(distance / (sun.2 * 3.2)).powi(2)).exp() * 0.55;
    blend(base, light, disc.max(glow))
}

fn blend(a: Colour, b: Colour, share: f32) -> Colour {
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * share)
}

/// Image-to-image: `strength` of the new picture over the old; with a mask only where it is white.
fn repainted(start: &RgbImage, drawn: &RgbImage, order: &Order) -> RgbImage {
    let fitted = resize(start, drawn.width(), drawn.height(), FilterType::Triangle);
    let mask =
        order.mask.as_ref().map(|mask| resize(mask, drawn.width(), drawn.height(), FilterType::Triangle));
    RgbImage::from_fn(drawn.width(), drawn.height(), |x, y| {
        let white = mask.as_ref().map_or(1.0, |mask| f32::from(mask.get_pixel(x, y).0[0]) / 255.0);
        // Without a mask something of the old picture stays even at full strength: it is image-to-image.
        let most = if mask.is_some() { 1.0 } else { 0.8 };
        let (old, new) = (fitted.get_pixel(x, y).0.map(f32::from), drawn.get_pixel(x, y).0.map(f32::from));
        Rgb(blend(old, new, order.strength.min(most) * white).map(|value| value as u8))
    })
}

/// A reference picture as a framed inset along the lower edge, so that its use can be seen.
fn inset(picture: &mut RgbImage, reference: &RgbImage, place: usize) {
    let side = (picture.width().min(picture.height()) / 4).max(8);
    let small = resize(reference, side, side, FilterType::Triangle);
    let (left, top) = (8 + place as u32 * (side + 8), picture.height().saturating_sub(side + 24));
    for (x, y, pixel) in small.enumerate_pixels() {
        if left + x < picture.width() && top + y < picture.height() {
            let frame = x < 2 || y < 2 || x + 2 >= side || y + 2 >= side;
            picture.put_pixel(left + x, top + y, if frame { Rgb([255, 255, 255]) } else { *pixel });
        }
    }
}
