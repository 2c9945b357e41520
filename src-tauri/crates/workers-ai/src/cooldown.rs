//! One cooldown per account: when the service says "too many", every call waits, not only the one that was told.

use crate::error::{Error, LONGEST_PAUSE, Why};
use domain::ModelId;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The service itself never refuses for longer than five minutes at a time; a header that says more is not believed for
/// calls that follow (the one that got it still reports it).
const LONGEST: Duration = Duration::from_secs(300);

/// Until when to be quiet: under `None` for the account, under a model for that model alone.
#[derive(Debug, Default)]
pub(crate) struct Cooldown(Mutex<HashMap<Option<ModelId>, (Instant, Error)>>);

impl Cooldown {
    /// Remembers an error that concerns more than its own call.
    pub(crate) fn note(&self, error: &Error, model: Option<&ModelId>, attempt: u32, now: Instant) {
        let key = match error.why() {
            Some(Why::RateLimited) => None,
            Some(Why::Busy) => model.cloned(),
            _ => return,
        };
        let own = Duration::from_secs(1 << attempt.saturating_sub(1).min(2));
        let pause = error.retry_after().unwrap_or_default().max(own).min(LONGEST);
        let until = now + pause;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&key) {
            Some((later, _)) if *later >= until => {}
            _ => {
                known.insert(key, (until, error.clone()));
            }
        }
    }

    /// How long to wait yet, and why.
    ///
    /// # Errors
    /// The remembered error, with the time that is left, when that is longer than a call waits by itself.
    pub(crate) fn pause(
        &self,
        model: Option<&ModelId>,
        now: Instant,
    ) -> Result<Option<(Instant, Error)>, Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (until, _)| *until > now);
        let for_account = known.get(&None);
        let for_model = model.and_then(|model| known.get(&Some(model.clone())));
        let Some((until, error)) = for_account.into_iter().chain(for_model).max_by_key(|(until, _)| *until)
        else {
            return Ok(None);
        };
        let error = with_retry_after(error.clone(), *until - now);
        if *until - now > LONGEST_PAUSE { Err(error) } else { Ok(Some((*until, error))) }
    }
}

fn with_retry_after(mut error: Error, left: Duration) -> Error {
    if let Error::Refused(refusal) = &mut error {
        refusal.retry_after = Some(left);
    }
    error
}
