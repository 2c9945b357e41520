//! What a run begins with, and what of it is written down so that another process can go on.

use domain::CollectionSettings;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use store::library::{Claim, NewDocument};

/// What a run begins with.
pub(crate) enum Load {
    /// Files and folders.
    Paths(Vec<PathBuf>),
    /// The folder that the collection follows, once more.
    Look(PathBuf),
    /// Documents whose originals are kept.
    New(Vec<NewDocument>),
    /// Documents that are there.
    Known(Vec<String>),
    /// A document whose text the service makes, which is quoted first.
    Converted(String),
    /// Other passages or vectors for all documents, which is quoted first.
    Settings(Box<CollectionSettings>),
}

/// What is left to take in, on disk. Documents that are there are not in it: they stand with the run already.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Left {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) paths: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) look: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) convert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) settings: Option<Box<CollectionSettings>>,
}

impl Load {
    /// With paths that mean the same in another process.
    pub(super) fn absolute(self) -> Self {
        let whole = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        match self {
            Self::Paths(paths) => Self::Paths(paths.into_iter().map(whole).collect()),
            Self::Look(folder) => Self::Look(whole(folder)),
            other => other,
        }
    }

    /// What another process has to know to go on; `None` when the documents say everything.
    pub(super) fn left(&self) -> Option<String> {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let left = match self {
            Self::New(_) | Self::Known(_) => return None,
            Self::Paths(paths) => Left { paths: paths.iter().map(text).collect(), ..Left::default() },
            Self::Look(folder) => Left { look: Some(text(folder)), ..Left::default() },
            Self::Converted(id) => Left { convert: Some(id.clone()), ..Left::default() },
            Self::Settings(settings) => Left { settings: Some(settings.clone()), ..Left::default() },
        };
        serde_json::to_string(&left).ok()
    }

    /// What a process left.
    pub(super) fn of(left: Option<&str>) -> Self {
        let left: Left = left.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        if let Some(folder) = left.look {
            Self::Look(folder.into())
        } else if let Some(id) = left.convert {
            Self::Converted(id)
        } else if let Some(settings) = left.settings {
            Self::Settings(settings)
        } else if left.paths.is_empty() {
            Self::Known(Vec::new())
        } else {
            Self::Paths(left.paths.into_iter().map(PathBuf::from).collect())
        }
    }

    /// A look at a folder takes nothing from runs that a person began.
    pub(super) fn claim(&self) -> Claim {
        if matches!(self, Self::Look(_)) { Claim::Gentle } else { Claim::Firm }
    }
}
