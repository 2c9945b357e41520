//! Runs that fill the library: read, quote, wait, embed. Their truth is in the database, document by document and batch
//! by batch; a run that was killed is taken up where it stood, at the paths it had not entered yet and at the first
//! passage without a vector.
//!
//! Contents: `handle` (a run as others see it) · `lanes` (one run at a time in a collection) · `load` (what a run begins
//! with) · `work` (a run from its first step to its last) · `entering` (paths to documents) · `reads` (documents to
//! passages) · `changing` (other settings, quoted first) · `agreeing` (what is due, what it costs, the consent) ·
//! `embeds` (passages to vectors) · `waits` (limits that pass).

mod agreeing;
mod changing;
mod embeds;
mod entering;
mod handle;
mod lanes;
mod load;
mod reads;
mod waits;
mod work;

pub(crate) use handle::{Consent, Ingest};
pub(crate) use load::Load;

use crate::Engine;
use crate::sink::{Nowhere, Sink};
use domain::{Fault, IngestEvent, RunId, Timestamp};
use lanes::Lanes;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::library::{CollectionRow, NewRun};
use tokio_util::sync::CancellationToken;
use work::Work;

/// The runs in flight.
#[derive(Default)]
pub(crate) struct Ingests {
    active: Mutex<HashMap<RunId, Arc<Ingest>>>,
    lanes: Lanes,
}

impl Ingests {
    pub(crate) fn find(&self, id: &RunId) -> Option<Arc<Ingest>> {
        self.active().get(id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Ingest>> {
        let mut all: Vec<_> = self.active().values().cloned().collect();
        all.sort_by(|one, other| one.id.cmp(&other.id));
        all
    }

    /// A look at the folder of a collection is going to be had anyway.
    pub(crate) fn is_going_to_look(&self, collection: &str) -> bool {
        self.active()
            .values()
            .any(|run| run.collection == collection && run.is_waiting_look.load(Ordering::Relaxed))
    }

    /// Enters a run; the one that is there already when it is.
    fn enter(&self, ingest: Ingest, load: &Load) -> Result<Arc<Ingest>, Arc<Ingest>> {
        ingest.is_waiting_look.store(matches!(load, Load::Look(_)), Ordering::Relaxed);
        ingest.is_change.store(matches!(load, Load::Settings(_)), Ordering::Relaxed);
        match self.active().entry(ingest.id.clone()) {
            Entry::Occupied(there) => Err(Arc::clone(there.get())),
            Entry::Vacant(place) => Ok(Arc::clone(place.insert(Arc::new(ingest)))),
        }
    }

    fn active(&self) -> MutexGuard<'_, HashMap<RunId, Arc<Ingest>>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins a run. It is on disk with its documents when this returns; what an earlier process left goes first.
pub(crate) async fn begin(
    engine: &Engine,
    collection: &CollectionRow,
    load: Load,
    consent: Consent,
    password: Option<String>,
    listener: Arc<dyn Sink<IngestEvent>>,
) -> Result<RunId, Fault> {
    take_up(engine).await?;
    let (id, load): (RunId, _) = (engine.new_id(), load.absolute());
    let (known, new) = match &load {
        Load::Known(ids) => (ids.clone(), Vec::new()),
        Load::Converted(id) => (vec![id.clone()], Vec::new()),
        Load::New(documents) => (Vec::new(), documents.clone()),
        Load::Paths(_) | Load::Look(_) | Load::Settings(_) => Default::default(),
    };
    let run = NewRun {
        id: id.clone(),
        collection: collection.key,
        accepted: consent == Consent::Given,
        load: load.left(),
        known,
        new,
    };
    let ingest = Ingest::new(id.clone(), collection.collection.id.clone(), consent, listener);
    // Known before it is on disk, so that nobody takes it for one that another process left.
    let ingest = engine.library_state().ingests.enter(ingest, &load).unwrap_or_else(|same| same);
    let now = engine.now();
    let begun = engine.database().write(move |shelf| Ok(shelf.disk.begin_ingest(&run, now)?)).await;
    if let Err(fault) = begun {
        engine.library_state().ingests.active().remove(&id);
        return Err(fault);
    }
    start(engine, ingest, load, password, None);
    Ok(id)
}

/// Takes up the runs that a process left when it ended.
pub(crate) async fn take_up(engine: &Engine) -> Result<(), Fault> {
    let left = engine.database().read(|shelf| Ok(shelf.disk.unended_ingests()?)).await?;
    for run in left {
        let consent = if run.accepted { Consent::Given } else { Consent::Asked };
        let ingest = Ingest::new(run.id, run.collection, consent, Arc::new(Nowhere));
        ingest.pause(run.paused);
        let load = Load::of(run.load.as_deref());
        if let Ok(ingest) = engine.library_state().ingests.enter(ingest, &load) {
            start(engine, ingest, load, None, run.waits);
        }
    }
    Ok(())
}

fn start(
    engine: &Engine,
    ingest: Arc<Ingest>,
    load: Load,
    password: Option<String>,
    waits: Option<(Fault, Timestamp)>,
) {
    let lane = engine.library_state().ingests.lanes.of(&ingest.collection);
    let work = Work::new(engine.clone(), ingest, lane, password);
    // A stop is heard by the work itself: what is in flight was paid and is stored.
    engine.runs().quietly(CancellationToken::new(), async move { work.run(load, waits).await });
}
