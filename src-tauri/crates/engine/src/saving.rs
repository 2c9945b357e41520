//! Whether what happens can be saved. A disk that is full or read-only is told to the whole window once, and once
//! more when it works again; what could not be written stays in memory and is written later by those who hold it.

use crate::news::News;
use domain::{AppEvent, Fault, FaultCode};
use std::sync::{Arc, Mutex, PoisonError};

/// Knows whether the last write succeeded. A cheap clone: all clones know the same.
#[derive(Clone, Default)]
pub(crate) struct Saving {
    trouble: Arc<Mutex<Option<FaultCode>>>,
    news: News,
}

impl Saving {
    /// Tells changes to `news`.
    pub(crate) fn new(news: News) -> Self {
        Self { trouble: Arc::default(), news }
    }

    /// A write succeeded (`None`) or failed.
    pub(crate) fn note(&self, failed: Option<&Fault>) {
        let trouble = failed.filter(|fault| is_trouble(fault.code));
        if failed.is_some() && trouble.is_none() {
            return; // a fault of the input says nothing about the disk
        }
        let code = trouble.map(|fault| fault.code);
        let before =
            std::mem::replace(&mut *self.trouble.lock().unwrap_or_else(PoisonError::into_inner), code);
        if before != code {
            self.news.tell(&AppEvent::SavingTrouble { fault: trouble.cloned() });
        }
    }
}

/// The disk's fault, and not the caller's.
pub(crate) fn is_trouble(code: FaultCode) -> bool {
    matches!(
        code,
        FaultCode::DiskFull | FaultCode::ReadOnly | FaultCode::DatabaseBusy | FaultCode::DatabaseDamaged
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::unbounded_channel;

    #[test]
    fn trouble_is_told_once_and_its_end_once() {
        let news = News::default();
        let (listener, mut heard) = unbounded_channel();
        news.subscribe(listener);
        let saving = Saving::new(news);
        let full = Fault::new(FaultCode::DiskFull);
        saving.note(None);
        saving.note(Some(&full));
        saving.note(Some(&full));
        saving.note(Some(&Fault::new(FaultCode::NotFound)));
        saving.note(None);
        saving.note(None);
        assert_eq!(heard.try_recv(), Ok(AppEvent::SavingTrouble { fault: Some(full) }));
        assert_eq!(heard.try_recv(), Ok(AppEvent::SavingTrouble { fault: None }));
        assert!(heard.try_recv().is_err());
    }
}
