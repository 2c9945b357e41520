//! The data: rows and queries of one distribution, and the exact answers.
//!
//! - `clustered`: a thousand centres; each row is its centre, 0.6 in a space of 24 directions of that centre's own, and
//!   0.3 of even noise: like embeddings of text, whose neighbourhoods have few dimensions.
//! - `mixture`: the same centres with 0.8 of even noise: within a group all rows are nearly equally far.
//! - `iid`: noise alone, where nothing is near anything.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

const CENTRES: usize = 1000;
const DIRECTIONS: usize = 24;
const QUERIES: usize = 200;
/// Rows that are written into a table that is full already.
const MORE: usize = 1000;

pub struct Data {
    pub rows: usize,
    pub dimensions: usize,
    /// The file of the rows: three gigabytes at a million, so read in pieces.
    base: PathBuf,
    pub queries: Vec<f32>,
    /// Rows of the same distribution, to be written into the full table.
    pub more: Vec<f32>,
    /// For each query the ten nearest rows, those among every tenth row, those among every hundredth.
    pub truth: Vec<[[i32; 10]; 3]>,
}

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Nearly normal: the sum of four even numbers, scaled to deviation 1.
    fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum();
        (sum as f32 / 65_536.0 - 2.0) * 1.732
    }

    /// A vector of expected length `length`.
    fn noise(&mut self, dimensions: usize, length: f32) -> Vec<f32> {
        let scale = length / (dimensions as f32).sqrt();
        (0..dimensions).map(|_| self.normal() * scale).collect()
    }
}

fn normalise(vector: &mut [f32]) {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= norm);
}

struct Source {
    centres: Vec<Vec<f32>>,
    directions: Vec<Vec<f32>>,
    kind: String,
    dimensions: usize,
}

impl Source {
    fn new(dimensions: usize, kind: &str) -> Self {
        let mut dice = Dice(1);
        let centres = (0..CENTRES).map(|_| dice.noise(dimensions, 1.0)).collect();
        // A pool that the centres share: each takes 24 of them.
        let directions = (0..CENTRES).map(|_| dice.noise(dimensions, 1.0)).collect();
        Self { centres, directions, kind: kind.to_owned(), dimensions }
    }

    fn row(&self, dice: &mut Dice) -> Vec<f32> {
        if self.kind == "iid" {
            let mut row = dice.noise(self.dimensions, 1.0);
            normalise(&mut row);
            return row;
        }
        let centre = (dice.next() % CENTRES as u64) as usize;
        let mut row = self.centres[centre].clone();
        if self.kind == "clustered" {
            let scale = 0.6 / (DIRECTIONS as f32).sqrt();
            for index in 0..DIRECTIONS {
                let weight = dice.normal() * scale;
                let direction = &self.directions[(centre * 7 + index * 41) % CENTRES];
                row.iter_mut().zip(direction).for_each(|(value, part)| *value += weight * part);
            }
        }
        let spread = if self.kind == "clustered" { 0.3 } else { 0.8 };
        let noise = dice.noise(self.dimensions, spread);
        row.iter_mut().zip(noise).for_each(|(value, noise)| *value += noise);
        normalise(&mut row);
        row
    }
}

pub fn write(folder: &Path, rows: usize, dimensions: usize, kind: &str) {
    fs::create_dir_all(folder).expect("a folder for the data");
    let source = Source::new(dimensions, kind);
    let mut dice = Dice(3);
    let queries: Vec<f32> = (0..QUERIES).flat_map(|_| source.row(&mut dice)).collect();
    let mut dice = Dice(4);
    let more: Vec<f32> = (0..MORE).flat_map(|_| source.row(&mut dice)).collect();
    let mut best: Vec<Nearest> = queries.chunks_exact(dimensions).map(Nearest::new).collect();
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let mut base = BufWriter::new(File::create(folder.join("base.f32")).expect("room for the rows"));
    let mut dice = Dice(2);
    for id in 0..rows {
        let row = source.row(&mut dice);
        base.write_all(&bytes(&row)).expect("room for the rows");
        best.iter_mut().for_each(|nearest| nearest.look(id, &row));
    }
    base.flush().expect("room for the rows");
    let truth: Vec<u8> = best.iter().flat_map(Nearest::ids).flatten().flat_map(i32::to_le_bytes).collect();
    fs::write(folder.join("queries.f32"), bytes(&queries)).expect("room for the queries");
    fs::write(folder.join("more.f32"), bytes(&more)).expect("room for more rows");
    fs::write(folder.join("truth.i32"), truth).expect("room for the answers");
    fs::write(folder.join("shape.txt"), format!("{rows} {dimensions} {kind}")).expect("room for the shape");
}

/// The ten nearest of one query so far: among all rows, every tenth, every hundredth.
struct Nearest<'a> {
    query: &'a [f32],
    best: [Vec<(f64, i32)>; 3],
}

impl<'a> Nearest<'a> {
    fn new(query: &'a [f32]) -> Self {
        Self { query, best: Default::default() }
    }

    fn look(&mut self, id: usize, row: &[f32]) {
        let rank = dot(row, self.query);
        for (best, every) in self.best.iter_mut().zip([1, 10, 100]) {
            if id.is_multiple_of(every) && (best.len() < 10 || rank > best[9].0) {
                let place = best.partition_point(|(other, _)| *other >= rank);
                best.insert(place, (rank, id as i32));
                best.truncate(10);
            }
        }
    }

    fn ids(&self) -> [[i32; 10]; 3] {
        self.best
            .each_ref()
            .map(|best| std::array::from_fn(|place| best.get(place).map_or(-1, |(_, id)| *id)))
    }
}

fn dot(left: &[f32], right: &[f32]) -> f64 {
    let mut sums = [0.0f32; 32];
    for (left, right) in left.chunks_exact(32).zip(right.chunks_exact(32)) {
        for lane in 0..32 {
            sums[lane] += left[lane] * right[lane];
        }
    }
    sums.iter().map(|sum| f64::from(*sum)).sum()
}

pub fn read(folder: &Path) -> Data {
    let shape = fs::read_to_string(folder.join("shape.txt")).expect("data made before");
    let numbers: Vec<usize> = shape.split(' ').filter_map(|word| word.parse().ok()).collect();
    let floats = |name: &str| {
        let bytes = fs::read(folder.join(name)).expect("data made before");
        bytes
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes(four.try_into().expect("four")))
            .collect::<Vec<f32>>()
    };
    let truth = fs::read(folder.join("truth.i32")).expect("data made before");
    let truth: Vec<i32> =
        truth.chunks_exact(4).map(|four| i32::from_le_bytes(four.try_into().expect("four"))).collect();
    let truth = truth
        .chunks_exact(30)
        .map(|ids| std::array::from_fn(|part| std::array::from_fn(|place| ids[part * 10 + place])))
        .collect();
    Data {
        rows: numbers[0],
        dimensions: numbers[1],
        base: folder.join("base.f32"),
        queries: floats("queries.f32"),
        more: floats("more.f32"),
        truth,
    }
}

impl Data {
    /// Some rows, one after the other.
    pub fn read(&self, range: Range<usize>) -> Vec<f32> {
        let size = self.dimensions * 4;
        let mut bytes = vec![0; range.len() * size];
        let mut file = File::open(&self.base).expect("data made before");
        file.seek(SeekFrom::Start((range.start * size) as u64)).expect("data made before");
        file.read_exact(&mut bytes).expect("data made before");
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four"))).collect()
    }

    pub fn queries(&self) -> impl Iterator<Item = (&[f32], &[[i32; 10]; 3])> {
        self.queries.chunks_exact(self.dimensions).zip(&self.truth)
    }
}
