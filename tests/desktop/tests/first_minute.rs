//! The first minute, in the real window: both doors, and every state of the keychain.

mod common;

use anyhow::Result;
use common::{Account, answered, demo, entered, send};
use desktop::{Desk, Keyring};
use simulator::Scenario;
use std::time::{Duration, Instant};

#[tokio::test]
async fn through_the_simulators_door_to_a_streamed_answer() -> Result<()> {
    let desk = Desk::new(Keyring::Unlocked)?;
    let window = desk.open().await?;
    window.wait_containing("button", "Connect Cloudflare").await?;
    window.screenshot("welcome").await?;
    let window = demo(window).await?;
    window.screenshot("empty-chat").await?;
    window.type_into("textbox", "Message", "What is an edge?").await?;
    window.click("button", "Send").await?;
    let answer = answered(&window, 1).await?;
    assert!(answer.to_lowercase().contains("simulat"), "the simulator says that it is one: {answer}");
    window.wait_for_text("imulation").await?;
    window.screenshot("first-answer").await?;
    for name in ["Chat", "Images", "Library", "Models", "Usage", "Settings"] {
        window.wait("link", name).await?;
    }
    window.wait("log", "Conversation").await?;
    window.wait("article", "You").await?;
    window.close().await
}

#[tokio::test]
async fn a_pasted_token_is_proved_in_three_ticks_and_kept_in_the_keychain() -> Result<()> {
    let account = Account::start().await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    desk.set("EDGEWISE_API_URL", &account.base_url());
    // All that can be logged, by whichever part of the program.
    desk.set("EDGEWISE_LOG", "trace");
    let window = desk.open().await?;
    window.click_containing("button", "Connect Cloudflare").await?;
    window.screenshot("connect").await?;
    // As pasted from a mail: spaces around it, a line break inside.
    let (first, second) = account.token.split_at(20);
    window.wait("textbox", "API token").await?;
    window
        .execute(
            "const field = document.querySelector('input[type=password]'); field.focus(); const data = new DataTransfer(); data.setData('text/plain', arguments[0]); if (field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))) { field.value = arguments[0]; field.dispatchEvent(new InputEvent('input', { bubbles: true })); }",
            vec![format!("  {first}\r\n{second} ").into()],
        )
        .await?;
    account.connect(&window, "System keychain").await?;
    entered(&window).await?;
    window.type_into("textbox", "Message", "echo: nougat").await?;
    window.click("button", "Send").await?;
    assert!(answered(&window, 1).await?.contains("nougat"));
    // A refusal that repeats both what was asked and the token.
    let refusal = format!("AiError: Bad input: marzipan? {}", account.token);
    let refusal = serde_json::json!({ "success": false, "errors": [{ "code": 5006, "message": refusal }] });
    account.simulator.set_scenario(Scenario::raw_stream(refusal.to_string(), "application/json"));
    send(&window, "marzipan?").await?;
    window.wait("button", "Copy the details").await?;
    window.screenshot("refused").await?;
    account.simulator.set_scenario(Scenario::default());
    window.close().await?;
    let log = logs(&desk)?;
    assert!(log.contains("chat/completions") && log.contains("status=200"), "the requests are in the log");
    for said in ["nougat", "marzipan", &account.token] {
        let telling: Vec<&str> = log.lines().filter(|line| line.contains(said)).take(3).collect();
        assert!(telling.is_empty(), "the log holds {said}: {telling:#?}");
    }

    let kept =
        desk.command("secret-tool").args(["search", "--all", "service", "dev.edgewise.Edgewise"]).output()?;
    let kept = format!("{}{}", String::from_utf8_lossy(&kept.stdout), String::from_utf8_lossy(&kept.stderr));
    assert!(kept.contains(&account.token), "the keychain holds the token");
    common::assert_nowhere(&desk, &account.token)?;

    // The next start reads it back: no door, no paste.
    let window = desk.open().await?;
    entered(&window).await?;
    window.type_into("textbox", "Message", "echo: again").await?;
    window.click("button", "Send").await?;
    assert!(answered(&window, 1).await?.contains("again"));
    window.close().await
}

#[tokio::test]
async fn a_token_without_the_permission_is_told_which_one_is_missing() -> Result<()> {
    let account = Account::without_permission().await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    desk.set("EDGEWISE_API_URL", &account.base_url());
    let window = desk.open().await?;
    window.click_containing("button", "Connect Cloudflare").await?;
    window.type_into("textbox", "API token", &account.token).await?;
    account.try_connecting(&window).await?;
    window.wait_for_text("Workers AI").await?;
    window
        .wait_until(
            "the missing permission is named",
            "return /Workers AI.*(Read|Edit)/.test(document.body.innerText)",
        )
        .await?;
    window.screenshot("missing-permission").await?;
    window.close().await
}

#[tokio::test]
async fn without_a_keychain_the_person_chooses_and_nothing_is_written_in_the_clear() -> Result<()> {
    for (keyring, said) in [
        (Keyring::Absent, "no keychain service"),
        // Its daemon waits for a person to answer a prompt; which of both is seen depends on who is asked first.
        (Keyring::Locked, "keychain is locked|keychain does not answer"),
    ] {
        let account = Account::start().await?;
        let mut desk = Desk::new(keyring)?;
        desk.set("EDGEWISE_API_URL", &account.base_url());
        let begun = Instant::now();
        let window = desk.open().await?;
        window.wait_containing("button", "Connect Cloudflare").await?;
        assert!(begun.elapsed() < Duration::from_secs(15), "the window does not wait for the keychain");
        window.click_containing("button", "Connect Cloudflare").await?;
        window.type_into("textbox", "API token", &account.token).await?;
        account.prove(&window).await?;
        if keyring == Keyring::Locked {
            // Nothing of ours was in it, so nobody had to unlock it before.
            window.wait_containing("radio", "System keychain").await?.click().await?;
            window.click("button", "Start").await?;
        }
        let script = format!("return /{said}/.test(document.body.innerText)");
        window.wait_until(&format!("the keychain's state is told: {said}"), &script).await?;
        if keyring == Keyring::Absent {
            let keychain = window.wait_containing("radio", "System keychain").await?;
            assert!(!keychain.is_enabled().await?, "what is not there cannot be chosen");
        }
        window.screenshot(&format!("keep-{keyring:?}").to_lowercase()).await?;
        window.wait_containing("radio", "This session only").await?.click().await?;
        window.click("button", "Start").await?;
        entered(&window).await?;
        window.screenshot(&format!("session-only-{keyring:?}").to_lowercase()).await?;
        window.close().await?;
        common::assert_nowhere(&desk, &account.token)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_key_file_asks_for_its_passphrase_at_the_next_start() -> Result<()> {
    let account = Account::start().await?;
    let mut desk = Desk::new(Keyring::Absent)?;
    desk.set("EDGEWISE_API_URL", &account.base_url());
    let window = desk.open().await?;
    window.click_containing("button", "Connect Cloudflare").await?;
    window.type_into("textbox", "API token", &account.token).await?;
    account.connect_with_passphrase(&window, "correct horse battery").await?;
    entered(&window).await?;
    window.close().await?;
    common::assert_nowhere(&desk, &account.token)?;
    common::assert_nowhere(&desk, "correct horse battery")?;

    let window = desk.open().await?;
    entered(&window).await?;
    window.click("button", "Unlock").await?;
    window.type_into("textbox", "Passphrase", "correct horse battery").await?;
    window.screenshot("unlock").await?;
    window.execute("document.activeElement.closest('form').requestSubmit()", vec![]).await?;
    window.wait_until("the key is unlocked", "return !document.querySelector('dialog[open]')").await?;
    window.type_into("textbox", "Message", "echo: unlocked").await?;
    window.click("button", "Send").await?;
    assert!(answered(&window, 1).await?.contains("unlocked"));
    window.close().await
}

/// All that was logged into files.
fn logs(desk: &Desk) -> Result<String> {
    let files = std::fs::read_dir(desk.data_dir().join("logs"))?;
    let all: Vec<Vec<u8>> = files.map(|file| std::fs::read(file?.path())).collect::<std::io::Result<_>>()?;
    Ok(String::from_utf8_lossy(&all.concat()).into_owned())
}
