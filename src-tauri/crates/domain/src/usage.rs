//! Tokens, neurons and the day's allowance.

use crate::ids::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Neurons that are free each UTC day on every plan.
pub const DAILY_ALLOWANCE: f64 = 10_000.0;
/// US dollars for one neuron beyond the allowance.
pub const USD_PER_NEURON: f64 = 0.000_011;

/// What one answer used. Token counts are the service's; `None` when it did not say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens of the request.
    pub input_tokens: Option<u32>,
    /// Tokens of the answer, thoughts included.
    pub output_tokens: Option<u32>,
    /// Of the input, those read from the prefix cache.
    pub cached_tokens: Option<u32>,
    /// Cost in neurons.
    pub neurons: Option<f64>,
    /// The neurons were computed from prices, not told by the service.
    pub estimated: bool,
}

/// Today's neurons, for the sidebar's foot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UsageToday {
    /// Neurons used since 00:00 UTC, as far as this machine knows.
    pub neurons: f64,
    /// Of these, how many are estimates.
    pub estimated: f64,
    /// Neurons that are free in a day.
    pub allowance: f64,
    /// When the count starts anew (00:00 UTC).
    pub resets_at: Timestamp,
    /// The counted calls went to the simulator: nothing was spent.
    pub simulated: bool,
}

/// One line of a report: a sum under a label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UsageLine {
    /// The day (ISO 8601), model, task or conversation title.
    pub label: String,
    /// Neurons in all.
    pub neurons: f64,
    /// Of these, estimated.
    pub estimated: f64,
    /// Tokens in.
    #[ts(type = "number")]
    pub input_tokens: u64,
    /// Tokens out.
    #[ts(type = "number")]
    pub output_tokens: u64,
    /// Calls.
    pub calls: u32,
}

/// The ledger, summed four ways over the last days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UsageReport {
    /// Today's figure.
    pub today: UsageToday,
    /// By UTC day, oldest first, days without calls included.
    pub by_day: Vec<UsageLine>,
    /// By model, dearest first.
    pub by_model: Vec<UsageLine>,
    /// By task, dearest first.
    pub by_task: Vec<UsageLine>,
    /// By conversation, dearest first; deleted ones stay under their last title.
    pub by_conversation: Vec<UsageLine>,
}

/// A line of the ledger, as it is written: once for each call that may have cost something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// When the call ended.
    pub at: Timestamp,
    /// Which account paid (`demo` for the simulator).
    pub account: crate::ids::AccountKey,
    /// The model called.
    pub model: crate::ids::ModelId,
    /// What for: `chat`, `title`, `image`, `embedding`, `rerank`, `probe`, `transcription`, `conversion`.
    pub task: String,
    /// The conversation it belongs to, if any.
    pub conversation: Option<crate::ids::ConversationId>,
    /// Tokens and neurons.
    pub usage: Usage,
}
