//! Finding passages: by meaning and by words, fused by reciprocal rank, reranked where that is wished.

use super::embedding::Embedder;
use super::vectors::{Searching, SpaceName};
use crate::Engine;
use crate::error::Error;
use domain::{CollectionSettings, Fault, FaultCode, Findings, PassageQuery, SearchMode, SearchRecall};
use std::collections::{HashMap, HashSet};
use store::Store;
use store::library::{CollectionRow, FoundPassage, Scope, ScopeSize};
use vector_table::{Cancel, Filter, Hit, Recall, SpaceId};
use workers_ai::Side;

/// The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): a first place weighs 1/61.
const RANK_CONSTANT: f64 = 60.0;
/// The rank correlation with the words from which vectors say nothing of their own. Below it they count by what is left:
/// of two that mostly repeat each other, the weaker adds little but its mistakes.
const REPEATING: f64 = 0.5;
/// Fewer passages than this tell no correlation.
const LEAST_COMPARED: usize = 4;
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

/// Fuses the nearest of each space and the hits of the words by reciprocal rank. Ranks alone cannot tell a first place that
/// is far ahead from one by a hair, nor a list that knows from one that guesses; so each rank counts by the evidence
/// behind it. That of the words is BM25, which adds up log-odds. That of a vector is how far it stands out, in the
/// same unit: were the scores of a list chance, their tail would be exponential, and the odds against a score fall with its
/// distance to the last in means of the list. `beside` are the vectors' scores of passages that only the words found: they
/// give no rank.
fn fuse(nearest: &[Vec<Hit>], beside: &[Vec<Hit>], words: &[(i64, f64)]) -> Vec<(i64, Place)> {
    let mut places: HashMap<i64, Place> = HashMap::new();
    for (rank, (key, score)) in (1_u32..).zip(words) {
        let place = places.entry(*key).or_default();
        place.keyword = Some((rank, *score));
        place.score += score.max(0.0) / (RANK_CONSTANT + f64::from(rank));
    }
    for (hits, beside) in nearest.iter().zip(beside) {
        let evidence = standing_out(hits);
        let own = own_share(hits, beside, words, evidence.first().copied().unwrap_or_default());
        for ((rank, hit), evidence) in (1_u32..).zip(hits).zip(evidence) {
            let place = places.entry(hit.id).or_default();
            place.vector = Some((rank, hit.score, hit.distance));
            place.score += own * evidence / (RANK_CONSTANT + f64::from(rank));
        }
        for hit in beside {
            places.entry(hit.id).or_default().vector.get_or_insert((0, hit.score, hit.distance));
        }
    }
    let mut ranked: Vec<(i64, Place)> = places.into_iter().collect();
    ranked.sort_by(|(one, a), (other, b)| {
        let nearer = |place: &Place| place.vector.map_or(f32::INFINITY, |(_, _, distance)| distance);
        b.score.total_cmp(&a.score).then(nearer(a).total_cmp(&nearer(b))).then(one.cmp(other))
    });
    ranked
}

/// How far each hit is above the last of its list, in means of the list: 0 for the last, at most as many as there are hits
/// for the best. Where none stands out, each counts 1.
fn standing_out(hits: &[Hit]) -> Vec<f64> {
    let scores = || hits.iter().map(|hit| f64::from(hit.score));
    let last = scores().next_back().unwrap_or_default();
    let mean = scores().map(|score| score - last).sum::<f64>() / hits.len().max(1) as f64;
    scores().map(|score| if mean > 0.0 { (score - last) / mean } else { 1.0 }).collect()
}

/// How much of what the vectors say is their own, from 0 to 1: all of it when their best stands out further than that of the
/// words, else what the words' hits (without either best, which are what is in question) do not tell already.
fn own_share(hits: &[Hit], beside: &[Hit], words: &[(i64, f64)], outstanding: f64) -> f64 {
    let (Some(nearest), Some((best, score))) = (hits.first(), words.first()) else { return 1.0 };
    if outstanding > *score {
        return 1.0;
    }
    let near: HashMap<i64, f64> =
        hits.iter().chain(beside).map(|hit| (hit.id, f64::from(hit.score))).collect();
    let (by_words, by_vectors): (Vec<f64>, Vec<f64>) = words
        .iter()
        .filter(|(key, _)| key != best && *key != nearest.id)
        .filter_map(|(key, score)| Some((*score, *near.get(key)?)))
        .unzip();
    if by_words.len() < LEAST_COMPARED {
        return 1.0;
    }
    (1.0 - rank_correlation(&by_words, &by_vectors) / REPEATING).clamp(0.0, 1.0)
}

/// Spearman's: 1 when both order alike, 0 when one tells nothing of the other or is all the same.
fn rank_correlation(one: &[f64], other: &[f64]) -> f64 {
    let centred = |values: &[f64]| {
        let middle = (values.len() as f64 + 1.0) / 2.0;
        ranks(values).into_iter().map(|rank| rank - middle).collect::<Vec<f64>>()
    };
    let (one, other) = (centred(one), centred(other));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let spread = (product(&one, &one) * product(&other, &other)).sqrt();
    if spread > 0.0 { product(&one, &other) / spread } else { 0.0 }
}

/// The rank of each value, from 1; equal ones share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        for index in equal {
            ranks[*index] = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        }
        before += equal.len();
    }
    ranks
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

#[cfg(test)]
mod tests {
    use super::{Hit, fuse, own_share, rank_correlation, standing_out};

    fn near(scores: &[(i64, f32)]) -> Vec<Hit> {
        scores.iter().map(|&(id, score)| Hit { id, score, distance: 1.0 - score }).collect()
    }

    fn order(nearest: &[(i64, f32)], beside: &[(i64, f32)], words: &[(i64, f64)]) -> Vec<i64> {
        let ranked = fuse(&[near(nearest)], &[near(beside)], words);
        assert!(ranked.iter().all(|(_, place)| place.score.is_finite()));
        ranked.into_iter().map(|(key, _)| key).collect()
    }

    /// Words that are sure of 1, with 2 and 3 behind.
    const SURE: [(i64, f64); 6] = [(1, 20.0), (2, 12.0), (3, 6.0), (4, 5.0), (5, 4.0), (6, 3.0)];
    /// Words that prefer 1 to 2 by a hair.
    const UNSURE: [(i64, f64); 6] = [(1, 8.2), (2, 8.0), (3, 5.0), (4, 4.0), (5, 3.0), (6, 2.0)];
    /// Vectors in which 2 stands out, and whose others are in no order that the words know.
    const CLEAR: [(i64, f32); 7] =
        [(2, 0.8), (1, 0.34), (5, 0.33), (4, 0.33), (3, 0.32), (6, 0.32), (7, 0.30)];
    /// The same but for the others, which lie as the words have them.
    const REPEATED: [(i64, f32); 7] =
        [(2, 0.8), (1, 0.34), (3, 0.33), (4, 0.328), (5, 0.325), (6, 0.32), (7, 0.30)];

    #[test]
    fn vectors_that_guess_do_not_displace_what_the_words_are_sure_of() {
        let guesses = [(2, 0.66), (9, 0.65), (8, 0.64), (6, 0.63), (7, 0.62), (4, 0.61), (1, 0.60)];
        let found = order(&guesses, &[(3, 0.5), (5, 0.55)], &SURE);
        assert_eq!(found[..2], [1, 2], "by bare ranks 2 would lead");
        assert!(found.contains(&9), "what only the vectors found is still there");
    }

    #[test]
    fn vectors_that_know_decide_where_the_words_do_not() {
        assert_eq!(order(&CLEAR, &[], &UNSURE)[..2], [2, 1]);
        assert_eq!(order(&CLEAR, &[], &SURE)[0], 1, "but they do not outweigh words that are sure");
    }

    #[test]
    fn vectors_that_repeat_the_words_have_no_say() {
        assert_eq!(order(&REPEATED, &[], &UNSURE)[..2], [1, 2]);
    }

    #[test]
    fn repeating_is_no_matter_when_the_vectors_stand_out_further_than_the_words() {
        let weak: Vec<(i64, f64)> = UNSURE.iter().map(|&(key, score)| (key, score / 2.0)).collect();
        assert_eq!(order(&REPEATED, &[], &weak)[..2], [2, 1]);
    }

    #[test]
    fn the_share_falls_with_the_correlation_and_needs_enough_passages() {
        let share = |hits: &[(i64, f32)], words: &[(i64, f64)]| own_share(&near(hits), &[], words, 1.0);
        assert!(share(&REPEATED, &UNSURE) < 1e-9);
        assert!((share(&CLEAR, &UNSURE) - 1.0).abs() < 1e-9);
        assert!((share(&REPEATED, &UNSURE[..4]) - 1.0).abs() < 1e-9, "two others tell nothing");
        let measured = own_share(&near(&REPEATED[..2]), &near(&REPEATED[2..]), &UNSURE, 1.0);
        assert!(measured < 1e-9, "passages that were only measured are compared too");
    }

    #[test]
    fn equal_lists_keep_their_order() {
        let same: Vec<(i64, f32)> = SURE.iter().map(|&(key, score)| (key, score as f32 / 20.0)).collect();
        assert_eq!(order(&same, &[], &SURE), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn one_side_alone_keeps_its_order() {
        assert_eq!(order(&[], &[], &SURE), [1, 2, 3, 4, 5, 6]);
        assert_eq!(order(&CLEAR, &[], &[]), [2, 1, 5, 4, 3, 6, 7]);
        assert!(fuse(&[], &[], &[]).is_empty());
    }

    #[test]
    fn single_hits_count() {
        assert_eq!(order(&[(7, 0.9)], &[], &[]), [7]);
        assert_eq!(order(&[], &[], &[(7, 0.000_001)]), [7]);
        let found = fuse(&[near(&[(7, 0.9)])], &[Vec::new()], &[(7, 3.0)]);
        assert_eq!(found.len(), 1);
        assert!((found[0].1.score - 4.0 / 61.0).abs() < 1e-9, "BM25 and 1, both in the first place");
    }

    #[test]
    fn ties_are_broken_by_the_vectors_and_then_by_age() {
        let level = [(1, 5.0), (2, 5.0), (3, 5.0), (4, 5.0)];
        assert_eq!(order(&[(3, 0.9), (1, 0.5), (2, 0.5), (4, 0.5)], &[], &level)[..2], [3, 1]);
        let apart = fuse(&[near(&[(1, 0.5)]), near(&[(2, 0.5)])], &[Vec::new(), Vec::new()], &[]);
        assert_eq!(apart.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn what_was_only_measured_has_a_distance_and_no_rank() {
        let found = fuse(&[near(&[(2, 0.9)])], &[near(&[(1, 0.4)])], &[(1, 9.0)]);
        let place = found.iter().find(|(key, _)| *key == 1).map(|(_, place)| *place).unwrap_or_default();
        assert!(
            place.vector.is_some_and(|(rank, score, distance)| rank == 0 && score < 0.5 && distance > 0.5)
        );
        assert!(place.keyword.is_some_and(|(rank, _)| rank == 1));
        assert_eq!(found[0].0, 1);
    }

    #[test]
    fn standing_out_is_told_in_means_of_the_list() {
        let told = |scores: &[(i64, f32)], wanted: &[f64]| {
            let found = standing_out(&near(scores));
            found.len() == wanted.len()
                && found.iter().zip(wanted).all(|(one, other)| (one - other).abs() < 1e-9)
        };
        let list = [(1, 1.0), (2, 0.5), (3, 0.0), (4, 0.0), (5, 0.0)];
        assert!(told(&list, &[10.0 / 3.0, 5.0 / 3.0, 0.0, 0.0, 0.0]));
        assert!(told(&[(1, -0.4), (2, -0.4)], &[1.0, 1.0]), "none stands out");
        assert!(told(&[], &[]));
    }

    #[test]
    fn ranks_correlate_with_ties_shared() {
        assert!((rank_correlation(&[1.0, 2.0, 3.0, 4.0], &[10.0, 20.0, 30.0, 99.0]) - 1.0).abs() < 1e-9);
        assert!((rank_correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]) + 1.0).abs() < 1e-9);
        assert!(rank_correlation(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]).abs() < 1e-9);
        assert!((rank_correlation(&[1.0, 1.0, 2.0], &[1.0, 1.0, 2.0]) - 1.0).abs() < 1e-9);
    }
}
