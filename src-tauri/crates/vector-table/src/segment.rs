//! A segment: the codes of a range of slots, in one file that is never written again.
//!
//! The bytes are the same in memory and on disk; `docs/vector-table.md` describes them. A file is written under
//! another name, synced and renamed; the checksums of header and directory are compared when it is opened, those
//! of a list when a search first touches it. Whether it belongs to this database is for [`crate::catalogue`] to
//! say, by the stamp.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, Ordering};

use crate::code::{Centre, Factors};
use crate::inverted::Guide;
use crate::kernels::mapping::Bytes;
use crate::list::{ListBuilder, ListView, block_bytes, label_bytes, record_bytes, write_record};
use crate::space::Metric;

const MAGIC: &[u8; 8] = b"EDGECODE";

/// The version of the format. Files of another one are built again.
pub const FORMAT: u32 = 1;

const HEADER_BYTES: usize = 128;
const ENTRY_BYTES: usize = 16;

/// Records of more bytes than this are read one by one instead of being mapped, so that they never fill the memory.
const MAPPED_RECORDS: usize = 64 << 20;

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
    /// The stamp of the batch that holds slot `to - 1`: proof that the file belongs to this database's history.
    pub stamp: i64,
    /// The table's version that the rows were read at, or a later one up to which nothing else was read.
    pub version: i64,
    /// Whether every slot of the range is in it, so that readers of older versions can use it too.
    pub complete: bool,
    /// Rows in all lists.
    pub rows: usize,
    /// Rows when the centres were chosen.
    pub trained: usize,
    /// Lists that a balanced search looks into, when there is an inverted file.
    pub probes: usize,
    /// The rows' mean length for dot products, else 1: anchors are centres divided by it.
    pub unit: f32,
}

#[derive(Debug)]
struct Entry {
    blocks: usize,
    labels: usize,
    rows: usize,
    blocks_checksum: u32,
    labels_checksum: u32,
    reach: f32,
}

/// A list that did not match its checksum.
#[derive(Debug)]
pub struct Damaged;

/// Codes of a range of slots.
#[derive(Debug)]
pub struct Segment {
    bytes: Bytes,
    file: Option<File>,
    /// The header.
    pub header: Header,
    /// The centre that queries are prepared around.
    pub origin: Vec<f32>,
    entries: Vec<Entry>,
    /// The lists' centres.
    pub centres: Vec<Centre>,
    checked: Vec<AtomicU8>,
    /// Where the file is, for a segment that has one.
    pub path: Option<PathBuf>,
    gone: Gone,
    /// The index of the centres, made at the first search that needs it.
    pub guide: OnceLock<Guide>,
}

/// Rows that searches found deleted, so that the next ones need not look.
#[derive(Debug)]
struct Gone {
    bits: OnceLock<Vec<AtomicU32>>,
    starts: Vec<usize>,
    /// The oldest version of the table that may use the marks.
    since: AtomicI64,
}

/// A segment being made. The records are written as the rows come; the lists stay in memory until the end.
#[derive(Debug)]
pub struct Draft {
    sink: Sink,
    padded: usize,
    places: u32,
    record: Vec<u8>,
}

/// What a draft lacks to become a segment.
#[derive(Debug)]
pub struct Parts {
    /// The header; `rows` is filled in.
    pub header: Header,
    /// The segment's centre.
    pub origin: Vec<f32>,
    /// The lists' centres, at least one.
    pub centres: Vec<Vec<f32>>,
    /// The lists.
    pub lists: Vec<ListBuilder>,
}

#[derive(Debug)]
enum Sink {
    Memory(Vec<u8>),
    File { out: io::BufWriter<File>, path: Unfinished, folder: PathBuf },
}

/// The name of a file that is being written: whatever ends the writing, it is gone afterwards.
#[derive(Debug)]
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the rename there is none, which is as it should be.
        let _ = fs::remove_file(&self.0);
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Memory(all) => all.write(bytes),
            Sink::File { out, .. } => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Memory(_) => Ok(()),
            Sink::File { out, .. } => out.flush(),
        }
    }
}

impl Draft {
    /// A segment in memory, of rows with so many places.
    #[must_use]
    pub fn in_memory(padded: usize) -> Self {
        Self { sink: Sink::Memory(vec![0; HEADER_BYTES]), padded, places: 0, record: Vec::new() }
    }

    /// A segment in a file in `folder`.
    ///
    /// # Errors
    /// Why the file could not be made.
    pub fn in_file(folder: &Path, space: i64, padded: usize) -> io::Result<Self> {
        let path = Unfinished(folder.join(format!("{space}-{}.{UNFINISHED}", std::process::id())));
        let mut out = io::BufWriter::with_capacity(1 << 18, File::create(&path.0)?);
        out.write_all(&[0; HEADER_BYTES])?;
        Ok(Self {
            sink: Sink::File { out, path, folder: folder.to_path_buf() },
            padded,
            places: 0,
            record: Vec::new(),
        })
    }

    /// Writes the four-bit code of a row; returns the number of its record.
    ///
    /// # Errors
    /// Why it could not be written.
    pub fn record(&mut self, nibbles: &[u8], factors: Factors) -> io::Result<u32> {
        write_record(nibbles, factors, &mut self.record);
        self.sink.write_all(&self.record)?;
        self.places += 1;
        Ok(self.places - 1)
    }

    /// Takes over all records of a segment, with their numbers.
    ///
    /// # Errors
    /// Why they could not be read or written.
    pub fn records_of(&mut self, segment: &Segment) -> io::Result<()> {
        let mut buffer = Vec::new();
        for place in 0..segment.header.rows as u32 {
            self.sink.write_all(segment.record(place, &mut buffer)?)?;
            self.places += 1;
        }
        Ok(())
    }

    /// Writes lists, directory and header, and gives a file its name: either all of it gets one or none does.
    ///
    /// # Errors
    /// Why it could not be written.
    pub fn finish(mut self, parts: Parts) -> io::Result<Segment> {
        let Parts { mut header, origin, centres, lists } = parts;
        header.rows = self.places as usize;
        let records = self.places as usize * record_bytes(self.padded);
        self.sink.write_all(&vec![0; padding(records)])?;
        let directory = directory(&origin, &centres, &lists);
        let mut length = HEADER_BYTES + records + padding(records) + directory.len();
        let count = lists.len();
        for list in lists {
            let labels = list.label_area();
            self.sink.write_all(&list.blocks)?;
            self.sink.write_all(&labels)?;
            length += list.blocks.len() + labels.len();
        }
        self.sink.write_all(&directory)?;
        let head = header_bytes(&header, count, length as u64, crc32fast::hash(&directory));
        match self.sink {
            Sink::Memory(mut bytes) => {
                bytes[..HEADER_BYTES].copy_from_slice(&head);
                Segment::parse(Bytes::Owned(bytes), None)
            }
            Sink::File { out, path, folder } => {
                let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&head)?;
                file.sync_all()?;
                let finished = folder.join(file_name(&header));
                fs::rename(&path.0, &finished)?;
                sync_folder(&folder)?;
                Segment::open(&finished)?
            }
        }
        .ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the segment reads differently than it was written")
        })
    }
}

fn padding(bytes: usize) -> usize {
    bytes.div_ceil(64) * 64 - bytes
}

fn directory(origin: &[f32], centres: &[Vec<f32>], lists: &[ListBuilder]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for centre in std::iter::once(origin).chain(centres.iter().map(Vec::as_slice)) {
        bytes.extend(centre.iter().flat_map(|value| value.to_le_bytes()));
    }
    for list in lists {
        bytes.extend((list.labels.len() as u32).to_le_bytes());
        bytes.extend(crc32fast::hash(&list.blocks).to_le_bytes());
        bytes.extend(crc32fast::hash(&list.label_area()).to_le_bytes());
        bytes.extend(list.reach.to_le_bytes());
    }
    bytes.resize(bytes.len() + padding(bytes.len()), 0);
    bytes
}

fn header_bytes(header: &Header, lists: usize, length: u64, directory_checksum: u32) -> Vec<u8> {
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
    for number in [header.rows as u64, header.trained as u64, u64::from(header.complete), length] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(header.unit.to_le_bytes());
    bytes.resize(HEADER_BYTES - 8, 0);
    bytes.extend(directory_checksum.to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// The extension of finished files.
pub const FINISHED: &str = "codes";

/// The extension of files that are being written.
pub const UNFINISHED: &str = "unfinished";

fn file_name(header: &Header) -> String {
    // The stamp's lower half keeps files of different histories apart; the version, rebuilds of the same range.
    format!(
        "{}-{}-{}-{}-{:08x}.{FINISHED}",
        header.space, header.from, header.to, header.version, header.stamp as u32
    )
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_at(N);
        self.0 = rest;
        taken.try_into().expect("as many as asked for")
    }

    fn small(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn wide(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn signed(&mut self) -> i64 {
        i64::from_le_bytes(self.take())
    }

    fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| f32::from_le_bytes(self.take())).collect()
    }
}

impl Segment {
    /// Opens the file of a segment: maps it and reads header and directory.
    ///
    /// # Errors
    /// When the file cannot be read. `None` inside when it is damaged, cut short or of another format.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut segment = Self::parse(Bytes::map(path)?, Some(path.to_path_buf()));
        if let Some(segment) = &mut segment
            && segment.header.rows * record_bytes(segment.header.padded) > MAPPED_RECORDS
        {
            segment.file = Some(File::open(path)?);
        }
        Ok(segment)
    }

    fn parse(bytes: Bytes, path: Option<PathBuf>) -> Option<Self> {
        let (header, lists, directory) = parse_header(&bytes)?;
        let mut reader = Reader(directory);
        let origin = reader.numbers(header.padded);
        let centres: Vec<Centre> =
            (0..lists).map(|_| Centre::new(&reader.numbers(header.padded), &origin, header.unit)).collect();
        let records = header.rows * record_bytes(header.padded);
        let mut at = HEADER_BYTES + records + padding(records);
        if bytes.get(HEADER_BYTES + records..at)?.iter().any(|byte| *byte != 0) {
            return None;
        }
        let mut entries = Vec::with_capacity(lists);
        for _ in 0..lists {
            let rows = reader.small() as usize;
            let (blocks_checksum, labels_checksum) = (reader.small(), reader.small());
            let reach = f32::from_le_bytes(reader.take());
            let labels = at + rows.div_ceil(32) * block_bytes(header.padded);
            entries.push(Entry { blocks: at, labels, rows, blocks_checksum, labels_checksum, reach });
            at = labels + label_bytes(rows);
        }
        let mut total = 0;
        let starts = entries
            .iter()
            .map(|entry| {
                let start = total;
                total += entry.rows.div_ceil(32);
                start
            })
            .collect();
        if at + directory.len() != bytes.len()
            || entries.iter().map(|entry| entry.rows).sum::<usize>() != header.rows
        {
            return None;
        }
        let checked = entries.iter().map(|_| AtomicU8::new(u8::from(path.is_none()) * 3)).collect();
        let gone = Gone { bits: OnceLock::new(), starts, since: AtomicI64::new(i64::MIN) };
        Some(Self {
            bytes,
            file: None,
            header,
            origin,
            entries,
            centres,
            checked,
            path,
            gone,
            guide: OnceLock::new(),
        })
    }

    /// The bytes of a record, unchecked.
    ///
    /// # Errors
    /// When the file cannot be read, or has no such record.
    pub fn record<'a>(&'a self, place: u32, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        let size = record_bytes(self.header.padded);
        let at = HEADER_BYTES + place as usize * size;
        if place as usize >= self.header.rows {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let Some(file) = &self.file else { return Ok(&self.bytes[at..at + size]) };
        buffer.resize(size, 0);
        read_at(file, buffer, at as u64)?;
        Ok(buffer)
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

    /// Remembers that the row was deleted, as seen at `version`.
    pub fn mark_gone(&self, list: usize, row: usize, version: i64) {
        let bits = self.gone.bits.get_or_init(|| {
            let blocks = self.entries.iter().map(|entry| entry.rows.div_ceil(32)).sum::<usize>();
            (0..blocks).map(|_| AtomicU32::new(0)).collect()
        });
        // First the version: a reader of an older one that sees the bit must see this too.
        self.gone.since.fetch_max(version, Ordering::SeqCst);
        bits[self.gone.starts[list] + row / 32].fetch_or(1 << (row % 32), Ordering::SeqCst);
    }

    /// Bits of the rows of a block that are known to be deleted at `version`.
    #[must_use]
    pub fn gone(&self, list: usize, block: usize, version: i64) -> u32 {
        let Some(bits) = self.gone.bits.get() else { return 0 };
        let marks = bits[self.gone.starts[list] + block].load(Ordering::SeqCst);
        if version >= self.gone.since.load(Ordering::SeqCst) { marks } else { 0 }
    }

    /// Whether any row was marked as deleted.
    #[must_use]
    pub fn any_gone(&self) -> bool {
        self.gone.bits.get().is_some()
    }
}

/// The header, the number of lists and the directory, or none when any of it is not as written.
fn parse_header(bytes: &[u8]) -> Option<(Header, usize, &[u8])> {
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
        rows: usize::try_from(rows).ok()?,
        trained: usize::try_from(trained).ok()?,
        probes: probes as usize,
        unit: f32::from_le_bytes(reader.take()),
    };
    let directory_bytes = 4 * padded * (1 + lists) + ENTRY_BYTES * lists;
    let directory_bytes = directory_bytes + padding(directory_bytes);
    let directory =
        &bytes[bytes.len().checked_sub(directory_bytes).filter(|start| *start >= HEADER_BYTES)?..];
    let expected = u32::from_le_bytes(bytes[HEADER_BYTES - 8..HEADER_BYTES - 4].try_into().ok()?);
    (length == bytes.len() as u64 && crc32fast::hash(directory) == expected)
        .then_some((header, lists, directory))
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
