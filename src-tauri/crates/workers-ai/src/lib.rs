//! Cloudflare Workers AI on the wire: a client for one account.
//!
//! It knows the service's dialects and hides them: whatever form a model answers in, a caller gets [`Delta`]s; whatever
//! form an error has, a caller gets an [`Error`] that knows its remedy. It repeats requests by the rules of
//! [`Error::retry_delay`], keeps within the account's limits, counts neurons, and never lets the token out.
//!
//! # Contents
//!
//! | for | see |
//! |---|---|
//! | the account | [`ApiToken`], [`Endpoint`], [`Network`], [`Client`] |
//! | chat | [`ChatRequest`], [`ChatStream`], [`Delta`], [`ToolCalls`] |
//! | models and what they cost | [`Client::catalogue`], [`bundled_catalogue`], [`estimate_neurons`] |
//! | vectors and ranks | [`EmbedRequest`], [`Client::rerank`], [`provider`] for other services |
//! | pictures and sound | [`ImageRequest`], [`image_form`], [`TranscribeRequest`], [`SpeakRequest`] |
//! | files and anything else | [`Client::to_markdown`], [`Client::run`], [`Client::agree_to_licence`] |
//! | a web page by its address | [`page`] |
//! | whether the service answers at all | [`reach()`] |
//! | what goes wrong | [`Error`], [`Why`], [`Wait`] |
//!
//! Deliberately absent: Vectorize, AI Search and Browser Run (other products), the asynchronous batch queue, models over
//! WebSocket, and any host that the person did not set.
//!
//! # How to add an endpoint
//!
//! 1. A module named after the thing, with an `impl Client` whose method takes a request struct and gives an answer struct.
//! 2. Build the request with `account_request` (or `model_request`, which goes through the gateway), wrap it in a `Call`:
//!    its task decides the limit per minute, `costly` that it is repeated only where nothing can be billed twice.
//! 3. Read the answer with `Client::json` or `Client::bytes`; both have a size limit.
//! 4. Put the reference's example into the module's tests.
//!
//! # How to add an error
//!
//! A row in `classify::why` and in its test table; a new [`Why`] only when it calls for something new.

mod account;
mod audio;
mod catalogue;
mod chat;
mod classify;
mod client;
mod conversion;
mod cooldown;
mod delta;
mod embeddings;
mod error;
mod images;
mod network;
mod pace;
pub mod page;
mod prices;
pub mod provider;
mod reach;
mod run;
pub mod sse;
#[cfg(test)]
mod testing;
mod thoughts;
mod token;
mod tool_calls;
mod tries;
mod wire;

pub use account::{Discovered, TokenStatus};
pub use audio::{Segment, SpeakRequest, Speech, TranscribeRequest, Transcript};
pub use catalogue::{Schema, bundled_catalogue, judge};
pub use chat::{ChatMessage, ChatRequest, ChatStream, Part, Speaker, Tool, ToolChoice};
pub use client::{CLOUDFLARE, Client, Endpoint};
pub use conversion::{Converted, ConvertibleFormat, FileToConvert};
pub use delta::Delta;
pub use embeddings::{EmbedRequest, Embeddings, Pooling, Ranked, Side, embedding_batch, has_pooling};
pub use error::{Error, LONGEST_PAUSE, MAX_TRIES, Refusal, Waited, Why};
pub use images::{
    ImageAnswer, ImageForm, ImageRequest, LARGEST_PICTURE, Range, Reference, Size, image_form, picture_type,
};
pub use network::{Network, Timeouts};
pub use prices::{
    PictureWork, estimate_audio, estimate_neurons, estimate_picture, estimate_speech, estimate_tokens,
};
pub use reach::{proxy_to, reach};
pub use run::{RunAnswer, RunBody};
pub use token::{ApiToken, TokenOwner};
pub use tool_calls::ToolCalls;
pub use tries::Wait;
