//! P15: a gallery of 25,000 pictures beside one of 1,000: a date, a search and scrolling.

use crate::{enter, gaps, report};
use anyhow::{Context, Result};
use desktop::measure::{now_ms, percentile};
use desktop::{Desk, Keyring, Window, gallery};
use domain::Timestamp;

/// Presses the rail of dates at a share of its height, and waits until pictures of there are drawn.
const JUMP: &str = r"
const [share] = arguments, done = arguments[arguments.length - 1];
const rail = document.querySelector('[role=slider][aria-orientation=vertical]');
const box = rail.getBoundingClientRect();
const before = new Set([...document.querySelectorAll('[data-picture]')].map((each) => each.dataset.picture));
const begun = performance.now();
const at = { clientX: box.left + 4, clientY: box.top + box.height * share, pointerId: 1, bubbles: true };
try { rail.dispatchEvent(new PointerEvent('pointerdown', at)); } catch {}
rail.dispatchEvent(new PointerEvent('pointerup', at));
const look = () => {
  const tiles = [...document.querySelectorAll('[data-picture]')].filter((each) => { const r = each.getBoundingClientRect(); return r.bottom > 100 && r.top < innerHeight; });
  const fresh = tiles.some((each) => !before.has(each.dataset.picture));
  const named = performance.now() - begun;
  const drawn = tiles.length > 0 && tiles.every((each) => { const img = each.querySelector('img'); return img && img.complete && img.naturalWidth > 0; });
  if (fresh && !window.__named) window.__named = named;
  if (fresh && drawn) { const at = window.__named; window.__named = 0; return done([at, named]); }
  if (named > 20000) return done([-1, named]);
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
";

/// Scrolls 300 frames, 120 pixels each.
const SCROLL: &str = r"
const done = arguments[arguments.length - 1];
const tile = document.querySelector('[data-picture]');
let box = tile; while (box && box.scrollHeight <= box.clientHeight + 100) box = box.parentElement;
const gaps = []; let last = performance.now(), frames = 0;
const step = (now) => { gaps.push(now - last); last = now; box.scrollTop += 120; if (++frames < 300) requestAnimationFrame(step); else done(gaps.slice(2)); };
requestAnimationFrame(step);
";

/// Types into the search over prompts and waits for its count.
const SEARCH: &str = r"
const [words] = arguments, done = arguments[arguments.length - 1];
const field = document.querySelector('main input[type=search]');
const count = () => (document.querySelector('main').innerText.match(/([\d,]+) pictures?/) ?? [])[1];
const before = count();
const begun = performance.now();
field.value = words; field.dispatchEvent(new InputEvent('input', { bubbles: true }));
const look = () => { if (count() !== before) return done(performance.now() - begun); if (performance.now() - begun > 20000) return done(-1); requestAnimationFrame(look); };
requestAnimationFrame(look);
";

pub async fn gallery() -> Result<()> {
    let small = figures(1_000).await?;
    let large = figures(25_000).await?;
    report("P15 jump to a date, tiles there, median (peer: 1,000)", large.there, Some(small.there), "ms");
    report("P15 the same, slowest of nine", large.slowest, Some(small.slowest), "ms");
    report("P15 the same, all thumbnails drawn, median", large.drawn, Some(small.drawn), "ms");
    report("P15 search over prompts", large.search, Some(small.search), "ms");
    report("P15 scrolling, frame gap p99", large.scroll, Some(small.scroll), "ms");
    report("P15 scrolling again, thumbnails there, p99", large.again, Some(small.again), "ms");
    Ok(())
}

struct Figures {
    there: f64,
    slowest: f64,
    drawn: f64,
    search: f64,
    scroll: f64,
    again: f64,
}

async fn figures(count: usize) -> Result<Figures> {
    let desk = Desk::new(Keyring::Unlocked)?;
    enter(&desk).await?.close().await?;
    gallery::fill(&desk.data_dir(), count, Timestamp(now_ms() as i64))?;
    let window = enter(&desk).await?;
    window.click("link", "Images").await?;
    window
        .wait_until("the first pictures are drawn", "return [...document.querySelectorAll('[data-picture] img')].some((each) => each.complete && each.naturalWidth > 0)")
        .await?;
    window.screenshot(&format!("gallery-{count}")).await?;
    let scroll = scrolled(&window).await?;
    let (mut there, mut drawn) = (Vec::new(), Vec::new());
    for share in [0.5, 0.9, 0.1, 0.7, 0.3, 0.97, 0.02, 0.6, 0.45] {
        let times = window.client().execute_async(JUMP, vec![share.into()]).await?;
        let time = |n: usize| times[n].as_f64().filter(|time| *time >= 0.0).context("the date came");
        there.push(time(0)?);
        drawn.push(time(1)?);
    }
    window.screenshot(&format!("gallery-{count}-elsewhere")).await?;
    window.client().execute_async(JUMP, vec![0.0.into()]).await?;
    let again = scrolled(&window).await?;
    let search = window.client().execute_async(SEARCH, vec!["港口".into()]).await?;
    window.screenshot(&format!("gallery-{count}-search")).await?;
    window.close().await?;
    Ok(Figures {
        there: percentile(&mut there, 0.5),
        slowest: percentile(&mut there, 1.0),
        drawn: percentile(&mut drawn, 0.5),
        search: search.as_f64().filter(|time| *time >= 0.0).context("the search answered")?,
        scroll,
        again,
    })
}

async fn scrolled(window: &Window) -> Result<f64> {
    Ok(percentile(&mut gaps(window.client().execute_async(SCROLL, vec![]).await?), 0.99))
}
