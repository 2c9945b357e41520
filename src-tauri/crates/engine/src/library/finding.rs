//! Finding passages: by meaning and by words, fused ([`super::fusion`]), reranked where that is wished.

use super::embedding::Embedder;
use super::fusion::{Place, fuse};
use super::vectors::{Searching, SpaceName};
use crate::Engine;
use crate::error::Error;
use domain::{CollectionSettings, Fault, FaultCode, Findings, PassageQuery, SearchMode, SearchRecall};
use std::collections::{HashMap, HashSet};
use store::Store;
use store::library::{CollectionRow, FoundPassage, Scope, ScopeSize};
use vector_table::{Cancel, Filter, Hit, Recall, SpaceId};
use workers_ai::Side;

/// Hits of each side that enter the fusion, for each one wanted, and at least.
const CANDIDATES: usize = 5;
const LEAST_CANDIDATES: usize = 50;
/// Passages that the reranker looks at, for each one wanted, and at most.
const RERANKED: usize = 4;
const MOST_RERANKED: usize = 48;
/// The reranker.
const RERANKER: &str = "@cf/baai/bge-reranker-base";

/// What a search found, with what only the engine needs.
pub(crate) struct Found {
    pub(crate) findings: Findings,
    /// As the hits of the findings, in the same order.
    pub(crate) passages: Vec<FoundPassage>,
}

/// Where and how is searched.
struct Search {
    query: PassageQuery,
    collections: Vec<CollectionRow>,
    scope: Scope,
    size: ScopeSize,
    k: usize,
    /// The largest distance, by collection.
    max_distances: HashMap<i64, f64>,
    rerank: bool,
}

impl Search {
    /// Hits of each side that enter the fusion.
    fn candidates(&self) -> usize {
        (self.k * CANDIDATES).max(LEAST_CANDIDATES)
    }

    fn recall(&self) -> Recall {
        match self.query.recall.unwrap_or_default() {
            SearchRecall::Fast => Recall::Fast,
            SearchRecall::Balanced => Recall::Balanced,
            SearchRecall::Exact => Recall::Exact,
        }
    }
}

/// A query's vector, for the collections whose passages lie in one space.
struct Probe {
    space: SpaceId,
    collections: Vec<i64>,
    vector: Vec<f32>,
}

/// Searches. One side that cannot be asked is told in the findings; the other still answers.
pub(crate) async fn search(engine: &Engine, query: PassageQuery) -> Result<Found, Fault> {
    search_beside(engine, query, Vec::new()).await
}

/// Searches in what the query names, and in single documents beside it: neither narrows the other, and all hits are
/// fused and reranked together.
pub(crate) async fn search_beside(
    engine: &Engine,
    query: PassageQuery,
    beside: Vec<String>,
) -> Result<Found, Fault> {
    let search = prepare(engine, query, beside).await?;
    let (probes, fault) = probes(engine, &search).await?;
    // Dropped with this future.
    let searching = Searching::default();
    let (search, mut found) = engine
        .database()
        .read({
            let (engine, cancel) = (engine.clone(), searching.cancel());
            move |shelf| {
                let found = look(&engine, &shelf.disk, &search, &probes, &cancel)?;
                Ok((search, found))
            }
        })
        .await?;
    found.findings.fault = fault;
    if search.rerank && !found.passages.is_empty() {
        match rerank(engine, &search, &mut found).await {
            Ok(()) => found.findings.reranked = true,
            Err(fault) => found.findings.fault = found.findings.fault.or(Some(fault)),
        }
    }
    found.passages.truncate(search.k);
    found.findings.hits = found.passages.iter().map(|passage| passage.hit.clone()).collect();
    Ok(found)
}

async fn prepare(engine: &Engine, query: PassageQuery, beside: Vec<String>) -> Result<Search, Fault> {
    if query.text.trim().is_empty() {
        return Err(crate::error::invalid("an empty search"));
    }
    engine
        .database()
        .read(move |shelf| {
            let named = collections(&shelf.disk, &query)?;
            let whole: Vec<i64> = named.iter().map(|row| row.key).collect();
            let mut collections = named;
            for document in &beside {
                collections.extend(there(shelf.disk.collection_of(document))?.filter(|row| !row.deleted));
            }
            collections.sort_by_key(|row| row.key);
            collections.dedup_by_key(|row| row.key);
            let settings = |value: fn(&CollectionSettings) -> u32| {
                collections.iter().map(|row| value(&row.collection.settings)).max()
            };
            let k = if query.k > 0 { query.k } else { settings(|settings| settings.top_k).unwrap_or(8) };
            let distance = |row: &CollectionRow| {
                let most = query.max_distance.or(row.collection.settings.max_distance)?;
                Some((row.key, most))
            };
            let rerank = collections.iter().any(|row| row.collection.settings.rerank);
            let scope = Scope {
                collections: whole,
                beside,
                documents: query.documents.clone(),
                formats: query.formats.clone(),
                added_since: query.added_since,
            };
            Ok(Search {
                size: shelf.disk.scope_size(&scope)?,
                k: k.clamp(1, 1_000) as usize,
                max_distances: collections.iter().filter_map(distance).collect(),
                rerank: query.rerank.unwrap_or(rerank),
                scope,
                collections,
                query,
            })
        })
        .await
}

/// What is there; what went for good since it was attached is no reason to answer nothing.
fn there<T>(found: store::Result<T>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(store::Error::NotFound(_)) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// The collections that are meant: those named, those of the documents named, or all of the library.
fn collections(store: &Store, query: &PassageQuery) -> Result<Vec<CollectionRow>, Error> {
    let mut rows: Vec<CollectionRow> = Vec::new();
    for id in &query.collections {
        rows.extend(there(store.collection(id))?);
    }
    if query.collections.is_empty() {
        if query.documents.is_empty() {
            rows = store.collections()?;
            rows.retain(|row| !super::is_of_conversation(&row.collection.id));
        }
        for document in &query.documents {
            rows.extend(there(store.collection_of(document))?);
        }
    }
    rows.retain(|row| !row.deleted);
    rows.sort_by_key(|row| row.key);
    rows.dedup_by_key(|row| row.key);
    Ok(rows)
}

/// Embeds the query once for each space. When that fails and words are asked for too, the failure is told beside.
async fn probes(engine: &Engine, search: &Search) -> Result<(Vec<Probe>, Option<Fault>), Fault> {
    if search.query.mode == SearchMode::Keyword {
        return Ok((Vec::new(), None));
    }
    let mut by_space: HashMap<i64, (CollectionSettings, Vec<i64>)> = HashMap::new();
    for row in &search.collections {
        let Some(space) = row.space else { continue };
        let settings = serving_settings(engine, row, space).await?;
        by_space.entry(space).or_insert_with(|| (settings, Vec::new())).1.push(row.key);
    }
    let (mut probes, mut trouble) = (Vec::new(), None);
    for (space, (settings, collections)) in by_space {
        match embed_query(engine, &settings, &search.query.text).await {
            Ok(vector) => probes.push(Probe { space: SpaceId(space), collections, vector }),
            Err(fault) if search.query.mode == SearchMode::Vector => return Err(fault),
            Err(fault) => trouble = Some(fault),
        }
    }
    Ok((probes, trouble))
}

/// The settings with the model whose vectors serve the collection: until a new model's are whole, the old one's.
async fn serving_settings(
    engine: &Engine,
    row: &CollectionRow,
    space: i64,
) -> Result<CollectionSettings, Fault> {
    let settings = row.collection.settings.clone();
    let spaces = engine
        .database()
        .read(|shelf| shelf.disk.read(|tx| Ok::<_, Error>(vector_table::VectorTable::spaces(tx)?)));
    let serving = spaces.await?.into_iter().find(|(id, _)| id.0 == space).map(|(_, space)| space.model);
    let Some(serving) = serving.filter(|model| *model != SpaceName::of(&settings).model) else {
        return Ok(settings);
    };
    let (provider_url, model) = match serving.split_once(' ') {
        Some((url, model)) => (Some(url.to_owned()), model),
        None => (None, serving.as_str()),
    };
    Ok(CollectionSettings { provider_url, embedding_model: model.into(), ..settings })
}

async fn embed_query(engine: &Engine, settings: &CollectionSettings, text: &str) -> Result<Vec<f32>, Fault> {
    let embedder = Embedder::of(engine, settings, |_| {}).await?;
    let answer = embedder.embed(vec![text.to_owned()], Side::Query).await?;
    if let Some(entry) = embedder.entry(answer.usage) {
        let booked = engine.database().write(move |shelf| Ok(shelf.disk.add_to_ledger(&entry)?)).await;
        if let Err(fault) = booked {
            tracing::warn!(code = ?fault.code, "a line of the ledger could not be written");
        }
    }
    answer.vectors.into_iter().next().ok_or_else(|| Fault::new(FaultCode::EmptyAnswer))
}

/// Asks both sides and fuses what they say.
fn look(
    engine: &Engine,
    store: &Store,
    search: &Search,
    probes: &[Probe],
    cancel: &Cancel,
) -> Result<Found, Error> {
    let keys = if search.size.narrowed { Some(store.scope_keys(&search.scope)?) } else { None };
    let near = |probe| nearest(engine, store, search, probe, keys.as_deref(), cancel);
    let hits = probes.iter().map(near).collect::<Result<Vec<_>, Error>>()?;
    let words = match search.query.mode {
        SearchMode::Vector => Vec::new(),
        SearchMode::Keyword | SearchMode::Hybrid => {
            store.keyword_hits(&search.query.text, &search.scope, search.candidates())?
        }
    };
    let beside = measure(engine, store, probes, &hits, &words, cancel)?;
    let vector_hits = hits.iter().map(Vec::len).sum();
    let mut ranked = fuse(&hits, &beside, &words);
    let all = ranked.len();
    if !search.max_distances.is_empty() {
        let keys: Vec<i64> = ranked.iter().map(|(key, _)| *key).collect();
        let homes = store.read(|tx| Ok::<_, Error>(store::library::collections_of(tx, &keys)?))?;
        ranked.retain(|(key, place)| {
            let most = homes.get(key).and_then(|home| search.max_distances.get(home));
            let near = |most: &f64| place.vector.is_none_or(|(_, _, distance)| f64::from(distance) <= *most);
            most.is_none_or(near)
        });
    }
    let beyond_threshold = all - ranked.len();
    ranked.truncate((search.k * RERANKED).max(search.k));
    let passages = scored(store, search.query.mode, &ranked)?;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Found {
        findings: Findings {
            query: search.query.text.clone(),
            mode: search.query.mode,
            considered: search.size.passages,
            vector_hits: count(vector_hits),
            keyword_hits: count(words.len()),
            reranked: false,
            hits: Vec::new(),
            beyond_threshold: count(beyond_threshold),
            beyond_budget: 0,
            pending_documents: search.size.pending,
            documents: search.size.documents,
            fault: None,
        },
        passages,
    })
}

fn nearest(
    engine: &Engine,
    store: &Store,
    search: &Search,
    probe: &Probe,
    keys: Option<&[i64]>,
    cancel: &Cancel,
) -> Result<Vec<Hit>, Error> {
    store.read(|tx| {
        let table = engine.tables().table(tx, store, probe.space)?;
        let collections = Filter::Collections(&probe.collections);
        let parts = [collections.clone(), Filter::Ids(keys.unwrap_or_default())];
        let filter = if keys.is_some() { Filter::And(&parts) } else { collections };
        Ok(table.search(tx, &probe.vector, search.candidates(), &filter, search.recall(), cancel)?)
    })
}

/// Measures, for each probe, the distance of passages that only their words found, so that the threshold holds for all, a
/// person sees how far they are, and the two sides can be compared. They get no rank for it.
fn measure(
    engine: &Engine,
    store: &Store,
    probes: &[Probe],
    nearest: &[Vec<Hit>],
    words: &[(i64, f64)],
    cancel: &Cancel,
) -> Result<Vec<Vec<Hit>>, Error> {
    let found: HashSet<i64> = nearest.iter().flatten().map(|hit| hit.id).collect();
    let unmeasured: Vec<i64> = words.iter().map(|(key, _)| *key).filter(|key| !found.contains(key)).collect();
    if unmeasured.is_empty() {
        return Ok(vec![Vec::new(); probes.len()]);
    }
    let measured = |probe: &Probe| {
        store.read(|tx| {
            let table = engine.tables().table(tx, store, probe.space)?;
            let filter = Filter::Ids(&unmeasured);
            Ok(table.search(tx, &probe.vector, unmeasured.len(), &filter, Recall::Exact, cancel)?)
        })
    };
    probes.iter().map(measured).collect()
}

fn scored(store: &Store, mode: SearchMode, ranked: &[(i64, Place)]) -> Result<Vec<FoundPassage>, Error> {
    let keys: Vec<i64> = ranked.iter().map(|(key, _)| *key).collect();
    let places: HashMap<i64, Place> = ranked.iter().copied().collect();
    let mut passages = store.passages_by_key(&keys)?;
    for passage in &mut passages {
        let Some(place) = places.get(&passage.key) else { continue };
        let hit = &mut passage.hit;
        hit.vector_score = place.vector.map(|(_, score, _)| f64::from(score));
        hit.distance = place.vector.map(|(_, _, distance)| f64::from(distance));
        hit.vector_rank = place.vector.map(|(rank, ..)| rank).filter(|rank| *rank > 0);
        hit.keyword_rank = place.keyword.map(|(rank, _)| rank);
        hit.keyword_score = place.keyword.map(|(_, score)| score);
        hit.score = match mode {
            SearchMode::Vector => hit.vector_score.unwrap_or_default(),
            SearchMode::Keyword => hit.keyword_score.unwrap_or_default(),
            SearchMode::Hybrid => place.score,
        };
    }
    Ok(passages)
}

async fn rerank(engine: &Engine, search: &Search, found: &mut Found) -> Result<(), Fault> {
    let caller = engine.accounts().caller().await?;
    engine.usage().keep_within_cap(&caller).await?;
    let count = found.passages.len().min((search.k * RERANKED).min(MOST_RERANKED));
    let texts: Vec<String> = found.passages[..count].iter().map(|passage| passage.hit.text.clone()).collect();
    let model = engine.models().find(&RERANKER.into()).await;
    let (ranked, usage) = caller
        .client
        .rerank(&model.id, &search.query.text, &texts, count)
        .await
        .map_err(|error| caller.fault(&error))?;
    engine.usage().book(&caller, &model, "rerank", None, usage).await;
    let mut order: Vec<FoundPassage> = Vec::with_capacity(found.passages.len());
    for one in &ranked {
        let mut passage = found.passages[one.index].clone();
        passage.hit.rerank_score = Some(one.score);
        order.push(passage);
    }
    let left_out = (0..found.passages.len()).filter(|index| ranked.iter().all(|one| one.index != *index));
    order.extend(left_out.map(|index| found.passages[index].clone()));
    found.passages = order;
    Ok(())
}
