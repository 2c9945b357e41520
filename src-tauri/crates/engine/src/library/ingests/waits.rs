//! Limits that pass. A run that meets one waits and goes on by itself, instead of failing everything that is left: today's
//! allowance comes back at midnight UTC, a service that refuses too many requests takes them again.

use super::work::{Work, stopped};
use domain::{Fault, FaultCode, IngestEvent, Timestamp};
use std::time::Duration;

/// The pauses after one refusal, two, and so on. Between them a single request is sent.
const PAUSES: [u64; 5] = [15, 30, 60, 120, 300];
/// Errors of the service's own are waited for so often in a row: they may be about what was sent.
const OWN_ERRORS: usize = 3;
/// A timer does not run while the machine sleeps, so the calendar is asked at least so often.
const ASKED_EVERY: Duration = Duration::from_secs(600);
const DAY_MS: i64 = 86_400_000;

impl Work {
    /// Waits when the fault is of the kind that passes, and says whether it did. `tries` counts the waits without success.
    ///
    /// # Errors
    /// `Stopped`.
    pub(super) async fn wait_out(&self, fault: &Fault, tries: &mut usize) -> Result<bool, Fault> {
        let now = self.engine.now();
        let Some(until) = passes(fault, *tries, now) else { return Ok(false) };
        *tries += 1;
        self.hold(fault.clone(), until).await?;
        Ok(true)
    }

    /// Waits outside the lane until then, or until somebody wants it to try at once. What waits is on disk: another process
    /// goes on waiting.
    pub(super) async fn hold(&self, fault: Fault, until: Timestamp) -> Result<(), Fault> {
        let (run, why) = (self.ingest.id.clone(), fault.clone());
        self.engine.database().write(move |shelf| Ok(shelf.disk.hold_ingest(&run, &why, until)?)).await?;
        self.tell_documents().await;
        self.leave_lane();
        loop {
            let left = u64::try_from(until.0 - self.engine.now().0).unwrap_or_default();
            if left == 0 {
                break;
            }
            self.ingest.tell(IngestEvent::Waiting { fault: fault.clone(), delay_ms: left });
            tokio::select! {
                biased;
                () = self.ingest.stop.cancelled() => return Err(stopped()),
                () = self.ingest.woken() => break,
                () = tokio::time::sleep(Duration::from_millis(left).min(ASKED_EVERY)) => {}
            }
        }
        self.take_turn().await?;
        let run = self.ingest.id.clone();
        let consent = self.ingest.has_consent();
        self.engine
            .database()
            .write(move |shelf| {
                if consent {
                    shelf.disk.accept_ingest(&run)?;
                }
                Ok(())
            })
            .await?;
        self.tell_documents().await;
        Ok(())
    }

    async fn tell_documents(&self) {
        for row in self.documents().await.unwrap_or_default() {
            self.tell_document(row.document);
        }
    }
}

/// When a fault is worth another try, after so many in a row; `None` for one that stays.
fn passes(fault: &Fault, tries: usize, now: Timestamp) -> Option<Timestamp> {
    let pause = PAUSES[tries.min(PAUSES.len() - 1)] * 1_000;
    let later = |ms: u64| Timestamp(now.0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)));
    match fault.code {
        FaultCode::DailyAllowanceSpent | FaultCode::CapReached => {
            let midnight = Timestamp((now.0.div_euclid(DAY_MS) + 1) * DAY_MS);
            Some(fault.until.filter(|until| *until > now).unwrap_or(midnight))
        }
        FaultCode::RateLimited | FaultCode::ModelBusy | FaultCode::Offline | FaultCode::TimedOut => {
            Some(later(pause.max(fault.retry_after_ms.unwrap_or_default())))
        }
        FaultCode::Upstream if tries < OWN_ERRORS => Some(later(pause)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: FaultCode, tries: usize, now: i64, expected: Option<i64>) {
        let until = passes(&Fault::new(code), tries, Timestamp(now));
        assert_eq!(until, expected.map(Timestamp), "{code:?} after {tries}");
    }

    #[test]
    fn what_passes_is_waited_for_and_what_stays_is_not() {
        check(FaultCode::DailyAllowanceSpent, 0, DAY_MS + 5, Some(2 * DAY_MS));
        check(FaultCode::DailyAllowanceSpent, 9, DAY_MS, Some(2 * DAY_MS));
        check(FaultCode::RateLimited, 0, 100, Some(15_100));
        check(FaultCode::RateLimited, 40, 100, Some(300_100));
        check(FaultCode::Upstream, 2, 0, Some(60_000));
        check(FaultCode::Upstream, 3, 0, None);
        check(FaultCode::BadRequest, 0, 0, None);
        check(FaultCode::TokenRejected, 0, 0, None);
        check(FaultCode::ModelGone, 0, 0, None);
    }
}
