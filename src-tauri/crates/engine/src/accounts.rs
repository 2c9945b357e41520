//! Accounts: connecting one, keeping its token where the person chose, switching, and trying without one.
//!
//! The token goes one way: from the person into memory, from there into the place that the person chose and into the
//! header of requests. No event, no answer of these methods and no file of ours holds it.

pub(crate) mod access;
pub(crate) mod check;
pub mod demo;
pub(crate) mod keeping;

use crate::Engine;
use crate::error::{invalid, not_found};
use crate::settings::network;
use crate::sink::Sink;
use access::{ENVIRONMENT_KEY, Ticket};
use domain::{
    Account, AccountKey, AccountState, AppEvent, CheckEvent, Discovery, Fault, FaultCode, KeepIn, KeptIn,
};
use workers_ai::{ApiToken, Client, Endpoint};

/// The name under which the account in use is remembered.
const CURRENT: &str = "account.current";

/// The use cases about accounts. Made by [`Engine::accounts`].
#[derive(Clone)]
pub struct Accounts {
    pub(crate) engine: Engine,
}

/// Who makes a call: one account with its limits. What is begun with it ends with it.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Our key for the account.
    pub(crate) key: AccountKey,
    /// It is the simulator: nothing is spent.
    pub(crate) simulated: bool,
    /// Its client.
    pub(crate) client: Client,
    /// Its token, so that it can be struck out of what a service says.
    token: ApiToken,
}

impl Caller {
    /// An error of the wire as a fault. A service that repeats the token in its words does not get it any further.
    pub(crate) fn fault(&self, error: &workers_ai::Error) -> Fault {
        self.cleaned(error.fault())
    }

    /// The fault without the token, wherever a service put it.
    pub(crate) fn cleaned(&self, fault: Fault) -> Fault {
        without_token(fault, &self.token)
    }
}

/// The fault with the token struck out of its words.
fn without_token(fault: Fault, token: &ApiToken) -> Fault {
    let detail = fault.detail.map(|detail| detail.replace(token.expose(), "••••"));
    let reference = fault.reference.map(|reference| reference.replace(token.expose(), "••••"));
    Fault { detail, reference, ..fault }
}

impl Accounts {
    /// What is known now, at once. Keys may still be on their way: then `ready` is false and
    /// [`AppEvent::AccountChanged`] follows.
    pub async fn account_state(&self) -> Result<AccountState, Fault> {
        Ok(self.engine.access().told())
    }

    /// What is known when keys have been read, which takes at most the keychain's three seconds.
    pub async fn settled_state(&self) -> Result<AccountState, Fault> {
        self.engine.access().settled().await;
        self.account_state().await
    }

    /// Takes a pasted token and looks which accounts it can see. The token waits under the ticket.
    ///
    /// # Errors
    /// `TokenRejected` when it cannot be a token, and the network's.
    pub async fn discover_accounts(&self, token: String) -> Result<Discovery, Fault> {
        let token = ApiToken::new(&token).map_err(|error| error.fault())?;
        let settings = self.engine.in_force().now();
        let api_url = self.engine.access().api_url.clone();
        let found = Client::discover(&api_url, token.clone(), &network(&settings))
            .await
            .map_err(|error| without_token(error.fault(), &token))?;
        let ticket: String = self.engine.new_id();
        let waiting = Ticket { token, found: found.accounts.clone() };
        self.engine.access().state().tickets.insert(ticket.clone(), waiting);
        Ok(Discovery { ticket, account_id_needed: found.account_id_needed, accounts: found.accounts })
    }

    /// Tries the three ticks with a waiting token. `true` when all are proved.
    ///
    /// # Errors
    /// `NotFound` for an unknown ticket, `InvalidInput` for what cannot be an account id.
    pub async fn check_account(
        &self,
        ticket: String,
        account_id: String,
        events: impl Sink<CheckEvent>,
    ) -> Result<bool, Fault> {
        let waiting = self.ticket(&ticket)?;
        let key = AccountKey(checked_id(&account_id)?);
        let endpoint = Endpoint {
            base_url: self.engine.access().api_url.clone(),
            account_id: key.0.clone(),
            token: waiting.token.clone(),
            gateway: None,
        };
        let token = waiting.token;
        let settings = self.engine.in_force().now();
        let client = Client::new(endpoint, &network(&settings)).map_err(|error| error.fault())?;
        let caller = Caller { key, simulated: false, client, token };
        Ok(check::check(&self.engine, &caller, &events).await)
    }

    /// Connects the account of a waiting token and keeps the token where the person says. It is in use from now on.
    ///
    /// # Errors
    /// `NotFound` for an unknown ticket; the keychain's state when it does not take it (nothing is connected then);
    /// `PassphraseWrong` for a key file that another passphrase opens.
    pub async fn connect_account(
        &self,
        ticket: String,
        account_id: String,
        keep: KeepIn,
    ) -> Result<AccountState, Fault> {
        let waiting = self.ticket(&ticket)?;
        let account_id = checked_id(&account_id)?;
        let name = waiting.found.iter().find(|found| found.id == account_id).map(|found| found.name.clone());
        let account = Account {
            key: AccountKey(account_id.clone()),
            name: name.unwrap_or_else(|| account_id.chars().take(8).collect()),
            account_id,
            gateway: None,
            kept_in: match &keep {
                KeepIn::Keychain => KeptIn::Keychain,
                KeepIn::Session => KeptIn::Session,
                KeepIn::EncryptedFile { .. } => KeptIn::EncryptedFile,
            },
        };
        keeping::keep(&self.engine, &account.key, &waiting.token, keep).await?;
        self.take_into_use(account, Some(waiting.token)).await?;
        self.engine.access().state().tickets.remove(&ticket);
        Ok(self.tell())
    }

    /// Goes through the second door: the simulator, in this process and without a network.
    ///
    /// # Errors
    /// `NotFound` when this build has none, or why it did not start.
    pub async fn try_demo(&self) -> Result<AccountState, Fault> {
        let room = self.engine.access().room().await?;
        self.take_into_use(demo::account(&room.account_id), None).await?;
        Ok(self.tell())
    }

    /// Uses another known account from now on. Runs in flight end under the old one.
    ///
    /// # Errors
    /// `NotFound` for an unknown account.
    pub async fn switch_account(&self, key: AccountKey) -> Result<AccountState, Fault> {
        {
            let mut state = self.engine.access().state();
            if state.find(&key).is_none() {
                return Err(not_found("account"));
            }
            state.current = Some(key.clone());
        }
        self.remember_current().await?;
        Ok(self.tell())
    }

    /// Forgets an account and removes its token from where it was kept. Its usage stays.
    ///
    /// # Errors
    /// `NotFound` for an unknown account, `InvalidInput` for that of the environment, the keychain's state when the token
    /// cannot be removed (the account is kept then).
    pub async fn disconnect_account(&self, key: AccountKey) -> Result<AccountState, Fault> {
        let account = self.engine.access().state().find(&key).cloned();
        let account = account.ok_or_else(|| not_found("account"))?;
        if account.kept_in == KeptIn::Environment {
            return Err(invalid("it is named by environment variables"));
        }
        keeping::drop_token(&self.engine, &account).await?;
        let gone = key.clone();
        self.engine.database().write(move |shelf| Ok(shelf.disk.remove_account(&gone)?)).await?;
        self.engine.access().state().forget(&key);
        self.remember_current().await?;
        Ok(self.tell())
    }

    /// Opens the encrypted key file.
    ///
    /// # Errors
    /// `PassphraseWrong`, `NotFound` when there is no such file.
    pub async fn unlock_key_file(&self, passphrase: String) -> Result<AccountState, Fault> {
        keeping::unlock(&self.engine, passphrase).await?;
        Ok(self.tell())
    }

    /// Asks the keychain once more, after the person unlocked or started it.
    ///
    /// # Errors
    /// None: the state says how it came out.
    pub async fn retry_keychain(&self) -> Result<AccountState, Fault> {
        // What it says is what `read_keys` hears next.
        let _heard_below = self.engine.access().keychain.retry().await;
        keeping::read_keys(&self.engine).await;
        Ok(self.tell())
    }

    /// Who calls now, as the account in use.
    pub(crate) async fn caller(&self) -> Result<Caller, Fault> {
        self.engine.access().caller(network(&self.engine.in_force().now())).await
    }

    /// At start: which accounts there are, at once; their keys in the background.
    pub(crate) async fn begin(&self) {
        let known = self
            .engine
            .database()
            .read(|shelf| Ok((shelf.disk.accounts()?, shelf.disk.value::<AccountKey>(CURRENT)?)))
            .await;
        if let Ok((accounts, current)) = known {
            self.engine.access().state().know(accounts, current);
        }
        let accounts = self.clone();
        self.engine.runs().quietly(tokio_util::sync::CancellationToken::new(), async move {
            keeping::read_keys(&accounts.engine).await;
            accounts.tell();
        });
    }

    async fn take_into_use(&self, account: Account, token: Option<ApiToken>) -> Result<(), Fault> {
        let stored = account.clone();
        self.engine.database().write(move |shelf| Ok(shelf.disk.upsert_account(&stored)?)).await?;
        {
            let mut state = self.engine.access().state();
            state.current = Some(account.key.clone());
            state.enter(account, token);
        }
        self.remember_current().await
    }

    /// The environment's account is not remembered: without the variables the former one is in use again.
    async fn remember_current(&self) -> Result<(), Fault> {
        self.engine.catalogue_at_hand().forget();
        let current = self.engine.access().current();
        if current.as_ref().is_some_and(|key| key.as_str() == ENVIRONMENT_KEY) {
            return Ok(());
        }
        self.engine.database().write(move |shelf| Ok(shelf.disk.set_value(CURRENT, &current)?)).await
    }

    fn tell(&self) -> AccountState {
        let state = self.engine.access().told();
        self.engine.news().tell(&AppEvent::AccountChanged { state: state.clone() });
        state
    }

    fn ticket(&self, ticket: &str) -> Result<Ticket, Fault> {
        self.engine.access().state().tickets.get(ticket).cloned().ok_or_else(|| not_found("ticket"))
    }
}

/// An account id as the dashboard shows it, without the blanks that pasting adds.
fn checked_id(account_id: &str) -> Result<String, Fault> {
    let id = account_id.trim().to_ascii_lowercase();
    if id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(id)
    } else {
        Err(Fault::new(FaultCode::AccountUnknown).with_detail("an account id has 32 hexadecimal characters"))
    }
}
