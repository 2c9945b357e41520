//! Hostile answers in the real message view: no script runs, nothing is fetched from outside, the page stays where it is.
//! A control in the same web view, without our walls, shows that the detector sees such things.
#![allow(clippy::print_stdout, reason = "it tells its outcome there")]

mod common;

use anyhow::{Context, Result};
use common::{Account, entered};
use desktop::{Desk, Keyring, Window};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Messages of one conversation.
const EACH: usize = 1_000;

/// Counts what must not happen: dialogs (what nearly every attack calls), outside addresses that were asked for, and
/// what the page's policy had to stop.
const DETECT: &str = r"
window.__seen = { scripts: 0, fetches: [], stopped: 0, messages: new Set() };
for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => { window.__seen.scripts += 1; };
document.addEventListener('securitypolicyviolation', () => { window.__seen.stopped += 1; });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!/^(tauri|ipc|media|blob|http:\/\/ipc\.localhost|http:\/\/tauri\.localhost)/.test(entry.name)) window.__seen.fetches.push(entry.name);
}).observe({ type: 'resource', buffered: false });
return true;
";

/// Scrolls the open transcript from its start to its end, noting each message that is drawn.
const READ_ALL: &str = r"
const done = arguments[arguments.length - 1];
const log = document.querySelector('[role=log]');
let box = log; while (box && box.scrollHeight <= box.clientHeight + 1) box = box.parentElement;
box ??= [...log.querySelectorAll('*')].find((each) => each.scrollHeight > each.clientHeight + 50);
const frame = () => new Promise((next) => requestAnimationFrame(() => setTimeout(next, 0)));
(async () => {
  if (!box) return done('nothing to scroll');
  box.scrollTop = 0;
  for (let n = 0; n < 20; n += 1) await frame();
  let still = 0;
  while (still < 12) {
    for (const each of document.querySelectorAll('article[data-message]')) window.__seen.messages.add(each.dataset.message);
    const before = box.scrollTop;
    box.scrollTop += box.clientHeight * 0.85;
    await frame(); await frame();
    still = box.scrollTop === before ? still + 1 : 0;
  }
  done(null);
})();
";

const COUNT: &str = "const s = window.__seen; return s && { scripts: s.scripts, fetches: s.fetches, stopped: s.stopped, messages: s.messages.size, odd: document.querySelectorAll('article script, article iframe, article object, article embed, article [onerror], article [onload], article [src], article a:not([href^=http]):not([href^=mailto])[href]').length }";

#[tokio::test]
async fn hostile_answers_run_nothing_fetch_nothing_and_go_nowhere() -> Result<()> {
    let Some(attacks) = attacks()? else { return Ok(()) };
    let account = Account::start().await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    account.use_on(&mut desk);
    let file = desk.folder().join("hostile.json");
    std::fs::write(&file, serde_json::to_vec(&conversations(&attacks))?)?;
    let status = desk
        .command(Desk::binary_beside("edgewise-cli")?)
        .args(["history", "import"])
        .arg(&file)
        .stderr(Stdio::null())
        .status()?;
    assert!(status.success(), "the attacks were imported");

    let window = desk.open().await?;
    entered(&window).await?;
    window
        .client()
        .update_timeouts(fantoccini::wd::TimeoutConfiguration::new(
            Some(std::time::Duration::from_secs(240)),
            None,
            None,
        ))
        .await?;
    window.execute(DETECT, vec![]).await?;
    let mut drawn = 0;
    for n in 0..attacks.len().div_ceil(EACH) {
        window.click_containing("link", &format!("Hostile {n}.")).await?;
        window
            .wait_until(
                "its messages are drawn",
                "return document.querySelectorAll('article[data-message]').length > 3",
            )
            .await?;
        let said = window.client().execute_async(READ_ALL, vec![]).await?;
        assert!(said.is_null(), "{said}");
        let seen = window.execute(COUNT, vec![]).await?;
        assert!(!seen.is_null(), "the page was left: its detector is gone");
        assert_eq!((&seen["scripts"], &seen["odd"]), (&json!(0), &json!(0)), "{n}: {seen}");
        assert_eq!(seen["fetches"], json!([]), "{n}: nothing is fetched");
        assert_eq!(seen["stopped"], json!(0), "{n}: the first wall leaves the policy nothing to stop");
        drawn = seen["messages"].as_u64().unwrap_or(0);
    }
    window.screenshot("hostile").await?;
    println!("{drawn} of {} hostile messages drawn: 0 scripts, 0 fetches, 0 navigations", attacks.len());
    assert!(drawn as usize >= attacks.len() * 98 / 100, "{drawn} of {} were drawn", attacks.len());

    // The second wall alone: the same attacks as raw HTML in the same page. The policy stops them, and the detector sees it.
    let raw: Vec<Value> = attacks.iter().step_by(20).map(|attack| json!(attack)).collect();
    window
        .execute(
            "const box = document.createElement('div'); document.body.append(box); for (const attack of arguments[0]) { const each = document.createElement('div'); each['inner' + 'HTML'] = attack; box.append(each); }",
            vec![Value::Array(raw)],
        )
        .await?;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let seen = window.execute(COUNT, vec![]).await?;
    assert_eq!(seen["scripts"], json!(0), "the policy alone lets no script run: {seen}");
    assert!(seen["stopped"].as_u64().unwrap_or(0) > 10, "the detector works: {seen}");
    window.close().await
}

#[tokio::test]
async fn without_walls_the_detector_sees_scripts_run() -> Result<()> {
    let Some(attacks) = attacks()? else { return Ok(()) };
    let browser = Path::new("/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser");
    if !browser.exists() {
        println!("no MiniBrowser on this machine: the control without walls is left out");
        return Ok(());
    }
    let desk = Desk::new(Keyring::Absent)?;
    let window = Window::open_browser(&desk, browser).await?;
    // Any page without a policy will do; the simulator's answer to an unknown address is one.
    let page = Account::start().await?;
    window.client().goto(&format!("http://{}/", page.simulator.address())).await?;
    window.execute(DETECT, vec![]).await?;
    // The plainest kind only: others take the page away, and with it the detector.
    let plain = attacks.iter().filter(|attack| attack.len() < 90 && attack.contains("onerror=alert("));
    let raw: Vec<Value> = plain.take(40).map(|attack| json!(attack)).collect();
    let given = raw.len();
    let script = "for (const attack of arguments[0]) { const each = document.createElement('div'); each['inner' + 'HTML'] = attack; document.body.append(each); }";
    window.execute(script, vec![Value::Array(raw)]).await?;
    window
        .wait_until("scripts have run", "return window.__seen.scripts > 0")
        .await
        .context("attacks work where nothing stops them")?;
    let seen = window.execute("return window.__seen.scripts", vec![]).await?;
    println!("without walls: {seen} scripts of {given} attacks ran");
    Ok(())
}

fn attacks() -> Result<Option<Vec<String>>> {
    let folder = std::env::var_os("EDGEWISE_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join("xss.json")) else {
        println!("no corpora ({}): hostile answers are not tried", folder.display());
        return Ok(None);
    };
    let all: Vec<Value> = serde_json::from_str(&text)?;
    let attacks: BTreeSet<String> =
        all.iter().filter_map(|each| Some(each.get("p")?.as_str()?.to_owned())).collect();
    let attacks: Vec<String> = attacks.into_iter().filter(|attack| !attack.trim().is_empty()).collect();
    anyhow::ensure!(attacks.len() > 9_000, "the corpus was read: {}", attacks.len());
    Ok(Some(attacks))
}

/// Conversations whose messages are the attacks, in the form of ChatGPT's export.
fn conversations(attacks: &[String]) -> Value {
    let all = attacks.chunks(EACH).enumerate().map(|(n, attacks)| {
        let id = |m: usize| format!("hostile-{n}-{m}");
        let mapping: serde_json::Map<String, Value> = attacks
            .iter()
            .enumerate()
            .map(|(m, attack)| {
                let role = if m % 2 == 0 { "user" } else { "assistant" };
                let children = if m + 1 < attacks.len() { vec![id(m + 1)] } else { vec![] };
                let node = json!({ "id": id(m), "parent": m.checked_sub(1).map(id), "children": children,
                    "message": { "id": id(m), "author": { "role": role }, "create_time": 1_790_000_000.0 + m as f64,
                        "content": { "content_type": "text", "parts": [attack] } } });
                (id(m), node)
            })
            .collect();
        json!({ "id": format!("hostile-{n}"), "conversation_id": format!("hostile-{n}"), "title": format!("Hostile {n}."),
            "create_time": 1_790_000_000.0, "update_time": 1_790_000_000.0 + n as f64, "current_node": id(attacks.len() - 1), "mapping": mapping })
    });
    Value::Array(all.collect())
}
