//! A code file as bytes: mapped into memory, or read into it.
//!
//! Mapping is unsafe because somebody could change the file under the map. Ours are written under another name,
//! renamed when complete and never written again; deleting one leaves its map intact. Reading the file instead
//! ([`Bytes::read`]) is the safe twin, used where mapping fails.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Deref;

/// The bytes of a code file.
#[derive(Debug)]
pub enum Bytes {
    /// Pages of the file, loaded as they are touched.
    Mapped(memmap2::Mmap),
    /// All of it in memory.
    Owned(Vec<u8>),
}

impl Bytes {
    /// Maps the file.
    ///
    /// # Errors
    /// When it can be neither mapped nor read.
    pub fn map(file: &File) -> io::Result<Self> {
        // SAFETY: code files are never written after they got their name (see the module's text); whoever
        // truncates one from outside stops this process, as with any mapped file, and loses no row.
        match unsafe { memmap2::Mmap::map(file) } {
            Ok(map) => Ok(Bytes::Mapped(map)),
            Err(_) => Self::read(file),
        }
    }

    /// Reads the whole file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(mut file: &File) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        Ok(Bytes::Owned(bytes))
    }

    /// Whether the bytes are pages of a file rather than memory of our own.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        matches!(self, Bytes::Mapped(_))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_file_reads_as_a_read_one() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0usize, 1, 4095, 4096, 70_000] {
            let path = folder.path().join(length.to_string());
            std::fs::write(&path, (0..length).map(|index| (index * 7 % 251) as u8).collect::<Vec<_>>())
                .unwrap();
            let file = File::open(&path).unwrap();
            assert_eq!(&*Bytes::map(&file).unwrap(), &*Bytes::read(&file).unwrap(), "{length} bytes");
        }
    }
}
