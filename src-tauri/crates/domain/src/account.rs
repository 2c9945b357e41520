//! Accounts, where their key is kept, and the steps of connecting one.

use crate::fault::Fault;
use crate::ids::AccountKey;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where an account's token lies. The token itself is in none of these types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum KeptIn {
    /// The operating system's keychain.
    Keychain,
    /// Memory only: gone when the app ends.
    Session,
    /// A file encrypted with a passphrase.
    EncryptedFile,
    /// The environment variables `CLOUDFLARE_API_TOKEN` and `CLOUDFLARE_ACCOUNT_ID`.
    Environment,
    /// Nowhere: the simulator needs none.
    Simulator,
}

/// A connected account, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Our key for it.
    pub key: AccountKey,
    /// Cloudflare's account id: 32 hexadecimal characters.
    pub account_id: String,
    /// A name for people.
    pub name: String,
    /// AI Gateway to go through, if any.
    pub gateway: Option<String>,
    /// Where its token lies.
    pub kept_in: KeptIn,
}

/// What the keychain said when it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum KeychainState {
    /// It answers.
    Ok,
    /// It waits for the person to unlock it.
    Locked,
    /// It refused.
    Denied,
    /// There is none on this machine.
    Absent,
    /// It did not answer within the deadline.
    Silent,
}

/// Everything the window needs to know about accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AccountState {
    /// The account in use; `None` before the first minute is over.
    pub current: Option<Account>,
    /// Its token is at hand, so that requests can be made.
    pub ready: bool,
    /// All known accounts.
    pub accounts: Vec<Account>,
    /// The keychain's state.
    pub keychain: KeychainState,
    /// An encrypted key file waits for its passphrase.
    pub passphrase_needed: bool,
}

/// An account that a token can see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FoundAccount {
    /// Cloudflare's account id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What a pasted token led to. The token waits in memory on the Rust side under `ticket`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    /// Names the waiting token in the following calls.
    pub ticket: String,
    /// Accounts found; empty when the token may not list them.
    pub accounts: Vec<FoundAccount>,
    /// The person has to give the account id.
    pub account_id_needed: bool,
}

/// The three ticks of connecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum CheckStep {
    /// The token is valid and active.
    TokenValid,
    /// It carries the Workers AI permission for this account.
    WorkersAiPermission,
    /// A model answered one token.
    OneTokenAnswer,
}

/// How one tick came out; sent as each is proved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CheckEvent {
    /// Which tick.
    pub step: CheckStep,
    /// Proved, or why not; `None` while it is being tried.
    pub outcome: Option<CheckOutcome>,
}

/// The result of one tick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum CheckOutcome {
    /// Proved.
    Proved {
        /// What the probe cost, for the third tick.
        neurons: Option<f64>,
    },
    /// Not proved.
    Failed {
        /// Why.
        fault: Fault,
        /// The permission that is missing, as the dashboard names it, e.g. `Workers AI: Read`.
        missing_permission: Option<String>,
    },
}

/// Where to keep a new token: the person's explicit choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum KeepIn {
    /// In the operating system's keychain.
    Keychain,
    /// In memory until the app ends.
    Session,
    /// In a file that this passphrase encrypts.
    EncryptedFile {
        /// The passphrase; never stored.
        passphrase: String,
    },
}
