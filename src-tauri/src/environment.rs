//! What the environment says: the folder, the address, the account, the language.

use std::path::PathBuf;

/// Wrangler's variables, when both are set: they are the account, and nothing is written to the keychain.
pub fn account() -> Option<(String, String)> {
    Some((filled("CLOUDFLARE_API_TOKEN")?, filled("CLOUDFLARE_ACCOUNT_ID")?))
}

/// `EDGEWISE_DATA_DIR`, or the folder that the system gives to this app.
pub fn data_dir(default: impl FnOnce() -> Option<PathBuf>) -> PathBuf {
    filled("EDGEWISE_DATA_DIR").map(PathBuf::from).or_else(default).unwrap_or_else(|| PathBuf::from("edgewise-data"))
}

/// `EDGEWISE_API_URL`, or Cloudflare's.
pub fn api_url() -> String {
    filled("EDGEWISE_API_URL").unwrap_or_else(|| engine::CLOUDFLARE_API.to_owned())
}

/// `EDGEWISE_LOCALE`: forces the language of the interface.
pub fn locale() -> Option<String> {
    filled("EDGEWISE_LOCALE")
}

fn filled(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}
