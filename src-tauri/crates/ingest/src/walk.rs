//! Finds the files in a dropped or watched folder.
//!
//! Only regular files below the root are found. Links are not followed out of the root; pipes, sockets and
//! devices are never opened, because opening a pipe waits for its other end for ever.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How far a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkLimits {
    /// Entries looked at, files and folders together.
    pub entries: usize,
    /// Levels of folders below the root.
    pub depth: usize,
    /// Bytes of one file; larger ones are skipped with their size.
    pub file_bytes: u64,
    /// Names that begin with a dot are skipped.
    pub skip_hidden: bool,
}

impl Default for WalkLimits {
    fn default() -> Self {
        Self {
            entries: 200_000,
            depth: 256,
            file_bytes: crate::Limits::default().file_bytes,
            skip_hidden: true,
        }
    }
}

/// One thing that the walk met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A regular file.
    File {
        /// Its path, beginning with the root as it was given.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// When it was last written, where the file system says.
        modified: Option<SystemTime>,
    },
    /// Something that is left out, and why.
    Skipped {
        /// Its path.
        path: PathBuf,
        /// Why.
        reason: Reason,
    },
}

/// Why something in a folder is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A link whose end lies outside the root.
    #[error("a link that leads out of the folder")]
    LinkOutside,
    /// A link to nothing.
    #[error("a link to nothing")]
    LinkBroken,
    /// A folder or file met before, as in a loop of links.
    #[error("already met by another way")]
    MetBefore,
    /// A named pipe.
    #[error("a pipe")]
    Pipe,
    /// A socket.
    #[error("a socket")]
    Socket,
    /// A device.
    #[error("a device")]
    Device,
    /// The name begins with a dot.
    #[error("hidden")]
    Hidden,
    /// Larger than the limit.
    #[error("too large ({size} bytes)")]
    TooLarge {
        /// Its size.
        size: u64,
    },
    /// Folders nested deeper than the limit.
    #[error("nested too deeply")]
    TooDeep,
    /// More entries than the limit; the walk ends here.
    #[error("too many files")]
    TooMany,
    /// The operating system refused.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

/// Walks a file or folder, breadth first, names in order. Nothing is opened but folders.
pub fn walk(root: &Path, limits: WalkLimits) -> impl Iterator<Item = Found> + use<> {
    Walk {
        real_root: root.canonicalize().unwrap_or_else(|_| root.to_owned()),
        limits,
        queue: VecDeque::from([(root.to_owned(), 0)]),
        met: HashSet::new(),
        looked_at: 0,
        ended: false,
    }
}

struct Walk {
    real_root: PathBuf,
    limits: WalkLimits,
    queue: VecDeque<(PathBuf, usize)>,
    /// Folders and files by identity, against loops and double counting.
    met: HashSet<Identity>,
    looked_at: usize,
    ended: bool,
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        while !self.ended {
            let (path, depth) = self.queue.pop_front()?;
            self.looked_at += 1;
            if self.looked_at > self.limits.entries {
                self.ended = true;
                return Some(Found::Skipped { path, reason: Reason::TooMany });
            }
            match self.look(&path, depth) {
                Ok(Some(found)) => return Some(found),
                Ok(None) => {}
                Err(reason) => return Some(Found::Skipped { path, reason }),
            }
        }
        None
    }
}

impl Walk {
    /// A file, nothing for a folder (its entries are queued), or the reason to skip it.
    fn look(&mut self, path: &Path, depth: usize) -> Result<Option<Found>, Reason> {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if depth > 0 && hidden && self.limits.skip_hidden {
            return Err(Reason::Hidden);
        }
        let metadata = self.metadata(path)?;
        if let Some(reason) = special(&metadata) {
            return Err(reason);
        }
        if !self.met.insert(identity(path, &metadata)) {
            return Err(Reason::MetBefore);
        }
        if metadata.is_dir() {
            self.enqueue(path, depth)?;
            return Ok(None);
        }
        if metadata.len() > self.limits.file_bytes {
            return Err(Reason::TooLarge { size: metadata.len() });
        }
        Ok(Some(Found::File {
            path: path.to_owned(),
            size: metadata.len(),
            modified: metadata.modified().ok(),
        }))
    }

    /// Metadata of the thing itself, through a link only where that stays inside the root.
    fn metadata(&self, path: &Path) -> Result<Metadata, Reason> {
        let unreadable = |error: std::io::Error| Reason::Unreadable(error.to_string());
        let own = fs::symlink_metadata(path).map_err(unreadable)?;
        if !own.is_symlink() {
            return Ok(own);
        }
        let end = path.canonicalize().map_err(|_| Reason::LinkBroken)?;
        if !end.starts_with(&self.real_root) {
            return Err(Reason::LinkOutside);
        }
        fs::metadata(path).map_err(unreadable)
    }

    fn enqueue(&mut self, folder: &Path, depth: usize) -> Result<(), Reason> {
        if depth >= self.limits.depth {
            return Err(Reason::TooDeep);
        }
        let entries = fs::read_dir(folder).map_err(|error| Reason::Unreadable(error.to_string()))?;
        // One more than the limit is enough to see that it is passed.
        let most = self.limits.entries.saturating_sub(self.looked_at) + 1;
        let mut paths: Vec<PathBuf> =
            entries.filter_map(Result::ok).take(most).map(|entry| entry.path()).collect();
        paths.sort();
        self.queue.extend(paths.into_iter().map(|path| (path, depth + 1)));
        Ok(())
    }
}

#[cfg(unix)]
fn special(metadata: &Metadata) -> Option<Reason> {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_fifo() {
        Some(Reason::Pipe)
    } else if kind.is_socket() {
        Some(Reason::Socket)
    } else if kind.is_block_device() || kind.is_char_device() {
        Some(Reason::Device)
    } else {
        None
    }
}

#[cfg(not(unix))]
fn special(metadata: &Metadata) -> Option<Reason> {
    (!metadata.is_file() && !metadata.is_dir()).then_some(Reason::Device)
}

#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(_path: &Path, metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Without inode numbers the canonical path is the identity.
#[cfg(not(unix))]
type Identity = PathBuf;

#[cfg(not(unix))]
fn identity(path: &Path, _metadata: &Metadata) -> Identity {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
