//! Measures the real window: start, memory and idle beside an empty Tauri window; the way of a byte from the socket
//! to the page; frames under a fast stream beside a bare page; long conversations beside short ones.
//!
//! `measure [start] [idle] [latency] [frames] [long] [tile] [gallery] [ingest]` (all when none is named). Times on a shared machine move: read the
//! ratios, which are taken side by side in one run.
#![allow(clippy::print_stdout, reason = "it tells its outcome there")]

mod gallery;
mod ingest;
mod tile;

use anyhow::{Context, Result};
use desktop::measure::{Idle, Processes, TokenServer, percentile};
use desktop::{Desk, Keyring, Window};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

#[tokio::main]
async fn main() -> Result<()> {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|each| each == name);
    println!("{:<58} {:>12} {:>12} {:>8}", "figure", "Edgewise", "peer", "ratio");
    if wanted("start") {
        start().await?;
    }
    if wanted("idle") {
        idle().await?;
    }
    if wanted("latency") {
        latency().await?;
    }
    if wanted("frames") {
        frames().await?;
    }
    if wanted("long") {
        long().await?;
    }
    if wanted("tile") {
        tile::tile().await?;
    }
    if wanted("gallery") {
        gallery::gallery().await?;
    }
    if wanted("ingest") {
        ingest::ingest().await?;
    }
    Ok(())
}

fn report(figure: &str, ours: f64, peer: Option<f64>, unit: &str) {
    let (peer, ratio) = match peer {
        Some(peer) => (format!("{peer:.1} {unit}"), format!("{:.2}", ours / peer)),
        None => (String::new(), String::new()),
    };
    println!("{figure:<58} {:>12} {peer:>12} {ratio:>8}", format!("{ours:.1} {unit}"));
}

const STARTS: usize = 7;

/// From the start of the process to a page that can be typed into; the peer: an empty window that has loaded.
async fn start() -> Result<()> {
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    let mut parts = PARTS.map(|_| Vec::new());
    for _ in 0..STARTS {
        let desk = Desk::new(Keyring::Unlocked)?;
        enter(&desk).await?.close().await?;
        let begun = Instant::now();
        let window = desk.open().await?;
        window.wait("textbox", "Message").await?;
        let through_driver = begun.elapsed();
        // The driver's own start is in both figures of neither: take the page's clock against the process's.
        let started = window.started_at()?;
        let ready = window.execute("return performance.timeOrigin + (performance.getEntriesByName('composer-ready')[0]?.startTime ?? performance.now())", vec![]).await?;
        let ready = ready.as_f64().context("the page tells its clock")?;
        let marks = window.execute("return [performance.timeOrigin, ...['script-read', 'answers-there', 'composer-ready'].map((name) => performance.timeOrigin + (performance.getEntriesByName(name)[0]?.startTime ?? NaN)), performance.timeOrigin + performance.getEntriesByName('first-contentful-paint')[0]?.startTime]", vec![]).await?;
        let mut before = started;
        for (part, mark) in parts.iter_mut().zip(gaps(marks)) {
            part.push(mark - before);
            before = mark;
        }
        ours.push((ready - started).min(through_driver.as_secs_f64() * 1_000.0));
        window.close().await?;
        peers.push(empty_start(&desk)?.as_secs_f64() * 1_000.0);
    }
    report(
        "P12 start to typing, median",
        percentile(&mut ours, 0.5),
        Some(percentile(&mut peers, 0.5)),
        "ms",
    );
    for (name, mut took) in PARTS.into_iter().zip(parts) {
        report(name, percentile(&mut took, 0.5), None, "ms");
    }
    Ok(())
}

/// What a start is made of, one after the other.
const PARTS: [&str; 5] = [
    "P12   until the page begins",
    "P12   until its script is read",
    "P12   until its questions are answered",
    "P12   until the box is there",
    "P12   until it is painted first, after that",
];

fn empty_start(desk: &Desk) -> Result<Duration> {
    let begun = Instant::now();
    let mut child = desk
        .command(Desk::binary_beside(EMPTY_WINDOW)?)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("its output is piped")?).read_line(&mut line)?;
    let took = begun.elapsed();
    child.kill()?;
    child.wait()?;
    Ok(took)
}

/// Goes through the simulator's door, where the window has no account yet.
async fn enter(desk: &Desk) -> Result<Window> {
    let window = desk.open().await?;
    let script = "return /Try without an account/.test(document.body.innerText) || !!document.querySelector('textarea')";
    window.wait_until("the first screen", script).await?;
    if window.look_for("textbox", "Message").await?.is_none() {
        window.click_containing("button", "Try without an account").await?;
        window.wait("textbox", "Message").await?;
    }
    Ok(window)
}

/// A Tauri window with nothing in it.
const EMPTY_WINDOW: &str = "examples/empty-window";

const SETTLING: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(10);

/// Memory (PSS of all processes), processor time and wakeups of a window that nobody touches.
async fn idle() -> Result<()> {
    let desk = Desk::new(Keyring::Unlocked)?;
    enter(&desk).await?.close().await?;
    // Both without a driver, which keeps a connection of its own open.
    let (memory, idle) = at_rest(&desk, "edgewise")?;
    let (peer_memory, peer) = at_rest(&desk, EMPTY_WINDOW)?;
    report("P11 idle memory, PSS of all processes", memory, Some(peer_memory), "MiB");
    report("P11 idle processor time in 10 s", idle.cpu_ms, Some(peer.cpu_ms), "ms");
    report("P11 wakeups of the program's threads in 10 s", idle.wakeups, Some(peer.wakeups), "");
    Ok(())
}

fn at_rest(desk: &Desk, program: &str) -> Result<(f64, Idle)> {
    let mut child =
        desk.command(Desk::binary_beside(program)?).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    std::thread::sleep(SETTLING);
    let processes = Processes::of(child.id());
    let idle = Idle::of(&processes, IDLE);
    let memory = processes.pss_mib()?;
    child.kill()?;
    child.wait()?;
    Ok((memory, idle))
}

/// Records, in the page, when the n-th token's mark is first in the text.
const WATCH: &str = r"
window.__seen = {};
const log = document.querySelector('[role=log]') ?? document.body;
const note = () => {
  const text = log.textContent;
  const now = performance.timeOrigin + performance.now();
  for (const match of text.matchAll(/t(\d+)t/g)) if (!(match[1] in window.__seen)) window.__seen[match[1]] = now;
};
new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
return true;
";

/// From a byte on the socket to its text in the page, at 100 tokens a second.
async fn latency() -> Result<()> {
    const TOKENS: usize = 400;
    let server = TokenServer::start(TOKENS, 100.0, |n| format!("t{n}t ")).await?;
    let desk = desk_for(&server.base_url())?;
    let window = enter(&desk).await?;
    window.execute(WATCH, vec![]).await?;
    send(&window, "go").await?;
    ended(&window).await?;
    let seen = window.execute("return window.__seen", vec![]).await?;
    let sent = server.sent();
    let mut delays: Vec<f64> = sent
        .iter()
        .enumerate()
        .filter_map(|(n, sent)| Some(seen.get(n.to_string())?.as_f64()? - sent))
        .collect();
    window.close().await?;
    anyhow::ensure!(delays.len() > TOKENS * 9 / 10, "only {} of {TOKENS} tokens were seen", delays.len());
    report("P6 byte on the socket to text in the page, p50", percentile(&mut delays, 0.5), Some(16.7), "ms");
    report("P6 the same, p95", percentile(&mut delays, 0.95), Some(33.3), "ms");
    Ok(())
}

/// Records the gaps between frames until told to stop.
const FRAMES: &str = r"
window.__gaps = []; window.__on = true; let last = performance.now();
const frame = (now) => { window.__gaps.push(now - last); last = now; if (window.__on) requestAnimationFrame(frame); };
requestAnimationFrame(frame); return true;
";
const GAPS: &str = "window.__on = false; return window.__gaps.slice(2)";

/// 32 KiB at 1,000 tokens a second into a transcript of 200 messages; the peer: a bare page that appends plain text.
async fn frames() -> Result<()> {
    const TOKENS: usize = 8_192;
    let server = TokenServer::start(TOKENS, 1_000.0, |n| {
        if n % 40 == 39 { "ab.\n\n".to_owned() } else { "abc ".to_owned() }
    })
    .await?;
    let desk = desk_for(&server.base_url())?;
    let window = enter(&desk).await?;
    import(&desk, window, 200).await?;
    let window = enter(&desk).await?;
    window.wait_containing("link", "Long 200 ").await?.click().await?;
    window.wait("article", "Assistant").await?;
    window.execute(FRAMES, vec![]).await?;
    send(&window, "go").await?;
    ended(&window).await?;
    let mut ours = gaps(window.execute(GAPS, vec![]).await?);
    window.execute(FRAMES, vec![]).await?;
    window
        .client()
        .execute_async(
            r"const done = arguments[arguments.length - 1];
              const page = document.createElement('div'); document.body.append(page);
              Object.assign(page.style, { position: 'fixed', inset: '0', overflow: 'auto', whiteSpace: 'pre-wrap' });
              let n = 0; const started = performance.now();
              const step = () => {
                const due = Math.min(8192, Math.floor(performance.now() - started));
                if (due > n) { page.append('abc '.repeat(due - n)); n = due; page.scrollTop = page.scrollHeight; }
                if (n < 8192) setTimeout(step, 1); else { page.remove(); done(true); }
              }; step();",
            vec![],
        )
        .await?;
    let mut bare = gaps(window.execute(GAPS, vec![]).await?);
    window.close().await?;
    let over = |gaps: &[f64]| gaps.iter().filter(|gap| **gap > 50.0).count() as f64;
    report("P7 frames over 50 ms at 1,000 tokens/s", over(&ours), Some(over(&bare).max(1.0)), "");
    report("P7 frame gap p99", percentile(&mut ours, 0.99), Some(percentile(&mut bare, 0.99)), "ms");
    Ok(())
}

/// Opening and scrolling 10,000 messages against 100.
async fn long() -> Result<()> {
    let mut opened = Vec::new();
    let mut scrolled = Vec::new();
    let desk = Desk::new(Keyring::Unlocked)?;
    let window = enter(&desk).await?;
    let window = {
        import(&desk, window, 100).await?;
        let window = enter(&desk).await?;
        import(&desk, window, 10_000).await?;
        enter(&desk).await?
    };
    for size in [100, 10_000, 100, 10_000] {
        window.click("button", "New chat").await?;
        let row = window.wait_containing("link", &format!("Long {size} ")).await?;
        let took = window
            .client()
            .execute_async(
                r"const done = arguments[1]; const begun = performance.now();
                  const watch = new MutationObserver(() => { if (document.querySelector('article')) { watch.disconnect(); requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun))); } });
                  watch.observe(document.body, { subtree: true, childList: true }); arguments[0].click();",
                vec![serde_json::to_value(&row)?],
            )
            .await?;
        opened.push((size, took.as_f64().unwrap_or(f64::NAN)));
        let gaps_of = window.client().execute_async(SCROLL, vec![]).await?;
        scrolled.push((size, percentile(&mut gaps(gaps_of), 0.99)));
    }
    let mut bare = f64::INFINITY;
    for _ in 0..2 {
        window.execute(BARE, vec![]).await?;
        let gaps_of = window.client().execute_async(SCROLL, vec![]).await?;
        bare = bare.min(percentile(&mut gaps(gaps_of), 0.99));
    }
    window.close().await?;
    let best = |all: &[(i32, f64)], size: i32| {
        all.iter().filter(|each| each.0 == size).map(|each| each.1).fold(f64::INFINITY, f64::min)
    };
    report("P9 open 10,000 messages (peer: 100)", best(&opened, 10_000), Some(best(&opened, 100)), "ms");
    report("P9 scrolling, frame gap p99", best(&scrolled, 10_000), Some(best(&scrolled, 100)), "ms");
    report("P9 the same (peer: a bare page)", best(&scrolled, 10_000), Some(bare), "ms");
    Ok(())
}

/// Scrolls what is in view up by 120 pixels in each of 300 frames, and tells the gaps between them.
const SCROLL: &str = r"
const done = arguments[arguments.length - 1]; const log = document.querySelector('#bare, [role=log]');
let box = log; while (box && box.scrollHeight <= box.clientHeight + 1) box = box.parentElement;
if (!box) box = [...log.querySelectorAll('*')].find((e) => e.scrollHeight > e.clientHeight + 50) ?? document.scrollingElement;
const gaps = []; let last = performance.now(), frames = 0;
const step = (now) => { gaps.push(now - last); last = now; box.scrollTop -= 120; if (++frames < 300) requestAnimationFrame(step); else done(gaps.slice(2)); };
requestAnimationFrame(step);
";

/// Puts a page of plain elements with the text of 250 such messages where the transcript was: what scrolling costs by itself.
const BARE: &str = r"
const place = document.querySelector('#bare, [role=log]').closest('#bare, .scroller').getBoundingClientRect();
document.getElementById('bare')?.remove(); document.querySelector('#app')?.remove();
const box = document.createElement('div'); box.id = 'bare';
Object.assign(box.style, { position: 'fixed', left: `${place.left}px`, top: `${place.top}px`, width: `${place.width}px`, height: `${place.height}px`, overflow: 'auto' });
const put = (parent, tag, text = '') => { const child = document.createElement(tag); child.textContent = text; parent.append(child); return child; };
for (let n = 0; n < 250; n += 1) {
  const message = put(box, 'div');
  Object.assign(message.style, { maxWidth: '46rem', margin: '0 auto', padding: '12px 24px', lineHeight: '1.65' });
  if (n % 2 === 0) { put(message, 'p', `Question ${n}: what is an edge?`).style.margin = '0 0 12px'; continue; }
  put(message, 'p', `Answer ${n}.`); put(message, 'p', 'An edge is where two things meet:');
  const list = put(message, 'ul'); put(list, 'li', 'one side'); put(list, 'li', 'the other side');
  put(message, 'pre', `let edge = ${n};`); put(message, 'p', `That is all there is to say about number ${n}.`);
  for (const child of message.children) child.style.margin = '0 0 12px';
}
document.body.append(box); box.scrollTop = box.scrollHeight; return box.scrollHeight;
";

fn gaps(value: Value) -> Vec<f64> {
    value.as_array().map(|gaps| gaps.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
}

fn desk_for(base_url: &str) -> Result<Desk> {
    let mut desk = Desk::new(Keyring::Unlocked)?;
    desk.set("EDGEWISE_API_URL", base_url);
    desk.set("CLOUDFLARE_API_TOKEN", "cfut_measuring");
    desk.set("CLOUDFLARE_ACCOUNT_ID", "023e105f4ecef8ad9ca31a8372d0c353");
    Ok(desk)
}

async fn send(window: &Window, text: &str) -> Result<()> {
    window.type_into("textbox", "Message", text).await?;
    window.click("button", "Send").await
}

async fn ended(window: &Window) -> Result<()> {
    window.wait("button", "Stop").await?;
    let deadline = Instant::now() + Duration::from_secs(120);
    while window.look_for("button", "Stop").await?.is_some() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Closes the window and imports a conversation of so many messages through the command line.
async fn import(desk: &Desk, window: Window, size: usize) -> Result<()> {
    window.close().await?;
    let file = desk.folder().join(format!("long-{size}.json"));
    std::fs::write(&file, serde_json::to_vec(&desktop::measure::chatgpt_export(size))?)?;
    let status = desk
        .command(Desk::binary_beside("edgewise-cli")?)
        .args(["history", "import"])
        .arg(&file)
        .stderr(Stdio::null())
        .status()?;
    anyhow::ensure!(status.success(), "the command line imported the conversation");
    Ok(())
}
