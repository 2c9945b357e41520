//! Runs: what a request in flight tells the window. Its truth is in SQLite; these events are a view that can be replayed.

use crate::conversation::ConversationSummary;
use crate::fault::Fault;
use crate::ids::{ConversationId, MessageId, RunId};
use crate::message::{Block, MessageView, SourceRef};
use crate::usage::Usage;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One event of a run. `seq` counts from 1 without gaps within the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RunEvent {
    /// The run.
    pub run: RunId,
    /// The answer it writes.
    pub message: MessageId,
    /// Its place.
    #[ts(type = "number")]
    pub seq: u64,
    /// What happened.
    pub what: RunStep,
}

/// What happened in a run. At most one `Patch` goes out per frame (16 ms), and each is below 8 KiB where its blocks allow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum RunStep {
    /// The request left.
    Started,
    /// It waits: another try is made after the pause (only before the first token).
    Waiting {
        /// Why.
        fault: Fault,
        /// Which try comes next, from 2.
        attempt: u32,
        /// The pause in milliseconds.
        #[ts(type = "number")]
        delay_ms: u64,
    },
    /// Passages were handed to the model.
    Sources {
        /// Which.
        sources: Vec<SourceRef>,
        /// How many passages were compared.
        considered: u32,
    },
    /// Earlier messages that did not fit the model's window were left out.
    LeftOut {
        /// How many.
        messages: u32,
    },
    /// The model refused parameters that the person set, and answers without them.
    Dropped {
        /// Which, by their names on the wire.
        parameters: Vec<String>,
    },
    /// A picture is made in the conversation.
    Picture {
        /// Its row.
        picture: Box<crate::pictures::Picture>,
    },
    /// More of the thoughts.
    Thinking {
        /// The new text.
        text: String,
    },
    /// The answer's blocks from `from` on are replaced by these.
    Patch {
        /// Index of the first replaced block.
        from: u32,
        /// The blocks from there on.
        blocks: Vec<Block>,
    },
    /// Tokens and neurons so far or in all.
    Usage {
        /// The figures.
        usage: Usage,
    },
    /// It is over, well.
    Finished {
        /// The message as stored.
        view: Box<MessageView>,
    },
    /// It is over, badly; what arrived is kept.
    Failed {
        /// Why.
        fault: Fault,
        /// The message as stored.
        view: Box<MessageView>,
    },
    /// The person stopped it; what arrived is kept.
    Stopped {
        /// The message as stored.
        view: Box<MessageView>,
    },
}

impl RunStep {
    /// Nothing follows this event.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Failed { .. } | Self::Stopped { .. })
    }
}

/// A run that is in flight, for a window that opens later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ActiveRun {
    /// The run.
    pub run: RunId,
    /// Where it writes.
    pub conversation: ConversationId,
    /// What it writes.
    pub message: MessageId,
}

/// News that concern the whole window, sent on one channel for its lifetime (`subscribe`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum AppEvent {
    /// A conversation was made or its row changed (title, time, streaming).
    ConversationChanged {
        /// The row.
        conversation: ConversationSummary,
    },
    /// A conversation is gone.
    ConversationRemoved {
        /// Which.
        id: ConversationId,
    },
    /// Today's neurons changed.
    UsageChanged {
        /// The new figure.
        today: crate::usage::UsageToday,
    },
    /// The account or its readiness changed.
    AccountChanged {
        /// The new state.
        state: crate::account::AccountState,
    },
    /// The catalogue was refreshed.
    CatalogueChanged,
    /// Something could not be saved (disk full, read-only); `None` when it works again.
    SavingTrouble {
        /// Why.
        fault: Option<Fault>,
    },
    /// A document of the library changed; sent at most a few times a second.
    LibraryChanged {
        /// The rows that changed.
        documents: Vec<crate::library::Document>,
    },
    /// A picture changed.
    Picture {
        /// What.
        event: crate::pictures::PictureEvent,
    },
    /// Files hover over or were dropped on the window.
    Drop {
        /// What.
        drop: crate::app::DropEvent,
    },
}
