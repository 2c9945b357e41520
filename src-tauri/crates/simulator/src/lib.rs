//! A faithful local stand-in for the Workers AI HTTP API.
//!
//! It exists so that Edgewise can be tried without an account, tested without a network and photographed
//! without a bill. It binds to 127.0.0.1 only, reaches no other machine, and says in every answer that it is
//! a simulation: in the first sentence of each chat answer, in the account's name, on each picture it draws.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! let simulator = simulator::Simulator::start(simulator::Options::default()).await?;
//! println!("use {} instead of https://api.cloudflare.com/client/v4", simulator.base_url());
//! # Ok(()) }
//! ```
//!
//! # What it answers
//!
//! Below `{base_url}`: `user/tokens/verify`, `accounts`, `memberships`, `graphql`, and below `accounts/{id}`:
//! `tokens/verify`, `ai/run/{model}` and the body-addressed `ai/run`, `ai/v1/chat/completions`,
//! `ai/v1/embeddings`, `ai/v1/responses`, `ai/models/search`, `ai/models/schema`, `ai/tasks/search`,
//! `ai/authors/search`, `ai/finetunes`, `ai/tomarkdown`, `ai-gateway/gateways` and their logs.
//! Which dialect a chat model speaks is chosen by the model, as in life. Context limits, schemas, batch sizes
//! and prices are really applied, from the bundled catalogue.
//!
//! # Tokens with a meaning
//!
//! Any token that is not empty is accepted unless [`Options::token`] names one. These are special:
//!
//! | token begins with | behaves as |
//! |---|---|
//! | `cfat_` | account-owned: refused by the user verify endpoint (1000), by `memberships` (9106) |
//! | `cfut_invalid`, `cfat_invalid` | unknown: 1000 when verified, 10000 elsewhere |
//! | `cfut_expired`, `cfut_disabled` (also `cfat_`) | verified with that status, 10000 elsewhere |
//! | `cfut_no_ai` | valid, but without the Workers AI permission: 403 / 10000 below `ai/` |
//! | `cfut_read_only` | reads the catalogue, may not run models: 403 / 10000 |
//! | `cfut_no_accounts` | `accounts` is an empty list |
//! | `cfut_accounts_denied` | `accounts` answers 403 / 9109 |
//! | `cfut_two_accounts` | two accounts: the usual one and [`SECOND_ACCOUNT_ID`] |
//!
//! # Prompts with a meaning
//!
//! `say: X` or `echo: X` answers exactly X. `write 500 words` writes 500 words. `think ...` thinks longer on a
//! reasoning model. A last message `continue` (or a last message by the assistant) goes on with the cut
//! answer. A passage that holds `simulator, say: X` is obeyed, so that tests can poison a document. A prompt
//! holding `nsfw` is refused with 3030. A gateway whose id begins with `unknown` is refused with 2001.
//!
//! # Faults
//!
//! A [`Scenario`] is a list of [`Rule`]s: when a request matches, its [`Effects`] apply. Set one with
//! [`Options::scenario`], [`Simulator::set_scenario`], or from outside the process:
//!
//! | call | does |
//! |---|---|
//! | `PUT {origin}/_simulator/scenario` | replaces the scenario with the JSON body |
//! | `GET {origin}/_simulator/scenario` | the scenario in force |
//! | `GET {origin}/_simulator/requests` | everything seen, as JSON |
//! | `DELETE {origin}/_simulator/requests` | forgets it |
//!
//! ```json
//! { "rules": [
//!   { "when": { "path": "chat/completions", "nth": 1 }, "then": { "error": "capacity", "retry_after": "2" } },
//!   { "when": { "model": "flux-1-schnell" }, "then": { "image": "truncated" } },
//!   { "times": 3, "then": { "speed": 20, "line_end": "crlf" } } ] }
//! ```
//!
//! # How to add an endpoint
//!
//! 1. Write a function `fn(&Call, &State) -> Result<Answer, Refusal>` in a module named after the thing.
//! 2. Give its path a row in `routes.rs`; a model's own form goes to the `match` on the task in `run.rs`.
//! 3. Charge neurons through `Answer::charged`, if it costs any.
//! 4. Put the reference's example into `tests/` as a test.
//!
//! # How to add an effect
//!
//! 1. Add a field to [`Effects`] with its meaning, and a line to `Effects::or`.
//! 2. Apply it where it acts: before routing (`handle.rs`), to the finished answer (`effects.rs`), or while
//!    the bytes leave (`delivery.rs`).
//! 3. Add a constructor to [`Scenario`] if tests will want it often, and a test in `tests/faults.rs`.
//!
//! # How to add a named error
//!
//! One row in the table of `errors.rs`; its test walks the table.

mod accounts;
mod answer;
mod answers;
mod audio;
mod auth;
mod batch;
mod catalogue;
mod chat;
mod control;
mod delivery;
mod effects;
mod embeddings;
mod errors;
mod gateway;
mod handle;
mod images;
mod markdown;
mod price;
mod random;
mod routes;
mod run;
mod scenario;
mod schemas;
mod seen;
mod server;
mod socket;
mod state;
mod text_tasks;
mod tokens;
mod usage;
mod words;

use std::net::SocketAddr;
use std::sync::Arc;

pub use embeddings::embed;
pub use errors::names as error_names;
pub use scenario::{
    Effects, ErrorShape, ImageFault, LineEnd, NoAnswer, RawAnswer, Rule, Scenario, StreamError,
    StreamErrorShape, UsagePlace, When,
};
pub use seen::Seen;
use state::State;

/// A token that the simulator accepts, for the app's second door. It opens nothing else.
pub const DEMO_TOKEN: &str = "cfut_simulation0000000000000000000000000000";
/// The account that the simulator lists: 32 hexadecimal characters like a real one.
pub const DEMO_ACCOUNT_ID: &str = "51a1a7ed00000000000000000000de30";
/// The further account of a token that begins with `cfut_two_accounts`.
pub const SECOND_ACCOUNT_ID: &str = "51a1a7ed0000000000000000000005ec";

/// How a simulator behaves apart from its [`Scenario`].
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port on 127.0.0.1; `None` takes a free one.
    pub port: Option<u16>,
    /// Tokens per second of streamed answers; `None` is as fast as it goes.
    pub speed: Option<f64>,
    /// The faults to begin with.
    pub scenario: Scenario,
    /// When set, the only bearer token that is accepted; otherwise any that is not empty.
    pub token: Option<String>,
    /// When set, the only account; otherwise [`DEMO_ACCOUNT_ID`] is listed and any 32 hexadecimal characters serve.
    pub account_id: Option<String>,
    /// Changes the wording of answers and the drawing of pictures; equal seeds give equal bytes.
    pub seed: u64,
    /// The day on which retirement dates are judged and usage is booked; `None` is the clock's, in UTC.
    pub today: Option<jiff::civil::Date>,
    /// Refuse with 3036 once 10,000 neurons are spent on a day.
    pub enforce_allowance: bool,
    /// Neurons that count as spent today before the first request.
    pub neurons_spent: f64,
    /// Refuse paid-only models with 5035.
    pub free_plan: bool,
    /// Demand the licence step (5016) of Llama 3.2 Vision before its first answer.
    pub licence_step: bool,
}

/// A running server; dropping it stops it and closes every connection.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    state: Arc<State>,
    server: tokio::task::JoinHandle<()>,
}

impl Simulator {
    /// Binds 127.0.0.1 and begins to answer.
    ///
    /// # Errors
    /// When the port is taken or may not be bound.
    pub async fn start(options: Options) -> std::io::Result<Simulator> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", options.port.unwrap_or(0))).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(options));
        let server = tokio::spawn(server::serve(listener, Arc::clone(&state)));
        Ok(Simulator { address, state, server })
    }

    /// `http://127.0.0.1:PORT/client/v4`, which stands for `https://api.cloudflare.com/client/v4`.
    pub fn base_url(&self) -> String {
        format!("http://{}/client/v4", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces the scenario for the requests that follow; counters of `nth` and `times` begin anew.
    pub fn set_scenario(&self, scenario: Scenario) {
        self.state.set_scenario(scenario);
    }

    /// Every request seen since the start or the last [`Simulator::clear_requests`], oldest first.
    /// The oldest are forgotten beyond 20,000 requests or 512 MiB of bodies.
    pub fn requests(&self) -> Vec<Seen> {
        self.state.seen()
    }

    /// Forgets the requests seen.
    pub fn clear_requests(&self) {
        self.state.clear_seen();
    }

    /// How many answers are being sent at this moment.
    pub fn open_streams(&self) -> usize {
        self.state.open_streams()
    }

    /// Neurons charged today, those of [`Options::neurons_spent`] included.
    pub fn neurons_today(&self) -> f64 {
        self.state.neurons_today()
    }

    /// Stops, and returns when every connection is closed.
    pub async fn shutdown(mut self) {
        self.server.abort();
        // The task ends by cancellation, which is what was asked for.
        let _ = (&mut self.server).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}
