//! What the page is allowed: no outside origin, no global bridge, one capability.

use crate::{files, text};
use serde_json::Value;

fn configuration() -> Value {
    serde_json::from_str(&text("tauri.conf.json")).expect("tauri.conf.json is JSON")
}

#[test]
fn the_page_reaches_no_outside_origin() {
    let configuration = configuration();
    let csp = configuration["app"]["security"]["csp"].as_object().expect("the policy is written out");
    let own =
        ["'none'", "'self'", "media:", "http://media.localhost", "blob:", "ipc:", "http://ipc.localhost"];
    for (directive, sources) in csp {
        for source in sources.as_str().expect("sources are text").split_whitespace() {
            assert!(own.contains(&source), "{directive} allows {source}");
        }
    }
    assert_eq!(csp["default-src"], "'none'");
    assert_eq!(csp["script-src"], "'self'");
    assert_eq!(csp["style-src"], "'self'");
    for closed in ["object-src", "frame-src", "base-uri", "form-action"] {
        assert_eq!(csp[closed], "'none'", "{closed}");
    }
}

#[test]
fn the_bridge_is_not_global_and_prototypes_are_frozen() {
    let configuration = configuration();
    assert_eq!(configuration["app"]["withGlobalTauri"], false);
    assert_eq!(configuration["app"]["security"]["freezePrototype"], true);
    assert_eq!(configuration["app"]["security"]["capabilities"], serde_json::json!(["main"]));
}

#[test]
fn one_capability_grants_our_commands_and_no_plugin() {
    let capabilities = files("src-tauri/capabilities", ".json");
    assert_eq!(capabilities.len(), 1, "{capabilities:?}");
    let capability: Value =
        serde_json::from_str(&text("src-tauri/capabilities/main.json")).expect("it is JSON");
    assert_eq!(capability["permissions"], serde_json::json!(["main-commands"]));
    assert!(capability.get("remote").is_none(), "no remote page may call anything");
}
