//! A desk to sit at: an engine over a temporary folder, and a simulator that it takes for Cloudflare.

use domain::{
    AppEvent, Block, ConversationId, FaultCode, MessageId, MessageStatus, MessageView, RunEvent, RunStep,
    SendRequest, Started,
};
use engine::{Engine, Options};
use keychain::Keychain;
use simulator::{DEMO_ACCOUNT_ID, Scenario, Simulator};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The longest that anything here may take.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The path of chat, for scenarios that must not touch titles' or catalogues' requests.
pub const CHAT: &str = "chat/completions";

pub struct Desk {
    pub engine: Engine,
    pub simulator: Simulator,
    pub news: UnboundedReceiver<AppEvent>,
    pub folder: TempDir,
}

/// This test program, to be started again. On Linux by the running image: a build beside the test may have replaced
/// the file.
pub fn this_program() -> std::path::PathBuf {
    if cfg!(target_os = "linux") {
        return format!("/proc/{}/exe", std::process::id()).into();
    }
    std::env::current_exe().expect("this program")
}

/// Options for an engine in `folder` whose Cloudflare is at `api_url`, with an account from the environment.
pub fn options(folder: &Path, api_url: &str) -> Options {
    Options {
        api_url: api_url.to_owned(),
        environment_account: Some(("cfut_journey".to_owned(), DEMO_ACCOUNT_ID.to_owned())),
        keychain: Keychain::in_memory(),
        // A debug build on a busy machine is no measure of slow Markdown.
        render_limit: Duration::from_secs(20),
        ..Options::new(folder)
    }
}

impl Desk {
    pub async fn open() -> Self {
        Self::with(simulator::Options::default()).await
    }

    pub async fn with(simulator: simulator::Options) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let simulator = Simulator::start(simulator).await.expect("simulator");
        let engine = Engine::open(options(folder.path(), &simulator.base_url())).await;
        let desk = Self::of(engine, simulator, folder);
        desk.without_titles().await;
        desk
    }

    pub fn of(engine: Engine, simulator: Simulator, folder: TempDir) -> Self {
        let (teller, news) = unbounded_channel();
        engine.app().subscribe(teller);
        Self { engine, simulator, news, folder }
    }

    /// Titles would be requests that a journey about something else has to count away.
    async fn without_titles(&self) {
        let mut settings = self.engine.settings().settings().await.expect("settings");
        settings.make_titles = false;
        settings.first_byte_timeout_s = 20;
        self.engine.settings().save_settings(settings).await.expect("saved");
    }

    pub async fn with_titles(&self) {
        let mut settings = self.engine.settings().settings().await.expect("settings");
        settings.make_titles = true;
        self.engine.settings().save_settings(settings).await.expect("saved");
    }

    /// Closes the engine and opens another over the same folder, as a restart does.
    pub async fn restart(self) -> Self {
        let Self { engine, simulator, folder, news } = self;
        engine.close().await;
        drop((engine, news));
        let engine = Engine::open(options(folder.path(), &simulator.base_url())).await;
        Self::of(engine, simulator, folder)
    }

    pub fn scenario(&self, scenario: Scenario) {
        self.simulator.set_scenario(scenario);
    }

    /// Begins a conversation.
    pub async fn send(&self, text: &str) -> Run {
        self.request(SendRequest { text: text.to_owned(), ..SendRequest::default() }).await
    }

    /// Sends into a conversation.
    pub async fn send_in(&self, conversation: &ConversationId, text: &str) -> Run {
        let conversation = Some(conversation.clone());
        self.request(SendRequest { conversation, text: text.to_owned(), ..SendRequest::default() }).await
    }

    pub async fn request(&self, request: SendRequest) -> Run {
        let (listener, events) = unbounded_channel();
        let started = self.engine.chat().send_message(request, listener).await.expect("begun");
        Run { started, events, heard: Vec::new() }
    }

    /// Begins a conversation and waits for its answer.
    pub async fn ask(&self, text: &str) -> Heard {
        self.send(text).await.end().await
    }

    pub async fn ask_in(&self, conversation: &ConversationId, text: &str) -> Heard {
        self.send_in(conversation, text).await.end().await
    }

    /// The message as the window would load it now.
    pub async fn load(&self, id: &MessageId) -> MessageView {
        let mut views = self.engine.history().messages(vec![id.clone()]).await.expect("messages");
        views.pop().expect("the message is there")
    }

    /// Chat requests that the simulator saw.
    pub fn chats(&self) -> Vec<simulator::Seen> {
        self.simulator.requests().into_iter().filter(|seen| seen.path.contains(CHAT)).collect()
    }
}

/// A run in flight.
pub struct Run {
    pub started: Started,
    events: UnboundedReceiver<RunEvent>,
    heard: Vec<RunEvent>,
}

impl Run {
    pub fn from(started: Started, events: UnboundedReceiver<RunEvent>) -> Self {
        Self { started, events, heard: Vec::new() }
    }

    /// The next event.
    pub async fn next(&mut self) -> RunStep {
        let event =
            tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("in time").expect("an event");
        self.heard.push(event.clone());
        event.what
    }

    /// Waits for the first words.
    pub async fn first_words(&mut self) {
        while !matches!(self.next().await, RunStep::Patch { .. }) {}
    }

    pub async fn end(mut self) -> Heard {
        while !self.next().await.is_last() {}
        Heard { started: self.started, events: self.heard }
    }
}

/// A run that is over.
#[derive(Debug)]
pub struct Heard {
    pub started: Started,
    pub events: Vec<RunEvent>,
}

impl Heard {
    pub fn conversation(&self) -> &ConversationId {
        &self.started.conversation.id
    }

    /// The message as the last event told it.
    pub fn view(&self) -> &MessageView {
        match &self.events.last().expect("events").what {
            RunStep::Finished { view } | RunStep::Failed { view, .. } | RunStep::Stopped { view } => view,
            other => panic!("a run ends with its message: {other:?}"),
        }
    }

    pub fn text(&self) -> &str {
        &self.view().message.text
    }

    pub fn status(&self) -> MessageStatus {
        self.view().message.status
    }

    pub fn code(&self) -> Option<FaultCode> {
        self.view().message.fault.as_ref().map(|fault| fault.code)
    }

    /// What a window that followed the patches shows.
    pub fn painted(&self) -> Vec<Block> {
        let mut shown = Vec::new();
        for event in &self.events {
            if let RunStep::Patch { from, blocks } = &event.what {
                shown.truncate(*from as usize);
                shown.extend(blocks.iter().cloned());
            }
        }
        shown
    }

    pub fn steps(&self) -> impl Iterator<Item = &RunStep> {
        self.events.iter().map(|event| &event.what)
    }
}
