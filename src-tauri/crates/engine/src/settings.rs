//! What a person set, at hand without asking the disk.

use crate::Engine;
use crate::error::invalid;
use domain::{Fault, Settings};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use workers_ai::{Network, Timeouts};

/// The use cases about settings. Made by [`Engine::settings`].
#[derive(Clone)]
pub struct SettingsDesk {
    pub(crate) engine: Engine,
}

/// The settings in force. A cheap clone: all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct InForce {
    settings: Arc<RwLock<Settings>>,
}

impl InForce {
    /// The settings now.
    pub(crate) fn now(&self) -> Settings {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts others into force.
    pub(crate) fn set(&self, settings: Settings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
    }
}

impl SettingsDesk {
    /// All settings; the defaults where the database cannot be read.
    pub async fn settings(&self) -> Result<Settings, Fault> {
        Ok(self.engine.in_force().now())
    }

    /// Stores all settings and puts them into force. Runs in flight go on under the old ones.
    ///
    /// # Errors
    /// `InvalidInput` for limits that no call could keep, or the store's.
    pub async fn save_settings(&self, settings: Settings) -> Result<Settings, Fault> {
        check(&settings)?;
        let stored = settings.clone();
        self.engine.database().write(move |shelf| Ok(shelf.disk.save_settings(&stored)?)).await?;
        self.engine.in_force().set(settings.clone());
        Ok(settings)
    }
}

/// What the reading of one document may be allowed: less reads nothing at all, more is no limit.
const DOCUMENT_MIB: RangeInclusive<u32> = 1..=4_096;
const MEMORY_MIB: RangeInclusive<u32> = 64..=16_384;
const READING_S: RangeInclusive<u32> = 1..=3_600;

fn check(settings: &Settings) -> Result<(), Fault> {
    let limits = [settings.connect_timeout_s, settings.first_byte_timeout_s, settings.idle_timeout_s];
    if limits.contains(&0) {
        return Err(invalid("a time limit of 0 seconds"));
    }
    if !(0.25..=5.0).contains(&settings.zoom) {
        return Err(invalid("zoom"));
    }
    let caps = [settings.soft_cap, settings.hard_cap];
    if caps.iter().flatten().any(|cap| !cap.is_finite() || *cap < 0.0) {
        return Err(invalid("a neuron limit below 0"));
    }
    check_reading(settings)
}

fn check_reading(settings: &Settings) -> Result<(), Fault> {
    for (limits, limit, name) in [
        (DOCUMENT_MIB, settings.largest_document_mib, "the largest file"),
        (MEMORY_MIB, settings.reading_memory_mib, "the memory for reading"),
        (READING_S, settings.reading_cpu_s, "the processor time for reading"),
        (READING_S, settings.reading_wall_s, "the time for reading"),
    ] {
        if !limits.contains(&limit) {
            let (least, most) = (limits.start(), limits.end());
            return Err(invalid(&format!("{name}: {limit} is not from {least} to {most}")));
        }
    }
    Ok(())
}

/// The way to the network that these settings describe.
pub(crate) fn network(settings: &Settings) -> Network {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    Network {
        timeouts: Timeouts {
            connect: seconds(settings.connect_timeout_s),
            first_byte: seconds(settings.first_byte_timeout_s),
            idle: seconds(settings.idle_timeout_s),
        },
        proxy: settings.proxy.clone().filter(|proxy| !proxy.trim().is_empty()),
        custom_ca: settings.custom_ca.clone().filter(|path| !path.trim().is_empty()).map(PathBuf::from),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use domain::{FaultCode, Settings};

    type Field = fn(&mut Settings) -> &mut u32;

    #[test]
    fn limits_of_reading_that_no_file_could_keep_are_refused() {
        check(&Settings::default()).unwrap();
        let fields: [(Field, u32, u32); 4] = [
            (|settings| &mut settings.largest_document_mib, 1, 4_096),
            (|settings| &mut settings.reading_memory_mib, 64, 16_384),
            (|settings| &mut settings.reading_cpu_s, 1, 3_600),
            (|settings| &mut settings.reading_wall_s, 1, 3_600),
        ];
        for (field, least, most) in fields {
            let with = |limit| {
                let mut settings = Settings::default();
                *field(&mut settings) = limit;
                check(&settings)
            };
            for limit in [least, most] {
                with(limit).unwrap();
            }
            for limit in [0, least - 1, most + 1] {
                let fault = with(limit).unwrap_err();
                assert_eq!(fault.code, FaultCode::InvalidInput, "{:?}", fault.detail);
            }
        }
    }
}
