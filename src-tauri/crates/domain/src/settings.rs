//! What a person can set. Every field has a default, so that an older or newer file still reads.

use crate::ids::ModelId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// All settings but secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// `en`, `zh-CN`, or absent for the system's.
    pub locale: Option<String>,
    /// Light or dark.
    pub theme: Theme,
    /// Zoom of the whole window, 1.0 = 100 %.
    pub zoom: f64,
    /// Ctrl/Cmd+Enter sends, and Enter breaks the line.
    pub send_with_modifier: bool,
    /// Show the line with model, tokens, speed and neurons under each answer.
    pub show_answer_info: bool,
    /// Make titles in the background.
    pub make_titles: bool,
    /// A pasted text longer than this many characters becomes a file; 0 = never.
    pub long_paste: u32,
    /// The model for new conversations.
    pub chat_model: Option<ModelId>,
    /// The model for titles.
    pub title_model: Option<ModelId>,
    /// The model for pictures.
    pub image_model: Option<ModelId>,
    /// The model for embeddings.
    pub embedding_model: Option<ModelId>,
    /// Favourite models, shown first.
    pub favourite_models: Vec<ModelId>,
    /// The system prompt of new conversations.
    pub system_prompt: Option<String>,
    /// Ask before a day's neurons pass this.
    pub soft_cap: Option<f64>,
    /// Refuse when a day's neurons pass this.
    pub hard_cap: Option<f64>,
    /// `http://`, `https://` or `socks5://`; absent = the system's.
    pub proxy: Option<String>,
    /// Path of a PEM file with further certificate authorities.
    pub custom_ca: Option<String>,
    /// Seconds to wait for a connection.
    pub connect_timeout_s: u32,
    /// Seconds to wait for the first byte.
    pub first_byte_timeout_s: u32,
    /// Seconds of silence inside an answer.
    pub idle_timeout_s: u32,
    /// A message that begins with `画`, `/image` or `/draw` makes a picture.
    pub picture_words: bool,
    /// Pictures leave without their settings inside, unless the person says otherwise.
    pub strip_metadata: bool,
    /// Bytes of the largest document that is read, in MiB.
    pub largest_document_mib: u32,
    /// Memory that the reading of one document may take, in MiB.
    pub reading_memory_mib: u32,
    /// Processor time that the reading of one document may take, in seconds.
    pub reading_cpu_s: u32,
    /// Seconds that the reading of one document may last.
    pub reading_wall_s: u32,
    /// Changed keys: action name → keys, e.g. `newChat` → `Ctrl+N`.
    pub keys: BTreeMap<String, String>,
    /// The sidebar is hidden.
    pub sidebar_hidden: bool,
    /// The width of the sidebar in pixels.
    pub sidebar_width: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            locale: None,
            theme: Theme::System,
            zoom: 1.0,
            send_with_modifier: false,
            show_answer_info: true,
            make_titles: true,
            long_paste: 4_000,
            chat_model: None,
            title_model: None,
            image_model: None,
            embedding_model: None,
            favourite_models: Vec::new(),
            system_prompt: None,
            soft_cap: None,
            hard_cap: None,
            proxy: None,
            custom_ca: None,
            connect_timeout_s: 10,
            first_byte_timeout_s: 120,
            idle_timeout_s: 90,
            picture_words: true,
            strip_metadata: false,
            largest_document_mib: 256,
            reading_memory_mib: 1_024,
            reading_cpu_s: 20,
            reading_wall_s: 30,
            keys: BTreeMap::new(),
            sidebar_hidden: false,
            sidebar_width: 264,
        }
    }
}
