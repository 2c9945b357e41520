//! The bridge between page and shell: one list of commands, one set of types.

use crate::text;
use std::collections::BTreeSet;

fn handler() -> BTreeSet<String> {
    let source = text("src-tauri/src/commands.rs");
    let list = source.split("generate_handler![").nth(1).and_then(|rest| rest.split(']').next());
    list.expect("the handler lists its commands")
        .lines()
        .filter_map(|line| line.trim().trim_end_matches(',').split_once("::"))
        .map(|(_, name)| name.to_owned())
        .collect()
}

fn permitted() -> BTreeSet<String> {
    text("src-tauri/permissions/main.toml")
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","))
        .map(str::to_owned)
        .collect()
}

/// The methods of the interface's `Backend`, in the shell's spelling.
fn backend() -> BTreeSet<String> {
    let source = text("ui/src/ipc/backend.ts");
    let body = source.split("export interface Backend {").nth(1).expect("backend.ts declares Backend");
    let body = body.split("\n}").next().expect("the interface ends");
    let code: Vec<_> = body.lines().map(str::trim).filter(|line| !line.starts_with(['/', '*'])).collect();
    // A command answers with a promise; what does not is a helper on the page's side.
    code.join(" ")
        .split(';')
        .filter(|method| method.contains("Promise<"))
        .filter_map(|method| method.trim().split(['(', '<', ':']).next())
        .filter(|name| !name.is_empty() && name.chars().all(char::is_alphanumeric))
        .map(snake_case)
        .collect()
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        if character.is_uppercase() {
            text.push('_');
        }
        text.extend(character.to_lowercase());
    }
    text
}

#[test]
fn the_page_may_call_what_the_shell_answers_and_nothing_else() {
    let handler = handler();
    assert!(handler.len() >= 40, "the list was read: {}", handler.len());
    assert_eq!(handler, permitted(), "commands.rs and permissions/main.toml name the same commands");
}

#[test]
fn the_interface_knows_every_command() {
    let (handler, backend) = (handler(), backend());
    let unknown: Vec<_> = backend.difference(&handler).collect();
    let unused: Vec<_> = handler.difference(&backend).collect();
    assert!(unknown.is_empty(), "the interface calls commands that the shell lacks: {unknown:?}");
    assert!(unused.is_empty(), "the shell has commands that the interface lacks: {unused:?}");
}

#[test]
fn the_interfaces_types_are_fresh() {
    let committed = text("ui/src/ipc/generated/domain.ts");
    assert!(
        committed == domain::typescript::declarations(),
        "ui/src/ipc/generated/domain.ts is stale: run ./dev types"
    );
}

#[test]
fn a_capital_becomes_an_underscore() {
    assert_eq!(snake_case("sendMessage"), "send_message");
}
