//! What can go wrong on the wire, and what each failure calls for. One enum for the crate.
//!
//! The service's own vocabulary (numbers, statuses, texts) is read in one place, [`crate::classify`]; here stands what it
//! means: [`Why`]. An error knows its remedy: [`Error::retry_delay`], and the sentence it becomes: [`Error::fault`].

use domain::{Fault, FaultCode, ModelId, Timestamp};
use std::time::Duration;

/// Most requests for one call, whatever they were repeated for.
pub const MAX_TRIES: u32 = 3;

/// A pause longer than this is not waited through: the person is told instead.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Everything that this crate can fail with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// What was pasted is no token. It was not sent.
    #[error("this is no API token: {0}")]
    TokenMalformed(&'static str),
    /// A setting cannot be used: the address, the account id, the proxy or the certificate file.
    #[error("the {what} cannot be used: {detail}")]
    Misconfigured {
        /// Which setting.
        what: &'static str,
        /// Why.
        detail: String,
    },
    /// The caller gave something that no model takes. It was not sent.
    #[error("{0}")]
    InvalidInput(String),
    /// The service answered, and refused.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// A web page or a redirect came where an answer was due.
    #[error("not the service's answer (HTTP {status}): {detail}")]
    NotTheService {
        /// The HTTP status.
        status: u16,
        /// What came instead.
        detail: String,
    },
    /// No connection came about; nothing was sent.
    #[error("cannot reach the service: {0}")]
    Unreachable(String),
    /// The secure connection was refused; nothing was sent.
    #[error("no secure connection: {0}")]
    TlsRefused(String),
    /// The proxy refused; nothing was sent to the service.
    #[error("the proxy refused: {0}")]
    ProxyRefused(String),
    /// A time limit passed.
    #[error("{0}")]
    TimedOut(Waited),
    /// The connection ended after the request was sent and before the answer was whole.
    #[error("the answer was cut: {0}")]
    StreamCut(String),
    /// The answer is larger than can be right.
    #[error("the answer is larger than {limit} bytes")]
    AnswerTooLarge {
        /// The limit that was passed.
        limit: usize,
    },
    /// The answer has none of the known forms.
    #[error("the answer cannot be read: {0}")]
    AnswerMalformed(String),
    /// The model said nothing.
    #[error("the model gave an empty answer{}", if *.thoughts_used_up { ": its thoughts used up the limit of tokens" } else { "" })]
    EmptyAnswer {
        /// It thought until the limit of tokens was reached: a higher limit or less effort helps.
        thoughts_used_up: bool,
    },
}

/// What was waited for when the time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Waited {
    /// A connection.
    #[error("no connection within {} s", .0.as_secs_f32())]
    Connection(Duration),
    /// The first byte of the answer.
    #[error("no answer within {} s", .0.as_secs_f32())]
    FirstByte(Duration),
    /// The next byte of the answer.
    #[error("the answer stopped for {} s", .0.as_secs_f32())]
    NextByte(Duration),
}

/// The service's refusal, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// What it means.
    pub why: Why,
    /// The HTTP status; 200 for an error inside a stream.
    pub status: u16,
    /// The service's number, e.g. 3036.
    pub code: Option<i32>,
    /// Its words, freed of prefixes and ids.
    pub message: String,
    /// Its id of the request, for support.
    pub reference: Option<String>,
    /// How long it asks to wait.
    pub retry_after: Option<Duration>,
    /// When the cause goes away by itself.
    pub until: Option<Timestamp>,
    /// The model to use instead.
    pub replacement: Option<ModelId>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} (HTTP {}", self.why, self.status)?;
        if let Some(code) = self.code {
            write!(formatter, ", {code}")?;
        }
        write!(formatter, "): {}", self.message)
    }
}

/// Why the service refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The token is wrong, expired or disabled.
    TokenRejected,
    /// An account's token was shown to an endpoint for persons (9106).
    TokenWithoutUser,
    /// The token lacks a permission.
    PermissionMissing,
    /// The account is blocked (3023).
    AccountBlocked,
    /// No route to this account (7000, 7003).
    AccountUnknown,
    /// The gateway does not exist (2001).
    GatewayUnknown,
    /// The free neurons of the day are used (3036, 4006).
    AllowanceSpent,
    /// Too many requests.
    RateLimited,
    /// No free capacity for this model (3040).
    Busy,
    /// The model is retired (410, 5028).
    ModelRetired,
    /// There is no such model (3042, 5007).
    ModelUnknown,
    /// The account may not use this model (3041, 5018).
    ModelClosed,
    /// The model needs the Workers Paid plan (5035).
    PaidPlanNeeded,
    /// The model's licence must be agreed to (5016).
    LicenceNeeded,
    /// Input and answer exceed the context window (5021).
    ContextTooLong,
    /// The request has too many bytes (3006).
    TooLarge,
    /// A content filter refused (3030, 8007).
    ContentRefused,
    /// The input does not fit the model's schema (5006); the message names the places.
    SchemaMismatch,
    /// `response_format` was not understood (5023).
    JsonSchemaRefused,
    /// No answer fits the JSON schema.
    JsonModeFailed,
    /// The arguments of earlier tool calls have to be objects.
    ArgumentsNotObjects,
    /// The model takes no LoRA adapter (5005), or its files are missing (3039).
    LoraRefused,
    /// The endpoint does not exist or takes no such method.
    NoSuchEndpoint,
    /// Another fault of the request.
    BadRequest,
    /// The model took too long (3007).
    TookTooLong,
    /// The work was aborted (3008).
    Aborted,
    /// The service failed.
    Upstream,
}

impl Why {
    /// The code that people's sentences hang on.
    pub fn fault_code(self) -> FaultCode {
        match self {
            Self::TokenRejected => FaultCode::TokenRejected,
            Self::TokenWithoutUser | Self::PermissionMissing | Self::AccountBlocked => {
                FaultCode::TokenLacksPermission
            }
            Self::AccountUnknown => FaultCode::AccountUnknown,
            Self::GatewayUnknown => FaultCode::NotFound,
            Self::AllowanceSpent => FaultCode::DailyAllowanceSpent,
            Self::RateLimited => FaultCode::RateLimited,
            Self::Busy => FaultCode::ModelBusy,
            Self::ModelRetired | Self::ModelUnknown | Self::ModelClosed => FaultCode::ModelGone,
            Self::PaidPlanNeeded => FaultCode::PaidPlanNeeded,
            Self::LicenceNeeded => FaultCode::LicenceNeeded,
            Self::ContextTooLong => FaultCode::ContextTooLong,
            Self::TooLarge => FaultCode::RequestTooLarge,
            Self::ContentRefused => FaultCode::ContentRefused,
            Self::SchemaMismatch
            | Self::JsonSchemaRefused
            | Self::JsonModeFailed
            | Self::ArgumentsNotObjects
            | Self::LoraRefused
            | Self::NoSuchEndpoint
            | Self::BadRequest => FaultCode::BadRequest,
            Self::TookTooLong => FaultCode::TimedOut,
            Self::Aborted | Self::Upstream => FaultCode::Upstream,
        }
    }

    /// How many tries are worth making in all.
    fn tries(self) -> u32 {
        match self {
            Self::RateLimited | Self::Busy | Self::TookTooLong | Self::Upstream => MAX_TRIES,
            Self::Aborted => 2,
            _ => 1,
        }
    }
}

impl Error {
    /// How long to wait before the next try, when `attempt` tries (from 1) have been made; `None` when another try is of
    /// no use, or has to be the person's decision because the pause is longer than [`LONGEST_PAUSE`].
    ///
    /// 1 s, 2 s, 4 s, or what the service asks for if that is more. Jitter is added by who waits, and only upwards.
    pub fn retry_delay(&self, attempt: u32) -> Option<Duration> {
        let tries = match self {
            Self::Refused(refusal) => refusal.why.tries(),
            Self::Unreachable(_) => MAX_TRIES,
            _ => 1,
        };
        if attempt >= tries.min(MAX_TRIES) {
            return None;
        }
        let own = Duration::from_secs(1 << attempt.saturating_sub(1).min(2));
        let pause = own.max(self.retry_after().unwrap_or_default());
        (pause <= LONGEST_PAUSE).then_some(pause)
    }

    /// No work was begun, so that another try cannot be billed a second time. Pictures and speech are repeated only then.
    pub fn is_surely_unbilled(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(refusal.why, Why::Busy | Why::RateLimited),
            Self::Unreachable(_) | Self::TlsRefused(_) | Self::ProxyRefused(_) => true,
            Self::TimedOut(waited) => matches!(waited, Waited::Connection(_)),
            _ => false,
        }
    }

    /// How long the service asks to wait, if it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(|refusal| refusal.retry_after)
    }

    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Why the service refused, if it did.
    pub fn why(&self) -> Option<Why> {
        self.refusal().map(|refusal| refusal.why)
    }

    /// What the window and the command line are told.
    pub fn fault(&self) -> Fault {
        let code = match self {
            Self::TokenMalformed(_) => FaultCode::TokenRejected,
            Self::Misconfigured { .. } | Self::InvalidInput(_) => FaultCode::InvalidInput,
            Self::Refused(refusal) => return refusal.fault(),
            Self::NotTheService { status, detail } => {
                let fault = Fault::new(FaultCode::NotTheService).with_detail(detail.as_str());
                return Fault { status: Some(*status), ..fault };
            }
            Self::Unreachable(_) => FaultCode::Offline,
            Self::TlsRefused(_) => FaultCode::TlsRefused,
            Self::ProxyRefused(_) => FaultCode::ProxyRefused,
            Self::TimedOut(_) => FaultCode::TimedOut,
            Self::StreamCut(_) => FaultCode::StreamCut,
            Self::AnswerTooLarge { .. } | Self::AnswerMalformed(_) => FaultCode::Upstream,
            Self::EmptyAnswer { .. } => FaultCode::EmptyAnswer,
        };
        Fault::new(code).with_detail(self.to_string())
    }
}

impl Refusal {
    /// A refusal without a number, inside an answer.
    pub(crate) fn in_stream(why: Why, message: String) -> Self {
        Self {
            why,
            status: 200,
            code: None,
            message,
            reference: None,
            retry_after: None,
            until: None,
            replacement: None,
        }
    }

    fn fault(&self) -> Fault {
        let fault = Fault::new(self.why.fault_code());
        let fault = if self.message.is_empty() { fault } else { fault.with_detail(self.message.as_str()) };
        Fault {
            upstream_code: self.code,
            status: Some(self.status),
            retry_after_ms: self
                .retry_after
                .map(|pause| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)),
            until: self.until,
            replacement: self.replacement.as_ref().map(|model| model.0.clone()),
            reference: self.reference.clone(),
            ..fault
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(why: Why, retry_after: Option<u64>) -> Error {
        Error::Refused(Box::new(Refusal {
            why,
            status: 429,
            code: None,
            message: String::new(),
            reference: None,
            retry_after: retry_after.map(Duration::from_secs),
            until: None,
            replacement: None,
        }))
    }

    #[test]
    fn pauses_double_and_end_after_three_tries() {
        let error = refused(Why::RateLimited, None);
        let pauses: Vec<_> = (1..=4).map(|attempt| error.retry_delay(attempt)).collect();
        assert_eq!(pauses, [Some(Duration::from_secs(1)), Some(Duration::from_secs(2)), None, None]);
        assert_eq!(refused(Why::Aborted, None).retry_delay(2), None, "an aborted call is tried once more");
        assert_eq!(refused(Why::AllowanceSpent, None).retry_delay(1), None);
        assert_eq!(
            Error::StreamCut(String::new()).retry_delay(1),
            None,
            "what was sent may have been billed"
        );
    }

    #[test]
    fn the_service_may_ask_for_more_time_but_not_for_more_than_a_minute() {
        assert_eq!(refused(Why::Busy, Some(7)).retry_delay(1), Some(Duration::from_secs(7)));
        assert_eq!(refused(Why::Busy, Some(0)).retry_delay(1), Some(Duration::from_secs(1)));
        assert_eq!(refused(Why::Busy, Some(60)).retry_delay(1), Some(Duration::from_secs(60)));
        assert_eq!(refused(Why::Busy, Some(61)).retry_delay(1), None);
        assert_eq!(refused(Why::RateLimited, Some(99_999)).fault().retry_after_ms, Some(99_999_000));
    }
}
