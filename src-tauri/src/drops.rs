//! Files that the person drops or picks. Their paths stay here: the page gets names and a grant, to be used once.

use domain::{AppEvent, DropEvent, Fault, FaultCode, Grant, GrantedFile};
use engine::Engine;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tauri::{AppHandle, DragDropEvent, Manager, PhysicalPosition};

/// Grants that were given and not yet used.
#[derive(Default)]
pub struct Grants(Mutex<HashMap<String, Vec<PathBuf>>>);

/// Grants nobody used are forgotten beyond this number, oldest ids first (they sort by time).
const KEPT: usize = 64;

impl Grants {
    /// Gives the right to use these files.
    pub fn give(&self, paths: Vec<PathBuf>) -> Grant {
        let id = uuid::Uuid::now_v7().to_string();
        let files = paths.iter().map(|path| describe(path)).collect();
        let mut grants = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        grants.insert(id.clone(), paths);
        if grants.len() > KEPT
            && let Some(oldest) = grants.keys().min().cloned()
        {
            grants.remove(&oldest);
        }
        Grant { id, files }
    }

    /// The files of a grant, which is used up by it.
    pub fn take(&self, id: &str) -> Result<Vec<PathBuf>, Fault> {
        let mut grants = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        grants
            .remove(id)
            .ok_or_else(|| Fault::new(FaultCode::NotFound).with_detail("this drop was used already"))
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn describe(path: &Path) -> GrantedFile {
    let metadata = std::fs::metadata(path).ok();
    GrantedFile {
        name: name_of(path),
        folder: metadata.as_ref().is_some_and(std::fs::Metadata::is_dir),
        size: metadata.map_or(0, |metadata| metadata.len()),
    }
}

/// Passes a drag over the window on to the page.
pub fn announce(app: &AppHandle, event: &DragDropEvent) {
    let scale = app
        .get_webview_window(crate::window::MAIN)
        .and_then(|window| window.scale_factor().ok())
        .unwrap_or(1.0);
    let logical = |position: &PhysicalPosition<f64>| (position.x / scale, position.y / scale);
    let drop = match event {
        DragDropEvent::Enter { paths, .. } => {
            // The names alone: a disk that answers slowly must not hold up the pointer.
            DropEvent::Enter { names: paths.iter().map(|path| name_of(path)).collect() }
        }
        DragDropEvent::Over { position } => {
            let (x, y) = logical(position);
            DropEvent::Over { x, y }
        }
        DragDropEvent::Drop { paths, position } => {
            let (x, y) = logical(position);
            DropEvent::Dropped { grant: app.state::<Grants>().give(paths.clone()), x, y }
        }
        _ => DropEvent::Leave,
    };
    app.state::<Engine>().announce(AppEvent::Drop { drop });
}

#[cfg(test)]
mod tests {
    use super::Grants;
    use std::path::PathBuf;

    #[test]
    fn a_grant_is_used_once_and_shows_no_path() {
        let grants = Grants::default();
        let grant = grants.give(vec![PathBuf::from("/somewhere/private/report.pdf")]);
        assert_eq!(grant.files[0].name, "report.pdf");
        assert!(!format!("{grant:?}").contains("private"), "the page learns names, not paths");
        assert_eq!(grants.take(&grant.id).expect("it was given").len(), 1);
        assert!(grants.take(&grant.id).is_err(), "it was used already");
    }

    #[test]
    fn unused_grants_do_not_pile_up() {
        let grants = Grants::default();
        let first = grants.give(vec![PathBuf::from("/a")]);
        for _ in 0..200 {
            grants.give(vec![PathBuf::from("/b")]);
        }
        assert!(grants.take(&first.id).is_err(), "the oldest are forgotten");
    }
}
