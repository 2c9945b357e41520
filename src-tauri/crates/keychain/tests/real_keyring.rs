//! The keychain against a real `gnome-keyring-daemon` on a private bus, each step in a process of its own: this test
//! program starts itself again with `KEYCHAIN_STEP` set. Where the programs are missing, each test says so and passes.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout)] // how a step tells its script what it saw

use keychain::{Keychain, Secrets};
use secrecy::{ExposeSecret, SecretString};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const NEEDED: [&str; 4] = ["dbus-run-session", "gnome-keyring-daemon", "secret-tool", "dbus-send"];

/// The token that the steps look for; nothing else holds it.
const TOKEN: &str = "canary-7f31c0ffee";

/// Shell functions for the scripts: an unlocked or locked daemon, its end, and one step of this program.
const PRELUDE: &str = r#"
owned() { dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus \
    org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets 2>/dev/null | grep -q true; }
wait_for_it() { for _ in $(seq 200); do owned && return 0; sleep 0.05; done; echo "the daemon did not come"; exit 9; }
unlocked() { gnome-keyring-daemon --foreground --unlock --components=secrets < <(printf pw) >/dev/null 2>&1 & daemon=$!; wait_for_it; }
locked() { gnome-keyring-daemon --foreground --components=secrets </dev/null >/dev/null 2>&1 & daemon=$!; wait_for_it; }
ended() { kill -CONT "$daemon"; kill "$daemon"; wait "$daemon" 2>/dev/null; }
step() { KEYCHAIN_STEP="$1" "$STEPS" --exact one_step --nocapture 2>/dev/null | sed -n 's/^.*STEP: //p'; }
"#;

fn missing() -> Option<&'static str> {
    let there =
        |name: &&str| Command::new("which").arg(name).output().is_ok_and(|which| which.status.success());
    NEEDED.into_iter().find(|name| !there(name))
}

/// Runs a script on a private bus with fresh folders, and returns what its steps said.
fn on_a_bus(home: &Path, bus_config: Option<&str>, script: &str) -> Vec<String> {
    let runtime = home.join("runtime");
    std::fs::create_dir_all(&runtime).expect("a folder");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&runtime, mode).expect("private");
    let mut command = Command::new("dbus-run-session");
    if let Some(config) = bus_config {
        let file = home.join("bus.conf");
        std::fs::write(&file, config).expect("written");
        command.arg("--config-file").arg(file);
    }
    let output = command
        .args(["--", "bash", "-c"])
        .arg(format!("{PRELUDE}\n{script}"))
        .env("STEPS", std::env::current_exe().expect("this program"))
        .env("HOME", home)
        .env("XDG_DATA_HOME", home)
        .env("XDG_RUNTIME_DIR", &runtime)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("the bus starts");
    let said = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    assert!(output.status.success(), "{said:?}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn check(bus_config: Option<&str>, script: &str, expected: &[&str]) {
    if let Some(name) = missing() {
        println!("not tried: {name} is not installed");
        return;
    }
    let home = tempfile::tempdir().expect("folder");
    assert_eq!(on_a_bus(home.path(), bus_config, script), expected);
}

/// Not a test of its own: what `step` in the scripts runs. Without `KEYCHAIN_STEP` it does nothing.
#[tokio::test]
async fn one_step() {
    let Ok(step) = std::env::var("KEYCHAIN_STEP") else { return };
    let keychain = Keychain::system_within(Duration::from_secs(3));
    let begun = std::time::Instant::now();
    let outcome = match step.as_str() {
        "save" => {
            let mut secrets = Secrets::new();
            secrets.insert("acc".into(), SecretString::from(TOKEN));
            keychain.save(&secrets).await.map(|()| "saved".to_owned())
        }
        "forget" => keychain.save(&Secrets::new()).await.map(|()| "forgotten".to_owned()),
        _ => keychain.load().await.map(|secrets| match secrets.token(&"acc".into()) {
            Some(token) if token.expose_secret() == TOKEN => "loaded it".to_owned(),
            Some(_) => "loaded another".to_owned(),
            None => "loaded nothing".to_owned(),
        }),
    };
    let said = outcome.unwrap_or_else(|state| format!("{state:?}"));
    let late = if begun.elapsed() > Duration::from_millis(3_500) { " too late" } else { "" };
    println!("STEP: {said}{late}");
}

#[test]
fn what_one_process_saves_another_reads() {
    check(
        None,
        "unlocked; step load; step save; step load; ended",
        &["loaded nothing", "saved", "loaded it"],
    );
}

#[test]
fn another_program_finds_our_one_item() {
    let script = r#"unlocked; step save; secret-tool lookup service dev.edgewise.Edgewise username accounts; echo; ended"#;
    let item = format!(r#"{{"version":1,"tokens":{{"acc":"{TOKEN}"}}}}"#);
    check(None, script, &["saved", &item]);
}

#[test]
fn it_survives_the_daemon() {
    check(None, "unlocked; step save; ended; sleep 0.2; unlocked; step load; ended", &["saved", "loaded it"]);
}

#[test]
fn a_locked_keyring_says_so_in_time() {
    let script = "unlocked; step save; ended; sleep 0.2; locked; step load; step save; ended";
    check(None, script, &["saved", "Locked", "Locked"]);
}

#[test]
fn a_keyring_that_was_never_opened_is_locked() {
    check(None, "locked; step load; ended", &["Locked"]);
}

#[test]
fn an_item_that_was_wiped_between_runs_is_simply_gone() {
    let script = "unlocked; step save; secret-tool clear service dev.edgewise.Edgewise username accounts; step load; ended";
    check(None, script, &["saved", "loaded nothing"]);
}

#[test]
fn forgetting_all_tokens_removes_the_item() {
    let script = "unlocked; step save; step forget; step load; ended";
    check(None, script, &["saved", "forgotten", "loaded nothing"]);
}

/// A process that owns the name and never answers: the daemon itself, stopped.
#[test]
fn a_service_that_never_answers_is_silent_in_time() {
    check(
        None,
        "unlocked; step save; kill -STOP $daemon; step load; step save; ended",
        &["saved", "Silent", "Silent"],
    );
}

const BARE_BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>DENY</policy>
</busconfig>"#;

#[test]
fn a_bus_without_the_service_has_no_keychain() {
    check(Some(&BARE_BUS.replace("DENY", "")), "step load; step save", &["Absent", "Absent"]);
}

#[test]
fn no_bus_at_all_is_no_keychain() {
    let script = "unset DBUS_SESSION_BUS_ADDRESS; export XDG_RUNTIME_DIR=/nonexistent; step load";
    check(Some(&BARE_BUS.replace("DENY", "")), script, &["Absent"]);
}

#[test]
fn a_rule_that_forbids_the_service_is_a_denial() {
    let deny = r#"<deny send_destination="org.freedesktop.secrets" send_interface="org.freedesktop.Secret.Service"/>"#;
    check(Some(&BARE_BUS.replace("DENY", deny)), "unlocked; step load; ended", &["Denied"]);
}
