//! Chat: a request in our words, sent to either endpoint, answered as a stream of deltas.
//!
//! `/ai/v1/chat/completions` by default, because it speaks one form for every model; `/ai/run/{model}` where an option
//! exists only there, and as the second choice when the first does not know the model or refuses the request's form.
//! Whatever is changed and sent again counts as a try, and nothing is sent again after the first token.

mod form;
mod message;
mod stream;

pub use message::{ChatMessage, Part, Speaker, Tool, ToolChoice};
pub use stream::ChatStream;

use crate::client::{Client, parse};
use crate::delta::Decoder;
use crate::error::Error;
use crate::thoughts::thinks_in_its_text;
use crate::tries::{Repeat, Tries};
use crate::wire::Reply;
use domain::{ModelId, Parameters, Task};
use form::Form;
use stream::Origin;

/// A whole answer in JSON is not larger than this.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// What to ask a chat model.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// The model.
    pub model: ModelId,
    /// What was said so far, the system prompt first.
    pub messages: Vec<ChatMessage>,
    /// What the person set; the rest is not sent.
    pub parameters: Parameters,
    /// Ask for a stream. JSON mode is never streamed, whatever this says.
    pub stream: bool,
    /// The same text for each request of a conversation leads to the same replica, whose prefix cache is warm.
    pub session: Option<String>,
    /// Tools that the model may call.
    pub tools: Vec<Tool>,
    /// Which of them it has to call.
    pub tool_choice: Option<ToolChoice>,
    /// A LoRA adapter's name or id; only the native endpoint takes it.
    pub lora: Option<String>,
    /// Send the text of the messages as a bare prompt, without a chat template; only the native endpoint takes it.
    pub raw: bool,
    /// Fail at once instead of waiting in the capacity queue.
    pub reject_if_busy: bool,
}

impl ChatRequest {
    /// A streamed request with nothing set.
    pub fn new(model: ModelId, messages: Vec<ChatMessage>) -> Self {
        Self {
            model,
            messages,
            parameters: Parameters::default(),
            stream: true,
            session: None,
            tools: Vec::new(),
            tool_choice: None,
            lora: None,
            raw: false,
            reject_if_busy: false,
        }
    }
}

impl Client {
    /// Asks a chat model, and returns when its first token is here (or its whole answer, if it does not stream).
    ///
    /// Tries again within the rules of [`crate::Error::retry_delay`], changes what a model refuses (an unknown key, the
    /// endpoint, the form of the schema), and reports pauses to [`Client::on_wait`]. Dropping the future closes the connection.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a request that no model takes; everything of the wire.
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        request.check()?;
        let mut form = Form::first(request);
        let mut tries = Tries::begin(self, Task::TextGeneration, Some(&request.model), Repeat::Freely).await;
        loop {
            tries.ready().await?;
            match self.open(request, &form).await {
                Ok(opened) => return Ok(opened.with(tries.into_slot(), form.dropped())),
                Err(error) if tries.may_change() && form.change(&error, request) => {
                    // Not its words: a service may repeat what it was sent.
                    tracing::debug!(why = ?error.why(), "the request is sent again in another form");
                }
                Err(error) => tries.after(self.with_replacement(error, &request.model)).await?,
            }
        }
    }

    async fn open(&self, request: &ChatRequest, form: &Form) -> Result<stream::Opened, Error> {
        let mut wire_request = self.model_request(&form.path(request)?, form.payload(request))?;
        form.headers(request, &mut wire_request.headers);
        let mut reply = self.send(&wire_request, self.account.timeouts.first_byte).await?;
        let origin = Origin::of(self, request, form, &reply);
        let decoder = Decoder::new(thinks_in_its_text(&request.model));
        match first_bytes(&mut reply).await? {
            Kind::Events(first) => stream::Opened::events(reply.flow, &first, decoder, origin).await,
            Kind::Json(first) => {
                let body = rest(&mut reply, first).await?;
                stream::Opened::whole(&parse(&reply, &body)?, decoder, origin)
            }
        }
    }

    /// Tells what to use instead of a retired model.
    pub(crate) fn with_replacement(&self, mut error: Error, model: &ModelId) -> Error {
        if let Error::Refused(refusal) = &mut error
            && refusal.why.fault_code() == domain::FaultCode::ModelGone
        {
            refusal.replacement = self.account.prices.replacement(model);
        }
        error
    }
}

/// What an answer is, judged by its first byte: the media type is wrong too often.
enum Kind {
    Events(Vec<u8>),
    Json(Vec<u8>),
}

async fn first_bytes(reply: &mut Reply) -> Result<Kind, Error> {
    let mut bytes = Vec::new();
    loop {
        let visible = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes).trim_ascii_start();
        match visible.first() {
            // A page is told by `parse`; an event stream never begins like this.
            Some(b'{' | b'<' | b'[') => return Ok(Kind::Json(bytes)),
            Some(_) => return Ok(Kind::Events(bytes)),
            None => {}
        }
        match reply.flow.chunk().await? {
            Some(chunk) => bytes.extend_from_slice(&chunk),
            None if reply.media_type().ends_with("json") => return Ok(Kind::Json(bytes)),
            None => return Ok(Kind::Events(bytes)),
        }
        if bytes.len() > LARGEST_ANSWER {
            return Err(Error::AnswerTooLarge { limit: LARGEST_ANSWER });
        }
    }
}

async fn rest(reply: &mut Reply, mut bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    while let Some(chunk) = reply.flow.chunk().await? {
        if bytes.len() + chunk.len() > LARGEST_ANSWER {
            return Err(Error::AnswerTooLarge { limit: LARGEST_ANSWER });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
