//! Files beside the database, written so that a crash leaves either the old file or the new one: temporary name in the
//! same folder → fsync → rename → fsync of the folder.

use crate::error::{Error, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A temporary name beside `target`, unique within this machine's running processes.
pub(crate) fn temporary_beside(target: &Path) -> PathBuf {
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}-{number}.tmp", std::process::id()))
}

/// The name is one of those that [`temporary_beside`] gives.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

/// Makes `target` hold what `fill` writes, or leaves it as it was.
pub(crate) fn write_whole<T>(
    target: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<T>,
) -> Result<T> {
    let temporary = temporary_beside(target);
    let written = write_temporary(&temporary, fill).and_then(|value| {
        put_in_place(&temporary, target)?;
        Ok(value)
    });
    if written.is_err() {
        // The error that is returned matters more than one about a leftover.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_temporary<T>(temporary: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> Result<T>) -> Result<T> {
    let error = |source| Error::io("writing", temporary, source);
    let file = OpenOptions::new().write(true).create_new(true).open(temporary).map_err(error)?;
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    let value = fill(&mut writer)?;
    let file = writer.into_inner().map_err(|failed| error(failed.into_error()))?;
    file.sync_all().map_err(error)?;
    Ok(value)
}

/// Renames a finished, synced file over `target` and makes the rename durable.
pub(crate) fn put_in_place(temporary: &Path, target: &Path) -> Result<()> {
    fs::rename(temporary, target).map_err(|source| Error::io("renaming to", target, source))?;
    sync_folder(target.parent().unwrap_or(Path::new(".")))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(windows) {
        return Ok(()); // Windows has no handle to sync a folder with; renames are journalled by NTFS.
    }
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(|source| Error::io("syncing", folder, source))
}

/// Makes the contents of a file durable that another library wrote.
pub(crate) fn sync_file(path: &Path) -> Result<()> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .and_then(|file| file.sync_all())
        .map_err(|source| Error::io("syncing", path, source))
}

/// Writes all of `bytes` to `target`, or leaves it as it was.
pub(crate) fn write_bytes(target: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(target, |writer| {
        writer.write_all(bytes).map_err(|source| Error::io("writing", target, source))
    })
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|source| Error::io("making the folder", folder, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().expect("folder");
        let target = folder.path().join("a");
        write_bytes(&target, b"old").expect("written");
        let failed: Result<()> = write_whole(&target, |writer| {
            writer.write_all(b"half").expect("buffered");
            Err(Error::Invalid("stop here".into()))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&target).expect("read"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "no temporary file is left");
    }
}
