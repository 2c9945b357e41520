//! Paths to documents: what was dropped is walked, and what a followed folder has lost is let go of.

use super::load::Load;
use super::work::{Work, stopped};
use crate::database::Database;
use crate::library::vectors::SpaceName;
use domain::{Fault, FaultCode, IngestEvent};
use ingest::{Found, Reason, WalkLimits, walk};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use store::library::{CollectionRow, DocumentRow, NewDocument};
use vector_table::SpaceId;

/// Files that are entered in one transaction.
const ENTERED_AT_ONCE: usize = 200;

impl Work {
    /// Enters the documents of the run; the folder that was looked at, when it was one that is followed.
    pub(super) async fn enter(&self, load: Load) -> Result<Option<PathBuf>, Fault> {
        let (roots, followed) = match load {
            Load::Paths(paths) => (paths, None),
            Load::Look(folder) => (vec![folder.clone()], Some(folder)),
            Load::New(_) | Load::Known(_) | Load::Converted(_) | Load::Settings(_) => (Vec::new(), None),
        };
        let collection = self.collection().await?.key;
        let mut files = 0;
        for root in roots {
            self.enter_root(collection, &root, &mut files).await?;
        }
        let run = self.ingest.id.clone();
        self.engine.database().write(move |shelf| Ok(shelf.disk.ingest_took_in(&run)?)).await?;
        Ok(followed)
    }

    /// Files are entered as they are found, so that a long walk shows and survives.
    async fn enter_root(&self, collection: i64, root: &Path, files: &mut u32) -> Result<(), Fault> {
        let limits = crate::library::reading::limits(&self.engine);
        let mut walking = walk(root, WalkLimits { file_bytes: limits.file_bytes, ..WalkLimits::default() });
        loop {
            let (found, rest) = Database::blocking(move || {
                let found: Vec<Found> = walking.by_ref().take(ENTERED_AT_ONCE).collect();
                Ok((found, walking))
            })
            .await?;
            walking = rest;
            if self.ingest.is_stopped() {
                return Err(stopped());
            }
            if found.is_empty() {
                return Ok(());
            }
            let mut documents = Vec::new();
            for found in found {
                match found {
                    Found::File { path, size, .. } => documents.push(self.document_at(&path, size)),
                    Found::Skipped { reason: Reason::Hidden, .. } => {}
                    Found::Skipped { path, reason } => self.skip(&path.to_string_lossy(), left_out(&reason)),
                }
            }
            *files += u32::try_from(documents.len()).unwrap_or_default();
            self.enter_documents(collection, documents).await?;
            self.ingest.tell(IngestEvent::Counting { files: *files });
        }
    }

    async fn enter_documents(&self, collection: i64, documents: Vec<NewDocument>) -> Result<(), Fault> {
        let (run, now) = (self.ingest.id.clone(), self.engine.now());
        let claim = *self.claim.lock().unwrap_or_else(PoisonError::into_inner);
        let beside = self
            .engine
            .database()
            .write(move |shelf| Ok(shelf.disk.enter_documents(collection, &run, &documents, claim, now)?))
            .await?;
        self.beside.lock().unwrap_or_else(PoisonError::into_inner).extend(beside);
        Ok(())
    }

    fn document_at(&self, path: &Path, size: u64) -> NewDocument {
        NewDocument {
            id: self.engine.new_id(),
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            source: Some(path.to_string_lossy().into_owned()),
            size,
            ..NewDocument::default()
        }
    }

    /// When the collection has another model than the one whose vectors serve it, all its documents go along: the new
    /// vectors serve when they are whole.
    pub(super) async fn bring_along(&self, collection: &CollectionRow) -> Result<(), Fault> {
        let (Some(serving), key) = (collection.space, collection.key) else { return Ok(()) };
        let name = SpaceName::of(&collection.collection.settings);
        let run = self.ingest.id.clone();
        self.engine
            .database()
            .write(move |shelf| {
                let target = shelf.disk.read(|tx| name.find(tx))?;
                if target == Some(SpaceId(serving)) {
                    return Ok(());
                }
                let others = shelf.disk.documents_of(key)?;
                let ids: Vec<String> = others.into_iter().map(|other| other.document.id).collect();
                Ok(shelf.disk.give_to_run(&ids, &run)?)
            })
            .await
    }

    /// Puts documents whose files left a followed folder into the trash; one that is taken out of it again stands for
    /// itself. Where nothing at all is left, the folder itself is taken to be away, like a disk that is not mounted: all
    /// stay, and that is the collection's trouble.
    pub(super) async fn let_go_of_gone(
        &self,
        collection: &CollectionRow,
        folder: &Path,
    ) -> Result<(), Fault> {
        let (key, folder, now) = (collection.key, folder.to_owned(), self.engine.now());
        let root = folder.clone();
        let gone = self
            .engine
            .database()
            .write(move |shelf| {
                let below = |row: &DocumentRow| {
                    row.source.as_deref().is_some_and(|path| Path::new(path).starts_with(&folder))
                };
                let rows: Vec<DocumentRow> =
                    shelf.disk.documents_of(key)?.into_iter().filter(below).collect();
                let is_gone = |row: &&DocumentRow| {
                    row.source
                        .as_deref()
                        .is_some_and(|path| matches!(Path::new(path).try_exists(), Ok(false)))
                };
                let gone: Vec<DocumentRow> = rows.iter().filter(is_gone).cloned().collect();
                if gone.is_empty() {
                    return Ok(Some(gone));
                }
                if gone.len() == rows.len() || !folder.is_dir() {
                    return Ok(None);
                }
                let ids: Vec<String> = gone.iter().map(|row| row.document.id.clone()).collect();
                shelf.disk.set_documents_deleted(&ids, Some(now))?;
                Ok(Some(gone))
            })
            .await?;
        let watching = &self.engine.library_state().watching;
        watching.note_emptied(&collection.collection.id, gone.is_none().then_some(root.as_path()));
        let gone = gone.unwrap_or_default();
        for row in gone {
            self.skip(
                &row.document.name,
                Fault::new(FaultCode::NotFound).with_detail("the file left the folder"),
            );
        }
        Ok(())
    }
}

/// Why a file of a folder is not taken, as a fault.
fn left_out(reason: &Reason) -> Fault {
    let code = match reason {
        Reason::TooLarge { .. } => FaultCode::FileTooLarge,
        Reason::LinkBroken => FaultCode::NotFound,
        _ => FaultCode::FileUnreadable,
    };
    Fault::new(code).with_detail(reason.to_string())
}
