//! Documents: listed, read, moved and thrown away.

use super::ingests::{self, Consent, Load};
use super::{Library, reading, vectors};
use crate::error::not_found;
use crate::sink::Nowhere;
use domain::{DocumentPage, DocumentQuery, DocumentText, Fault, FaultCode, Passage, PlacedLine, TextSection};
use std::sync::Arc;

impl Library {
    /// A page of the list of documents.
    ///
    /// # Errors
    /// The store's.
    pub async fn documents(&self, query: DocumentQuery) -> Result<DocumentPage, Fault> {
        self.engine.database().read(move |shelf| Ok(shelf.disk.documents(&query)?)).await
    }

    /// Puts documents into the trash. They are found no more.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_documents(&self, documents: Vec<String>) -> Result<(), Fault> {
        let now = self.engine.now();
        self.engine
            .database()
            .write(move |shelf| Ok(shelf.disk.set_documents_deleted(&documents, Some(now))?))
            .await?;
        self.tell([]);
        Ok(())
    }

    /// Takes documents out of the trash.
    ///
    /// # Errors
    /// The store's.
    pub async fn undelete_documents(&self, documents: Vec<String>) -> Result<(), Fault> {
        let rows = self
            .engine
            .database()
            .write(move |shelf| {
                shelf.disk.set_documents_deleted(&documents, None)?;
                for row in shelf.disk.documents_by_id(&documents)? {
                    // Its file is gone: it stands for itself, so that no folder takes it away again.
                    let gone = |path: &String| matches!(std::path::Path::new(path).try_exists(), Ok(false));
                    if row.hash.is_some() && row.source.as_ref().is_some_and(gone) {
                        shelf.disk.set_document_source(&row.document.id, &row.document.name, None)?;
                    }
                }
                Ok(shelf.disk.documents_by_id(&documents)?)
            })
            .await?;
        self.tell(rows.into_iter().map(|row| row.document));
        Ok(())
    }

    /// Puts documents into another collection. Their vectors go along; where that collection cuts otherwise or has
    /// another model, they are cut and embedded anew, quoted first.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn move_documents(&self, documents: Vec<String>, collection: String) -> Result<(), Fault> {
        let target = self.row(&collection).await?;
        let (engine, ids, key) = (self.engine.clone(), documents.clone(), target.key);
        self.engine
            .database()
            .write(move |shelf| {
                let rows = shelf.disk.documents_by_id(&ids)?;
                let mut passages = Vec::new();
                for row in &rows {
                    passages.extend(shelf.disk.passage_keys(row.key)?);
                }
                shelf.disk.write(|tx| {
                    store::Store::move_documents(tx, &ids, key)?;
                    vectors::recollect(&engine, tx, &shelf.disk, &passages, key)
                })
            })
            .await?;
        let load = Load::Known(documents);
        ingests::begin(&self.engine, &target, load, Consent::Asked, None, Arc::new(Nowhere)).await?;
        self.tell([]);
        Ok(())
    }

    /// Passages of a document, in order, from `offset` on.
    ///
    /// # Errors
    /// The store's.
    pub async fn passages(&self, document: String, offset: u32, limit: u32) -> Result<Vec<Passage>, Fault> {
        self.engine.database().read(move |shelf| Ok(shelf.disk.passages(&document, offset, limit)?)).await
    }

    /// A document to be read.
    ///
    /// # Errors
    /// `NotFound`, `FileHasNoText` for one that was not read; the store's.
    pub async fn document_text(&self, document: String) -> Result<DocumentText, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let row = shelf.disk.document(&document)?;
                let content = match &row.hash {
                    Some(hash) => shelf.disk.content(hash)?,
                    None => None,
                };
                let unread = || Fault::new(FaultCode::FileHasNoText).with_detail(&row.document.name);
                let content = content.ok_or_else(unread)?;
                let reading = reading::reading_of(&content)?;
                let is_pdf = content.format == "pdf";
                Ok(DocumentText {
                    sections: sections(&reading),
                    pdf_url: is_pdf.then(|| format!("media://document/{}", row.document.id)),
                    text: reading.text,
                    document: row.document,
                })
            })
            .await
    }

    /// Where a stretch of a document's text (in characters) is drawn on its pages, line by line: what a viewer of PDF files
    /// marks when it cannot find the words in its own reading. Empty where that is not known.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn placed_lines(
        &self,
        document: String,
        start: u32,
        end: u32,
    ) -> Result<Vec<PlacedLine>, Fault> {
        self.engine
            .database()
            .read(move |shelf| match shelf.disk.document(&document)?.hash {
                Some(hash) => reading::placed(&shelf.disk, &hash, start, end),
                None => Ok(Vec::new()),
            })
            .await
    }

    /// The original of a document: its media type and its bytes. For the viewer of PDF files.
    ///
    /// # Errors
    /// `NotFound`; `FileUnreadable` when it is gone.
    pub async fn document_bytes(&self, document: String) -> Result<(String, Vec<u8>), Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let row = shelf.disk.document(&document)?;
                let hash = row.hash.ok_or_else(|| not_found("the original"))?;
                let bytes = std::fs::read(shelf.disk.original_path(&hash)?)
                    .map_err(|error| Fault::new(FaultCode::FileUnreadable).with_detail(error.to_string()))?;
                let is_pdf = bytes.starts_with(b"%PDF");
                Ok((if is_pdf { "application/pdf" } else { "application/octet-stream" }.to_owned(), bytes))
            })
            .await
    }

    /// Estimated tokens of a document's passages.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn document_tokens(&self, document: String) -> Result<u64, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let key = shelf.disk.document(&document)?.key;
                Ok(shelf.disk.tokens_of(&[key])?)
            })
            .await
    }
}

/// The sections of a reading, with places in characters.
fn sections(reading: &ingest::Reading) -> Vec<TextSection> {
    let ends = reading.sections.iter().flat_map(|section| [section.range.start, section.range.end]).collect();
    let places = reading::characters_at(&reading.text, ends);
    let section = |section: &ingest::Section| TextSection {
        heading_path: section.heading_path.clone(),
        page: section.page,
        start: places[&section.range.start],
        end: places[&section.range.end],
        kind: match section.kind {
            ingest::SectionKind::Table { .. } => "table",
            ingest::SectionKind::Code { .. } => "code",
            ingest::SectionKind::List => "list",
            ingest::SectionKind::Heading { .. } | ingest::SectionKind::Prose => "prose",
        }
        .to_owned(),
    };
    reading.sections.iter().map(section).collect()
}
