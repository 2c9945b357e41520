//! Which segments there are: disjoint ranges of slots, and the gaps between them.
//!
//! A catalogue is never changed; a new one takes its place. A search keeps the one it began with.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use crate::draft::FINISHED;
use crate::error::Result;
use crate::rows::{self, Snapshot};
use crate::segment::Segment;
use crate::space::{Space, SpaceId};

/// A range of slots, the end excluded.
pub type Range = (u32, u32);

/// The segments, by range.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    segments: Vec<Arc<Segment>>,
}

impl Catalogue {
    /// Opens the code files of a space that belong to this database. Those that never can are deleted, and those of spaces
    /// that were dropped.
    pub fn load(
        connection: &Connection,
        (folder, mapped_records): (&Path, usize),
        id: SpaceId,
        space: &Space,
        now: Snapshot,
    ) -> Result<Self> {
        remove_dropped(connection, folder)?;
        let mut found = Vec::new();
        for path in code_files(folder, id) {
            // A file that cannot be opened is as good as none: another process may just have replaced it.
            let Ok(opened) = Segment::open(&path, mapped_records) else { continue };
            let Some(segment) = opened else {
                remove(&path);
                continue;
            };
            match fits(connection, id, space, now, &segment)? {
                Fit::Belongs => found.push(Arc::new(segment)),
                Fit::Unclear => {}
                Fit::Foreign => remove(&path),
            }
        }
        found.sort_by_key(|segment| {
            let header = &segment.header;
            (std::cmp::Reverse(header.to - header.from), std::cmp::Reverse((header.version, header.trained)))
        });
        let mut catalogue = Self::default();
        for segment in found {
            if catalogue.overlapping(segment.range()).next().is_none() {
                catalogue.insert(segment);
            } else if catalogue.segments.iter().any(|other| covers(other.range(), segment.range()))
                && let Some(path) = &segment.path
            {
                remove(path);
            }
        }
        Ok(catalogue)
    }

    /// All segments, by range.
    #[must_use]
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    fn overlapping(&self, range: Range) -> impl Iterator<Item = &Arc<Segment>> {
        self.segments.iter().filter(move |segment| {
            let (from, to) = segment.range();
            from < range.1 && range.0 < to
        })
    }

    fn insert(&mut self, segment: Arc<Segment>) {
        let at = self.segments.partition_point(|other| other.range() < segment.range());
        self.segments.insert(at, segment);
    }

    /// Whether a code file has slots of this range, for whichever version of the table.
    #[must_use]
    pub fn has_file_over(&self, range: Range) -> bool {
        self.overlapping(range).any(|segment| segment.path.is_some())
    }

    /// Whether this very segment is in it.
    #[must_use]
    pub fn has(&self, segment: &Arc<Segment>) -> bool {
        self.segments.iter().any(|other| Arc::ptr_eq(other, segment))
    }

    /// The parts of a gap that no code file has. The others have one for newer versions of the table only, and that one is
    /// worth more than codes for a reader of an older version, which reads the rows.
    #[must_use]
    pub fn without_files(&self, gap: Range) -> Vec<Range> {
        let (mut parts, mut reached) = (Vec::new(), gap.0);
        for segment in self.overlapping(gap).filter(|segment| segment.path.is_some()) {
            let (from, to) = segment.range();
            if from > reached {
                parts.push((reached, from));
            }
            reached = reached.max(to);
        }
        if gap.1 > reached {
            parts.push((reached, gap.1));
        }
        parts
    }

    /// The catalogue with this segment instead of all that overlap with it, and those.
    #[must_use]
    pub fn with(&self, segment: Arc<Segment>) -> (Self, Vec<Arc<Segment>>) {
        let replaced: Vec<_> = self.overlapping(segment.range()).cloned().collect();
        let mut next = Self::default();
        next.segments.extend(
            self.segments
                .iter()
                .filter(|other| !replaced.iter().any(|gone| Arc::ptr_eq(gone, other)))
                .cloned(),
        );
        next.insert(segment);
        (next, replaced)
    }

    /// The catalogue without a segment.
    #[must_use]
    pub fn without(&self, segment: &Arc<Segment>) -> Self {
        Self {
            segments: self.segments.iter().filter(|other| !Arc::ptr_eq(other, segment)).cloned().collect(),
        }
    }

    /// The segments that a reader of this snapshot can use, and the slots that no such segment has.
    #[must_use]
    pub fn usable(&self, now: Snapshot) -> (Vec<Arc<Segment>>, Vec<Range>) {
        let usable: Vec<_> = self.segments.iter().filter(|segment| segment.serves(now)).cloned().collect();
        let (mut gaps, mut reached) = (Vec::new(), 0);
        for segment in &usable {
            let (from, to) = segment.range();
            if from.min(now.next_slot) > reached {
                gaps.push((reached, from.min(now.next_slot)));
            }
            reached = reached.max(to);
        }
        if now.next_slot > reached {
            gaps.push((reached, now.next_slot));
        }
        (usable, gaps)
    }
}

impl Segment {
    /// Its slots.
    #[must_use]
    pub fn range(&self) -> Range {
        (self.header.from, self.header.to)
    }

    /// Whether it has all rows that the snapshot has in its range. Rows that the snapshot lacks do no harm.
    fn serves(&self, now: Snapshot) -> bool {
        self.header.from < now.next_slot && (self.header.complete || self.header.version <= now.version)
    }
}

fn covers(outer: Range, inner: Range) -> bool {
    outer.0 <= inner.0 && inner.1 <= outer.1
}

enum Fit {
    /// It is of this database's history.
    Belongs,
    /// It may be ahead of this snapshot.
    Unclear,
    /// It never will be.
    Foreign,
}

fn fits(
    connection: &Connection,
    id: SpaceId,
    space: &Space,
    now: Snapshot,
    segment: &Segment,
) -> Result<Fit> {
    let header = &segment.header;
    if header.space != id.0
        || header.dimensions != space.dimensions
        || header.metric != space.metric
        || header.from >= header.to
    {
        return Ok(Fit::Foreign);
    }
    if header.to > now.next_slot || header.version > now.version {
        return Ok(Fit::Unclear);
    }
    // The stamp of the version that was read proves all changes up to it, deletions too.
    let stamp = rows::stamp_of(connection, id, header.version)?;
    Ok(if stamp == Some(header.stamp) { Fit::Belongs } else { Fit::Foreign })
}

/// The finished code files of a space.
#[must_use]
pub fn code_files(folder: &Path, id: SpaceId) -> Vec<PathBuf> {
    let mut files = all_files(folder);
    files.retain(|path| space_of(path) == Some(id.0));
    files.sort();
    files
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == FINISHED))
        .collect()
}

/// The number that a code file's name begins with.
fn space_of(path: &Path) -> Option<i64> {
    path.file_name()?.to_str()?.split_once('-')?.0.parse().ok()
}

/// Deletes the files of spaces that are no more: their numbers are never used again.
fn remove_dropped(connection: &Connection, folder: &Path) -> Result<()> {
    for path in all_files(folder) {
        if let Some(space) = space_of(&path)
            && !rows::has_space(connection, SpaceId(space))?
        {
            remove(&path);
        }
    }
    Ok(())
}

/// Deletes a code file. One that cannot be deleted costs space until the next start, nothing else.
pub fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}
