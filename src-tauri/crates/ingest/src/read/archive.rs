//! Zip containers under limits that count bytes really inflated, never what the headers claim.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::{Error, Format, Limits, Measure};

/// An opened container and what is left of its allowance.
pub(crate) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    format: Format,
    limit: u64,
    left: Cell<u64>,
}

impl<'a> Archive<'a> {
    /// Opens a container; the number of entries is limited before any is looked at.
    pub(crate) fn open(bytes: &'a [u8], format: Format, limits: &Limits) -> Result<Self, Error> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Error::damaged(format, error))?;
        if zip.len() > limits.entries {
            return Err(Error::TooLarge { what: Measure::Entries, limit: limits.entries as u64 });
        }
        Ok(Self { zip, format, limit: limits.inflated_bytes, left: Cell::new(limits.inflated_bytes) })
    }

    /// The names of the entries.
    pub(crate) fn names(&self) -> Vec<String> {
        self.zip.file_names().flatten().map(Cow::into_owned).collect()
    }

    /// Whether an entry of that name exists.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// The bytes of an entry; a missing one is damage.
    pub(crate) fn bytes(&mut self, name: &str) -> Result<Vec<u8>, Error> {
        let format = self.format;
        let entry = self.zip.by_name(name).map_err(|error| match error {
            ZipError::FileNotFound => Error::damaged(format, format!("{name} is missing")),
            ZipError::InvalidPassword => Error::Encrypted { wrong_password: false },
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
                Error::Encrypted { wrong_password: false }
            }
            other => Error::damaged(format, other),
        })?;
        let mut out = Vec::new();
        entry
            .take(self.left.get() + 1)
            .read_to_end(&mut out)
            .map_err(|error| Error::damaged(format, format!("{name}: {error}")))?;
        self.spend(out.len() as u64)?;
        Ok(out)
    }

    /// The text of an XML entry, in UTF-8 or UTF-16.
    pub(crate) fn text(&mut self, name: &str) -> Result<String, Error> {
        let bytes = self.bytes(name)?;
        Ok(super::xml::decode(&bytes))
    }

    /// The text of an entry that need not be there.
    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<String>, Error> {
        if self.has(name) { self.text(name).map(Some) } else { Ok(None) }
    }

    /// Inflates every entry without keeping it, for libraries that open the container themselves.
    pub(crate) fn check_all(&mut self) -> Result<(), Error> {
        for index in 0..self.zip.len() {
            let Ok(entry) = self.zip.by_index(index) else { continue };
            let left = self.left.get();
            let size = std::io::copy(&mut entry.take(left + 1), &mut std::io::sink()).unwrap_or(0);
            self.spend(size)?;
        }
        Ok(())
    }

    fn spend(&self, bytes: u64) -> Result<(), Error> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(Error::TooLarge { what: Measure::InflatedBytes, limit: self.limit }),
        }
    }
}
