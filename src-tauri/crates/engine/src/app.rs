//! The app itself: what it found at start, news for the window, and the ways out of a database that cannot be opened.

use crate::Engine;
use crate::accounts;
use crate::settings::network;
use crate::sink::Sink;
use domain::{AppEvent, AppInfo, Fault, FaultCode, KeychainState, Timestamp};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Days that a deleted conversation can be taken back.
const TRASH_DAYS: i64 = 30;

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its name.
    pub check: &'static str,
    /// What was found, or what is wrong with it.
    pub outcome: Result<String, Fault>,
    /// How long the service took to answer, where that was measured.
    pub took: Option<Duration>,
}

impl Finding {
    fn of(check: &'static str, outcome: Result<String, Fault>) -> Self {
        Self { check, outcome, took: None }
    }
}

/// The use cases about the app. Made by [`Engine::app`].
#[derive(Clone)]
pub struct App {
    pub(crate) engine: Engine,
}

impl App {
    /// What the window needs before it draws anything.
    pub fn app_info(&self) -> AppInfo {
        let inner = &self.engine.inner;
        let chosen = self.engine.in_force().now().locale;
        let wanted = [inner.locale_forced.clone(), chosen, inner.locale_system.clone()];
        AppInfo {
            version: inner.version.clone(),
            data_dir: self.engine.database().dir().to_string_lossy().into_owned(),
            locale: wanted.into_iter().flatten().find_map(|name| spoken(&name)).unwrap_or("en").to_owned(),
            platform: std::env::consts::OS.to_owned(),
            database: self.engine.database().state(),
        }
    }

    /// Tells `events` all news from now on.
    pub fn subscribe(&self, events: impl Sink<AppEvent>) {
        self.engine.news().subscribe(events);
    }

    /// Puts a copy of the database into its place. The present one is set aside, never deleted.
    ///
    /// # Errors
    /// `NotFound` for an unknown copy, `DatabaseDamaged` when the copy is damaged too; the present one stays then.
    pub async fn restore_copy(&self, name: &str) -> Result<AppInfo, Fault> {
        self.stop_everything().await;
        self.engine.database().restore_copy(name.to_owned(), self.engine.now()).await?;
        self.reload().await;
        Ok(self.app_info())
    }

    /// Begins anew with an empty database. The present one is set aside, never deleted.
    ///
    /// # Errors
    /// The disk's.
    pub async fn start_fresh(&self) -> Result<AppInfo, Fault> {
        self.stop_everything().await;
        self.engine.database().start_fresh(self.engine.now()).await?;
        self.reload().await;
        Ok(self.app_info())
    }

    /// Checks what Edgewise stands on, one finding each: what [`App::examine_here`] does, whether the service can be
    /// reached, the token, its permission. Nothing is spent.
    pub async fn examine(&self) -> Vec<Finding> {
        let mut findings = self.examine_here().await;
        let caller = self.engine.accounts().caller().await;
        let network = match &caller {
            Ok(caller) if caller.simulated => {
                Finding::of("network", Ok("not asked: the simulator needs none".to_owned()))
            }
            _ => self.examine_network().await,
        };
        let reached = network.outcome.is_ok();
        findings.push(network);
        match caller {
            Err(fault) => findings.push(Finding::of("token", Err(fault))),
            Ok(caller) if reached => {
                findings.push(Finding::of("token", accounts::check::token(&caller).await));
                let permitted = caller.client.can_use_workers_ai().await;
                let permitted = permitted.map_err(|error| caller.fault(&error));
                findings.push(Finding::of("workers ai", permitted.map(|()| "permitted".to_owned())));
            }
            // What cannot be reached says nothing of the token.
            Ok(_) => {}
        }
        findings
    }

    /// Checks what needs no network: the database page by page, the keychain, the vector table row by row.
    pub async fn examine_here(&self) -> Vec<Finding> {
        vec![
            Finding::of("database", self.examine_database().await),
            Finding::of("keychain", self.examine_keychain().await),
            Finding::of("vector table", self.engine.library().examine().await),
        ]
    }

    /// The address answers, in which time and by which way.
    async fn examine_network(&self) -> Finding {
        let address = self.engine.access().api_url.clone();
        let network = network(&self.engine.in_force().now());
        let proxy = workers_ai::proxy_to(&address, &network);
        let way = proxy.map_or("without a proxy".to_owned(), |proxy| format!("through the proxy {proxy}"));
        match workers_ai::reach(&address, &network).await {
            Ok(took) => Finding {
                took: Some(took),
                ..Finding::of("network", Ok(format!("{address} answers in {} ms, {way}", took.as_millis())))
            },
            Err(error) => {
                let fault = error.fault();
                let why = fault.detail.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                Finding::of("network", Err(fault.with_detail(format!("{address}, {way}{why}"))))
            }
        }
    }

    async fn examine_database(&self) -> Result<String, Fault> {
        let said = self.engine.database().read(|shelf| Ok(shelf.disk.integrity()?)).await?;
        if said.is_empty() {
            return Ok(self.app_info().data_dir);
        }
        Err(Fault::new(FaultCode::DatabaseDamaged).with_detail(said.join("; ")))
    }

    async fn examine_keychain(&self) -> Result<String, Fault> {
        let access = self.engine.access();
        if access.is_environment() {
            return Ok("not asked: environment variables name the account".to_owned());
        }
        let code = match access.keychain.state().await {
            KeychainState::Ok => return Ok("answers".to_owned()),
            KeychainState::Locked => FaultCode::KeychainLocked,
            KeychainState::Denied => FaultCode::KeychainDenied,
            KeychainState::Absent => FaultCode::KeychainMissing,
            KeychainState::Silent => FaultCode::KeychainSilent,
        };
        Err(Fault::new(code))
    }

    /// Stops all answers in flight, and waits until they are stored.
    pub(crate) async fn stop_everything(&self) {
        for run in self.engine.runs().list() {
            self.engine.runs().stop_all_in(&run.conversation).await;
        }
        self.engine.close_tables().await;
    }

    /// Takes what a changed database remembers into memory.
    pub(crate) async fn reload(&self) {
        // Those that were opened while the database was on its way out.
        self.engine.close_tables().await;
        self.engine.catalogue_at_hand().forget();
        self.load().await;
    }

    /// What opening does beside opening.
    pub(crate) async fn begin(&self) {
        self.load().await;
        if self.engine.database().is_beside() {
            // The database is another process's to put in order.
            return;
        }
        self.engine.pictures().recover().await;
        let engine = self.engine.clone();
        self.engine.runs().quietly(CancellationToken::new(), async move {
            tidy(&engine).await;
        });
    }

    /// Takes what the database remembers into memory.
    async fn load(&self) {
        if let Ok(settings) = self.engine.database().read(|shelf| Ok(shelf.disk.settings()?)).await {
            self.engine.in_force().set(settings);
        }
        self.engine.accounts().begin().await;
    }
}

/// Once a start: today's copy of the database, and what has been in the trash for a month goes.
async fn tidy(engine: &Engine) {
    let now = engine.now();
    let before = Timestamp(now.0 - TRASH_DAYS * 86_400_000);
    let tidied = engine
        .database()
        .read(move |shelf| {
            shelf.disk.keep_daily_copy(now)?;
            shelf.disk.purge_pictures(before)?;
            Ok(shelf.disk.purge_trash(before)?)
        })
        .await;
    if let Err(fault) = tidied.and(crate::library::purge(engine, before).await.map(|_| 0)) {
        tracing::warn!(code = ?fault.code, "the daily tidying was not done");
    }
}

/// The language of ours that a name like `zh_CN.UTF-8` or `en-GB` asks for.
fn spoken(name: &str) -> Option<&'static str> {
    let language = name.split(['-', '_', '.', '@']).next().unwrap_or_default().to_ascii_lowercase();
    match language.as_str() {
        "en" => Some("en"),
        "zh" => Some("zh-CN"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_systems_name_for_a_language_is_understood() {
        for (name, language) in [
            ("zh_CN.UTF-8", Some("zh-CN")),
            ("zh-Hant-TW", Some("zh-CN")),
            ("en-GB", Some("en")),
            ("de_DE", None),
            ("C", None),
            ("", None),
        ] {
            assert_eq!(spoken(name), language, "{name:?}");
        }
    }
}
