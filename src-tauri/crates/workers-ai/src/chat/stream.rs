//! An answer as it arrives. It is pulled; dropping it closes the connection and frees its place among the requests.

use super::ChatRequest;
use super::form::{Door, Form};
use crate::client::Client;
use crate::delta::{Decoder, Delta, Ending};
use crate::error::Error;
use crate::pace::Slot;
use crate::prices::PriceList;
use crate::wire::{Flow, Reply};
use domain::{Finish, ModelId, Usage};
use futures::FutureExt;
use serde_json::Value;
use std::time::Duration;

/// Once the model has told why it ended, only figures and the last mark are missing.
const CLOSING_WORDS: Duration = Duration::from_secs(5);

/// Native models stop here when no limit is sent, and do not say so.
const NATIVE_LIMIT: u32 = 256;

/// What the request tells about its answer.
#[derive(Debug)]
pub(super) struct Origin {
    model: ModelId,
    /// The header's figure; on a stream it may have been sent before all was counted.
    neurons: Option<f64>,
    /// Estimated tokens of the request, for want of better.
    input: u32,
    /// The limit of tokens, where the answer does not tell that it was reached.
    silent_limit: Option<u32>,
    log_id: Option<String>,
    prices: PriceList,
}

/// A stream whose first token is here.
pub(super) struct Opened {
    flow: Option<Flow>,
    decoder: Decoder,
    origin: Origin,
    first: Option<Delta>,
}

/// A chat model's answer.
#[derive(Debug)]
pub struct ChatStream {
    flow: Option<Flow>,
    decoder: Decoder,
    origin: Origin,
    first: Option<Delta>,
    /// Given out when the bytes are over.
    closing: Vec<Delta>,
    failure: Option<Error>,
    over: bool,
    dropped: Vec<String>,
    slot: Option<Slot>,
}

impl Origin {
    pub(super) fn of(client: &Client, request: &ChatRequest, form: &Form, reply: &Reply) -> Self {
        let native = form.door == Door::Native;
        Self {
            model: request.model.clone(),
            neurons: reply.neurons(),
            input: u32::try_from(request.length() / 4).unwrap_or(u32::MAX).saturating_add(8),
            silent_limit: native.then(|| request.parameters.max_tokens.unwrap_or(NATIVE_LIMIT)),
            log_id: reply.header("cf-aig-log-id").map(str::to_owned),
            prices: client.account.prices.clone(),
        }
    }
}

impl Opened {
    /// Reads until the first token (or thought) is here. What fails before it may be tried again.
    pub(super) async fn events(
        mut flow: Flow,
        first_bytes: &[u8],
        mut decoder: Decoder,
        origin: Origin,
    ) -> Result<Self, Error> {
        decoder.push(first_bytes);
        loop {
            if let Some(delta) = decoder.next() {
                return Ok(Self { flow: Some(flow), first: Some(delta?), decoder, origin });
            }
            if decoder.is_over() {
                break;
            }
            match flow.chunk().await? {
                Some(bytes) => decoder.push(&bytes),
                None => break,
            }
        }
        Ok(Self { flow: Some(flow), decoder, origin, first: None })
    }

    /// A whole answer, be it asked for or given in place of a stream.
    pub(super) fn whole(value: &Value, mut decoder: Decoder, origin: Origin) -> Result<Self, Error> {
        decoder.whole(value);
        match decoder.next() {
            None => Err(Error::EmptyAnswer { thoughts_used_up: false }),
            Some(first) => Ok(Self { flow: None, first: Some(first?), decoder, origin }),
        }
    }

    pub(super) fn with(self, slot: Slot, dropped: Vec<String>) -> ChatStream {
        let Self { flow, decoder, origin, first } = self;
        let (closing, slot) = (Vec::new(), Some(slot));
        ChatStream { flow, decoder, origin, first, closing, failure: None, over: false, dropped, slot }
    }
}

impl ChatStream {
    /// The next piece; `None` after [`Delta::Finish`]. Safe to drop and to call again, so it can stand in a `select!`.
    ///
    /// # Errors
    /// [`Error::StreamCut`] when the answer broke off, [`Error::TimedOut`] when it fell silent, [`Error::EmptyAnswer`],
    /// and what the service says in the middle. What was given before stays valid; [`ChatStream::usage`] tells the cost.
    pub async fn next(&mut self) -> Result<Option<Delta>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        loop {
            if let Some(delta) = self.decoder.next() {
                return delta.map(Some).inspect_err(|_| self.hang_up());
            }
            if !self.over {
                self.pull().await;
                continue;
            }
            if let Some(delta) = self.closing.pop() {
                return Ok(Some(delta));
            }
            return match self.failure.take() {
                Some(error) => Err(error),
                None => Ok(None),
            };
        }
    }

    /// Tokens and neurons as far as they are known now: told by the service, else estimated. Also after a failure or when
    /// the person stops: what was generated is billed.
    pub fn usage(&self) -> Usage {
        let tokens = self.decoder.tokens;
        let told = tokens.input.is_some() || tokens.output.is_some();
        let header = self.origin.neurons.filter(|neurons| *neurons > 0.0 || !told);
        let counted = Usage {
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cached_tokens: tokens.cached,
            neurons: tokens.neurons.or(header),
            estimated: false,
        };
        if counted.neurons.is_some() {
            return counted;
        }
        let filled = Usage {
            input_tokens: tokens.input.or(Some(self.origin.input)),
            output_tokens: tokens.output.or(Some(self.decoder.estimate / 4)),
            ..counted.clone()
        };
        let neurons = self.origin.prices.neurons(&self.origin.model, &filled);
        Usage { neurons, estimated: neurons.is_some(), ..counted }
    }

    /// The neurons of this answer as far as they are known now.
    pub fn neurons(&self) -> Option<f64> {
        self.usage().neurons
    }

    /// Keys that were set and that the model refused: the answer was made without them.
    pub fn dropped_keys(&self) -> &[String] {
        &self.dropped
    }

    /// The gateway's id of this request, when it went through one.
    pub fn log_id(&self) -> Option<&str> {
        self.origin.log_id.as_deref()
    }

    /// Events of the stream that could not be read and were left out.
    pub fn skipped_events(&self) -> u32 {
        self.decoder.skipped
    }

    async fn pull(&mut self) {
        if self.decoder.is_over() {
            return self.close(None);
        }
        let Some(flow) = &mut self.flow else { return self.close(None) };
        if self.decoder.has_finish() {
            flow.hurry(CLOSING_WORDS);
        }
        match flow.chunk().await {
            Ok(Some(bytes)) => self.decoder.push(&bytes),
            Ok(None) => self.close(None),
            Err(error) => self.close(Some(error)),
        }
    }

    /// No more bytes come: judges how it ended.
    fn close(&mut self, broken: Option<Error>) {
        self.over = true;
        let ending = self.decoder.end();
        let broken = broken.filter(|_| ending == Ending::Cut);
        // The last packet often holds the end of the body too: taking it lets the connection be used again.
        if let Some(flow) = self.flow.as_mut().filter(|_| self.decoder.is_over()) {
            let _nothing_follows = flow.chunk().now_or_never();
        }
        self.hang_up();
        match (ending, broken) {
            (Ending::Cut, Some(error)) => self.failure = Some(error),
            (Ending::Cut, None) => {
                self.failure = Some(Error::StreamCut("it ended without its final mark".to_owned()));
            }
            (Ending::Whole(finish), _) => self.close_well(finish),
        }
    }

    fn close_well(&mut self, finish: Finish) {
        let finish =
            if finish == Finish::Stop && self.reached_silent_limit() { Finish::Length } else { finish };
        // The last is given out first.
        self.closing = vec![Delta::Finish(finish), Delta::Usage(self.usage())];
        if !self.decoder.has_answer() && finish != Finish::ContentFilter {
            let thoughts_used_up = finish == Finish::Length && self.decoder.has_thoughts();
            self.closing.remove(0);
            self.failure = Some(Error::EmptyAnswer { thoughts_used_up });
        }
    }

    fn reached_silent_limit(&self) -> bool {
        let told = self.decoder.has_finish();
        let (Some(limit), Some(output)) = (self.origin.silent_limit, self.decoder.tokens.output) else {
            return false;
        };
        !told && output >= limit
    }

    fn hang_up(&mut self) {
        self.over = true;
        self.flow = None;
        self.slot = None;
    }
}
