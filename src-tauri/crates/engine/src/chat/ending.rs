//! How answers end, and what of it is stored.
//!
//! Only a stream that came to its final mark is whole. What was cut, stopped or refused keeps what arrived, and says
//! why.

use super::arrived::Arrived;
use crate::runs::Halt;
use domain::{
    Fault, FaultCode, Finish, LedgerEntry, MessageId, MessageStatus, MessageView, RunStep, SourceRef,
    Timestamp,
};
use store::Ending;

/// What ended an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Its final mark came.
    Whole,
    /// It was stopped from this side.
    Halted(Halt),
    /// It was refused, or the connection ended.
    Failed(Fault),
}

/// An answer that came to an end.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What ended it.
    pub(crate) outcome: Outcome,
    /// What arrived until then.
    pub(crate) arrived: Arrived,
}

impl Ended {
    /// Why it is not what it should be, if it is not.
    pub(crate) fn fault(&self) -> Option<Fault> {
        match &self.outcome {
            Outcome::Failed(fault) => Some(fault.clone()),
            Outcome::Halted(Halt::Stopped) => None,
            Outcome::Halted(Halt::Closing) => Some(Fault::new(FaultCode::StreamCut)),
            Outcome::Whole if !self.is_empty() => None,
            Outcome::Whole if self.arrived.finish == Some(Finish::ContentFilter) => {
                Some(Fault::new(FaultCode::ContentRefused))
            }
            Outcome::Whole => Some(Fault::new(FaultCode::EmptyAnswer)),
        }
    }

    /// The model found the request too long, before it said anything.
    pub(crate) fn is_too_long(&self) -> bool {
        let too_long = self.fault().is_some_and(|fault| fault.code == FaultCode::ContextTooLong);
        too_long && !self.arrived.anything()
    }

    /// How far the message came.
    pub(crate) fn status(&self) -> MessageStatus {
        match (&self.outcome, self.fault()) {
            (Outcome::Halted(Halt::Stopped), _) => MessageStatus::Stopped,
            (Outcome::Halted(Halt::Closing), _) => MessageStatus::Interrupted,
            (_, None) => MessageStatus::Complete,
            (_, Some(fault)) if cuts(fault.code) && self.arrived.anything() => MessageStatus::Interrupted,
            (_, Some(_)) => MessageStatus::Failed,
        }
    }

    /// The last event of the run.
    pub(crate) fn step(&self, view: MessageView) -> RunStep {
        let view = Box::new(view);
        match (&self.outcome, self.fault()) {
            (Outcome::Halted(Halt::Stopped), _) => RunStep::Stopped { view },
            (_, Some(fault)) => RunStep::Failed { fault, view },
            (_, None) => RunStep::Finished { view },
        }
    }

    /// What the store is given.
    pub(crate) fn ending(
        &self,
        message: &MessageId,
        sources: Vec<SourceRef>,
        ledger: Vec<LedgerEntry>,
        usage: Option<domain::Usage>,
        at: Timestamp,
    ) -> Ending {
        let arrived = &self.arrived;
        let finish = match self.outcome {
            Outcome::Halted(Halt::Stopped) => Some(Finish::Stopped),
            Outcome::Whole => arrived.finish.or(Some(Finish::Stop)),
            _ => arrived.finish,
        };
        Ending {
            message: message.clone(),
            status: self.status(),
            text: arrived.text.clone(),
            thinking: (!arrived.thinking.is_empty()).then(|| arrived.thinking.clone()),
            thinking_ms: arrived.thinking_ms(),
            fault: self.fault(),
            finish,
            usage,
            first_token_ms: arrived.first_token_ms(),
            stream_ms: arrived.stream_ms(),
            tool_calls: arrived.tool_calls.clone(),
            sources,
            pictures: Vec::new(),
            dropped_parameters: arrived.dropped_parameters.clone(),
            ledger,
            at,
        }
    }

    fn is_empty(&self) -> bool {
        self.arrived.new_text().trim().is_empty() && self.arrived.tool_calls.is_empty()
    }
}

/// The connection's fault and not the model's: what arrived is the beginning of something that can be continued.
fn cuts(code: FaultCode) -> bool {
    matches!(code, FaultCode::StreamCut | FaultCode::TimedOut | FaultCode::Offline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use workers_ai::Delta;

    fn ended(outcome: Outcome, text: &str, finish: Option<Finish>) -> Ended {
        let mut arrived = Arrived::after(None);
        arrived.take(Delta::Text(text.to_owned()));
        arrived.finish = finish;
        Ended { outcome, arrived }
    }

    fn check(
        outcome: Outcome,
        text: &str,
        finish: Option<Finish>,
        status: MessageStatus,
        fault: Option<FaultCode>,
    ) {
        let ended = ended(outcome, text, finish);
        assert_eq!(ended.status(), status, "{ended:?}");
        assert_eq!(ended.fault().map(|fault| fault.code), fault, "{ended:?}");
    }

    #[test]
    fn only_a_whole_answer_is_complete() {
        use FaultCode as F;
        use MessageStatus as S;
        let cut = || Outcome::Failed(Fault::new(F::StreamCut));
        check(Outcome::Whole, "hi", Some(Finish::Stop), S::Complete, None);
        check(Outcome::Whole, "hi", None, S::Complete, None);
        check(Outcome::Whole, "hi", Some(Finish::Length), S::Complete, None);
        check(Outcome::Whole, "", Some(Finish::Stop), S::Failed, Some(F::EmptyAnswer));
        check(Outcome::Whole, " \n", None, S::Failed, Some(F::EmptyAnswer));
        check(Outcome::Whole, "", Some(Finish::ContentFilter), S::Failed, Some(F::ContentRefused));
        check(cut(), "half", None, S::Interrupted, Some(F::StreamCut));
        check(cut(), "", None, S::Failed, Some(F::StreamCut));
        check(Outcome::Failed(Fault::new(F::ModelBusy)), "half", None, S::Failed, Some(F::ModelBusy));
        check(Outcome::Halted(Halt::Stopped), "", None, S::Stopped, None);
        check(Outcome::Halted(Halt::Closing), "half", None, S::Interrupted, Some(F::StreamCut));
    }

    #[test]
    fn the_finish_of_a_stopped_answer_says_who_stopped_it() {
        let at = Timestamp(1);
        let stopped = ended(Outcome::Halted(Halt::Stopped), "half", None);
        assert_eq!(stopped.ending(&"m".into(), vec![], vec![], None, at).finish, Some(Finish::Stopped));
        let native = ended(Outcome::Whole, "whole", None);
        assert_eq!(native.ending(&"m".into(), vec![], vec![], None, at).finish, Some(Finish::Stop));
    }
}
