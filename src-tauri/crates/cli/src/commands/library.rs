//! `ingest`, `search` and `vectors`: the library without its window.

use crate::arguments::{Ingest, Mode, Recall, Search, VectorForm, Vectors};
use crate::output;
use domain::{
    Collection, Document, DocumentState, Fault, FaultCode, IngestEvent, PassageHit, PassageQuery, SearchMode,
    SearchRecall, VectorFormat,
};
use engine::Engine;
use serde::Serialize;
use std::collections::HashSet;
use std::path::Path;
use tokio::sync::mpsc;

/// A line of `ingest --json`. The names are contracts.
#[derive(Serialize)]
struct FileLine<'a> {
    file: &'a str,
    state: &'a str,
    passages: u32,
    tokens: u64,
    neurons: f64,
    error: Option<String>,
    document: Option<&'a str>,
}

/// A line of `search --json`. The names are contracts.
#[derive(Serialize)]
struct HitLine<'a> {
    rank: usize,
    document: &'a str,
    page: Option<u32>,
    passage: &'a str,
    score: f64,
    distance: Option<f64>,
    text: &'a str,
    document_id: &'a str,
    vector_score: Option<f64>,
    vector_rank: Option<u32>,
    keyword_score: Option<f64>,
    keyword_rank: Option<u32>,
    rerank_score: Option<f64>,
}

#[derive(Serialize)]
struct VectorLine<'a> {
    model: &'a str,
    dimensions: u32,
    pooling: Option<&'a str>,
    metric: &'a str,
    rows: u64,
    /// Of vectors and codes together.
    bytes: u64,
    vector_bytes: u64,
    code_bytes: usize,
    /// Of the codes, those that are no pages of a file.
    memory_bytes: usize,
    version: i64,
    collections: usize,
    uncoded: u64,
    surplus_codes: u64,
    instructions: &'static str,
    failure: Option<&'a str>,
    segments: Vec<SegmentLine>,
}

#[derive(Serialize)]
struct SegmentLine {
    file: Option<String>,
    from: u32,
    to: u32,
    rows: usize,
    lists: usize,
    probes: usize,
    bytes: usize,
}

/// A line of `vectors verify --json`.
#[derive(Serialize)]
struct ProblemLine<'a> {
    problem: &'a str,
    /// It is of codes alone, which are made anew from the rows.
    rebuildable: bool,
}

/// Adds files and folders, and waits until they can be searched.
pub async fn ingest(engine: &Engine, options: Ingest) -> Result<(), Fault> {
    let library = engine.library();
    if let Some(missing) = options.paths.iter().find(|path| !path.exists()) {
        return Err(Fault::new(FaultCode::NotFound).with_detail(missing.display().to_string()));
    }
    let mut collection = match &options.collection {
        Some(name) => library.collection_named(name).await?,
        None => library.default_collection().await?,
    };
    if let Some(model) = &options.embedding_model {
        collection = with_model(engine, collection, model, options.provider_url.clone()).await?;
    }
    use_provider_key(engine, &collection)?;
    let (events, mut inbox) = mpsc::unbounded_channel::<IngestEvent>();
    let started = library.add_files_unasked(Some(collection.id), options.paths, events).await?;
    let mut printer =
        Printer { engine, json: options.json, told: HashSet::new(), failed: None, too_long: None };
    let mut stopping = false;
    loop {
        tokio::select! {
            event = inbox.recv() => match event {
                Some(IngestEvent::Finished { ready, failed, neurons, fault }) => {
                    output::note(&format!("Ready: {ready}, failed: {failed}, neurons: {neurons:.1}"));
                    // What is missing is a failure, also when most is there.
                    return printer.too_long.or(fault).or(printer.failed).map_or(Ok(()), Err);
                }
                Some(event) => {
                    printer.event(event).await?;
                    if printer.too_long.is_some() && !stopping {
                        stopping = true;
                        // What is there is kept: the same command goes on tomorrow.
                        let _ = library.stop_ingest(&started.run).await;
                    }
                }
                None => return Err(Fault::new(FaultCode::Stopped)),
            },
            _ = tokio::signal::ctrl_c(), if !stopping => {
                stopping = true;
                // It may just have ended.
                let _ = library.stop_ingest(&started.run).await;
            }
        }
    }
}

/// A command that waits for longer than this is not what was typed.
const LONGEST_WAIT_MS: u64 = 15 * 60_000;

/// The collection with another embedding model, or one of another provider; the run that follows embeds all of it anew.
async fn with_model(
    engine: &Engine,
    collection: Collection,
    model: &str,
    provider_url: Option<String>,
) -> Result<Collection, Fault> {
    let settings = domain::CollectionSettings {
        embedding_model: model.into(),
        provider_url,
        ..collection.settings.clone()
    };
    if settings == collection.settings {
        return Ok(collection);
    }
    engine
        .library()
        .update_collection_unasked(collection.id, collection.name, collection.colour, settings)
        .await
}

/// Takes the key of the collection's provider from the environment, where it is given: it stands in no argument.
fn use_provider_key(engine: &Engine, collection: &Collection) -> Result<(), Fault> {
    let key = std::env::var("EDGEWISE_PROVIDER_KEY").ok().filter(|key| !key.is_empty());
    match (&collection.settings.provider_url, key) {
        (Some(url), Some(key)) => engine.library().use_provider_key(url, &key),
        _ => Ok(()),
    }
}

/// Prints events for people on standard error, for programs as lines.
struct Printer<'a> {
    engine: &'a Engine,
    json: bool,
    told: HashSet<String>,
    failed: Option<Fault>,
    /// Why it would have to wait too long.
    too_long: Option<Fault>,
}

impl Printer<'_> {
    async fn event(&mut self, event: IngestEvent) -> Result<(), Fault> {
        match event {
            IngestEvent::Document { document } => self.document(&document).await,
            IngestEvent::Skipped { file } => self.line(&FileLine {
                file: &file.name,
                state: "skipped",
                passages: 0,
                tokens: 0,
                neurons: 0.0,
                error: Some(crate::sentences::of(&file.fault).0),
                document: None,
            }),
            IngestEvent::Quoted { quote } => {
                let neurons =
                    quote.neurons.map(|neurons| format!(", about {neurons:.0} neurons")).unwrap_or_default();
                output::note(&format!("{} passages, about {} tokens{neurons}", quote.passages, quote.tokens));
                Ok(())
            }
            IngestEvent::Progress { passages_done, passages, .. } => {
                output::note(&format!("{passages_done} of {passages} passages"));
                Ok(())
            }
            IngestEvent::Waiting { fault, delay_ms } if delay_ms > LONGEST_WAIT_MS => {
                self.too_long.get_or_insert(fault);
                Ok(())
            }
            IngestEvent::Waiting { fault, delay_ms } => {
                output::note(&format!(
                    "{} Waiting {:.1} s.",
                    crate::sentences::of(&fault).0,
                    delay_ms as f64 / 1_000.0
                ));
                Ok(())
            }
            IngestEvent::Counting { .. } | IngestEvent::Finished { .. } => Ok(()),
        }
    }

    /// A document is told once, when it is done.
    async fn document(&mut self, document: &Document) -> Result<(), Fault> {
        let (state, error) = match &document.state {
            DocumentState::Ready => ("ready", None),
            DocumentState::Partly { empty_pages, pages } => {
                ("partly", Some(format!("{} of {pages} pages have no text", empty_pages.len())))
            }
            DocumentState::Failed { fault } => {
                self.failed = Some(fault.clone());
                let detail = fault.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
                ("failed", Some(format!("{}{detail}", crate::sentences::of(fault).0)))
            }
            _ => return Ok(()),
        };
        if !self.told.insert(document.id.clone()) {
            return Ok(());
        }
        let tokens = self.engine.library().document_tokens(document.id.clone()).await.unwrap_or_default();
        self.line(&FileLine {
            file: &document.name,
            state,
            passages: document.passages,
            tokens,
            neurons: document.neurons,
            error,
            document: Some(&document.id),
        })
    }

    fn line(&self, line: &FileLine<'_>) -> Result<(), Fault> {
        if self.json {
            return output::line(line);
        }
        let error = line.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        output::print(&output::plain(&format!(
            "{}  {}  {} passages{error}\n",
            line.state, line.file, line.passages
        )))
    }
}

/// Finds passages and prints them with their scores, best first.
pub async fn search(engine: &Engine, options: Search) -> Result<(), Fault> {
    let collections = match &options.collection {
        Some(name) => vec![collection_id(engine, name).await?],
        None => Vec::new(),
    };
    for collection in engine.library().collections().await? {
        use_provider_key(engine, &collection)?;
    }
    let query = PassageQuery {
        text: options.query,
        documents: document_ids(engine, &options.documents).await?,
        formats: options.formats.iter().map(|format| format.to_lowercase()).collect(),
        added_since: options.since.map(domain::Timestamp),
        collections,
        k: options.count.unwrap_or_default(),
        mode: match options.mode {
            Mode::Vector => SearchMode::Vector,
            Mode::Keyword => SearchMode::Keyword,
            Mode::Hybrid => SearchMode::Hybrid,
        },
        recall: Some(match options.recall {
            Recall::Fast => SearchRecall::Fast,
            Recall::Balanced => SearchRecall::Balanced,
            Recall::Exact => SearchRecall::Exact,
        }),
        rerank: options.rerank.then_some(true),
        ..PassageQuery::default()
    };
    let findings = engine.library().search_passages(query).await?;
    for (rank, hit) in (1..).zip(&findings.hits) {
        if options.json { output::line(&hit_line(rank, hit))? } else { output::print(&hit_text(rank, hit))? }
    }
    if let Some(fault) = &findings.fault {
        output::note(&crate::sentences::of(fault).0);
    }
    if findings.hits.is_empty() {
        output::note(&format!("0 of {} passages were close enough", findings.considered));
    }
    if findings.pending_documents > 0 {
        let ready = findings.documents - findings.pending_documents;
        output::note(&format!("{ready} of {} files ready", findings.documents));
    }
    Ok(())
}

/// The ids of documents that a person names.
async fn document_ids(engine: &Engine, names: &[String]) -> Result<Vec<String>, Fault> {
    let mut ids = Vec::new();
    for name in names {
        let query = domain::DocumentQuery { limit: u32::MAX, ..domain::DocumentQuery::default() };
        let all = engine.library().documents(query).await?.documents;
        let before = ids.len();
        let meant = all.into_iter().filter(|document| document.id == *name || document.name == *name);
        ids.extend(meant.map(|document| document.id));
        if ids.len() == before {
            return Err(Fault::new(FaultCode::NotFound).with_detail(format!("document {name}")));
        }
    }
    Ok(ids)
}

/// The id of a collection that a person names.
pub async fn collection_id(engine: &Engine, name: &str) -> Result<String, Fault> {
    let known = engine.library().find_collection(name).await?;
    known
        .map(|collection| collection.id)
        .ok_or_else(|| Fault::new(FaultCode::NotFound).with_detail(format!("collection {name}")))
}

fn hit_line(rank: usize, hit: &PassageHit) -> HitLine<'_> {
    HitLine {
        rank,
        document: &hit.title,
        page: hit.page,
        passage: &hit.passage,
        score: hit.score,
        distance: hit.distance,
        text: &hit.text,
        document_id: &hit.document,
        vector_score: hit.vector_score,
        vector_rank: hit.vector_rank,
        keyword_score: hit.keyword_score,
        keyword_rank: hit.keyword_rank,
        rerank_score: hit.rerank_score,
    }
}

fn hit_text(rank: usize, hit: &PassageHit) -> String {
    let page = hit.page.map(|page| format!(", page {page}")).unwrap_or_default();
    let distance = hit.distance.map(|distance| format!("  distance {distance:.4}")).unwrap_or_default();
    let keyword = hit.keyword_score.map(|score| format!("  keyword {score:.3}")).unwrap_or_default();
    let rerank = hit.rerank_score.map(|score| format!("  rerank {score:.4}")).unwrap_or_default();
    let text = output::plain(&hit.text).split_whitespace().collect::<Vec<_>>().join(" ");
    let title = output::plain(&hit.title);
    format!("{rank}. {title}{page}  score {:.4}{distance}{keyword}{rerank}\n   {text}\n", hit.score)
}

/// Looks at the vector tables, checks them, or writes them to a file.
pub async fn vectors(engine: &Engine, which: Vectors) -> Result<(), Fault> {
    match which {
        Vectors::Info { json } => info(engine, json).await,
        Vectors::Verify { json } => verify(engine, json).await,
        Vectors::Export { format, model, output } => {
            let format = match format {
                VectorForm::Jsonl => VectorFormat::Jsonl,
                VectorForm::Csv => VectorFormat::Csv,
                VectorForm::Parquet => VectorFormat::Parquet,
                VectorForm::Vectorize => VectorFormat::Vectorize,
                VectorForm::Sql => VectorFormat::Sql,
            };
            let rows = match output {
                Some(file) => match model {
                    Some(model) => engine.library().export_vectors_of(format, model, file).await?,
                    None => engine.library().export_vectors(format, file).await?,
                },
                None => engine.library().export_vectors_to(format, model, std::io::stdout()).await?,
            };
            output::note(&format!("Written: {rows} vectors"));
            Ok(())
        }
    }
}

async fn info(engine: &Engine, json: bool) -> Result<(), Fault> {
    for stats in engine.library().vector_stats().await? {
        let table = VectorLine {
            model: &stats.space.model,
            dimensions: u32::try_from(stats.space.dimensions).unwrap_or(u32::MAX),
            pooling: stats.space.pooling.as_deref(),
            metric: stats.space.metric.name(),
            rows: stats.rows,
            bytes: stats.vector_bytes + stats.code_bytes() as u64,
            vector_bytes: stats.vector_bytes,
            code_bytes: stats.code_bytes(),
            memory_bytes: stats.memory_bytes(),
            version: stats.version,
            collections: stats.collections.len(),
            uncoded: stats.uncoded_slots,
            surplus_codes: stats.surplus_codes,
            instructions: stats.instructions,
            failure: stats.failure.as_deref(),
            segments: stats
                .segments
                .iter()
                .map(|segment| SegmentLine {
                    file: segment
                        .path
                        .as_deref()
                        .and_then(Path::file_name)
                        .map(|name| name.to_string_lossy().into()),
                    from: segment.slots.0,
                    to: segment.slots.1,
                    rows: segment.rows,
                    lists: segment.lists,
                    probes: segment.probes,
                    bytes: segment.bytes,
                })
                .collect(),
        };
        if json { output::line(&table)? } else { output::print(&info_text(&table))? }
    }
    Ok(())
}

fn info_text(table: &VectorLine<'_>) -> String {
    let pooling = table.pooling.map(|pooling| format!(", {pooling} pooling")).unwrap_or_default();
    let (model, dimensions) = (output::plain(table.model), table.dimensions);
    let mut text = format!(
        "{model}  {dimensions} dimensions{pooling}  {}  {} rows  {} bytes\n  \
         {} collections, {} changes; vectors {} bytes, codes {} bytes ({} in memory), by {}\n  \
         {} rows without a code yet, {} codes of rows that are gone\n",
        table.metric,
        table.rows,
        table.bytes,
        table.collections,
        table.version,
        table.vector_bytes,
        table.code_bytes,
        table.memory_bytes,
        table.instructions,
        table.uncoded,
        table.surplus_codes,
    );
    for segment in &table.segments {
        let file = segment.file.as_deref().unwrap_or("in memory");
        let lists = match segment.lists {
            1 => String::new(),
            lists => format!(", {lists} lists, at most {} looked into", segment.probes),
        };
        text += &format!("  {file}: {} rows{lists}, {} bytes\n", segment.rows, segment.bytes);
    }
    if let Some(failure) = table.failure {
        text += &format!("  no codes are written: {}\n", output::plain(failure));
    }
    text
}

/// Damaged rows are an error. Codes that differ are told, and no more: they are made anew from the rows.
async fn verify(engine: &Engine, json: bool) -> Result<(), Fault> {
    let problems = engine.library().vector_problems().await?;
    for problem in &problems {
        let (what, rebuildable) = (&problem.what, problem.rebuildable);
        if json {
            output::line(&ProblemLine { problem: what, rebuildable })?;
            continue;
        }
        let remedy = if rebuildable { " (of codes only: no vector is lost)" } else { "" };
        output::print(&format!("{}{remedy}\n", output::plain(what)))?;
    }
    match problems.iter().filter(|problem| !problem.rebuildable).count() {
        0 if problems.is_empty() => output::note("Nothing is wrong."),
        0 => output::note("No vector is damaged."),
        damaged => {
            let told = format!("{damaged} problems");
            return Err(Fault::new(FaultCode::DatabaseDamaged).with_detail(told));
        }
    }
    Ok(())
}
