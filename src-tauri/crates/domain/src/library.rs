//! The library: collections of documents, cut into passages, each embedded once per embedding model.

use crate::fault::Fault;
use crate::ids::{ModelId, RunId, Timestamp};
use crate::message::SourceRef;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a collection is cut and searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct CollectionSettings {
    /// The embedding model; changing it embeds everything anew in the background.
    pub embedding_model: ModelId,
    /// An OpenAI-compatible provider to embed with instead of Workers AI: its base URL. Its key lies in the keychain.
    pub provider_url: Option<String>,
    /// Tokens of a passage.
    pub passage_tokens: u32,
    /// Tokens that neighbours share.
    pub overlap_tokens: u32,
    /// Passages handed to the model.
    pub top_k: u32,
    /// Hits farther away than this cosine distance are left out; absent = none is.
    pub max_distance: Option<f64>,
    /// Let the reranker order the hits.
    pub rerank: bool,
}

impl Default for CollectionSettings {
    fn default() -> Self {
        Self {
            embedding_model: ModelId::from("@cf/baai/bge-m3"),
            provider_url: None,
            passage_tokens: 400,
            overlap_tokens: 60,
            top_k: 8,
            max_distance: None,
            rerank: false,
        }
    }
}

/// A collection of the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Collection {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// One of the palette's names: `blue`, `green`, `amber`, `rose`, `violet`, `slate`.
    pub colour: String,
    /// How it is cut and searched.
    pub settings: CollectionSettings,
    /// Documents in it.
    pub documents: u32,
    /// Passages in it.
    pub passages: u32,
    /// Of these, with a vector of the current embedding model.
    pub embedded: u32,
    /// A folder that it follows; shown, never taken from the page.
    pub folder: Option<String>,
    /// Settings that wait for the consent to what they cost. Until then, and when it is refused, `settings` hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub wanted: Option<CollectionSettings>,
    /// Why the last run over it ended early, or waits; why its folder is not watched. Gone when that goes through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub trouble: Option<Fault>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How far a document came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum DocumentState {
    /// It waits its turn.
    Queued,
    /// Its text is being read.
    Reading,
    /// Its passages are being embedded.
    Embedding {
        /// Passages that have a vector.
        done: u32,
        /// Passages in all.
        total: u32,
    },
    /// It can be searched.
    Ready,
    /// It can be searched, but some pages have no text.
    Partly {
        /// Pages without text.
        empty_pages: Vec<u32>,
        /// Pages in all.
        pages: u32,
    },
    /// It waits: the person paused it, or there is a reason that goes away.
    Paused {
        /// Why it waits; absent when the person paused it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        fault: Option<Fault>,
    },
    /// It failed.
    Failed {
        /// Why.
        fault: Fault,
    },
}

/// A document of the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Its id.
    pub id: String,
    /// The collection.
    pub collection: String,
    /// Its file's name, or the title of a web page or pasted text.
    pub name: String,
    /// The title that its text gives, if any.
    pub title: Option<String>,
    /// `pdf`, `docx`, `markdown`, `text`, ... by content.
    pub format: String,
    /// Bytes of the original.
    #[ts(type = "number")]
    pub size: u64,
    /// Pages, for paged formats.
    pub pages: Option<u32>,
    /// Passages.
    pub passages: u32,
    /// Neurons spent on it.
    pub neurons: f64,
    /// How far it came.
    pub state: DocumentState,
    /// Where it came from, for web pages.
    pub address: Option<String>,
    /// When it was added.
    pub added_at: Timestamp,
}

/// A page of the list of documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DocumentPage {
    /// The rows.
    pub documents: Vec<Document>,
    /// Rows in all.
    pub total: u32,
}

/// Which documents to list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct DocumentQuery {
    /// Only of this collection.
    pub collection: Option<String>,
    /// Part of the name.
    pub name: Option<String>,
    /// `name`, `added`, `size`, `passages` or `state`.
    pub sort: Option<String>,
    /// Largest or newest first.
    pub descending: bool,
    /// Rows to skip.
    pub offset: u32,
    /// At most so many rows.
    pub limit: u32,
}

/// What adding files would cost, before anything is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    /// Names this offer; accepting it starts the embedding.
    pub id: String,
    /// Documents that were read for it.
    pub documents: u32,
    /// Files that were left out, with the reason.
    pub skipped: Vec<SkippedFile>,
    /// Passages without a vector.
    pub passages: u32,
    /// Their estimated tokens.
    #[ts(type = "number")]
    pub tokens: u64,
    /// Their estimated neurons; absent when no price is known.
    pub neurons: Option<f64>,
    /// That as a share of today's allowance, 0 to 1 and beyond.
    pub share_of_day: Option<f64>,
}

/// A file that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SkippedFile {
    /// Its name.
    pub name: String,
    /// Why.
    pub fault: Fault,
}

/// News of an ingestion, on its channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum IngestEvent {
    /// The files are being looked at.
    Counting {
        /// Files found so far.
        files: u32,
    },
    /// A document's row changed.
    Document {
        /// The row.
        document: Document,
    },
    /// A file was left out.
    Skipped {
        /// Which, and why.
        file: SkippedFile,
    },
    /// What it would cost; embedding waits for `accept_quote` unless asking was switched off or nothing has to be paid.
    Quoted {
        /// The offer.
        quote: Quote,
    },
    /// How far the whole run is.
    Progress {
        /// Documents that are done.
        documents_done: u32,
        /// Documents in all.
        documents: u32,
        /// Passages that have a vector.
        passages_done: u32,
        /// Passages in all.
        passages: u32,
    },
    /// It waits, for a limit, a busy model, or the next day. `resume_ingest` has it try at once.
    Waiting {
        /// Why.
        fault: Fault,
        /// Milliseconds.
        #[ts(type = "number")]
        delay_ms: u64,
    },
    /// It is over.
    Finished {
        /// Documents that can be searched now.
        ready: u32,
        /// Documents that failed.
        failed: u32,
        /// Neurons spent.
        neurons: f64,
        /// Why it ended before everything was done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        fault: Option<Fault>,
    },
}

/// A started ingestion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct IngestStarted {
    /// The run, to pause, resume or stop it.
    pub run: RunId,
    /// The collection it fills.
    pub collection: Collection,
}

/// How to search passages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum SearchMode {
    /// By meaning only.
    Vector,
    /// By words only.
    Keyword,
    /// Both, fused by reciprocal rank.
    #[default]
    Hybrid,
}

/// A search over passages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct PassageQuery {
    /// What is asked.
    pub text: String,
    /// Only in these collections; all when empty.
    pub collections: Vec<String>,
    /// Only in these documents; all when empty.
    pub documents: Vec<String>,
    /// Only of these formats; all when empty.
    pub formats: Vec<String>,
    /// Only added since.
    pub added_since: Option<Timestamp>,
    /// How many; 0 = the collection's setting.
    pub k: u32,
    /// By meaning, words or both.
    pub mode: SearchMode,
    /// Let the reranker order the hits.
    pub rerank: Option<bool>,
    /// Leave out hits beyond this cosine distance.
    pub max_distance: Option<f64>,
    /// How much of the nearest vectors has to be found; balanced when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub recall: Option<SearchRecall>,
}

/// How much of the truth a search by meaning has to find.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum SearchRecall {
    /// Most of the nearest passages, as fast as possible.
    Fast,
    /// At least 99 of 100 of the ten nearest, on the average.
    #[default]
    Balanced,
    /// All of them, with certainty.
    Exact,
}

/// A passage that was found, with every score it got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PassageHit {
    /// The passage's id.
    pub passage: String,
    /// Its document.
    pub document: String,
    /// The document's name.
    pub title: String,
    /// The collection.
    pub collection: String,
    /// The page, from 1.
    pub page: Option<u32>,
    /// Headings above it.
    pub heading_path: Vec<String>,
    /// Its text.
    pub text: String,
    /// Characters (Unicode scalar values) in the document's text: from.
    pub start: u32,
    /// To (exclusive).
    pub end: u32,
    /// Fused score (reciprocal rank), or the only score there is.
    pub score: f64,
    /// Cosine similarity.
    pub vector_score: Option<f64>,
    /// Cosine distance, 1 − similarity.
    pub distance: Option<f64>,
    /// Rank among the vector hits, from 1.
    pub vector_rank: Option<u32>,
    /// BM25 (higher is better).
    pub keyword_score: Option<f64>,
    /// Rank among the keyword hits, from 1.
    pub keyword_rank: Option<u32>,
    /// The reranker's score.
    pub rerank_score: Option<f64>,
}

/// How a search went: for the list of hits and for *Why this answer*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// The query as it was searched.
    pub query: String,
    /// How it was searched.
    pub mode: SearchMode,
    /// Passages that were compared.
    pub considered: u32,
    /// Hits of the vector side.
    pub vector_hits: u32,
    /// Hits of the keyword side.
    pub keyword_hits: u32,
    /// The reranker was asked.
    pub reranked: bool,
    /// What was found, best first.
    pub hits: Vec<PassageHit>,
    /// Hits that the threshold cut.
    pub beyond_threshold: u32,
    /// Hits that the token budget cut.
    pub beyond_budget: u32,
    /// Files that are still being indexed.
    pub pending_documents: u32,
    /// All files concerned.
    pub documents: u32,
    /// Why one side could not be asked (the other still answered).
    pub fault: Option<Fault>,
}

/// Why an answer says what it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WhyAnswer {
    /// How the search went.
    pub findings: Findings,
    /// What was handed to the model.
    pub sources: Vec<SourceRef>,
    /// The whole documents were handed over, because they fit.
    pub whole_documents: bool,
}

/// A document opened to be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DocumentText {
    /// Its row.
    pub document: Document,
    /// Its whole text, as it was cut.
    pub text: String,
    /// Its sections.
    pub sections: Vec<TextSection>,
    /// The address of the original's bytes for pdf.js; only for PDF.
    pub pdf_url: Option<String>,
}

/// A section of a document's text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TextSection {
    /// Headings above and of it.
    pub heading_path: Vec<String>,
    /// The page, from 1.
    pub page: Option<u32>,
    /// Characters (Unicode scalar values) in the text: from.
    pub start: u32,
    /// To (exclusive).
    pub end: u32,
    /// `prose`, `table`, `code`, `list`.
    pub kind: String,
}

/// Where a line of a document is drawn on its page: in points, in the page's own coordinates as PDF has them (from the
/// lower left, before the page is turned or cropped).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PlacedLine {
    /// The page, from 1.
    pub page: u32,
    /// Its left edge.
    pub left: f64,
    /// Its lower edge.
    pub bottom: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

/// A passage, for the passage viewer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Passage {
    /// Its id.
    pub id: String,
    /// Its place in the document, from 0.
    pub ordinal: u32,
    /// Its text.
    pub text: String,
    /// Headings above it.
    pub heading_path: Vec<String>,
    /// The page, from 1.
    pub page: Option<u32>,
    /// Characters in the document's text: from.
    pub start: u32,
    /// To (exclusive).
    pub end: u32,
    /// Estimated tokens.
    pub tokens: u32,
    /// It has a vector of the current embedding model.
    pub embedded: bool,
}

/// The vector table in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct VectorInfo {
    /// The embedding model.
    pub model: ModelId,
    /// Length of a vector.
    pub dimensions: u32,
    /// Pooling, where the model has a choice.
    pub pooling: Option<String>,
    /// `cosine`, `dot` or `euclidean`.
    pub metric: String,
    /// Rows.
    #[ts(type = "number")]
    pub rows: u64,
    /// Bytes of rows and codes on disk.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// Forms in which the vector table can be written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum VectorFormat {
    /// One JSON object per line.
    Jsonl,
    /// Comma-separated values.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Cloudflare Vectorize's NDJSON.
    Vectorize,
    /// SQL statements.
    Sql,
}
