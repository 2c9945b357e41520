//! Which accounts there are, which one is in use, and the tokens that are at hand: the engine's memory of them.
//!
//! Tokens live here and in the places where the person keeps them, and nowhere else. A client is made once for each
//! account and way to the network, because the limits of an account are shared by all its calls. A run in flight
//! holds its own client: whatever is switched, it ends under the identity with which it began.

use super::demo::{DemoDoor, DemoRoom};
use super::{Caller, demo};
use crate::Options;
use crate::error::not_found;
use domain::{Account, AccountKey, AccountState, Fault, FaultCode, FoundAccount, KeptIn, KeychainState};
use keychain::{KeyFile, Keychain};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use workers_ai::{ApiToken, Client, Endpoint, Network};

/// The key of the account that the environment variables name.
pub(crate) const ENVIRONMENT_KEY: &str = "environment";

/// The engine's memory of accounts.
pub(crate) struct Access {
    /// Where real accounts are.
    pub(crate) api_url: String,
    /// The system's keychain.
    pub(crate) keychain: Keychain,
    /// The encrypted file of those without a keychain.
    pub(crate) key_file: PathBuf,
    /// The way to the simulator.
    pub(crate) door: Option<Arc<dyn DemoDoor>>,
    /// Opened once, when it is first needed.
    room: tokio::sync::Mutex<Option<Arc<DemoRoom>>>,
    /// Keys have been read, or found unreadable.
    settled: watch::Sender<bool>,
    state: Mutex<State>,
}

/// What changes.
#[derive(Default)]
pub(crate) struct State {
    /// All known accounts.
    pub(crate) accounts: Vec<Account>,
    /// The one in use.
    pub(crate) current: Option<AccountKey>,
    /// Tokens at hand.
    pub(crate) tokens: HashMap<AccountKey, ApiToken>,
    /// What the keychain said last.
    pub(crate) keychain: Option<KeychainState>,
    /// The key file, open since the person gave its passphrase.
    pub(crate) key_file: Option<Arc<KeyFile>>,
    /// Pasted tokens that wait for the person to connect.
    pub(crate) tickets: HashMap<String, Ticket>,
    clients: HashMap<AccountKey, (Network, Client)>,
}

/// A pasted token and what it led to.
#[derive(Clone)]
pub(crate) struct Ticket {
    /// The token.
    pub(crate) token: ApiToken,
    /// The accounts that it can see.
    pub(crate) found: Vec<FoundAccount>,
}

impl Access {
    pub(crate) fn new(options: &Options) -> Self {
        let mut state = State::default();
        let environment = options.environment_account.as_ref();
        if let Some((token, account_id)) = environment {
            state.take_environment(token, account_id);
        }
        Self {
            api_url: options.api_url.clone(),
            keychain: options.keychain.clone(),
            key_file: options.data_dir.join("keys.edgewise"),
            door: options.simulator.clone(),
            room: tokio::sync::Mutex::default(),
            settled: watch::Sender::new(false),
            state: Mutex::new(state),
        }
    }

    /// The memory itself. Never held over an `.await`.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The environment names the account: no keychain is asked.
    pub(crate) fn is_environment(&self) -> bool {
        self.state().find(&ENVIRONMENT_KEY.into()).is_some()
    }

    /// The account in use.
    pub(crate) fn current(&self) -> Option<AccountKey> {
        self.state().current.clone()
    }

    /// Its token is at hand.
    pub(crate) fn is_ready(&self) -> bool {
        self.state().is_ready()
    }

    /// What the window is told.
    pub(crate) fn told(&self) -> AccountState {
        let state = self.state();
        let locked = |account: &Account| {
            account.kept_in == KeptIn::EncryptedFile && !state.tokens.contains_key(&account.key)
        };
        AccountState {
            current: state.current.as_ref().and_then(|key| state.find(key)).cloned(),
            ready: state.is_ready(),
            accounts: state.accounts.clone(),
            keychain: state.keychain.unwrap_or(KeychainState::Ok),
            passphrase_needed: state.accounts.iter().any(locked),
        }
    }

    /// Keys have been read; who waited for them goes on.
    pub(crate) fn settle(&self) {
        self.settled.send_replace(true);
    }

    /// Waits until keys have been read. The keychain has its own deadline.
    pub(crate) async fn settled(&self) {
        let mut settled = self.settled.subscribe();
        // The sender lives as long as `self`.
        let _closed_never = settled.wait_for(|settled| *settled).await;
    }

    /// The running simulator; started when it is not.
    pub(crate) async fn room(&self) -> Result<Arc<DemoRoom>, Fault> {
        let mut room = self.room.lock().await;
        if let Some(open) = room.as_ref() {
            return Ok(Arc::clone(open));
        }
        let door = self.door.as_ref().ok_or_else(|| not_found("a simulator"))?;
        let opened = Arc::new(door.open().await?);
        *room = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Who calls as the account in use.
    pub(crate) async fn caller(&self, network: Network) -> Result<Caller, Fault> {
        let account = {
            let state = self.state();
            state.current.as_ref().and_then(|key| state.find(key)).cloned()
        };
        let account = account.ok_or_else(|| Fault::new(FaultCode::NoAccount))?;
        if account.kept_in == KeptIn::Simulator {
            let room = self.room().await?;
            let token = ApiToken::new(&room.token).map_err(|error| error.fault())?;
            return self.caller_as(&account, token, room.base_url.clone(), network);
        }
        self.settled().await;
        let token = self.state().token_of(&account)?;
        self.caller_as(&account, token, self.api_url.clone(), network)
    }

    fn caller_as(
        &self,
        account: &Account,
        token: ApiToken,
        base_url: String,
        network: Network,
    ) -> Result<Caller, Fault> {
        let mut state = self.state();
        let kept = token.clone();
        let client = match state.clients.get(&account.key) {
            Some((same, client)) if *same == network => client.clone(),
            _ => {
                let endpoint = Endpoint {
                    base_url,
                    account_id: account.account_id.clone(),
                    token,
                    gateway: account.gateway.clone(),
                };
                let client = Client::new(endpoint, &network).map_err(|error| error.fault())?;
                state.clients.insert(account.key.clone(), (network, client.clone()));
                client
            }
        };
        Ok(Caller {
            key: account.key.clone(),
            simulated: account.key.as_str() == demo::DEMO_KEY,
            client,
            token: kept,
        })
    }
}

impl State {
    /// A known account.
    pub(crate) fn find(&self, key: &AccountKey) -> Option<&Account> {
        self.accounts.iter().find(|account| account.key == *key)
    }

    /// Enters an account, or changes it in its place. Its client is made anew: the token may be another.
    pub(crate) fn enter(&mut self, account: Account, token: Option<ApiToken>) {
        self.clients.remove(&account.key);
        if let Some(token) = token {
            self.tokens.insert(account.key.clone(), token);
        }
        match self.accounts.iter_mut().find(|known| known.key == account.key) {
            Some(known) => *known = account,
            None => self.accounts.push(account),
        }
    }

    /// Takes over what the database knows. The environment's account stays, and stays in use.
    pub(crate) fn know(&mut self, accounts: Vec<Account>, current: Option<AccountKey>) {
        self.accounts.retain(|account| account.kept_in == KeptIn::Environment);
        let environment = self.accounts.first().map(|account| account.key.clone());
        for account in accounts {
            self.enter(account, None);
        }
        let remembered = current.filter(|key| self.find(key).is_some());
        let first = || self.accounts.first().map(|account| account.key.clone());
        self.current = environment.or(remembered).or_else(first);
    }

    /// Forgets an account and its token. Another one that can be used takes its place, if it was in use.
    pub(crate) fn forget(&mut self, key: &AccountKey) {
        self.accounts.retain(|account| account.key != *key);
        self.tokens.remove(key);
        self.clients.remove(key);
        if self.current.as_ref() == Some(key) {
            self.current = self.accounts.first().map(|account| account.key.clone());
        }
    }

    fn is_ready(&self) -> bool {
        let Some(account) = self.current.as_ref().and_then(|key| self.find(key)) else { return false };
        account.kept_in == KeptIn::Simulator || self.tokens.contains_key(&account.key)
    }

    /// The token of an account, or why it is not at hand.
    fn token_of(&self, account: &Account) -> Result<ApiToken, Fault> {
        if let Some(token) = self.tokens.get(&account.key) {
            return Ok(token.clone());
        }
        let code = match (account.kept_in, self.keychain) {
            (KeptIn::Keychain, Some(KeychainState::Locked)) => FaultCode::KeychainLocked,
            (KeptIn::Keychain, Some(KeychainState::Denied)) => FaultCode::KeychainDenied,
            (KeptIn::Keychain, Some(KeychainState::Absent)) => FaultCode::KeychainMissing,
            (KeptIn::Keychain, Some(KeychainState::Silent)) => FaultCode::KeychainSilent,
            // The file waits for its passphrase: locked, as a keychain can be.
            (KeptIn::EncryptedFile, _) => FaultCode::KeychainLocked,
            // The session is over, or somebody took the item out of the keychain.
            _ => FaultCode::NoAccount,
        };
        Err(Fault::new(code))
    }

    /// A token that cannot be one leaves the account without a token: calls then say so.
    fn take_environment(&mut self, token: &str, account_id: &str) {
        let account = Account {
            key: ENVIRONMENT_KEY.into(),
            account_id: account_id.trim().to_owned(),
            name: "CLOUDFLARE_ACCOUNT_ID".to_owned(),
            gateway: None,
            kept_in: KeptIn::Environment,
        };
        self.current = Some(account.key.clone());
        self.enter(account, ApiToken::new(token).ok());
    }
}
