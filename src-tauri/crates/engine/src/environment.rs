//! What the environment says, for the window and the command line alike. The names are contracts.

use crate::{DemoDoor, Options};
use std::path::PathBuf;
use std::sync::Arc;

impl Options {
    /// The real things as the environment says: `EDGEWISE_DATA_DIR` (else `default_data_dir`), `EDGEWISE_API_URL`,
    /// `CLOUDFLARE_API_TOKEN` with `CLOUDFLARE_ACCOUNT_ID`, `EDGEWISE_LOCALE`, and the system's language.
    pub fn from_environment(default_data_dir: Option<PathBuf>, door: impl DemoDoor) -> Self {
        let data_dir = filled("EDGEWISE_DATA_DIR").map(PathBuf::from).or(default_data_dir);
        let mut options = Self::new(data_dir.unwrap_or_else(|| PathBuf::from("edgewise-data")));
        if let Some(url) = filled("EDGEWISE_API_URL") {
            options.api_url = url.trim_end_matches('/').to_owned();
        }
        options.environment_account = filled("CLOUDFLARE_API_TOKEN").zip(filled("CLOUDFLARE_ACCOUNT_ID"));
        options.locale_forced = filled("EDGEWISE_LOCALE");
        options.locale_system = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(filled);
        options.simulator = Some(Arc::new(door));
        // Documents are read by this program again, in a process of its own.
        options.reader = std::env::current_exe().ok();
        options
    }
}

fn filled(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}
