//! Tells Tauri where our capability and our permissions lie (beside the shell, not at the root), and sees to it that
//! `ui/dist` exists, so that the shell compiles before the interface was ever built.

use std::{fs, path::Path};

fn main() {
    let dist = Path::new("ui/dist");
    if !dist.join("index.html").exists() {
        fs::create_dir_all(dist).expect("ui/dist can be made");
        fs::write(dist.join("index.html"), "<!doctype html><title>Edgewise</title><p>Run ./dev run.</p>")
            .expect("ui/dist can be written");
    }
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=src-tauri/permissions");
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("src-tauri/capabilities/*.json")
        .app_manifest(
            tauri_build::AppManifest::new().permissions_path_pattern("src-tauri/permissions/*.toml"),
        );
    tauri_build::try_build(attributes).expect("the Tauri configuration is valid");
}
