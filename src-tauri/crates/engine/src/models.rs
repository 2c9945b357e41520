//! The catalogue: asked from the service, kept on disk, and bundled for the first minute and for days without a
//! network. A catalogue that is older than a day is asked for again in the background when somebody looks at it.

use crate::Engine;
use domain::{AppEvent, Catalogue, CatalogueSource, Fault, Model, ModelId, Task, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The model of new conversations when the person chose none: on the free plan, with a large window and tools.
pub const DEFAULT_CHAT_MODEL: &str = "@cf/zai-org/glm-4.7-flash";
/// The model for titles and probes when the person chose none: the cheapest that does not think first.
pub const DEFAULT_SMALL_MODEL: &str = "@cf/ibm-granite/granite-4.0-h-micro";
/// Milliseconds after which a catalogue is asked for again.
const FRESH_FOR: i64 = 24 * 60 * 60 * 1_000;

/// Between two tries in the background.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The use cases about models. Made by [`Engine::models`].
#[derive(Clone)]
pub struct Models {
    pub(crate) engine: Engine,
}

/// The catalogue at hand. A cheap clone: all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct AtHand {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    catalogue: Option<Arc<Catalogue>>,
    /// When it was last asked for in the background: a service that cannot be reached is not asked at each look.
    tried_at: Option<Instant>,
}

impl AtHand {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets it: another account may see other models.
    pub(crate) fn forget(&self) {
        *self.state() = State::default();
    }
}

impl Models {
    /// All models. Without `refresh` what is at hand, at once; with it, asked from the service now.
    ///
    /// # Errors
    /// With `refresh` the service's; without it none.
    pub async fn catalogue(&self, refresh: bool) -> Result<Catalogue, Fault> {
        if refresh {
            return self.ask().await.map(|catalogue| catalogue.as_ref().clone());
        }
        let catalogue = self.at_hand().await;
        self.refresh_if_old(&catalogue);
        Ok(catalogue.as_ref().clone())
    }

    /// A model by its id. One that the catalogue does not know is taken at its word: it chats, sees and has no known
    /// window, and the service will say if not.
    pub(crate) async fn find(&self, id: &ModelId) -> Model {
        let catalogue = self.at_hand().await;
        let known = catalogue.models.iter().find(|model| model.id == *id).cloned();
        known.or_else(|| bundled(id, self.engine.now())).unwrap_or_else(|| unknown(id))
    }

    /// The model of a conversation: its own, the person's default, ours. A default that is retired is none.
    pub(crate) async fn for_chat(&self, own: Option<&ModelId>) -> Model {
        if let Some(own) = own {
            return self.find(own).await;
        }
        if let Some(chosen) = self.engine.in_force().now().chat_model {
            let chosen = self.find(&chosen).await;
            if !chosen.retired {
                return chosen;
            }
        }
        let standard = self.at_hand().await.standard_chat.clone();
        self.find(&standard).await
    }

    /// The cheap model for titles.
    pub(crate) async fn for_titles(&self) -> Model {
        let settings = self.engine.in_force().now();
        self.find(&settings.title_model.unwrap_or_else(|| DEFAULT_SMALL_MODEL.into())).await
    }

    async fn at_hand(&self) -> Arc<Catalogue> {
        let at_hand = self.engine.catalogue_at_hand();
        if let Some(catalogue) = at_hand.state().catalogue.clone() {
            return catalogue;
        }
        let now = self.engine.now();
        let catalogue = Arc::new(self.cached().await.unwrap_or_else(|| bundled_catalogue(now)));
        at_hand.state().catalogue = Some(Arc::clone(&catalogue));
        catalogue
    }

    async fn cached(&self) -> Option<Catalogue> {
        let account = self.engine.access().current()?;
        let cached =
            self.engine.database().read(move |shelf| Ok(shelf.disk.cached_catalogue(&account)?)).await;
        let (models, fetched_at) = cached.ok().flatten().filter(|(models, _)| !models.is_empty())?;
        Some(catalogue_of(models, CatalogueSource::Cached, Some(fetched_at)))
    }

    async fn ask(&self) -> Result<Arc<Catalogue>, Fault> {
        let caller = self.engine.accounts().caller().await?;
        let models =
            caller.client.catalogue(self.engine.now()).await.map_err(|error| caller.fault(&error))?;
        let fetched_at = self.engine.now();
        let (kept, account) = (models.clone(), caller.key.clone());
        let stored = self
            .engine
            .database()
            .write(move |shelf| Ok(shelf.disk.cache_catalogue(&account, &kept, fetched_at)?))
            .await;
        if let Err(fault) = stored {
            tracing::warn!(code = ?fault.code, "the catalogue could not be kept");
        }
        let catalogue = Arc::new(catalogue_of(models, CatalogueSource::Live, Some(fetched_at)));
        if self.engine.access().current().as_ref() == Some(&caller.key) {
            self.engine.catalogue_at_hand().state().catalogue = Some(Arc::clone(&catalogue));
            self.engine.news().tell(&AppEvent::CatalogueChanged);
        }
        Ok(catalogue)
    }

    /// Asks again in the background when what is at hand is old and an account is there to ask as.
    fn refresh_if_old(&self, catalogue: &Catalogue) {
        let age =
            catalogue.fetched_at.map_or(i64::MAX, |Timestamp(at)| self.engine.now().0.saturating_sub(at));
        if age < FRESH_FOR || !self.engine.access().is_ready() {
            return;
        }
        let before = self.engine.catalogue_at_hand().state().tried_at.replace(Instant::now());
        if before.is_some_and(|tried_at| tried_at.elapsed() < PATIENCE) {
            return;
        }
        let models = self.clone();
        self.engine.runs().quietly(CancellationToken::new(), async move {
            if let Err(fault) = models.ask().await {
                tracing::info!(code = ?fault.code, "the catalogue was not refreshed");
            }
        });
    }
}

fn bundled_catalogue(today: Timestamp) -> Catalogue {
    catalogue_of(workers_ai::bundled_catalogue(today), CatalogueSource::Bundled, None)
}

/// A catalogue with the model that new conversations have when the person chose none: ours, else the first that is free
/// to use. This is the one place where that is decided; the window is told.
fn catalogue_of(models: Vec<Model>, source: CatalogueSource, fetched_at: Option<Timestamp>) -> Catalogue {
    let able = || models.iter().filter(|model| model.chat && !model.retired);
    let standard = able()
        .find(|model| model.id.as_str() == DEFAULT_CHAT_MODEL)
        .or_else(|| able().find(|model| !model.paid_only))
        .or_else(|| able().next());
    let standard_chat = standard.map_or_else(|| DEFAULT_CHAT_MODEL.into(), |model| model.id.clone());
    Catalogue { models, standard_chat, source, fetched_at }
}

fn bundled(id: &ModelId, today: Timestamp) -> Option<Model> {
    workers_ai::bundled_catalogue(today).into_iter().find(|model| model.id == *id)
}

fn unknown(id: &ModelId) -> Model {
    let mut parts = id.as_str().rsplit('/');
    let name = parts.next().unwrap_or_default().to_owned();
    let author = parts.next().unwrap_or_default().to_owned();
    Model {
        id: id.clone(),
        name,
        author,
        task: Task::TextGeneration,
        description: String::new(),
        context_window: None,
        max_output: None,
        tools: false,
        reasoning: false,
        reasoning_efforts: Vec::new(),
        vision: true,
        lora: false,
        paid_only: false,
        beta: false,
        chat: true,
        prices: Vec::new(),
        retires_on: None,
        retired: false,
        replacement: None,
        terms: None,
        output_dimensions: None,
    }
}
