//! What can go wrong, as a closed set. The sentence for a person lives in one exhaustive table of the interface
//! (`ui/src/ipc/faults.ts`); the command line has its own in `cli`.

use crate::ids::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The event that stopped something. A new code does not compile without a sentence for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum FaultCode {
    /// No account is connected.
    NoAccount,
    /// The token is wrong, expired or disabled.
    TokenRejected,
    /// The token is valid but lacks a permission; `detail` names it.
    TokenLacksPermission,
    /// The account id is wrong, or belongs to another token.
    AccountUnknown,
    /// The 10,000 free neurons of today are used; `until` says when they come back.
    DailyAllowanceSpent,
    /// Too many requests a minute; `retry_after_ms` says how long to wait.
    RateLimited,
    /// The model has no free capacity.
    ModelBusy,
    /// The model is retired or unknown; `replacement` may name its successor.
    ModelGone,
    /// The model needs the Workers Paid plan.
    PaidPlanNeeded,
    /// The model's licence must be agreed to first.
    LicenceNeeded,
    /// Input and answer do not fit the model's context window.
    ContextTooLong,
    /// A content filter refused.
    ContentRefused,
    /// The model refuses this request's form; `detail` is what it said.
    BadRequest,
    /// The request's body is larger than the service takes.
    RequestTooLarge,
    /// The service answered with an error of its own.
    Upstream,
    /// A web page or another unexpected form came where an answer was due (captive portal, proxy).
    NotTheService,
    /// The network, the name or the host cannot be reached.
    Offline,
    /// The secure connection was refused; `detail` names the reason.
    TlsRefused,
    /// The proxy refused, or asks for credentials.
    ProxyRefused,
    /// A time limit passed: connecting, waiting for the first byte, or silence inside an answer.
    TimedOut,
    /// The answer ended before its final mark. What arrived is kept.
    StreamCut,
    /// The model gave an empty answer.
    EmptyAnswer,
    /// The keychain is locked.
    KeychainLocked,
    /// The person, or a rule, refused the keychain.
    KeychainDenied,
    /// This machine has no keychain service.
    KeychainMissing,
    /// The keychain did not answer in time.
    KeychainSilent,
    /// The passphrase does not open the key file.
    PassphraseWrong,
    /// The disk is full. What was typed and received is kept in memory.
    DiskFull,
    /// The data folder cannot be written; `detail` is its path.
    ReadOnly,
    /// Another program holds the database.
    DatabaseBusy,
    /// The database was made by a newer Edgewise.
    DatabaseNewer,
    /// The database is damaged; nothing was changed.
    DatabaseDamaged,
    /// A file cannot be read.
    FileUnreadable,
    /// A file is larger than the limit.
    FileTooLarge,
    /// A file asks for a password.
    FileEncrypted,
    /// A file holds no text.
    FileHasNoText,
    /// A file's format is not known.
    FormatUnknown,
    /// Something asked for does not exist (any more).
    NotFound,
    /// The input is empty or malformed; `detail` says what.
    InvalidInput,
    /// A neuron limit that the person set would be passed.
    CapReached,
    /// The person stopped it.
    Stopped,
    /// A defect of Edgewise.
    Internal,
}

/// One failure as the interface and the command line get it: a code to choose the sentence, and what the sentence needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Which event it was.
    pub code: FaultCode,
    /// What the service or the system said, cleaned and at most 2,000 characters. Never holds a secret or a prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub detail: Option<String>,
    /// The number in the service's error, e.g. 3036.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub upstream_code: Option<i32>,
    /// The HTTP status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub status: Option<u16>,
    /// Milliseconds to wait before it makes sense to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub retry_after_ms: Option<u64>,
    /// When the cause goes away by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub until: Option<Timestamp>,
    /// The model that would serve instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub replacement: Option<String>,
    /// The service's own id of the failed request, for support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reference: Option<String>,
}

impl Fault {
    /// A fault with nothing but its code.
    pub fn new(code: FaultCode) -> Self {
        Self {
            code,
            detail: None,
            upstream_code: None,
            status: None,
            retry_after_ms: None,
            until: None,
            replacement: None,
            reference: None,
        }
    }

    /// The same fault with what was said, cut to 2,000 characters.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        self.detail = Some(match detail.char_indices().nth(2_000) {
            Some((cut, _)) => format!("{}…", &detail[..cut]),
            None => detail,
        });
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.detail {
            Some(detail) => write!(formatter, "{:?}: {detail}", self.code),
            None => write!(formatter, "{:?}", self.code),
        }
    }
}

impl std::error::Error for Fault {}
