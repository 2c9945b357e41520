//! Passages for a turn: found, joined with their neighbours, cut to the budget and numbered through the conversation.

use super::finding::{self, Found};
use crate::Engine;
use crate::chat::retrieval::{Passages, Wanted};
use crate::error::Error;
use domain::{Fault, Findings, MessageId, PassageHit, PassageQuery, SearchMode, SourceRef, WhyAnswer};
use std::collections::HashMap;
use store::library::FoundPassage;

/// More passages than these are no whole document that a person would read, whatever their length.
const MOST_WHOLE: usize = 60;
/// Tokens that a passage's fence and number take.
const FENCE: u32 = 24;

/// A piece of a document that is handed to the model: a passage, or neighbours joined.
struct Piece {
    hit: PassageHit,
    first: u32,
    last: u32,
    tokens: u32,
}

/// Passages for a question, with everything that *Why this answer* shows kept beside the answer.
pub(crate) async fn retrieve(engine: &Engine, wanted: Wanted) -> Result<Passages, Fault> {
    let (mut findings, pieces, whole) = match whole(engine, &wanted).await? {
        Some((findings, pieces)) => (findings, pieces, true),
        None => {
            let found = find(engine, &wanted).await?;
            let pieces = join(engine, &found).await?;
            (found.findings, pieces, false)
        }
    };
    let (fitting, left_out) = fit(pieces, wanted.budget);
    findings.beyond_budget = left_out;
    let numbered = number(engine, &wanted, fitting).await?;
    let considered = findings.considered;
    let why = WhyAnswer { findings, sources: numbered.clone(), whole_documents: whole };
    keep(engine, wanted.answer, why).await;
    Ok(Passages { sources: numbered, considered })
}

async fn find(engine: &Engine, wanted: &Wanted) -> Result<Found, Fault> {
    let query = |collections: &[String], documents: &[String]| PassageQuery {
        text: wanted.question.clone(),
        collections: collections.to_vec(),
        documents: documents.to_vec(),
        ..PassageQuery::default()
    };
    let options = &wanted.options;
    if options.collections.is_empty() || options.documents.is_empty() {
        return finding::search(engine, query(&options.collections, &options.documents)).await;
    }
    // Both are attached: neither narrows the other.
    let mut found = finding::search(engine, query(&options.collections, &[])).await?;
    let beside = finding::search(engine, query(&[], &options.documents)).await?;
    for passage in beside.passages {
        if found.passages.iter().all(|known| known.key != passage.key) {
            found.passages.push(passage);
        }
    }
    found.passages.sort_by(|one, other| other.hit.score.total_cmp(&one.hit.score));
    let (all, more) = (&mut found.findings, beside.findings);
    all.considered += more.considered;
    all.vector_hits += more.vector_hits;
    all.keyword_hits += more.keyword_hits;
    all.beyond_threshold += more.beyond_threshold;
    all.pending_documents += more.pending_documents;
    all.documents += more.documents;
    all.hits = found.passages.iter().map(|passage| passage.hit.clone()).collect();
    Ok(found)
}

/// The whole documents, when single documents are attached and all of them fit.
async fn whole(engine: &Engine, wanted: &Wanted) -> Result<Option<(Findings, Vec<Piece>)>, Fault> {
    let (options, budget) = (wanted.options.clone(), wanted.budget);
    let documents = engine
        .database()
        .read(move |shelf| {
            let mut documents = options.documents;
            for id in &options.collections {
                if !super::is_of_conversation(id) {
                    return Ok(None);
                }
                let Ok(row) = shelf.disk.collection(id) else { continue };
                documents.extend(shelf.disk.documents_of(row.key)?.into_iter().map(|row| row.document.id));
            }
            let mut rows = shelf.disk.documents_by_id(&documents)?;
            rows.retain(|row| !row.deleted);
            let passages: usize = rows.iter().map(|row| row.document.passages as usize).sum();
            let keys: Vec<i64> = rows.iter().map(|row| row.key).collect();
            let tokens = shelf.disk.tokens_of(&keys)?.saturating_add(passages as u64 * u64::from(FENCE));
            if passages == 0 || passages > MOST_WHOLE || tokens > u64::from(budget) {
                return Ok(None);
            }
            Ok(Some((rows.len(), shelf.disk.whole_documents(&documents)?)))
        })
        .await?;
    let Some((documents, passages)) = documents else { return Ok(None) };
    let count = u32::try_from(passages.len()).unwrap_or(u32::MAX);
    let findings = Findings {
        query: wanted.question.clone(),
        mode: SearchMode::Hybrid,
        considered: count,
        vector_hits: 0,
        keyword_hits: 0,
        reranked: false,
        hits: Vec::new(),
        beyond_threshold: 0,
        beyond_budget: 0,
        pending_documents: 0,
        documents: u32::try_from(documents).unwrap_or(u32::MAX),
        fault: None,
    };
    Ok(Some((findings, passages.into_iter().map(piece).collect())))
}

fn piece(passage: FoundPassage) -> Piece {
    Piece { first: passage.ordinal, last: passage.ordinal, tokens: passage.tokens, hit: passage.hit }
}

/// Joins passages that follow one another, so that the model reads on over the cut. A joined piece stands where the
/// better of its passages stood.
async fn join(engine: &Engine, found: &Found) -> Result<Vec<Piece>, Fault> {
    let mut pieces: Vec<Piece> = Vec::new();
    for passage in &found.passages {
        let neighbour = pieces.iter_mut().find(|piece| {
            piece.hit.document == passage.hit.document
                && piece.hit.page == passage.hit.page
                && (passage.ordinal + 1 == piece.first || piece.last + 1 == passage.ordinal)
        });
        match neighbour {
            Some(piece) => {
                piece.first = piece.first.min(passage.ordinal);
                piece.last = piece.last.max(passage.ordinal);
                piece.tokens = piece.tokens.saturating_add(passage.tokens);
                piece.hit.start = piece.hit.start.min(passage.hit.start);
                piece.hit.end = piece.hit.end.max(passage.hit.end);
            }
            None => pieces.push(piece(passage.clone())),
        }
    }
    engine
        .database()
        .read(move |shelf| {
            for piece in pieces.iter_mut().filter(|piece| piece.first < piece.last) {
                let hit = &mut piece.hit;
                if let Some(text) = shelf.disk.text_between(&hit.document, hit.start, hit.end)? {
                    hit.text = text;
                }
            }
            Ok(pieces)
        })
        .await
}

/// Those that fit, best first, and how many do not.
fn fit(pieces: Vec<Piece>, budget: u32) -> (Vec<PassageHit>, u32) {
    let (mut fitting, mut spent, mut left_out) = (Vec::new(), 0_u32, 0);
    for piece in pieces {
        let cost = piece.tokens.saturating_add(FENCE);
        if spent.saturating_add(cost) > budget {
            left_out += 1;
        } else {
            spent += cost;
            fitting.push(piece.hit);
        }
    }
    (fitting, left_out)
}

/// Numbers run through the conversation: a passage that had a number keeps it.
async fn number(engine: &Engine, wanted: &Wanted, hits: Vec<PassageHit>) -> Result<Vec<SourceRef>, Fault> {
    let (conversation, answer) = (wanted.conversation.clone(), wanted.answer.clone());
    let earlier = engine
        .database()
        .read(move |shelf| {
            let home = shelf.home(&conversation);
            let path = home.path(&conversation, Some(&answer))?;
            let answers: Vec<MessageId> = path
                .into_iter()
                .filter(|item| item.role == domain::Role::Assistant)
                .map(|item| item.id)
                .collect();
            let sources = home.messages(&answers)?.into_iter().flat_map(|stored| stored.message.sources);
            Ok::<Vec<(String, u32)>, Error>(sources.map(|source| (source.text, source.n)).collect())
        })
        .await?;
    let mut next = earlier.iter().map(|(_, n)| n + 1).max().unwrap_or(wanted.first_number);
    let known: HashMap<String, u32> = earlier.into_iter().collect();
    let numbered = hits.into_iter().map(|hit| {
        let n = known.get(&hit.text).copied().unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        SourceRef {
            n,
            document: hit.document,
            title: hit.title,
            page: hit.page,
            passage: hit.passage,
            score: hit.score,
            distance: hit.distance,
            start: Some(hit.start),
            end: Some(hit.end),
            text: hit.text,
        }
    });
    Ok(numbered.collect())
}

async fn keep(engine: &Engine, answer: MessageId, why: WhyAnswer) {
    let kept = engine.database().write(move |shelf| Ok(shelf.home_of(&answer).set_why(&answer, &why)?)).await;
    if let Err(fault) = kept {
        tracing::warn!(code = ?fault.code, "why an answer says what it says could not be stored");
    }
}
