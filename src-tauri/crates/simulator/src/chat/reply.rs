//! What the simulated model says to a request, before any dialect: thoughts, text, calls, counts and cost.

use serde_json::Value;

use super::json_mode;
use super::request::{Format, Request};
use super::tools::{self, ToolCall};
use crate::answers;
use crate::errors::Refusal;
use crate::price;
use crate::run::Job;
use crate::tokens;

/// The reply.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// Empty when the model does not think or may not.
    pub(crate) thoughts: String,
    pub(crate) text: String,
    /// The object of JSON mode, whose text is `text`.
    pub(crate) object: Option<Value>,
    pub(crate) calls: Vec<ToolCall>,
    /// `stop`, `length` or `tool_calls`.
    pub(crate) finish: &'static str,
    pub(crate) tokens_in: usize,
    pub(crate) tokens_out: usize,
    pub(crate) reasoning_tokens: usize,
    pub(crate) cached: usize,
    pub(crate) neurons: f64,
    /// Belongs to the request's content: ids are made of it.
    pub(crate) id: u64,
}

impl Reply {
    /// Answers, or refuses as the model would.
    pub(crate) fn to(job: &Job<'_>, request: &Request) -> Result<Self, Refusal> {
        if request.turns.iter().any(|turn| turn.text.to_lowercase().contains("nsfw")) {
            return Err(Refusal::named("content_refused"));
        }
        let effects = &job.call.effects;
        let scripted = effects.text.is_some() || answers::is_literal(&request.turns);
        let calls = if scripted { Vec::new() } else { tools::calls(job.model, request) };
        let (text, object) = match (&request.format, &effects.text) {
            (_, Some(text)) => (text.clone(), None),
            _ if !calls.is_empty() => (String::new(), None),
            (Format::Text, None) => (answers::compose(&request.turns, job.model, request.seed), None),
            (format, None) => {
                let object = json_mode::object(format, &request.turns)?;
                (object.to_string(), Some(object))
            }
        };
        let thoughts = match &effects.thoughts {
            Some(thoughts) => thoughts.clone(),
            None if scripted || request.effort == 0 => String::new(),
            None => answers::thoughts(&request.turns, request.effort),
        };
        // Some forced calls leak into the text as plain JSON.
        let leaked = tools::leaks(job.model, request).then(|| calls.first()).flatten().map(ToolCall::as_text);
        let mut reply = Reply {
            thoughts,
            text: leaked.clone().unwrap_or(text),
            object,
            calls: if leaked.is_some() { Vec::new() } else { calls },
            finish: "stop",
            tokens_in: request.tokens_in,
            tokens_out: 0,
            reasoning_tokens: 0,
            cached: cached(job, request),
            neurons: 0.0,
            id: crate::random::hash(request.input_text().as_bytes()) ^ request.seed,
        };
        reply.count(job, request.max_tokens);
        Ok(reply)
    }

    /// Cuts at `max_tokens` and fills in the counts. Thoughts come first and can use all of it up.
    pub(crate) fn count(&mut self, job: &Job<'_>, max_tokens: Option<usize>) {
        let limit = max_tokens.or(job.model.max_output).unwrap_or(usize::MAX);
        let cut_thoughts = cut(&mut self.thoughts, limit);
        self.reasoning_tokens = tokens::count(&self.thoughts);
        let cut_text = cut(&mut self.text, limit - self.reasoning_tokens.min(limit));
        self.tokens_out = self.reasoning_tokens
            + tokens::count(&self.text)
            + self.calls.iter().map(ToolCall::tokens).sum::<usize>();
        if cut_text {
            self.object = None;
        }
        self.finish = match () {
            () if cut_thoughts || cut_text => "length",
            () if !self.calls.is_empty() => "tool_calls",
            () => "stop",
        };
        self.neurons = price::text(job.model, self.tokens_in, self.cached, self.tokens_out);
    }
}

/// Shortens to so many tokens; says whether it had to.
fn cut(text: &mut String, limit: usize) -> bool {
    let pieces = tokens::pieces(text);
    if pieces.len() <= limit {
        return false;
    }
    let length = pieces[..limit].iter().map(|piece| piece.len()).sum();
    text.truncate(length);
    true
}

/// Tokens that this session's last prompt has in common with this one; short prompts and first requests have none.
fn cached(job: &Job<'_>, request: &Request) -> usize {
    let has_price = job.model.price.iter().any(|price| price.unit == "per M cached input tokens");
    let Some(session) = job.call.header("x-session-affinity").filter(|_| has_price) else { return 0 };
    let now = request.input_text();
    let Some(before) = job.state.swap_prefix(format!("{} {session}", job.model.id), now.clone()) else {
        return 0;
    };
    let (now, before) = (tokens::pieces(&now), tokens::pieces(&before));
    let common = now.iter().zip(&before).take_while(|(a, b)| a == b).count().min(request.tokens_in);
    // Blocks of 16, as prefix caches keep them; below four blocks nothing is kept.
    if common < 64 { 0 } else { common / 16 * 16 }
}
