//! Steps that several journeys of the window share.
#![allow(dead_code, reason = "each test program uses its share")]

use anyhow::{Context, Result, bail};
use desktop::{Desk, Window};
use simulator::{DEMO_ACCOUNT_ID, Options, Scenario, Simulator};
use std::path::Path;
use std::time::{Duration, Instant};

/// An account at a simulator that accepts only its own token.
pub struct Account {
    /// The simulator.
    pub simulator: Simulator,
    /// Its token.
    pub token: String,
}

impl Account {
    /// A user token that may do everything.
    pub async fn start() -> Result<Self> {
        Self::with(format!("cfut_{}", random()), Scenario::default(), None).await
    }

    /// A token that lacks the Workers AI permission.
    pub async fn without_permission() -> Result<Self> {
        let simulator = Simulator::start(Options::default()).await?;
        Ok(Self { simulator, token: "cfut_no_ai".to_owned() })
    }

    /// The same with a scenario and a speed in tokens per second.
    pub async fn with(token: String, scenario: Scenario, speed: Option<f64>) -> Result<Self> {
        let options = Options { token: Some(token.clone()), scenario, speed, ..Options::default() };
        Ok(Self { simulator: Simulator::start(options).await?, token })
    }

    /// Stands for Cloudflare's address.
    pub fn base_url(&self) -> String {
        self.simulator.base_url()
    }

    /// Lets the windows of this desk use the account through the environment.
    pub fn use_on(&self, desk: &mut Desk) {
        desk.set("EDGEWISE_API_URL", &self.base_url());
        desk.set("CLOUDFLARE_API_TOKEN", &self.token);
        desk.set("CLOUDFLARE_ACCOUNT_ID", DEMO_ACCOUNT_ID);
    }

    /// After the token was typed: finds the account and tries the ticks.
    pub async fn try_connecting(&self, window: &Window) -> Result<()> {
        window.click("button", "Continue").await?;
        window.wait("heading", "Which account?").await.map(drop)
    }

    /// The whole way from the typed token to a kept one.
    pub async fn connect(&self, window: &Window, keep: &str) -> Result<()> {
        self.prove(window).await?;
        window.wait_containing("radio", keep).await?.click().await?;
        window.screenshot("keep").await?;
        window.click("button", "Start").await
    }

    /// The same, kept in a file behind a passphrase.
    pub async fn connect_with_passphrase(&self, window: &Window, passphrase: &str) -> Result<()> {
        self.prove(window).await?;
        window.wait_containing("radio", "Encrypted file").await?.click().await?;
        window.type_into("textbox", "Passphrase", passphrase).await?;
        window.type_into("textbox", "The passphrase again", passphrase).await?;
        window.click("button", "Start").await
    }

    /// From the typed token to the question where it should be kept.
    pub async fn prove(&self, window: &Window) -> Result<()> {
        self.try_connecting(window).await?;
        // The three ticks come by themselves for the only account.
        window.wait("button", "Continue").await?;
        window.screenshot("ticks").await?;
        window.click("button", "Continue").await?;
        window.wait("heading", "Where should the key be kept?").await.map(drop)
    }
}

/// Goes through the simulator's door.
pub async fn demo(window: Window) -> Result<Window> {
    window.click_containing("button", "Try without an account").await?;
    entered(&window).await?;
    Ok(window)
}

/// Waits for the composer.
pub async fn entered(window: &Window) -> Result<()> {
    window.wait("textbox", "Message").await.map(drop)
}

/// Waits until the n-th answer (from 1) has ended; gives its text.
pub async fn answered(window: &Window, n: usize) -> Result<String> {
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        let text = answer_text(window, n).await?;
        let streaming = window.look_for("button", "Stop").await?.is_some();
        if !text.trim().is_empty() && !streaming {
            return Ok(text);
        }
        if Instant::now() > deadline {
            window.screenshot("gave-up").await.ok();
            bail!("answer {n} did not end; so far: {text}");
        }
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
}

/// The text of the n-th answer (from 1) now, empty when there is none.
pub async fn answer_text(window: &Window, n: usize) -> Result<String> {
    let script = "return [...document.querySelectorAll('article')].filter((each) => each.getAttribute('aria-label') === 'Assistant')[arguments[0]]?.innerText ?? ''";
    let text = window.execute(script, vec![(n - 1).into()]).await?;
    Ok(text.as_str().unwrap_or_default().to_owned())
}

/// Sends a message.
pub async fn send(window: &Window, text: &str) -> Result<()> {
    window.type_into("textbox", "Message", text).await?;
    window.click("button", "Send").await
}

/// Fails when a secret stands in any file of the desk but the keychain's; first shows that it would be found.
pub fn assert_nowhere(desk: &Desk, secret: &str) -> Result<()> {
    let planted = desk.folder().join("planted");
    std::fs::write(&planted, format!("before {secret} after"))?;
    let control = holders(desk.folder(), secret)?;
    std::fs::remove_file(&planted)?;
    assert!(control.iter().any(|path| path.ends_with("planted")), "the search finds what was planted");
    let found: Vec<_> = holders(desk.folder(), secret)?
        .into_iter()
        .filter(|path| !path.to_string_lossy().contains("keyrings"))
        .collect();
    assert!(found.is_empty(), "the secret stands in {found:?}");
    Ok(())
}

fn holders(folder: &Path, secret: &str) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?.flatten() {
            let path = entry.path();
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let bytes = std::fs::read(&path).unwrap_or_default();
                let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
                let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
                if holds(secret.as_bytes()) || holds(&wide) {
                    found.push(path);
                }
            }
        }
    }
    Ok(found)
}

fn random() -> String {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{:036x}", time.as_nanos())
}
