//! The header of a code file, and reading numbers from bytes.

use crate::draft::MANY;
use crate::space::Metric;

/// How a code file begins.
pub const MAGIC: &[u8; 8] = b"EDGECODE";

/// The version of the format. Files of another one are built again.
pub const FORMAT: u32 = 2;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 128;

/// What the header of a segment says.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The space's number in the database.
    pub space: i64,
    /// Dimensions of the space.
    pub dimensions: usize,
    /// Dimensions rounded up to a multiple of 64.
    pub padded: usize,
    /// The space's metric.
    pub metric: Metric,
    /// The first slot of the range.
    pub from: u32,
    /// The slot after the last one of the range.
    pub to: u32,
    /// The table's version that the rows were read at, or a later one up to which nothing else was read.
    pub version: i64,
    /// The stamp of that version: proof that the file belongs to this database's history.
    pub stamp: i64,
    /// Whether every slot of the range is in it, so that readers of older versions can use it too.
    pub complete: bool,
    /// Rows in all lists.
    pub rows: usize,
    /// Rows when the centres were chosen.
    pub trained: usize,
    /// Whether its lists lie around centres that k-means found.
    pub inverted: bool,
    /// The most lists that a balanced search without a filter looks into, when there is an inverted file.
    pub probes: usize,
    /// The rows' mean length for dot products, else 1: anchors are centres divided by it.
    pub unit: f32,
    /// A list whose centre is farther from the query than the k-th best row so far, by this factor of the squared distance,
    /// has hardly any of the nearest rows: measured when the centres were chosen.
    pub slack: f32,
}

/// The header as it stands in a file.
#[must_use]
pub fn header_bytes(header: &Header, lists: usize, length: u64, directory: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend(MAGIC);
    for number in [
        FORMAT,
        header.dimensions as u32,
        header.padded as u32,
        header.metric.code(),
        header.from,
        header.to,
        lists as u32,
        header.probes as u32,
    ] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [header.space, header.stamp, header.version] {
        bytes.extend(number.to_le_bytes());
    }
    let flags = u64::from(header.complete) | u64::from(header.inverted) << 1;
    for number in [header.rows as u64, header.trained as u64, flags, length] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(header.unit.to_le_bytes());
    bytes.extend(header.slack.to_le_bytes());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.resize(HEADER_BYTES - 8, 0);
    bytes.extend(crc32fast::hash(directory).to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// Zeros after so many bytes, up to a multiple of 64.
pub fn padding(bytes: usize) -> usize {
    bytes.div_ceil(64) * 64 - bytes
}

/// Takes numbers from the front of bytes; panics where there are too few.
pub struct Reader<'a>(pub &'a [u8]);

impl Reader<'_> {
    pub fn take<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_at(N);
        self.0 = rest;
        taken.try_into().expect("as many as asked for")
    }

    pub fn small(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub fn wide(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    pub fn signed(&mut self) -> i64 {
        i64::from_le_bytes(self.take())
    }

    /// A count and so many collections; none inside when there are many, none outside when they do not fit.
    pub fn collections(&mut self) -> Option<Option<Vec<i64>>> {
        let count = self.small();
        if count == MANY {
            return Some(None);
        }
        (count as usize <= self.0.len() / 8).then(|| Some((0..count).map(|_| self.signed()).collect()))
    }

    pub fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| f32::from_le_bytes(self.take())).collect()
    }
}

/// The header, the number of lists and the directory, or none when any of it is not as written.
#[must_use]
pub fn parse_header(bytes: &[u8]) -> Option<(Header, usize, &[u8])> {
    let mut reader = Reader(bytes.get(..HEADER_BYTES)?);
    if &reader.take::<8>() != MAGIC || reader.small() != FORMAT {
        return None;
    }
    let checksum = u32::from_le_bytes(bytes[HEADER_BYTES - 4..HEADER_BYTES].try_into().ok()?);
    if crc32fast::hash(&bytes[..HEADER_BYTES - 4]) != checksum {
        return None;
    }
    let (dimensions, padded, metric) = (reader.small() as usize, reader.small() as usize, reader.small());
    let (from, to, lists, probes) = (reader.small(), reader.small(), reader.small() as usize, reader.small());
    let (space, stamp, version) = (reader.signed(), reader.signed(), reader.signed());
    let (rows, trained, flags, length) = (reader.wide(), reader.wide(), reader.wide(), reader.wide());
    let metric =
        [Metric::Cosine, Metric::Dot, Metric::Euclidean].into_iter().find(|known| known.code() == metric)?;
    let header = Header {
        space,
        dimensions,
        padded,
        metric,
        from,
        to,
        stamp,
        version,
        complete: flags & 1 == 1,
        inverted: flags & 2 == 2,
        rows: usize::try_from(rows).ok()?,
        trained: usize::try_from(trained).ok()?,
        probes: probes as usize,
        unit: f32::from_le_bytes(reader.take()),
        slack: f32::from_le_bytes(reader.take()),
    };
    let directory_bytes = reader.small() as usize;
    let directory =
        &bytes[bytes.len().checked_sub(directory_bytes).filter(|start| *start >= HEADER_BYTES)?..];
    let expected = u32::from_le_bytes(bytes[HEADER_BYTES - 8..HEADER_BYTES - 4].try_into().ok()?);
    (length == bytes.len() as u64 && crc32fast::hash(directory) == expected)
        .then_some((header, lists, directory))
}
