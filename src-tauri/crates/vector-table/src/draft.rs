//! A segment being made: records as the rows come, then lists, directory and header; a file gets its name last.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::code::Factors;
use crate::error::{Error, Result};
use crate::header::{HEADER_BYTES, Header, header_bytes, padding};
use crate::kernels::mapping::Bytes;
use crate::list::{ListBuilder, record_bytes, write_record};
use crate::segment::Segment;

/// Collections that the directory names one by one; with more it says that there are many.
pub const MOST_COLLECTIONS: usize = 64;

/// In the place of their number: there are more than [`MOST_COLLECTIONS`].
pub const MANY: u32 = u32::MAX;

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
    /// The centres of the lists, of which there is at least one, one after the other.
    pub centres: Vec<f32>,
    /// The lists.
    pub lists: Vec<ListBuilder>,
}

#[derive(Debug)]
enum Sink {
    Memory(Vec<u8>),
    File { out: io::BufWriter<File>, path: Unfinished, folder: PathBuf, mapped_records: usize },
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

    /// A segment in a file in `folder`, which is opened with these `mapped_records`: see [`Segment::open`].
    ///
    /// # Errors
    /// Why the file could not be made.
    pub fn in_file(folder: &Path, space: i64, padded: usize, mapped_records: usize) -> io::Result<Self> {
        let path = Unfinished(folder.join(format!("{space}-{}.{UNFINISHED}", std::process::id())));
        let mut out = io::BufWriter::with_capacity(1 << 18, File::create(&path.0)?);
        out.write_all(&[0; HEADER_BYTES])?;
        Ok(Self {
            sink: Sink::File { out, path, folder: folder.to_path_buf(), mapped_records },
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
    /// [`Error::Cancelled`], and why they could not be read or written.
    pub fn records_of(&mut self, segment: &Segment, cancel: &Cancel) -> Result<()> {
        let mut buffer = Vec::new();
        for place in 0..segment.header.rows as u32 {
            if place % 4096 == 0 {
                cancel.check()?;
            }
            let record = segment.record(place, &mut buffer).map_err(Error::code_file)?;
            self.sink.write_all(record).map_err(Error::code_file)?;
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
        let head = header_bytes(&header, count, length as u64, &directory);
        match self.sink {
            Sink::Memory(mut bytes) => {
                bytes[..HEADER_BYTES].copy_from_slice(&head);
                Segment::parse(Bytes::Owned(bytes), None)
            }
            Sink::File { out, path, folder, mapped_records } => {
                let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&head)?;
                file.sync_all()?;
                let finished = free_name(&folder, &header);
                fs::rename(&path.0, &finished)?;
                sync_folder(&folder)?;
                Segment::open(&finished, mapped_records)?
            }
        }
        .ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the segment reads differently than it was written")
        })
    }
}

fn directory(origin: &[f32], centres: &[f32], lists: &[ListBuilder]) -> Vec<u8> {
    let mut bytes: Vec<u8> = origin.iter().chain(centres).flat_map(|value| value.to_le_bytes()).collect();
    for list in lists {
        bytes.extend((list.labels.len() as u32).to_le_bytes());
        bytes.extend(crc32fast::hash(&list.blocks).to_le_bytes());
        bytes.extend(crc32fast::hash(&list.label_area()).to_le_bytes());
        bytes.extend(list.reach.to_le_bytes());
    }
    let mut collections: Vec<i64> =
        lists.iter().flat_map(|list| list.labels.iter().map(|label| label.collection)).collect();
    collections.sort_unstable();
    collections.dedup();
    if collections.len() > MOST_COLLECTIONS {
        bytes.extend(MANY.to_le_bytes());
    } else {
        bytes.extend((collections.len() as u32).to_le_bytes());
        bytes.extend(collections.iter().flat_map(|collection| collection.to_le_bytes()));
    }
    bytes.resize(bytes.len() + padding(bytes.len()), 0);
    bytes
}

/// The extension of finished files.
pub const FINISHED: &str = "codes";

/// The extension of files that are being written.
pub const UNFINISHED: &str = "unfinished";

/// A name that no file has. The version tells rebuilds of the same range apart, the last number those of one version.
fn free_name(folder: &Path, header: &Header) -> PathBuf {
    let name = |turn: u32| {
        let Header { space, from, to, version, .. } = header;
        folder.join(format!("{space}-{from}-{to}-{version}-{turn}.{FINISHED}"))
    };
    (1..).map(name).find(|path| !path.exists()).expect("some number is free")
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
