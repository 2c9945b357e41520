//! Who may import whom. Cargo enforces most of it; this says it in one place, and covers the interface too.

use crate::{files, root, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Normal dependencies of our own packages, by name.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo tells its metadata");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let packages = metadata["packages"].as_array().expect("it lists packages");
    packages
        .iter()
        .map(|package| {
            let needed = package["dependencies"].as_array().expect("a package lists what it needs");
            let normal = needed.iter().filter(|each| each["kind"].is_null());
            let names = normal.filter_map(|each| each["name"].as_str()).map(str::to_owned).collect();
            (package["name"].as_str().expect("a package has a name").to_owned(), names)
        })
        .collect()
}

const OURS: [&str; 10] = [
    "domain",
    "workers-ai",
    "simulator",
    "store",
    "keychain",
    "vector-table",
    "ingest",
    "render",
    "pictures",
    "engine",
];

#[test]
fn each_crate_knows_only_what_lies_below_it() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("domain", &[][..]),
        ("workers-ai", &["domain"][..]),
        ("store", &["domain"][..]),
        ("render", &["domain"][..]),
        ("ingest", &["domain"][..]),
        ("pictures", &["domain"][..]),
        ("keychain", &["domain"][..]),
        ("vector-table", &["domain"][..]),
        ("simulator", &["domain"][..]),
        (
            "engine",
            &["domain", "workers-ai", "store", "render", "ingest", "keychain", "vector-table", "pictures"][..],
        ),
    ]);
    let dependencies = dependencies();
    for (package, allowed) in allowed {
        for needed in dependencies.get(package).unwrap_or_else(|| panic!("{package} is a package")) {
            if OURS.contains(&needed.as_str()) {
                assert!(allowed.contains(&needed.as_str()), "{package} must not depend on {needed}");
            }
        }
    }
}

#[test]
fn the_window_the_wire_and_the_disk_stay_in_their_rooms() {
    let rooms: [(&str, &[&str]); 5] = [
        ("tauri", &["edgewise"]),
        ("reqwest", &["workers-ai"]),
        ("rusqlite", &["store", "vector-table", "engine"]),
        ("keyring", &["keychain"]),
        ("axum", &["simulator", "local-api"]),
    ];
    let dependencies = dependencies();
    for (library, rooms) in rooms {
        for (package, needed) in &dependencies {
            assert!(
                !needed.contains(library) || rooms.contains(&package.as_str()),
                "{package} depends on {library}, which belongs to {rooms:?}"
            );
        }
    }
    for pure in ["domain", "render", "ingest", "pictures", "vector-table"] {
        for library in ["tokio", "reqwest", "hyper", "axum"] {
            assert!(
                !dependencies[pure].contains(library),
                "{pure} never waits and has no network, so no {library}"
            );
        }
    }
}

#[test]
fn the_engine_says_no_sql_of_its_own() {
    for folder in ["src-tauri/crates/engine/src", "src-tauri/src", "src-tauri/crates/cli/src"] {
        for file in files(folder, ".rs") {
            let source = std::fs::read_to_string(&file).expect("it can be read");
            // A unit test may look at the schema; the program may not.
            let source = source.split("#[cfg(test)]").next().unwrap_or_default();
            for word in ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "CREATE TABLE"] {
                assert!(
                    !source.contains(word),
                    "{} says SQL ({word}); that belongs to store",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn only_the_ipc_folder_knows_tauri() {
    for ending in [".ts", ".svelte"] {
        for file in files("ui/src", ending) {
            let source = std::fs::read_to_string(&file).expect("it can be read");
            let is_test = file.to_string_lossy().contains(".test.");
            if !is_test && !file.starts_with(root().join("ui/src/ipc")) {
                assert!(!source.contains("@tauri-apps/"), "{} imports @tauri-apps", file.display());
            }
        }
    }
}

#[test]
fn kit_and_lib_know_no_feature_and_features_know_no_view() {
    let below: [(&str, &[&str]); 4] = [
        ("ui/src/kit", &["/features/", "/views/", "/state/", "/ipc/"]),
        ("ui/src/lib", &["/features/", "/views/", "/kit/"]),
        ("ui/src/state", &["/features/", "/views/", "/kit/"]),
        ("ui/src/features", &["/views/"]),
    ];
    for (folder, forbidden) in below {
        for ending in [".ts", ".svelte"] {
            for file in files(folder, ending) {
                let source = std::fs::read_to_string(&file).expect("it can be read");
                let imports =
                    source.lines().filter(|line| line.contains(" from ") || line.contains("import("));
                for line in imports.filter(|line| !line.trim_start().starts_with("import type")) {
                    for word in forbidden {
                        assert!(!line.contains(word), "{}: {line}", file.display());
                    }
                }
            }
        }
    }
}

#[test]
fn html_reaches_the_page_in_one_place() {
    let uses: Vec<_> = files("ui/src", ".svelte")
        .into_iter()
        .filter(|file| std::fs::read_to_string(file).expect("it can be read").contains("{@html"))
        .collect();
    assert_eq!(uses.len(), 1, "one component shows rendered blocks: {uses:?}");
    for ending in [".ts", ".svelte"] {
        for file in files("ui/src", ending) {
            let source = std::fs::read_to_string(&file).expect("it can be read");
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!source.contains(word), "{} uses {word}", file.display());
            }
        }
    }
    assert!(text("Cargo.toml").contains("unsafe_code = \"deny\""), "unsafe code is refused by the workspace");
}
