//! `backup` and `restore`: everything but secrets, in one file.

use crate::arguments::{Backup, Restore};
use crate::output;
use domain::Fault;
use engine::Engine;

/// Writes the backup; the file appears only when it is whole.
pub async fn backup(engine: &Engine, options: Backup) -> Result<(), Fault> {
    engine.history().back_up(options.file.clone()).await?;
    output::note(&format!("Written: {} (it holds no keys)", options.file.display()));
    Ok(())
}

/// Brings it back, after checking it; what was there is kept as a copy.
pub async fn restore(engine: &Engine, options: Restore) -> Result<(), Fault> {
    engine.history().restore_backup(options.file).await?;
    output::note("Restored. What was there before is kept among the copies.");
    Ok(())
}
