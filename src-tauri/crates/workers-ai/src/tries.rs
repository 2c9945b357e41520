//! The discipline of repeating: at most [`MAX_TRIES`] requests for a call, none before the service allows it, none that
//! could be billed twice, none after the first token (a call that has brought one is over for this file).
//!
//! The crate `backon` was weighed and left: the pause depends on the error and on what other calls of the account were
//! told meanwhile, and a changed request takes a try without a pause.

use crate::client::Client;
use crate::error::{Error, MAX_TRIES};
use crate::pace::Slot;
use domain::{Fault, FaultCode, ModelId, Task};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Pauses shorter than this are not worth a word.
const WORTH_TELLING: Duration = Duration::from_millis(500);

/// A pause that is being made.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// Why.
    pub fault: Fault,
    /// Which try comes next, from 1 (from 2 after a failed one).
    pub attempt: u32,
    /// How long it takes.
    pub delay: Duration,
}

/// Which failures may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// All that a repetition can help.
    Freely,
    /// Only those that surely cost nothing: pictures and speech.
    OnlyUnbilled,
}

/// The tries of one call.
pub(crate) struct Tries<'a> {
    client: &'a Client,
    task: Task,
    model: Option<&'a ModelId>,
    repeat: Repeat,
    made: u32,
    slot: Slot,
}

impl<'a> Tries<'a> {
    /// Waits for a place among the requests in flight.
    pub(crate) async fn begin(
        client: &'a Client,
        task: Task,
        model: Option<&'a ModelId>,
        repeat: Repeat,
    ) -> Self {
        let slot = client.account.pace.slot(task).await;
        Self { client, task, model, repeat, made: 0, slot }
    }

    /// Waits until a request may leave, and counts it.
    ///
    /// # Errors
    /// When the account is asked to be quiet for longer than a call waits by itself.
    pub(crate) async fn ready(&mut self) -> Result<(), Error> {
        let begins = self.client.account.pace.reserve(self.task, self.model, Instant::now());
        self.tell_of_pace(begins);
        sleep_until(begins).await;
        while let Some((until, error)) = self.client.account.cooldown.pause(self.model, Instant::now())? {
            self.tell(&error, until - Instant::now());
            sleep_until(until).await;
        }
        self.made += 1;
        Ok(())
    }

    /// Another request may be made at once because it differs from the one that was refused.
    pub(crate) fn may_change(&self) -> bool {
        self.made < MAX_TRIES
    }

    /// Waits as the error demands.
    ///
    /// # Errors
    /// The same error, when no other try is to be made.
    pub(crate) async fn after(&mut self, error: Error) -> Result<(), Error> {
        let now = Instant::now();
        self.client.account.cooldown.note(&error, self.model, self.made, now);
        let forbidden = self.repeat == Repeat::OnlyUnbilled && !error.is_surely_unbilled();
        let Some(pause) = error.retry_delay(self.made).filter(|_| !forbidden) else {
            return Err(error);
        };
        // Upwards only: what was asked for is never undercut.
        let pause = pause.mul_f64(1.0 + 0.25 * fastrand::f64());
        self.tell(&error, pause);
        sleep_until(now + pause).await;
        Ok(())
    }

    /// The place among the requests in flight, to travel with the answer.
    pub(crate) fn into_slot(self) -> Slot {
        self.slot
    }

    fn tell_of_pace(&self, begins: Instant) {
        let delay = begins.saturating_duration_since(Instant::now());
        if delay >= WORTH_TELLING {
            let fault =
                Fault::new(FaultCode::RateLimited).with_detail("the account's limit per minute is reached");
            self.client.report(Wait { fault, attempt: self.made + 1, delay });
        }
    }

    fn tell(&self, error: &Error, delay: Duration) {
        if delay >= WORTH_TELLING {
            self.client.report(Wait { fault: error.fault(), attempt: self.made + 1, delay });
        }
    }
}
