//! Full-text search over messages and titles, for every script. SQLite's trigram index finds any three characters and
//! more. What is shorter — most Chinese words — is found in a second index, made here: every ideograph, every pair that
//! holds one, and every Latin word of one or two letters. Terms that fit neither (`C#`) are looked for in the text.

use crate::conversations;
use crate::error::Result;
use crate::messages::role_named;
use crate::store::Store;
use domain::{ConversationId, HistoryHit, MessageId, SnippetPart, Timestamp};
use rusqlite::{Connection, Row, Transaction, params};
use std::collections::BTreeSet;

/// Characters of a snippet.
const SNIPPET: usize = 160;
/// Characters shown before the first hit.
const BEFORE: usize = 40;
/// Messages that are looked through, newest first, for a term that no index holds.
const LOOKED_THROUGH: u32 = 200_000;

impl Store {
    /// Conversations and messages that hold every word of `query`, titles first, then messages, newest first. What is in
    /// the trash is not found.
    pub fn search(&self, query: &str, limit: u32) -> Result<Vec<HistoryHit>> {
        let terms = Terms::of(query);
        if terms.all.is_empty() {
            return Ok(Vec::new());
        }
        let limit = limit as usize;
        self.look(|tx| {
            let mut hits = collect(tx, &TITLES, &terms, limit)?;
            hits.extend(collect(tx, &MESSAGES, &terms, limit - hits.len())?);
            Ok(hits)
        })
    }

    /// Makes the whole search index anew from the messages and titles.
    pub fn rebuild_search_index(&self) -> Result<()> {
        self.change(|tx| {
            for table in ["message_trigrams", "message_pairs", "title_trigrams", "title_pairs"] {
                tx.execute(&format!("INSERT INTO {table} ({table}) VALUES ('delete-all')"), [])?;
            }
            let mut bodies = tx.prepare(
                "SELECT m.key, b.text FROM message m JOIN body b ON b.message = m.key WHERE m.status <> 'streaming'",
            )?;
            let mut rows = bodies.query([])?;
            while let Some(row) = rows.next()? {
                insert(tx, "message", row.get(0)?, row.get_ref(1)?.as_str().unwrap_or_default())?;
            }
            let mut titles = tx.prepare("SELECT key, title FROM conversation")?;
            let mut rows = titles.query([])?;
            while let Some(row) = rows.next()? {
                insert(tx, "title", row.get(0)?, row.get_ref(1)?.as_str().unwrap_or_default())?;
            }
            Ok(())
        })
    }
}

/// Puts a message's text into the index, in place of what was there.
pub(crate) fn index_message(tx: &Transaction<'_>, key: i64, text: &str) -> Result<()> {
    forget(tx, "message", key)?;
    insert(tx, "message", key, text)
}

/// Puts a conversation's title into the index.
pub(crate) fn index_title(tx: &Transaction<'_>, id: &ConversationId) -> Result<()> {
    let key = conversations::key(tx, id)?;
    let title: String =
        tx.query_row("SELECT title FROM conversation WHERE key = ?1", [key], |row| row.get(0))?;
    forget(tx, "title", key)?;
    insert(tx, "title", key, &title)
}

/// Takes a conversation and all its messages out of the index.
pub(crate) fn forget_conversation(tx: &Transaction<'_>, key: i64) -> Result<()> {
    forget(tx, "title", key)?;
    for table in ["message_trigrams", "message_pairs"] {
        tx.execute(
            &format!("DELETE FROM {table} WHERE rowid IN (SELECT key FROM message WHERE conversation = ?1)"),
            [key],
        )?;
    }
    Ok(())
}

fn insert(tx: &Connection, kind: &str, key: i64, text: &str) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    tx.prepare_cached(&format!("INSERT INTO {kind}_trigrams (rowid, text) VALUES (?1, ?2)"))?
        .execute(params![key, text])?;
    let pairs = pairs(text);
    if !pairs.is_empty() {
        tx.prepare_cached(&format!("INSERT INTO {kind}_pairs (rowid, text) VALUES (?1, ?2)"))?
            .execute(params![key, pairs])?;
    }
    Ok(())
}

fn forget(tx: &Connection, kind: &str, key: i64) -> Result<()> {
    for index in ["trigrams", "pairs"] {
        tx.prepare_cached(&format!("DELETE FROM {kind}_{index} WHERE rowid = ?1"))?.execute([key])?;
    }
    Ok(())
}

/// The words of a query, each with the index that can find it.
struct Terms {
    /// All of them, folded: what a snippet marks.
    all: Vec<String>,
    trigrams: String,
    pairs: String,
    /// Those that must be looked for in the text, since the index used does not vouch for them.
    unproved: Vec<String>,
}

impl Terms {
    fn of(query: &str) -> Self {
        let all: Vec<String> = query
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|term| !term.is_empty())
            .map(fold)
            .collect();
        let (long, short): (Vec<_>, Vec<_>) = all.iter().partition(|term| term.chars().count() >= 3);
        let (paired, odd): (Vec<_>, Vec<_>) = short.into_iter().partition(|term| is_pair_term(term));
        let quoted = |terms: &[&String]| {
            terms
                .iter()
                .map(|term| format!("\"{}\"", term.replace('"', "\"\"")))
                .collect::<Vec<_>>()
                .join(" AND ")
        };
        let trigrams = quoted(&long);
        // Beside a trigram query the short terms are cheaper looked for in the few texts that it finds.
        let pairs = if trigrams.is_empty() { quoted(&paired) } else { String::new() };
        let unproved =
            odd.into_iter().chain(paired.into_iter().filter(|_| pairs.is_empty())).cloned().collect();
        Self { trigrams, pairs, unproved, all }
    }
}

/// Where is searched: the rows behind an index, as `key, text, conversation id, title, message id, role, time`.
struct Field {
    kind: &'static str,
    columns: &'static str,
    from: &'static str,
    key: &'static str,
}

const MESSAGES: Field = Field {
    kind: "message",
    columns: "b.text, c.id, c.title, m.id, m.role, m.created_at",
    from: "message m CROSS JOIN conversation c ON c.key = m.conversation CROSS JOIN body b ON b.message = m.key",
    key: "m.key",
};
const TITLES: Field = Field {
    kind: "title",
    columns: "c.title, c.id, c.title, NULL, NULL, c.updated_at",
    from: "conversation c",
    key: "c.key",
};

fn collect(tx: &Connection, field: &Field, terms: &Terms, limit: usize) -> Result<Vec<HistoryHit>> {
    let Field { kind, columns, from, key } = field;
    let (index, query) = match (terms.trigrams.is_empty(), terms.pairs.is_empty()) {
        (false, _) => ("trigrams", terms.trigrams.as_str()),
        (true, false) => ("pairs", terms.pairs.as_str()),
        (true, true) => ("", ""),
    };
    // The index gives its rows newest first, so that reading stops at the limit.
    let sql = if index.is_empty() {
        format!(
            "SELECT {columns} FROM {from} WHERE ?1 = '' AND c.deleted_at IS NULL AND c.temporary = 0
             ORDER BY {key} DESC LIMIT {LOOKED_THROUGH}"
        )
    } else {
        format!(
            "SELECT {columns} FROM {kind}_{index} f CROSS JOIN {from}
             WHERE {kind}_{index} MATCH ?1 AND {key} = f.rowid AND c.deleted_at IS NULL AND c.temporary = 0
             ORDER BY f.rowid DESC"
        )
    };
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query([query])?;
    let mut hits = Vec::new();
    while hits.len() < limit
        && let Some(row) = rows.next()?
    {
        let text = row.get_ref(0)?.as_str().unwrap_or_default();
        if terms.unproved.is_empty() || holds_all(text, &terms.unproved) {
            hits.push(hit(row, snippet(text, &terms.all))?);
        }
    }
    Ok(hits)
}

fn hit(row: &Row<'_>, snippet: Vec<SnippetPart>) -> rusqlite::Result<HistoryHit> {
    Ok(HistoryHit {
        conversation: ConversationId(row.get(1)?),
        title: row.get(2)?,
        message: row.get::<_, Option<String>>(3)?.map(MessageId),
        role: row.get::<_, Option<String>>(4)?.as_deref().map(role_named),
        at: Timestamp(row.get(5)?),
        snippet,
    })
}

/// Lower case, one character for one, so that places in the folded text are places in the text.
fn fold(text: &str) -> String {
    text.chars().map(fold_character).collect()
}

fn fold_character(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    if is_ideograph(character) {
        return character;
    }
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

fn holds_all(text: &str, terms: &[String]) -> bool {
    let folded = fold(text);
    terms.iter().all(|term| folded.contains(term.as_str()))
}

pub(crate) fn is_ideograph(character: char) -> bool {
    matches!(character,
        '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The second index can find it: one or two letters, digits or ideographs.
fn is_pair_term(term: &str) -> bool {
    term.chars().all(char::is_alphanumeric)
}

/// What the second index holds of a text, as words between spaces.
fn pairs(text: &str) -> String {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut word = String::new();
    let mut before: Option<char> = None;
    for character in text.chars().map(fold_character).chain(std::iter::once(' ')) {
        let ideograph = is_ideograph(character);
        let letter = character.is_alphanumeric();
        if ideograph {
            found.insert(character.to_string());
        }
        if letter
            && let Some(previous) = before
            && (ideograph || is_ideograph(previous))
        {
            found.insert([previous, character].iter().collect());
        }
        if letter && !ideograph {
            word.push(character);
        } else {
            if (1..=2).contains(&word.chars().count()) {
                found.insert(word.clone());
            }
            word.clear();
        }
        before = letter.then_some(character);
    }
    found.into_iter().collect::<Vec<_>>().join(" ")
}

/// The text around the first hit, with every hit in it marked. Line breaks become spaces.
fn snippet(text: &str, terms: &[String]) -> Vec<SnippetPart> {
    let folded = fold(text);
    let first = terms.iter().filter_map(|term| folded.find(term.as_str())).min().unwrap_or(0);
    let first = folded[..first].chars().count();
    let from = first.saturating_sub(BEFORE);
    let shown: Vec<char> = text.chars().skip(from).take(SNIPPET).collect();
    let folded: Vec<char> = shown.iter().copied().map(fold_character).collect();
    let mut marked = vec![false; shown.len()];
    for term in terms {
        let term: Vec<char> = term.chars().collect();
        for (at, window) in folded.windows(term.len()).enumerate() {
            if window == term.as_slice() {
                marked[at..at + term.len()].fill(true);
            }
        }
    }
    let mut parts: Vec<SnippetPart> = Vec::new();
    if from > 0 {
        parts.push(SnippetPart { text: "…".into(), hit: false });
    }
    for (character, hit) in shown.iter().zip(marked) {
        let character = if character.is_whitespace() { ' ' } else { *character };
        match parts.last_mut() {
            Some(part) if part.hit == hit => part.text.push(character),
            _ => parts.push(SnippetPart { text: character.into(), hit }),
        }
    }
    if text.chars().nth(from + SNIPPET).is_some() {
        parts.push(SnippetPart { text: "…".into(), hit: false });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_index_holds_ideographs_their_pairs_and_short_words() {
        let found = pairs("买A股, go to 北京!");
        let words: Vec<_> = found.split(' ').collect();
        for word in ["买", "买a", "a股", "股", "go", "to", "北", "京", "北京"] {
            assert!(words.contains(&word), "{word} in {found}");
        }
        assert!(!words.contains(&"o北"), "a space parts words: {found}");
    }

    #[test]
    fn a_snippet_marks_every_hit_around_the_first() {
        let text = format!("{}用模型回答,模型很好", "前".repeat(100));
        let parts = snippet(&text, &["模型".into()]);
        let hits: Vec<_> = parts.iter().filter(|part| part.hit).map(|part| part.text.as_str()).collect();
        assert_eq!(hits, ["模型", "模型"]);
        assert_eq!(parts.first().map(|part| part.text.starts_with('…')), Some(true));
    }

    #[test]
    fn letters_that_grow_in_lower_case_do_not_shift_the_marks() {
        let parts = snippet("İİ Straße STRASSE", &[fold("straße")]);
        let hit = parts.iter().find(|part| part.hit).map(|part| part.text.as_str());
        assert_eq!(hit, Some("Straße"));
    }
}
