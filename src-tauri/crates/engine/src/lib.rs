//! The use cases of Edgewise: what a person can do, joined from disk, wire, keychain and rendering. It knows neither
//! Tauri nor a terminal; the window and the command line are two callers of the same methods.
//!
//! [`Engine`] is a cheap clone, made once by [`Engine::open`], which never fails. Its groups of use cases:
//! [`Engine::app`] · [`Engine::accounts`] · [`Engine::chat`] · [`Engine::history`] · [`Engine::assistants`] ·
//! [`Engine::attachments`] · [`Engine::library`] · [`Engine::pictures`] · [`Engine::models`] · [`Engine::usage`] ·
//! [`Engine::settings`].
//!
//! Rules that hold throughout: every spawned task belongs to the registry of runs and ends with the engine; a run
//! outlives the window that began it; after the first token a request is never repeated; the token is in no event, no
//! file and no log; time and ids come from [`Options`]; nothing polls.
//!
//! Seams: [`Retrieve`] is how the library hands passages to a turn; [`DemoDoor`] is how the simulator is reached
//! without being known; [`Sink`] is where events go.
//!
//! # How to add a use case
//!
//! 1. A method in the group of its noun, named like the command, returning `Result<_, Fault>`.
//! 2. Disk through `database.rs`, network through a [`accounts::Caller`]; long work through `runs.rs`.
//! 3. The command in the shell and the method in the window's `backend.ts`.
//! 4. A journey in `tests/journeys`: what a person does, against the simulator and a real file.
//!
//! # How to add a kind of turn
//!
//! A message that is no question to a chat model (a picture to make, say) branches off in `chat/turn.rs`: after the
//! message and its answer are on disk, the work that fills the answer is chosen. It is given the run to tell events
//! through, and ends with one `Ending`, like an answer.

pub mod accounts;
pub mod app;
pub mod assistants;
pub mod attachments;
mod background;
pub mod chat;
pub mod clock;
mod context;
mod copy;
mod database;
mod environment;
mod error;
pub mod exchange;
pub mod history;
mod latest_first;
pub mod library;
mod logging;
pub mod models;
mod news;
mod pace;
pub mod pictures;
mod runs;
mod saving;
pub mod settings;
pub mod sink;
mod titles;
pub mod usage;
mod views;

pub use accounts::demo::{DEMO_KEY, DemoDoor, DemoRoom, Opening};
pub use app::Finding;
pub use chat::Words;
pub use chat::retrieval::{Passages, Retrieve, Retrieving, Wanted};
pub use clock::{Clock, Ids, SystemClock, UuidIds};
pub use database::WhenHeld;
pub use exchange::ExportFormat;
pub use logging::may_be_logged;
pub use sink::{FnSink, Nowhere, Sink};

use accounts::access::Access;
use database::Database;
use domain::Timestamp;
use keychain::Keychain;
use news::News;
use runs::Runs;
use saving::Saving;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The longest that closing waits for answers to be stored.
const CLOSING: Duration = Duration::from_secs(3);

/// Rendering waits on no thread that matters, so that the limit only has to catch texts that grow without bounds: one
/// that takes a second by the clock of a busy machine is not worth giving up Markdown for the whole answer.
const RENDER_LIMIT: Duration = Duration::from_secs(1);

/// What an engine is made of.
pub struct Options {
    /// The folder of database, files and logs.
    pub data_dir: PathBuf,
    /// Edgewise's version, for the window.
    pub version: String,
    /// Where Cloudflare is: [`workers_ai::CLOUDFLARE`] or what stands for it.
    pub api_url: String,
    /// `CLOUDFLARE_API_TOKEN` and `CLOUDFLARE_ACCOUNT_ID`; when given, they are the account and no keychain is asked.
    pub environment_account: Option<(String, String)>,
    /// A language that overrides the person's choice (`EDGEWISE_LOCALE`).
    pub locale_forced: Option<String>,
    /// The system's language, e.g. `zh_CN.UTF-8`.
    pub locale_system: Option<String>,
    /// Where tokens are kept.
    pub keychain: Keychain,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn Ids>,
    /// The way to a simulator, if this build has one.
    pub simulator: Option<Arc<dyn DemoDoor>>,
    /// Finds passages for turns of conversations with a library attached; the library itself when absent.
    pub retriever: Option<Arc<dyn Retrieve>>,
    /// Our own program: started with the one argument `--read-document` it calls `ingest::fence::child_main` and nothing
    /// else. Without it documents are read in this process.
    pub reader: Option<PathBuf>,
    /// A patch that takes longer to render is shown as plain text.
    pub render_limit: Duration,
    /// What to do when another process, the window, holds the database.
    pub when_held: WhenHeld,
}

impl Options {
    /// The real things, with data in `data_dir`: Cloudflare, the system's keychain and clock, no simulator.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            api_url: workers_ai::CLOUDFLARE.to_owned(),
            environment_account: None,
            locale_forced: None,
            locale_system: None,
            keychain: Keychain::system(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(UuidIds),
            simulator: None,
            retriever: None,
            reader: None,
            render_limit: RENDER_LIMIT,
            when_held: WhenHeld::default(),
        }
    }
}

/// The use cases. A cheap clone: all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    version: String,
    locale_forced: Option<String>,
    locale_system: Option<String>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    retriever: Option<Arc<dyn Retrieve>>,
    render_limit: Duration,
    database: Database,
    access: Access,
    catalogue: models::AtHand,
    in_force: settings::InForce,
    titles: chat::title::Making,
    pictures: pictures::AtWork,
    library: library::State,
    weighed: chat::meter::Weighed,
    rendered: views::Rendered,
    runs: Runs,
    saving: Saving,
    news: News,
}

impl Engine {
    /// Opens everything that is there. Never fails: a database that cannot be opened, a keychain that does not answer
    /// and a network that is gone are states that the use cases tell. Keys are read in the background.
    ///
    /// Must be called on a tokio runtime with its timer, on which all work of the engine then runs.
    pub async fn open(options: Options) -> Self {
        let news = News::default();
        let saving = Saving::new(news.clone());
        let now = options.clock.now();
        let database = Database::open(options.data_dir.clone(), options.when_held, now, saving.clone()).await;
        let access = Access::new(&options);
        let engine = Self {
            inner: Arc::new(Inner {
                version: options.version,
                locale_forced: options.locale_forced,
                locale_system: options.locale_system,
                clock: options.clock,
                ids: options.ids,
                retriever: options.retriever,
                render_limit: options.render_limit,
                database,
                access,
                catalogue: models::AtHand::default(),
                in_force: settings::InForce::default(),
                titles: chat::title::Making::default(),
                pictures: pictures::AtWork::default(),
                library: library::State::new(options.reader),
                weighed: chat::meter::Weighed::default(),
                rendered: views::Rendered::default(),
                runs: Runs::default(),
                saving,
                news,
            }),
        };
        engine.app().begin().await;
        engine
    }

    /// Ends everything: answers in flight are stored as interrupted, quiet work is dropped, and the database is
    /// let go. Waits at most three seconds for each.
    pub async fn close(&self) {
        self.inner.runs.close(CLOSING).await;
        self.inner.library.close();
        self.inner.database.close(CLOSING).await;
    }

    /// About the app itself.
    pub fn app(&self) -> app::App {
        app::App { engine: self.clone() }
    }

    /// About accounts and their keys.
    pub fn accounts(&self) -> accounts::Accounts {
        accounts::Accounts { engine: self.clone() }
    }

    /// About asking and answering.
    pub fn chat(&self) -> chat::Chat {
        chat::Chat { engine: self.clone() }
    }

    /// About what was said.
    pub fn history(&self) -> history::History {
        history::History { engine: self.clone() }
    }

    /// About named ways to begin a conversation.
    pub fn assistants(&self) -> assistants::Assistants {
        assistants::Assistants { engine: self.clone() }
    }

    /// About files that go with messages.
    pub fn attachments(&self) -> attachments::Attachments {
        attachments::Attachments { engine: self.clone() }
    }

    /// About documents and what is in them.
    pub fn library(&self) -> library::Library {
        library::Library { engine: self.clone() }
    }

    /// About pictures.
    pub fn pictures(&self) -> pictures::Pictures {
        pictures::Pictures { engine: self.clone() }
    }

    /// About the catalogue.
    pub fn models(&self) -> models::Models {
        models::Models { engine: self.clone() }
    }

    /// About neurons.
    pub fn usage(&self) -> usage::UsageDesk {
        usage::UsageDesk { engine: self.clone() }
    }

    /// About what a person can set.
    pub fn settings(&self) -> settings::SettingsDesk {
        settings::SettingsDesk { engine: self.clone() }
    }

    /// Tells all subscribers something that happened outside the engine, such as files over the window.
    pub fn announce(&self, event: domain::AppEvent) {
        self.inner.news.tell(&event);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn new_id<T: From<String>>(&self) -> T {
        T::from(self.inner.ids.next())
    }

    pub(crate) fn database(&self) -> &Database {
        &self.inner.database
    }

    pub(crate) fn access(&self) -> &Access {
        &self.inner.access
    }

    pub(crate) fn catalogue_at_hand(&self) -> &models::AtHand {
        &self.inner.catalogue
    }

    pub(crate) fn in_force(&self) -> &settings::InForce {
        &self.inner.in_force
    }

    pub(crate) fn library_state(&self) -> &library::State {
        &self.inner.library
    }

    pub(crate) fn pictures_at_work(&self) -> &pictures::AtWork {
        &self.inner.pictures
    }

    pub(crate) fn version(&self) -> &str {
        &self.inner.version
    }

    pub(crate) fn titles(&self) -> &chat::title::Making {
        &self.inner.titles
    }

    pub(crate) fn weighed(&self) -> &chat::meter::Weighed {
        &self.inner.weighed
    }

    pub(crate) fn rendered(&self) -> &views::Rendered {
        &self.inner.rendered
    }

    pub(crate) fn runs(&self) -> &Runs {
        &self.inner.runs
    }

    pub(crate) fn saving(&self) -> &Saving {
        &self.inner.saving
    }

    pub(crate) fn news(&self) -> &News {
        &self.inner.news
    }

    pub(crate) fn retriever(&self) -> Option<&Arc<dyn Retrieve>> {
        self.inner.retriever.as_ref()
    }

    pub(crate) fn render_limit(&self) -> Duration {
        self.inner.render_limit
    }
}
