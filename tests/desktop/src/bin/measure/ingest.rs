//! Frames of the window while 10,000 small files are read and embedded.

use crate::{FRAMES, GAPS, enter, gaps, report};
use anyhow::Result;
use desktop::measure::percentile;
use desktop::{Desk, Keyring};
use simulator::{Options, Simulator};
use std::time::{Duration, Instant};

const FILES: usize = 10_000;

pub async fn ingest() -> Result<()> {
    let simulator =
        Simulator::start(Options { token: Some("cfut_measuring".into()), ..Options::default() }).await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    desk.set("EDGEWISE_API_URL", &simulator.base_url());
    desk.set("CLOUDFLARE_API_TOKEN", "cfut_measuring");
    desk.set("CLOUDFLARE_ACCOUNT_ID", simulator::DEMO_ACCOUNT_ID);
    let folder = desk.folder().join("many");
    std::fs::create_dir_all(&folder)?;
    for n in 0..FILES {
        std::fs::write(
            folder.join(format!("note {n:05}.md")),
            format!(
                "# Note {n}\n\nBerth {n} is let to boat number {} at {} crowns a day.\n",
                n * 7 % 977,
                n % 61
            ),
        )?;
    }
    let window = enter(&desk).await?;
    window.click("link", "Library").await?;
    window.wait("button", "Add files").await?;
    window.execute(FRAMES, vec![]).await?;
    let begun = Instant::now();
    desk.drag_files(&[&folder], (800, 450))?;
    let deadline = begun + Duration::from_secs(240);
    let ready = "return /10,000 documents/.test(document.body.innerText) && !/Embedding|Reading|Counting|Queued/.test(document.querySelector('main').innerText) && /Ready/.test(document.querySelector('main').innerText)";
    loop {
        if window.look_for("button", "Accept").await?.is_some() {
            window.click("button", "Accept").await?;
        }
        if window.execute(ready, vec![]).await? == true {
            break;
        }
        if Instant::now() > deadline {
            window.screenshot("ingest-too-long").await?;
            anyhow::bail!("10,000 files took too long");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let took = begun.elapsed().as_secs_f64();
    let mut frames = gaps(window.execute(GAPS, vec![]).await?);
    window.screenshot("ingested-10000").await?;
    window.close().await?;
    report("10,000 small files dropped, read and embedded", took, None, "s");
    report("the same: frame gap p99 (limit 50)", percentile(&mut frames, 0.99), Some(50.0), "ms");
    report("the same: frame gap, longest (limit 200)", percentile(&mut frames, 1.0), Some(200.0), "ms");
    Ok(())
}
