//! Neurons: what today cost, what the last days cost, and the limits that the person set.
//!
//! Every call that may have cost something is one line of the ledger. What the service said is written as measured;
//! what it did not say is computed from prices and written as an estimate. The soft limit is a question, and questions
//! belong to the window, which has both figures; the hard limit is kept here.

use crate::Engine;
use crate::accounts::Caller;
use domain::{
    AppEvent, ConversationId, DAILY_ALLOWANCE, Fault, FaultCode, LedgerEntry, Model, Usage, UsageReport,
    UsageToday,
};

/// The use cases about usage. Made by [`Engine::usage`].
#[derive(Clone)]
pub struct UsageDesk {
    pub(crate) engine: Engine,
}

impl UsageDesk {
    /// Today's neurons of the account in use.
    ///
    /// # Errors
    /// The store's.
    pub async fn usage_today(&self) -> Result<UsageToday, Fault> {
        let now = self.engine.now();
        let account = self.engine.access().current();
        let Some(account) = account else {
            let resets_at = now.next_utc_midnight();
            let (neurons, estimated, allowance, simulated) = (0.0, 0.0, DAILY_ALLOWANCE, false);
            return Ok(UsageToday { neurons, estimated, allowance, resets_at, simulated });
        };
        self.engine.database().read(move |shelf| Ok(shelf.disk.usage_today(now, Some(&account))?)).await
    }

    /// The ledger of the account in use over the last `days`, summed by day, model, task and conversation.
    ///
    /// # Errors
    /// The store's.
    pub async fn usage_report(&self, days: u32) -> Result<UsageReport, Fault> {
        let now = self.engine.now();
        let account = self.engine.access().current();
        self.engine
            .database()
            .read(move |shelf| Ok(shelf.disk.usage_report(now, days.clamp(1, 3_660), account.as_ref())?))
            .await
    }

    /// Tells the window today's new figure.
    pub(crate) async fn tell_today(&self) {
        if let Ok(today) = self.usage_today().await {
            self.engine.news().tell(&AppEvent::UsageChanged { today });
        }
    }

    /// Refuses when the day's neurons have reached the limit that the person set. The simulator costs nothing.
    pub(crate) async fn keep_within_cap(&self, caller: &Caller) -> Result<(), Fault> {
        let Some(cap) = self.engine.in_force().now().hard_cap.filter(|_| !caller.simulated) else {
            return Ok(());
        };
        let today = self.usage_today().await?;
        if today.neurons < cap {
            return Ok(());
        }
        let fault = Fault::new(FaultCode::CapReached)
            .with_detail(format!("{:.0} of {cap:.0} neurons", today.neurons));
        Err(Fault { until: Some(today.resets_at), ..fault })
    }

    /// Writes a line for a call that is no answer.
    pub(crate) async fn book(
        &self,
        caller: &Caller,
        model: &Model,
        task: &str,
        conversation: Option<ConversationId>,
        usage: Usage,
    ) {
        let entry = entry(&self.engine, caller, model, task, conversation, usage);
        let booked = self.engine.database().write(move |shelf| Ok(shelf.disk.add_to_ledger(&entry)?)).await;
        if let Err(fault) = booked {
            tracing::warn!(code = ?fault.code, "a line of the ledger could not be written");
        }
        self.tell_today().await;
    }
}

/// A line of the ledger.
pub(crate) fn entry(
    engine: &Engine,
    caller: &Caller,
    model: &Model,
    task: &str,
    conversation: Option<ConversationId>,
    usage: Usage,
) -> LedgerEntry {
    LedgerEntry {
        at: engine.now(),
        account: caller.key.clone(),
        model: model.id.clone(),
        task: task.to_owned(),
        conversation,
        usage,
    }
}

/// The usage of a call: what the service said, and the neurons from prices where it did not say them.
/// `input` and `output` are our own estimates of the tokens, for an answer that ended before its figures came.
pub(crate) fn complete(said: Option<Usage>, model: &Model, input: u32, output: u32) -> Usage {
    let mut usage = said.unwrap_or_default();
    if usage.neurons.is_some() {
        return usage;
    }
    let counted = Usage {
        input_tokens: usage.input_tokens.or(Some(input)),
        output_tokens: usage.output_tokens.or(Some(output)),
        ..usage.clone()
    };
    usage.neurons = Some(workers_ai::estimate_neurons(model, &counted));
    usage.estimated = true;
    usage
}
