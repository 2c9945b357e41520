//! A turn: the person's message is committed before the request leaves, the answer is journalled while it streams, and
//! its end is one transaction. A process that dies in between leaves an answer that [`Store::recover`] marks.

use crate::conversations::{self, NewConversation};
use crate::error::{Error, Result};
use crate::messages::{self, Node, characters, insert_whole, node, shown_leaf, write_body};
use crate::store::Store;
use crate::{drafts, ledger, search, words};
use domain::{
    ActiveRun, Attachment, AttachmentId, ConversationId, ConversationSummary, Draft, Fault, Finish,
    LedgerEntry, Message, MessageId, MessageStatus, ModelId, Role, RunId, SourceRef, Timestamp, ToolCall,
    Usage,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// Where a turn happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Where {
    /// In a conversation that it begins.
    New(Box<NewConversation>),
    /// In one that exists.
    Existing(ConversationId),
}

/// What a turn's first message follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The end of the shown path.
    End,
    /// This message.
    After(MessageId),
    /// What this message follows: it becomes another version of it.
    Beside(MessageId),
    /// Nothing: it becomes another version of the first message.
    Start,
}

/// A message of the person, or an answer that is still empty.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// Its id.
    pub id: MessageId,
    /// Its text; empty for an answer.
    pub text: String,
    /// The model that answers; `None` for the person's message.
    pub model: Option<ModelId>,
    /// Stored files that go with it.
    pub attachments: Vec<AttachmentId>,
}

/// A turn to begin: a question and its empty answer, or only an answer (another version of one).
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// In which conversation.
    pub conversation: Where,
    /// Where in it.
    pub place: Place,
    /// The person's message, when one is made.
    pub question: Option<NewMessage>,
    /// The answer.
    pub answer: NewMessage,
    /// The request in flight.
    pub run: RunId,
    /// Now.
    pub at: Timestamp,
}

/// How an answer ended, with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Which answer.
    pub message: MessageId,
    /// How far it came; not `Streaming`.
    pub status: MessageStatus,
    /// Its whole text.
    pub text: String,
    /// All its thoughts.
    pub thinking: Option<String>,
    /// How long it thought, in milliseconds.
    pub thinking_ms: Option<u32>,
    /// Why it failed or was cut.
    pub fault: Option<Fault>,
    /// Why the model ended.
    pub finish: Option<Finish>,
    /// Tokens and neurons.
    pub usage: Option<Usage>,
    /// From sending to the first token, in milliseconds.
    pub first_token_ms: Option<u32>,
    /// From the first token to the last, in milliseconds.
    pub stream_ms: Option<u32>,
    /// Tools the model asked for.
    pub tool_calls: Vec<ToolCall>,
    /// Passages that were handed to the model.
    pub sources: Vec<SourceRef>,
    /// Pictures of the gallery that the answer is.
    pub pictures: Vec<String>,
    /// Parameters that the model refused and that were left out.
    pub dropped_parameters: Vec<String>,
    /// Lines for the ledger.
    pub ledger: Vec<LedgerEntry>,
    /// Now.
    pub at: Timestamp,
}

impl Store {
    /// Stores the question, the empty answer and the run: all of it is on disk when this returns, or none of it is there.
    pub fn begin_turn(&self, turn: &Turn) -> Result<ConversationSummary> {
        self.begin(turn, None)
    }

    /// [`begin_turn`](Self::begin_turn), and in the same transaction the conversation's draft becomes what `left` says:
    /// a message is either in the draft or in the conversation, whatever happens in between.
    pub fn begin_turn_leaving(&self, turn: &Turn, left: &Draft) -> Result<ConversationSummary> {
        self.begin(turn, Some(left))
    }

    fn begin(&self, turn: &Turn, left: Option<&Draft>) -> Result<ConversationSummary> {
        self.change(|tx| {
            let (conversation, id) = conversation_of(tx, &turn.conversation)?;
            let mut parent = parent_at(tx, conversation, id, &turn.place)?;
            if let Some(question) = &turn.question {
                let message = new_message(tx, question, Role::User, MessageStatus::Complete, turn.at)?;
                parent = Some(insert_whole(tx, conversation, parent, &message)?);
            }
            if let Some(left) = left {
                drafts::put(tx, id.as_str(), left)?;
                if matches!(turn.conversation, Where::New(_)) {
                    drafts::put(tx, drafts::NOT_BEGUN, &Draft::default())?;
                }
            }
            let answer = new_message(tx, &turn.answer, Role::Assistant, MessageStatus::Streaming, turn.at)?;
            let answer = insert_whole(tx, conversation, parent, &answer)?;
            begin_run(tx, &turn.run, conversation, answer, turn.at)?;
            conversations::find(tx, id)
        })
    }

    /// Lets an answer that was cut or stopped stream on from where it is.
    pub fn begin_continuation(
        &self,
        message: &MessageId,
        run: &RunId,
        at: Timestamp,
    ) -> Result<ConversationSummary> {
        let summary = self.change(|tx| {
            let Node { key, conversation, .. } = node(tx, message)?;
            let changed = tx.execute(
                "UPDATE message SET status = 'streaming' WHERE key = ?1 AND role = 'assistant' AND status <> 'streaming'",
                [key],
            )?;
            if changed == 0 {
                return Err(Error::Invalid(format!("message {message} cannot be continued")));
            }
            begin_run(tx, run, conversation, key, at)?;
            let id: String =
                tx.query_row("SELECT id FROM conversation WHERE key = ?1", [conversation], |row| row.get(0))?;
            conversations::find(tx, &ConversationId(id))
        })?;
        self.journalled().remove(message);
        Ok(summary)
    }

    /// Stores what arrived of an answer since the last call; `text` and `thinking` are all of it so far, and only ever
    /// grow. Only the new bytes are written. They are on disk when this returns; after an error the next call writes
    /// what is missing, so that nothing has to be remembered.
    pub fn journal_answer(&self, message: &MessageId, text: &str, thinking: &str) -> Result<()> {
        let known = self.journalled().get(message).copied();
        let reached = self.change(|tx| {
            let key = streaming_key(tx, message)?;
            let (text_from, thinking_from) = match known {
                Some(known) => known,
                None => stored_lengths(tx, key)?,
            };
            add_piece(tx, key, TEXT, text_from, text)?;
            add_piece(tx, key, THINKING, thinking_from, thinking)?;
            Ok((text.len(), thinking.len()))
        })?;
        self.journalled().insert(message.clone(), reached);
        Ok(())
    }

    /// Stores which parameters the model refused, while the answer that is made without them still streams: it knows them
    /// however it ends.
    pub fn note_dropped_parameters(&self, message: &MessageId, parameters: &[String]) -> Result<()> {
        self.change(|tx| {
            let key = streaming_key(tx, message)?;
            tx.prepare_cached("UPDATE body SET dropped_parameters = ?2 WHERE message = ?1")?
                .execute(params![key, words::json_list(parameters)?])?;
            Ok(())
        })
    }

    /// Stores a whole answer with all that is known of it, ends its run and writes the ledger: one transaction.
    pub fn end_answer(&self, ending: &Ending) -> Result<()> {
        if ending.status == MessageStatus::Streaming {
            return Err(Error::Invalid("an ended answer cannot be streaming".into()));
        }
        self.change(|tx| {
            let Node { key, conversation, .. } = node(tx, &ending.message)?;
            write_body(tx, key, &body_of(ending))?;
            tx.prepare_cached("UPDATE message SET status = ?2, length = ?3 WHERE key = ?1")?
                .execute(params![key, words::name(&ending.status)?, characters(&ending.text)])?;
            close(tx, key, &ending.text, &words::name(&ending.status)?, ending.at)?;
            tx.prepare_cached("UPDATE conversation SET updated_at = max(updated_at, ?2) WHERE key = ?1")?
                .execute(params![conversation, ending.at.0])?;
            for entry in &ending.ledger {
                ledger::insert(tx, entry)?;
            }
            Ok(())
        })?;
        self.journalled().remove(&ending.message);
        self.checkpoint();
        Ok(())
    }

    /// At start: answers whose process died keep what was journalled and become `interrupted`, their runs end, and
    /// temporary conversations go. Returns the answers. A database that can only be read is not changed: there such
    /// answers are shown as interrupted from then on.
    pub fn recover(&self, now: Timestamp) -> Result<Vec<MessageId>> {
        if self.is_read_only() {
            self.set_abandoned();
            return Ok(Vec::new());
        }
        let recovered = self.change(|tx| {
            let cut: Vec<(i64, String)> = tx
                .prepare("SELECT key, id FROM message WHERE status = 'streaming'")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            for (key, _) in &cut {
                interrupt(tx, *key, now)?;
            }
            tx.execute(
                "UPDATE run SET ended_at = ?1, outcome = 'interrupted' WHERE ended_at IS NULL",
                [now.0],
            )?;
            conversations::purge(tx, "temporary = 1", &[])?;
            Ok(cut.into_iter().map(|(_, id)| MessageId(id)).collect())
        })?;
        self.journalled().clear();
        Ok(recovered)
    }

    /// Runs in flight, oldest first.
    pub fn active_runs(&self) -> Result<Vec<ActiveRun>> {
        self.look(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT run.id, c.id, m.id FROM run JOIN conversation c ON c.key = run.conversation
                 JOIN message m ON m.key = run.message WHERE run.ended_at IS NULL ORDER BY run.started_at, run.id",
            )?;
            let rows = query.query_map([], |row| {
                Ok(ActiveRun {
                    run: RunId(row.get(0)?),
                    conversation: ConversationId(row.get(1)?),
                    message: MessageId(row.get(2)?),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The run that is writing this message, if one is.
    pub fn run_of(&self, message: &MessageId) -> Result<Option<RunId>> {
        self.look(|tx| {
            Ok(tx
                .prepare_cached(
                    "SELECT run.id FROM run JOIN message m ON m.key = run.message
                     WHERE m.id = ?1 AND run.ended_at IS NULL",
                )?
                .query_row([message.as_str()], |row| row.get(0).map(RunId))
                .optional()?)
        })
    }
}

fn conversation_of<'a>(tx: &Transaction<'_>, place: &'a Where) -> Result<(i64, &'a ConversationId)> {
    match place {
        Where::New(new) => Ok((conversations::insert(tx, new)?, &new.id)),
        Where::Existing(id) => Ok((conversations::key(tx, id)?, id)),
    }
}

fn parent_at(tx: &Connection, conversation: i64, id: &ConversationId, place: &Place) -> Result<Option<i64>> {
    let (found, parent) = match place {
        Place::End => return shown_leaf(tx, id),
        Place::Start => return Ok(None),
        Place::After(message) => {
            let found = node(tx, message)?;
            (found.conversation, Some(found.key))
        }
        Place::Beside(message) => {
            let found = node(tx, message)?;
            (found.conversation, found.parent)
        }
    };
    if found == conversation {
        Ok(parent)
    } else {
        Err(Error::Invalid(format!("the place is not in conversation {id}")))
    }
}

fn new_message(
    tx: &Connection,
    new: &NewMessage,
    role: Role,
    status: MessageStatus,
    at: Timestamp,
) -> Result<Message> {
    let attachments = new.attachments.iter().map(|id| stored_attachment(tx, id)).collect::<Result<_>>()?;
    Ok(Message {
        id: new.id.clone(),
        conversation: ConversationId(String::new()),
        parent: None,
        role,
        text: new.text.clone(),
        thinking: None,
        thinking_ms: None,
        status,
        fault: None,
        model: new.model.clone(),
        created_at: at,
        finish: None,
        usage: None,
        first_token_ms: None,
        stream_ms: None,
        attachments,
        tool_calls: Vec::new(),
        sources: Vec::new(),
        considered: None,
        pictures: Vec::new(),
        dropped_parameters: Vec::new(),
    })
}

fn stored_attachment(tx: &Connection, id: &AttachmentId) -> Result<Attachment> {
    tx.prepare_cached("SELECT id, name, media_type, size, width, height FROM attachment WHERE id = ?1")?
        .query_row([id.as_str()], messages::attachment)
        .optional()?
        .ok_or_else(|| Error::NotFound(format!("attachment {id}")))
}

fn begin_run(tx: &Transaction<'_>, run: &RunId, conversation: i64, answer: i64, at: Timestamp) -> Result<()> {
    tx.prepare_cached("INSERT INTO run (id, conversation, message, started_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![run.as_str(), conversation, answer, at.0])?;
    tx.prepare_cached("UPDATE conversation SET updated_at = max(updated_at, ?2) WHERE key = ?1")?
        .execute(params![conversation, at.0])?;
    Ok(())
}

const TEXT: i64 = 0;
const THINKING: i64 = 1;

fn streaming_key(tx: &Connection, message: &MessageId) -> Result<i64> {
    tx.prepare_cached("SELECT key FROM message WHERE id = ?1 AND status = 'streaming'")?
        .query_row([message.as_str()], |row| row.get(0))
        .optional()?
        .ok_or_else(|| Error::NotFound(format!("streaming message {message}")))
}

/// How many bytes of text and thoughts are on disk already.
fn stored_lengths(tx: &Connection, key: i64) -> Result<(usize, usize)> {
    let (mut text, mut thinking): (String, Option<String>) = tx
        .prepare_cached("SELECT text, thinking FROM body WHERE message = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))?;
    add_journal(tx, key, &mut text, &mut thinking)?;
    Ok((text.len(), thinking.map_or(0, |thinking| thinking.len())))
}

fn add_piece(tx: &Transaction<'_>, key: i64, part: i64, from: usize, whole: &str) -> Result<()> {
    let piece = whole
        .get(from..)
        .ok_or_else(|| Error::Invalid(format!("an answer of {from} bytes became shorter or other")))?;
    if piece.is_empty() {
        return Ok(());
    }
    // A piece whose commit failed only seemingly is replaced by the longer one that begins at the same byte.
    tx.prepare_cached("INSERT OR REPLACE INTO journal (message, part, start, text) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![key, part, i64::try_from(from).unwrap_or(i64::MAX), piece])?;
    Ok(())
}

/// Appends what the journal holds of a message to its text and thoughts. A piece that overlaps replaces what is there.
pub(crate) fn add_journal(
    tx: &Connection,
    key: i64,
    text: &mut String,
    thinking: &mut Option<String>,
) -> Result<()> {
    let mut query =
        tx.prepare_cached("SELECT part, start, text FROM journal WHERE message = ?1 ORDER BY part, start")?;
    let mut rows = query.query([key])?;
    while let Some(row) = rows.next()? {
        let whole = if row.get::<_, i64>(0)? == TEXT { &mut *text } else { thinking.get_or_insert_default() };
        let start = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX);
        if start < whole.len() && whole.is_char_boundary(start) {
            whole.truncate(start);
        }
        whole.push_str(row.get_ref(2)?.as_str().unwrap_or_default());
    }
    Ok(())
}

fn interrupt(tx: &Transaction<'_>, key: i64, now: Timestamp) -> Result<()> {
    let (mut text, mut thinking): (String, Option<String>) = tx
        .prepare_cached("SELECT text, thinking FROM body WHERE message = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .unwrap_or_default();
    add_journal(tx, key, &mut text, &mut thinking)?;
    tx.execute(
        "INSERT INTO body (message, text, thinking) VALUES (?1, ?2, ?3)
         ON CONFLICT (message) DO UPDATE SET text = excluded.text, thinking = excluded.thinking",
        params![key, text, thinking],
    )?;
    tx.execute(
        "UPDATE message SET status = 'interrupted', length = ?2 WHERE key = ?1",
        params![key, characters(&text)],
    )?;
    close(tx, key, &text, "interrupted", now)
}

/// What every end of an answer has in common: the journal goes, the text can be found, the run is over.
fn close(tx: &Transaction<'_>, key: i64, text: &str, outcome: &str, at: Timestamp) -> Result<()> {
    tx.prepare_cached("DELETE FROM journal WHERE message = ?1")?.execute([key])?;
    tx.prepare_cached("UPDATE run SET ended_at = ?2, outcome = ?3 WHERE message = ?1 AND ended_at IS NULL")?
        .execute(params![key, at.0, outcome])?;
    search::index_message(tx, key, text)
}

fn body_of(ending: &Ending) -> Message {
    Message {
        id: ending.message.clone(),
        conversation: ConversationId(String::new()),
        parent: None,
        role: Role::Assistant,
        text: ending.text.clone(),
        thinking: ending.thinking.clone(),
        thinking_ms: ending.thinking_ms,
        status: ending.status,
        fault: ending.fault.clone(),
        model: None,
        created_at: ending.at,
        finish: ending.finish,
        usage: ending.usage.clone(),
        first_token_ms: ending.first_token_ms,
        stream_ms: ending.stream_ms,
        attachments: Vec::new(),
        tool_calls: ending.tool_calls.clone(),
        sources: ending.sources.clone(),
        considered: None,
        pictures: ending.pictures.clone(),
        dropped_parameters: ending.dropped_parameters.clone(),
    }
}
