//! A message that makes a picture: it begins with `画`, `/image` or `/draw`. The picture is in the gallery too; the answer
//! holds its prompt as text, so that the talk goes on from it, and names the pictures.

use super::arrived::Arrived;
use super::ending::{Ended, Outcome};
use super::turn::Turn;
use crate::runs::Halt;
use domain::{Fault, FaultCode, Picture, PictureEvent, PictureRequest, PictureState, RunStep, Usage};
use std::sync::Arc;
use tokio::sync::mpsc::unbounded_channel;
use workers_ai::Delta;

impl Turn {
    /// The picture that the question asks for.
    pub(super) async fn picture_wanted(&self) -> Option<PictureRequest> {
        if self.continued {
            return None;
        }
        self.engine.pictures().wanted(&self.question().await.ok()??)
    }

    /// Makes the pictures and ends the turn with them. They are booked where they are made.
    pub(super) async fn draw(self, request: PictureRequest) {
        let conversation = (!self.temporary).then(|| self.setting.conversation.clone());
        let prompt = request.prompt.clone();
        let (outcome, pictures) = self.drawn(PictureRequest { conversation, ..request }).await;
        let mut arrived = Arrived::after(None);
        // One that could not be saved is shown all the same.
        let shown = |each: &&Picture| each.state == PictureState::Done || each.unsaved;
        let done: Vec<&Picture> = pictures.iter().filter(shown).collect();
        if !done.is_empty() {
            arrived.take(Delta::Text(prompt));
        }
        let ended = Ended { outcome, arrived };
        let mut ending =
            ended.ending(&self.run.message, Vec::new(), Vec::new(), cost(&done), self.engine.now());
        ending.pictures = done.iter().map(|picture| picture.id.clone()).collect();
        self.store(&ended, &ending, None).await;
        self.tell_summary().await;
        self.make_title(&ended).await;
    }

    /// Begins the pictures and follows them to their end, or until the turn is halted.
    async fn drawn(&self, request: PictureRequest) -> (Outcome, Vec<Picture>) {
        let (events, mut heard) = unbounded_channel();
        let pictures = self.engine.pictures();
        let mut rows = match self.unless_halted(pictures.begin(request, Arc::new(events))).await {
            Ok(rows) => rows,
            Err(outcome) => return (outcome, Vec::new()),
        };
        let mut halted = None;
        while rows.iter().any(|row| row.state == PictureState::Pending) {
            let event = tokio::select! {
                halt = self.run.halted(), if halted.is_none() => {
                    if halt == Halt::Closing {
                        return (Outcome::Halted(halt), rows);
                    }
                    // Each says how it ended: one whose answer is there already is kept.
                    rows.iter().for_each(|row| self.engine.pictures_at_work().cancel(&row.id));
                    halted = Some(halt);
                    continue;
                }
                event = heard.recv() => event,
            };
            match event {
                Some(PictureEvent::Changed { picture }) => {
                    self.run.tell(RunStep::Picture { picture: picture.clone() });
                    if let Some(row) = rows.iter_mut().find(|row| row.id == picture.id) {
                        *row = *picture;
                    }
                }
                Some(PictureEvent::Waiting { fault, delay_ms, .. }) => {
                    self.run.tell(RunStep::Waiting { fault, attempt: 2, delay_ms });
                }
                Some(PictureEvent::Removed { picture }) => rows.retain(|row| row.id != picture),
                None => break,
            }
        }
        match halted {
            Some(halt) if rows.iter().all(|row| row.state != PictureState::Done) => {
                (Outcome::Halted(halt), rows)
            }
            _ => (outcome(&rows), rows),
        }
    }
}

/// One picture is enough to call it done.
fn outcome(rows: &[Picture]) -> Outcome {
    if rows.iter().any(|row| row.state == PictureState::Done) {
        return Outcome::Whole;
    }
    let fault = rows.iter().find_map(|row| match &row.state {
        PictureState::Failed { fault } => Some(fault.clone()),
        _ => None,
    });
    Outcome::Failed(fault.unwrap_or_else(|| Fault::new(FaultCode::Stopped)))
}

fn cost(done: &[&Picture]) -> Option<Usage> {
    let usages: Vec<&Usage> = done.iter().filter_map(|picture| picture.usage.as_ref()).collect();
    let neurons = usages.iter().filter_map(|usage| usage.neurons).sum();
    let estimated = usages.iter().any(|usage| usage.estimated);
    (!usages.is_empty()).then(|| Usage { neurons: Some(neurons), estimated, ..Usage::default() })
}
