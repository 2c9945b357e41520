//! A segment: the codes of a range of slots, in one file that is never written again.
//!
//! The bytes are the same in memory and on disk; `docs/vector-table.md` describes them. A file is written under
//! another name, synced and renamed ([`crate::draft`]); the checksums of header and directory are compared when it is
//! opened, those of a list when a search first touches it. Whether it belongs to this database is for
//! [`crate::catalogue`] to say, by the stamp.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::code::{Centre, Factors, Seat};
use crate::gone::Gone;
use crate::guide::Guide;
use crate::header::{HEADER_BYTES, Header, Reader, padding, parse_header};
use crate::kernels::mapping::Bytes;
use crate::kernels::{BLOCK_ROWS, prefetch, prefetch_numbers};
use crate::list::{ListView, block_bytes, label_bytes, read_record, record_bytes, split_record};
use crate::rows_by_id::RowsById;

/// Bytes of a list's entry in the directory.
const ENTRY_BYTES: usize = 16;

#[derive(Debug)]
struct Entry {
    blocks: usize,
    labels: usize,
    rows: usize,
    blocks_checksum: u32,
    labels_checksum: u32,
    reach: f32,
    /// The squared length of its centre.
    square: f32,
}

/// A list or record that did not match its checksum.
#[derive(Debug)]
pub struct Damaged;

/// Codes of a range of slots.
#[derive(Debug)]
pub struct Segment {
    bytes: Bytes,
    /// For the records of a large one, which are read instead of mapped.
    file: Option<File>,
    /// The header.
    pub header: Header,
    /// The centre that queries are prepared around.
    pub origin: Vec<f32>,
    entries: Vec<Entry>,
    /// The lists' centres, one after the other.
    centres: Vec<f32>,
    /// All collections that its rows are in, in order, unless they are many.
    pub collections: Option<Vec<i64>>,
    checked: Vec<AtomicU8>,
    /// A bit for each record that was compared with its checksum.
    checked_records: Vec<AtomicU32>,
    /// Where the file is, for a segment that has one.
    pub path: Option<PathBuf>,
    /// Rows that searches found deleted.
    pub gone: Gone,
    guide: OnceLock<Guide>,
    by_id: OnceLock<RowsById>,
}

impl Segment {
    /// Opens the file of a segment: maps it and reads header and directory. Records of more than `mapped_records` bytes are
    /// not touched through the map, but read.
    ///
    /// # Errors
    /// When the file cannot be read. `None` inside when it is damaged, cut short or of another format.
    pub fn open(path: &Path, mapped_records: usize) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        Ok(Self::parse(Bytes::map(&file)?, Some(path.to_path_buf())).map(|mut segment| {
            let records = segment.header.rows * record_bytes(segment.header.padded);
            segment.file = Some(file).filter(|_| records > mapped_records);
            segment
        }))
    }

    /// Reads header and directory; `None` when they are damaged.
    #[must_use]
    pub fn parse(bytes: Bytes, path: Option<PathBuf>) -> Option<Self> {
        let (header, lists, directory) = parse_header(&bytes)?;
        let least = 4 * header.padded as u128 * (1 + lists as u128) + (ENTRY_BYTES * lists + 4) as u128;
        if (directory.len() as u128) < least {
            return None;
        }
        let directory_bytes = directory.len();
        let mut reader = Reader(directory);
        let origin = reader.numbers(header.padded);
        let centres = reader.numbers(header.padded * lists);
        let records = header.rows.checked_mul(record_bytes(header.padded))?;
        let mut at = HEADER_BYTES + records + padding(records);
        if bytes.get(HEADER_BYTES + records..at)?.iter().any(|byte| *byte != 0) {
            return None;
        }
        let mut entries = Vec::with_capacity(lists);
        for list in 0..lists {
            let rows = reader.small() as usize;
            let (blocks_checksum, labels_checksum) = (reader.small(), reader.small());
            let reach = f32::from_le_bytes(reader.take());
            let labels = at + rows.div_ceil(BLOCK_ROWS) * block_bytes(header.padded);
            let centre = &centres[list * header.padded..][..header.padded];
            let square = centre.iter().map(|value| value * value).sum();
            entries.push(Entry { blocks: at, labels, rows, blocks_checksum, labels_checksum, reach, square });
            at = labels + label_bytes(rows);
        }
        let collections = reader.collections()?;
        if at + directory_bytes != bytes.len()
            || entries.iter().map(|entry| entry.rows).sum::<usize>() != header.rows
        {
            return None;
        }
        let in_memory = u8::from(path.is_none()) * 3;
        Some(Self {
            file: None,
            checked: entries.iter().map(|_| AtomicU8::new(in_memory)).collect(),
            checked_records: (0..header.rows.div_ceil(32)).map(|_| AtomicU32::new(0)).collect(),
            gone: Gone::new(entries.iter().map(|entry| entry.rows)),
            bytes,
            header,
            origin,
            entries,
            centres,
            collections,
            path,
            guide: OnceLock::new(),
            by_id: OnceLock::new(),
        })
    }

    /// The bytes of a record, unchecked.
    ///
    /// # Errors
    /// When the file cannot be read, or has no such record.
    pub fn record<'a>(&'a self, place: u32, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        if let Some(record) = self.mapped_record(place) {
            return Ok(record);
        }
        let size = record_bytes(self.header.padded);
        let file = self.file.as_ref().filter(|_| (place as usize) < self.header.rows);
        let file = file.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        buffer.resize(size, 0);
        read_at(file, buffer, (HEADER_BYTES + place as usize * size) as u64)?;
        Ok(buffer)
    }

    /// The bytes of a record that is in memory or mapped.
    #[must_use]
    pub fn mapped_record(&self, place: u32) -> Option<&[u8]> {
        let size = record_bytes(self.header.padded);
        let at = HEADER_BYTES + place as usize * size;
        (self.file.is_none() && (place as usize) < self.header.rows).then(|| &self.bytes[at..at + size])
    }

    /// Whether its records are in memory or mapped.
    #[must_use]
    pub fn has_records_at_hand(&self) -> bool {
        self.file.is_none()
    }

    /// The nibbles and factors of a record: compared with its checksum the first time, and each time it is read from the
    /// file.
    ///
    /// # Errors
    /// [`Damaged`] when it differs or cannot be read.
    pub fn fine_code<'a>(
        &'a self,
        place: u32,
        buffer: &'a mut Vec<u8>,
    ) -> Result<(&'a [u8], Factors), Damaged> {
        if let Some(record) = self.mapped_record(place) {
            let (word, bit) = (&self.checked_records[place as usize / 32], 1 << (place % 32));
            if word.load(Ordering::Relaxed) & bit != 0 {
                return Ok(split_record(record));
            }
            let code = read_record(record).ok_or(Damaged)?;
            word.fetch_or(bit, Ordering::Relaxed);
            return Ok(code);
        }
        self.record(place, buffer).ok().and_then(read_record).ok_or(Damaged)
    }

    /// A list's centre.
    #[must_use]
    pub fn centre(&self, list: usize) -> &[f32] {
        &self.centres[list * self.header.padded..][..self.header.padded]
    }

    /// A list's centre as a search needs it.
    #[must_use]
    pub fn seat(&self, list: usize) -> Seat<'_> {
        Seat {
            place: self.centre(list),
            square: self.entries[list].square,
            unit: self.header.unit,
            reach: self.entries[list].reach,
        }
    }

    /// All centres, one after the other.
    #[must_use]
    pub fn centres(&self) -> &[f32] {
        &self.centres
    }

    /// A list's centre with what coding rows against it needs.
    #[must_use]
    pub fn coding_centre(&self, list: usize) -> Centre {
        Centre::new(self.centre(list), &self.origin, self.header.unit)
    }

    /// The index of the centres, made at the first search that needs it.
    #[must_use]
    pub fn guide(&self, level: crate::kernels::Level) -> &Guide {
        self.guide.get_or_init(|| Guide::new(level, &self.centres, self.header.padded))
    }

    /// The first block of each list among all blocks, and their number.
    #[must_use]
    pub fn starts(&self) -> &[usize] {
        self.gone.starts()
    }

    /// Where the rows of ids are: made at the first search by ids.
    ///
    /// # Errors
    /// [`Damaged`] when a list is.
    pub fn by_id(&self) -> Result<&RowsById, Damaged> {
        if let Some(index) = self.by_id.get() {
            return Ok(index);
        }
        let views = (0..self.lists()).map(|list| self.list(list)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.by_id.get_or_init(|| RowsById::new(&views)))
    }

    /// How many lists there are; more than one is an inverted file.
    #[must_use]
    pub fn lists(&self) -> usize {
        self.entries.len()
    }

    /// Rows in a list.
    #[must_use]
    pub fn rows_in(&self, list: usize) -> usize {
        self.entries[list].rows
    }

    /// The length of a list's longest row.
    #[must_use]
    pub fn reach(&self, list: usize) -> f32 {
        self.entries[list].reach
    }

    /// Bytes of the segment, and whether they are pages of a file.
    #[must_use]
    pub fn size(&self) -> (usize, bool) {
        (self.bytes.len(), self.bytes.is_mapped())
    }

    /// The blocks of a list, compared with their checksum the first time.
    ///
    /// # Errors
    /// [`Damaged`] when they differ.
    pub fn blocks(&self, list: usize) -> Result<&[u8], Damaged> {
        let entry = &self.entries[list];
        self.checked_area(list, 1, &self.bytes[entry.blocks..entry.labels], entry.blocks_checksum)
    }

    /// One block of a list, which is compared with its checksum the first time.
    ///
    /// # Errors
    /// [`Damaged`] when it differs.
    pub fn block(&self, list: usize, block: usize) -> Result<&[u8], Damaged> {
        let size = block_bytes(self.header.padded);
        Ok(&self.blocks(list)?[block * size..][..size])
    }

    /// A list with its labels, compared with their checksums the first time.
    ///
    /// # Errors
    /// [`Damaged`] when they differ.
    pub fn list(&self, list: usize) -> Result<ListView<'_>, Damaged> {
        let entry = &self.entries[list];
        let blocks = self.blocks(list)?;
        let area = &self.bytes[entry.labels..entry.labels + label_bytes(entry.rows)];
        let labels = self.checked_area(list, 2, area, entry.labels_checksum)?;
        Ok(ListView { rows: entry.rows, blocks, labels })
    }

    /// Has the processor fetch a list's centre, and its first blocks.
    pub fn fetch(&self, list: usize, blocks: bool) {
        let entry = &self.entries[list];
        prefetch_numbers(self.centre(list));
        if blocks {
            let size = block_bytes(self.header.padded).min(entry.labels - entry.blocks);
            prefetch(&self.bytes[entry.blocks..][..size]);
        }
    }

    fn checked_area<'a>(
        &self,
        list: usize,
        bit: u8,
        area: &'a [u8],
        checksum: u32,
    ) -> Result<&'a [u8], Damaged> {
        if self.checked[list].load(Ordering::Relaxed) & bit == 0 {
            if crc32fast::hash(area) != checksum {
                return Err(Damaged);
            }
            self.checked[list].fetch_or(bit, Ordering::Relaxed);
        }
        Ok(area)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<()> {
    let mut read = 0;
    while read < buffer.len() {
        match std::os::windows::fs::FileExt::seek_read(file, &mut buffer[read..], at + read as u64)? {
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            more => read += more,
        }
    }
    Ok(())
}
