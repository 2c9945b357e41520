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
/// Pieces that are read on over their ends.
const STRONG: usize = 3;
/// Tokens that a passage's fence and number take.
const FENCE: u32 = 24;

/// A piece of a document that is handed to the model: a passage, or neighbours joined.
struct Piece {
    hit: PassageHit,
    first: u32,
    last: u32,
    tokens: u32,
}

impl Piece {
    /// Reads on into a passage that follows or precedes it. Its text is read again afterwards.
    fn take(&mut self, passage: &FoundPassage) {
        self.first = self.first.min(passage.ordinal);
        self.last = self.last.max(passage.ordinal);
        self.tokens = self.tokens.saturating_add(passage.tokens);
        self.hit.start = self.hit.start.min(passage.hit.start);
        self.hit.end = self.hit.end.max(passage.hit.end);
    }
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
    let (mut fitting, left_out, room) = fit(pieces, wanted.budget);
    findings.beyond_budget = left_out;
    if !whole {
        fitting = widen(engine, fitting, room).await?;
    }
    let fitting = fitting.into_iter().map(|piece| piece.hit).collect();
    let numbered = number(engine, &wanted, fitting).await?;
    let considered = findings.considered;
    let why = WhyAnswer { findings, sources: numbered.clone(), whole_documents: whole };
    keep(engine, wanted.answer, why).await;
    Ok(Passages { sources: numbered, considered })
}

async fn find(engine: &Engine, wanted: &Wanted) -> Result<Found, Fault> {
    let options = &wanted.options;
    let query = PassageQuery {
        text: wanted.question.clone(),
        collections: options.collections.clone(),
        ..PassageQuery::default()
    };
    if options.collections.is_empty() {
        let query = PassageQuery { documents: options.documents.clone(), ..query };
        return finding::search(engine, query).await;
    }
    // Both are attached: neither narrows the other.
    finding::search_beside(engine, query, options.documents.clone()).await
}

/// The whole documents, when single documents are attached and all of them fit.
async fn whole(engine: &Engine, wanted: &Wanted) -> Result<Option<(Findings, Vec<Piece>)>, Fault> {
    if wanted.options.whole_documents == Some(false) {
        return Ok(None);
    }
    let (options, budget) = (wanted.options.clone(), wanted.budget);
    // Who asks for whole documents gets them however long they are, as far as the model's window allows.
    let most = if options.whole_documents == Some(true) { usize::MAX } else { MOST_WHOLE };
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
            if passages == 0 || passages > most || tokens > u64::from(budget) {
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
                piece.take(passage);
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

/// Reads the best pieces on over both ends, where the next passage stands on the same page and there is room: an answer
/// often begins or ends just beyond the cut.
async fn widen(engine: &Engine, mut pieces: Vec<Piece>, mut room: u32) -> Result<Vec<Piece>, Fault> {
    engine
        .database()
        .read(move |shelf| {
            for place in 0..pieces.len().min(STRONG) {
                let piece = &pieces[place];
                for neighbour in shelf.disk.neighbours(&piece.hit.document, piece.first, piece.last)? {
                    let taken = pieces.iter().any(|other| {
                        other.hit.document == neighbour.hit.document
                            && (other.first..=other.last).contains(&neighbour.ordinal)
                    });
                    let piece = &mut pieces[place];
                    if taken || neighbour.tokens > room || neighbour.hit.page != piece.hit.page {
                        continue;
                    }
                    room -= neighbour.tokens;
                    piece.take(&neighbour);
                }
                let hit = &mut pieces[place].hit;
                if let Some(text) = shelf.disk.text_between(&hit.document, hit.start, hit.end)? {
                    hit.text = text;
                }
            }
            Ok(pieces)
        })
        .await
}

/// Those that fit, best first, how many do not, and the room that is left.
fn fit(pieces: Vec<Piece>, budget: u32) -> (Vec<Piece>, u32, u32) {
    let (mut fitting, mut spent, mut left_out) = (Vec::new(), 0_u32, 0);
    for piece in pieces {
        let cost = piece.tokens.saturating_add(FENCE);
        if spent.saturating_add(cost) > budget {
            left_out += 1;
        } else {
            spent += cost;
            fitting.push(piece);
        }
    }
    (fitting, left_out, budget.saturating_sub(spent))
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
            Ok::<Vec<(Spot, u32)>, Error>(sources.map(|source| (Spot::of(&source), source.n)).collect())
        })
        .await?;
    let mut next = earlier.iter().map(|(_, n)| n + 1).max().unwrap_or(wanted.first_number);
    let known: HashMap<Spot, u32> = earlier.into_iter().collect();
    let numbered = hits.into_iter().map(|hit| {
        let mut source = source(hit);
        let spot = Spot::of(&source);
        source.n =
            known.get(&spot).or_else(|| known.get(&spot.without_range())).copied().unwrap_or_else(|| {
                next += 1;
                next - 1
            });
        source
    });
    Ok(numbered.collect())
}

/// What a number means: a place of a document and its words. Words alone stand in several documents; a place alone has
/// other words when the file has changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Spot {
    document: String,
    range: Option<(u32, u32)>,
    text: String,
}

impl Spot {
    fn of(source: &SourceRef) -> Self {
        Self {
            document: source.document.clone(),
            range: source.start.zip(source.end),
            text: source.text.clone(),
        }
    }

    /// As sources of before ranges were kept have it.
    fn without_range(&self) -> Self {
        Self { range: None, ..self.clone() }
    }
}

/// A source that has no number yet.
fn source(hit: PassageHit) -> SourceRef {
    SourceRef {
        n: 0,
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
}

async fn keep(engine: &Engine, answer: MessageId, why: WhyAnswer) {
    let kept = engine.database().write(move |shelf| Ok(shelf.home_of(&answer).set_why(&answer, &why)?)).await;
    if let Err(fault) = kept {
        tracing::warn!(code = ?fault.code, "why an answer says what it says could not be stored");
    }
}
