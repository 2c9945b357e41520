//! Finding passages: by meaning and by words, fused by reciprocal rank, reranked where that is wished.

use super::embedding::Embedder;
use super::vectors::{Searching, SpaceName};
use crate::Engine;
use crate::error::Error;
use domain::{CollectionSettings, Fault, FaultCode, Findings, PassageQuery, SearchMode, SearchRecall};
use std::collections::HashMap;
use store::Store;
use store::library::{CollectionRow, FoundPassage, Scope, ScopeSize};
use vector_table::{Cancel, Filter, Recall, SpaceId};
use workers_ai::Side;

/// The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): a first place weighs 1/61.
const RANK_CONSTANT: f64 = 60.0;
/// The weight of the last hit of a list, where the best has 1. Ranks alone cannot tell a first place that is far ahead from
/// one that is ahead by a hair; so each rank counts by how near its score is to the best of its list, and the whole list
/// by how far its best is ahead of the second. On XQuAD with a sentence model (all-MiniLM-L6-v2, bench `retrieval`) words
/// reach an nDCG@10 of .969, vectors .943 and both .980; in Chinese, of which that model knows nothing (.243), both keep
/// .916 of the words' .964, where without the lead they kept .803.
const LEAST_WEIGHT: f64 = 0.2;
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

/// The places of a passage on the lists.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    score: f64,
    vector: Option<(u32, f32, f32)>,
    keyword: Option<(u32, f64)>,
}

/// What the scores of one list tell of its hits.
struct Nearness {
    best: f64,
    span: f64,
    /// How far the best is ahead of the second, as a share of the span.
    lead: f64,
}

impl Nearness {
    /// Of scores from the best to the worst.
    fn of(mut scores: impl Iterator<Item = f64>) -> Self {
        let best = scores.next().unwrap_or_default();
        let second = scores.next().unwrap_or(best);
        let span = best - scores.last().unwrap_or(second);
        let lead = if span > 0.0 { (best - second) / span } else { 0.0 };
        Self { best, span, lead }
    }

    /// Between [`LEAST_WEIGHT`], for the last of a list without a leader, and 2, for one that is alone ahead.
    fn weight(&self, score: f64) -> f64 {
        let near = if self.span > 0.0 { 1.0 - (self.best - score) / self.span } else { 1.0 };
        (LEAST_WEIGHT + (1.0 - LEAST_WEIGHT) * near) * (1.0 + self.lead)
    }
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
    let mut places: HashMap<i64, Place> = HashMap::new();
    let mut vector_hits = 0;
    let keys = if search.size.narrowed { Some(store.scope_keys(&search.scope)?) } else { None };
    for probe in probes {
        let hits = nearest(engine, store, search, probe, keys.as_deref(), cancel)?;
        vector_hits += hits.len();
        let near = Nearness::of(hits.iter().map(|hit| f64::from(hit.score)));
        for (rank, hit) in (1_u32..).zip(hits) {
            let place = places.entry(hit.id).or_default();
            place.vector = Some((rank, hit.score, hit.distance));
            place.score += near.weight(f64::from(hit.score)) / (RANK_CONSTANT + f64::from(rank));
        }
    }
    let words = match search.query.mode {
        SearchMode::Vector => Vec::new(),
        SearchMode::Keyword | SearchMode::Hybrid => {
            store.keyword_hits(&search.query.text, &search.scope, search.candidates())?
        }
    };
    let near = Nearness::of(words.iter().map(|(_, score)| *score));
    for (rank, (key, score)) in (1_u32..).zip(&words) {
        let place = places.entry(*key).or_default();
        place.keyword = Some((rank, *score));
        place.score += near.weight(*score) / (RANK_CONSTANT + f64::from(rank));
    }
    let mut ranked: Vec<(i64, Place)> = places.into_iter().collect();
    ranked.sort_by(|(one, a), (other, b)| {
        let nearer = |place: &Place| place.vector.map_or(f32::INFINITY, |(_, _, distance)| distance);
        b.score.total_cmp(&a.score).then(nearer(a).total_cmp(&nearer(b))).then(one.cmp(other))
    });
    measure(engine, store, probes, &mut ranked, cancel)?;
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
) -> Result<Vec<vector_table::Hit>, Error> {
    store.read(|tx| {
        let table = engine.tables().table(tx, store, probe.space)?;
        let collections = Filter::Collections(&probe.collections);
        let parts = [collections.clone(), Filter::Ids(keys.unwrap_or_default())];
        let filter = if keys.is_some() { Filter::And(&parts) } else { collections };
        Ok(table.search(tx, &probe.vector, search.candidates(), &filter, search.recall(), cancel)?)
    })
}

/// Measures the distance of passages that only their words found, so that the threshold holds for all and a person sees
/// how far they are. They get no rank for it.
fn measure(
    engine: &Engine,
    store: &Store,
    probes: &[Probe],
    ranked: &mut [(i64, Place)],
    cancel: &Cancel,
) -> Result<(), Error> {
    let unmeasured: Vec<i64> =
        ranked.iter().filter(|(_, place)| place.vector.is_none()).map(|(key, _)| *key).collect();
    if unmeasured.is_empty() {
        return Ok(());
    }
    for probe in probes {
        let hits = store.read(|tx| {
            let table = engine.tables().table(tx, store, probe.space)?;
            let filter = Filter::Ids(&unmeasured);
            Ok::<_, Error>(table.search(
                tx,
                &probe.vector,
                unmeasured.len(),
                &filter,
                Recall::Exact,
                cancel,
            )?)
        })?;
        let measured: HashMap<i64, (f32, f32)> =
            hits.into_iter().map(|hit| (hit.id, (hit.score, hit.distance))).collect();
        for (key, place) in ranked.iter_mut().filter(|(_, place)| place.vector.is_none()) {
            place.vector = measured.get(key).map(|(score, distance)| (0, *score, *distance));
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::Nearness;

    #[test]
    fn a_hit_weighs_by_how_near_it_is_to_the_best_and_its_list_by_its_lead() {
        let level = Nearness::of([0.9, 0.9, 0.5, 0.4].into_iter());
        assert!((level.weight(0.9) - 1.0).abs() < 1e-9, "nobody leads");
        assert!((level.weight(0.4) - 0.2).abs() < 1e-9, "the last still counts");
        let led = Nearness::of([12.0, 6.0, 5.0, 2.0].into_iter());
        assert!((led.weight(12.0) - 1.6).abs() < 1e-9, "six of ten ahead");
        assert!(led.weight(6.0) < led.weight(12.0) && led.weight(6.0) > led.weight(2.0));
    }

    #[test]
    fn lists_of_one_hit_and_of_none_have_a_weight() {
        assert!((Nearness::of([3.0].into_iter()).weight(3.0) - 1.0).abs() < 1e-9);
        assert!((Nearness::of([-0.4, -0.4].into_iter()).weight(-0.4) - 1.0).abs() < 1e-9);
        assert!(Nearness::of(std::iter::empty()).weight(0.0).is_finite());
    }
}
