//! What goes wrong around the window, each told in a sentence with nothing lost: a second start, a database that cannot be
//! used, networks that are not there or lie, disks that are full, text and pictures that are too large.

mod common;

use anyhow::{Context, Result};
use common::{Account, answered, demo, entered, send};
use desktop::{Desk, Keyring, Window};
use simulator::Scenario;
use std::process::{Command, Stdio};
use std::time::Duration;

#[tokio::test]
async fn a_second_start_brings_the_first_window_forward_and_ends() -> Result<()> {
    let desk = Desk::new(Keyring::Unlocked)?;
    let window = demo(desk.open().await?).await?;
    send(&window, "echo: only one").await?;
    answered(&window, 1).await?;
    let mut second = desk.command(Desk::binary()?).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut ended = None;
    for _ in 0..200 {
        ended = second.try_wait()?;
        if ended.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    if ended.is_none() {
        second.kill()?;
    }
    assert!(ended.is_some(), "the second instance ended by itself");
    send(&window, "echo: still here").await?;
    window
        .wait_until(
            "the first one goes on",
            "return [...document.querySelectorAll('article')].at(-1)?.innerText.startsWith('still here')",
        )
        .await?;
    window.close().await
}

#[tokio::test]
async fn a_database_that_cannot_be_used_has_its_screen_and_stays_as_it_is() -> Result<()> {
    for (name, bytes, said) in [
        ("damaged", b"SQLite format 3\0and then nothing that is one".to_vec(), "damaged"),
        ("text", vec![b'x'; 9_000], "damaged"),
        ("newer", newer_database().await?, "newer"),
    ] {
        let desk = Desk::new(Keyring::Unlocked)?;
        let file = desk.data_dir().join("edgewise.sqlite");
        std::fs::write(&file, &bytes)?;
        let window = desk.open().await?;
        let script = format!("return /{said}/i.test(document.body.innerText)");
        window.wait_until(&format!("the screen says {said}"), &script).await?;
        window.screenshot(&format!("database-{name}")).await?;
        window.close().await?;
        assert!(std::fs::read(&file)? == bytes, "{name}: the file is as it was");
    }
    Ok(())
}

/// A database as a later Edgewise would leave it: a real one whose version is far ahead.
async fn newer_database() -> Result<Vec<u8>> {
    let desk = Desk::new(Keyring::Absent)?;
    demo(desk.open().await?).await?.close().await?;
    let mut bytes = std::fs::read(desk.data_dir().join("edgewise.sqlite"))?;
    // `user_version` is the big-endian number at byte 60 of the header.
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    Ok(bytes)
}

#[tokio::test]
async fn a_network_that_answers_with_a_page_is_told_in_a_sentence() -> Result<()> {
    let account = Account::with("cfut_portal".to_owned(), Scenario::captive_portal(), None).await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    account.use_on(&mut desk);
    let window = desk.open().await?;
    entered(&window).await?;
    send(&window, "hello").await?;
    told(&window, "web page|sign in").await?;
    window.screenshot("captive-portal").await?;
    window.close().await
}

#[tokio::test]
async fn without_a_network_the_history_is_there_and_the_question_is_kept() -> Result<()> {
    let account = Account::start().await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    account.use_on(&mut desk);
    let window = desk.open().await?;
    entered(&window).await?;
    send(&window, "echo: while there was a network").await?;
    answered(&window, 1).await?;
    window.close().await?;

    // Nothing listens there.
    desk.set("EDGEWISE_API_URL", "http://127.0.0.1:9/client/v4");
    let window = desk.open().await?;
    entered(&window).await?;
    window.click_containing("link", "while there was").await?;
    window.wait_for_text("while there was a network").await?;
    send(&window, "echo: now there is none").await?;
    // It is tried again a few times by itself; then it is the person's turn.
    told(&window, "reached").await?;
    window.wait("button", "Try again").await?;
    window.wait_for_text("now there is none").await?;
    window.screenshot("offline").await?;
    window.close().await?;

    // The network is back: one click repeats it.
    account.use_on(&mut desk);
    let window = desk.open().await?;
    entered(&window).await?;
    window.click_containing("link", "while there was").await?;
    window.click("button", "Try again").await?;
    window
        .wait_until("the answer comes", "return [...document.querySelectorAll('article')].at(-1)?.innerText.includes('now there is none')")
        .await?;
    window.close().await
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_typed_stays() -> Result<()> {
    let Some(disk) = SmallDisk::mount(24)? else { return Ok(()) };
    let account = Account::start().await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    account.use_on(&mut desk);
    desk.set("EDGEWISE_DATA_DIR", &disk.path().display().to_string());
    let window = desk.open().await?;
    entered(&window).await?;
    send(&window, "echo: there is room").await?;
    answered(&window, 1).await?;
    disk.fill()?;
    let long = format!("echo: no room {}", "for these words ".repeat(3_000));
    window.execute(SET_MESSAGE, vec![long.as_str().into()]).await?;
    window.click("button", "Send").await?;
    window
        .wait_until(
            "it is told",
            "return /disk is full|no space|no room left|cannot save/i.test(document.body.innerText)",
        )
        .await?;
    window.screenshot("disk-full").await?;
    let page = window.page_text().await?;
    let composer = window.execute("return document.querySelector('textarea').value", vec![]).await?;
    assert!(
        page.contains("echo: no room") || composer.as_str().unwrap_or_default().contains("echo: no room"),
        "what was typed is still there: {page}"
    );
    disk.make_room()?;
    if composer.as_str().unwrap_or_default().is_empty() {
        window.execute(SET_MESSAGE, vec!["echo: room again".into()]).await?;
    }
    window.click("button", "Send").await?;
    window
        .wait_until("it goes on without a restart", "const last = [...document.querySelectorAll('article')].filter((each) => each.getAttribute('aria-label') === 'Assistant').at(-1); return /room/.test(last?.innerText ?? '') && !/there is room$/.test(last?.innerText.trim() ?? '')")
        .await?;
    window.close().await
}

#[tokio::test]
async fn a_paste_of_a_megabyte_becomes_a_file_and_is_sent() -> Result<()> {
    let desk = Desk::new(Keyring::Unlocked)?;
    let window = demo(desk.open().await?).await?;
    // As the system pastes it: a paste event with the text on it.
    window
        .execute(
            "const box = document.querySelector('textarea'); box.focus(); const data = new DataTransfer(); data.setData('text/plain', 'harbour light '.repeat(75_000)); box.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));",
            vec![],
        )
        .await?;
    window
        .wait_until("it is a file beside the message", "return document.querySelector('textarea').value.length < 1000 && /Pasted text/i.test(document.body.innerText)")
        .await?;
    window.screenshot("long-paste").await?;
    send(&window, "How long is this?").await?;
    window
        .wait_until("it is answered or told to be too long", "return document.querySelectorAll('article').length >= 2 && !document.querySelector('[aria-busy=true]')")
        .await?;
    window.screenshot("long-paste-sent").await?;
    window.close().await
}

const SET_MESSAGE: &str = "const box = document.querySelector('textarea'); box.focus(); box.value = arguments[0]; box.dispatchEvent(new InputEvent('input', { bubbles: true }));";

/// Waits until the last answer tells a failure in these words.
async fn told(window: &Window, words: &str) -> Result<()> {
    let script = format!(
        "return /{words}/i.test([...document.querySelectorAll('article')].at(-1)?.innerText ?? '') && !document.querySelector('[aria-busy=true]')"
    );
    window.wait_until(&format!("the answer says {words}"), &script).await
}

/// A file system of few megabytes in memory.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`, said in a line, where this may not be mounted.
    fn mount(megabytes: u32) -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=700"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            #[allow(clippy::print_stdout, reason = "it tells its outcome there")]
            {
                println!("no file system may be mounted here: the full disk is not tried in the window");
            }
            return Ok(None);
        }
        Ok(Some(Self(folder)))
    }

    fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    fn fill(&self) -> Result<()> {
        let file = self.path().join("filler");
        // `dd` ends with a failure when there is no room left: that is what it is for.
        Command::new("dd")
            .args(["if=/dev/zero", "bs=4096", &format!("of={}", file.display())])
            .stderr(Stdio::null())
            .status()
            .context("running dd")?;
        Ok(())
    }

    fn make_room(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.path().join("filler"))?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that still ends may hold a file.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
