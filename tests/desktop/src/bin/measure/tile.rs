//! From the last byte of a picture's answer on the socket to its tile in the gallery; the peer: the same bytes shown in a bare
//! page, that is, what decoding and drawing cost alone.

use crate::{desk_for, enter, report};
use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use desktop::measure::{PictureServer, percentile};

const PICTURES: usize = 9;

/// Records when each further tile is drawn: `__tiles[n]` is the time when n were.
const WATCH: &str = r"
window.__tiles = {};
const look = () => {
  const drawn = [...document.querySelectorAll('[data-picture] img')].filter((each) => each.src.startsWith('media:') && each.complete && each.naturalWidth > 0).length;
  if (drawn > 0 && !(drawn in window.__tiles)) window.__tiles[drawn] = performance.timeOrigin + performance.now();
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
return true;
";

/// Shows the bytes in a bare page, as small as a tile: from having them to the frame after they are decoded.
const BARE: &str = r"
const [base64] = arguments, done = arguments[arguments.length - 1];
const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
const img = document.createElement('img');
Object.assign(img.style, { position: 'fixed', left: '0', top: '0', width: '200px', height: '200px' });
const begun = performance.now();
img.onerror = () => done(-1);
img.onload = () => requestAnimationFrame(() => requestAnimationFrame(() => { const took = performance.now() - begun; img.remove(); done(took); }));
img.src = URL.createObjectURL(new Blob([bytes], { type: 'image/jpeg' })); document.body.append(img);
";

pub async fn tile() -> Result<()> {
    let server = PictureServer::start().await?;
    let desk = desk_for(&server.base_url())?;
    let window = enter(&desk).await?;
    window.click("link", "Images").await?;
    window.wait("textbox", "Prompt").await?;
    window.execute(WATCH, vec![]).await?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for n in 1..=PICTURES {
        window.type_into("textbox", "Prompt", "x").await?;
        window.click_containing("button", "Generate").await?;
        let drawn = format!("return !!window.__tiles[{n}]");
        window.wait_until("the tile is drawn", &drawn).await?;
        let at = window.execute(&format!("return window.__tiles[{n}]"), vec![]).await?;
        ours.push(at.as_f64().context("a time")? - server.sent().context("an answer was sent")?);
        let took = window.client().execute_async(BARE, vec![BASE64.encode(server.picture()).into()]).await?;
        bare.push(took.as_f64().filter(|took| *took >= 0.0).context("the bare page shows it")?);
    }
    window.screenshot("tiles").await?;
    window.close().await?;
    ensure!(ours.iter().all(|each| *each > 0.0), "a tile came before its bytes: {ours:?}");
    report(
        "Bytes received to tile shown, median",
        percentile(&mut ours, 0.5),
        Some(percentile(&mut bare, 0.5)),
        "ms",
    );
    report("The same, slowest of nine", percentile(&mut ours, 1.0), Some(percentile(&mut bare, 1.0)), "ms");
    Ok(())
}
