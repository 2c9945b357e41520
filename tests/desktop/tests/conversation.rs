//! A day's work in the real window: streaming, Stop, versions, editing, restarts, a killed process, Chinese, the dark.

mod common;

use anyhow::{Context, Result};
use common::{Account, answer_text, answered, demo, entered, send};
use desktop::{Desk, Keyring};
use simulator::Scenario;
use std::time::{Duration, Instant};

#[tokio::test]
async fn stop_ends_the_stream_and_keeps_what_arrived() -> Result<()> {
    let account = Account::with("cfut_stop".to_owned(), Scenario::default(), Some(20.0)).await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    account.use_on(&mut desk);
    let window = desk.open().await?;
    entered(&window).await?;
    send(&window, "write 400 words").await?;
    window.wait("button", "Stop").await?;
    wait_for_length(&window, 1, 60).await?;
    window.screenshot("streaming").await?;
    let pressed = Instant::now();
    window.click("button", "Stop").await?;
    window.wait("button", "Send").await?;
    let kept = answered(&window, 1).await?;
    assert!(kept.len() > 60, "what arrived stays: {kept}");
    while account.simulator.open_streams() > 0 {
        assert!(pressed.elapsed() < Duration::from_secs(5), "the connection was closed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    window.screenshot("stopped").await?;
    window.close().await
}

#[tokio::test]
async fn a_page_loaded_again_in_mid_answer_goes_on_with_it_and_tells_what_was_refused() -> Result<()> {
    let whole = (1..=120).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
    let account = Account::with("cfut_reload".to_owned(), Scenario::text(&whole), Some(60.0)).await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    account.use_on(&mut desk);
    let window = desk.open().await?;
    entered(&window).await?;
    // This model refuses it by name where it is sent, and answers without it.
    window.click("button", "Run settings").await?;
    window.type_into("spinbutton", "Top K", "20\u{e007}").await?;
    window.click("button", "Run settings").await?;

    send(&window, "count").await?;
    wait_for_length(&window, 1, 60).await?;
    load_again(&window).await?;
    window.wait("button", "Stop").await?;
    wait_for_length(&window, 1, 60).await?;
    let answer = answered(&window, 1).await?;
    assert_eq!(
        (answer.matches("w1 ").count(), answer.contains(&whole)),
        (1, true),
        "whole, and once: {answer}"
    );
    assert!(answer.contains("This model does not take: Top K"), "{answer}");
    assert_eq!(messages(&window).await?, 2);
    window.screenshot("refused-parameter").await?;

    send(&window, "once more").await?;
    wait_for_length(&window, 2, 60).await?;
    load_again(&window).await?;
    window.click("button", "Stop").await?;
    window.wait("button", "Send").await?;
    let kept = answered(&window, 2).await?;
    assert!(kept.contains("w1 w2 w3") && !kept.contains("w120"), "what arrived stays: {kept}");
    let pressed = Instant::now();
    while account.simulator.open_streams() > 0 {
        assert!(pressed.elapsed() < Duration::from_secs(5), "the connection was closed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(messages(&window).await?, 4);
    window.screenshot("stopped-after-loading-again").await?;
    window.close().await?;

    desk.set("EDGEWISE_LOCALE", "zh-CN");
    desk.set("GTK_THEME", "Adwaita:dark");
    let window = desk.open().await?;
    window
        .wait_until(
            "both answers say it after a restart",
            "if (!document.querySelector('article')) document.querySelector('a[href*=\"chat/\"]')?.click(); return document.body.innerText.match(/此模型不支持：Top K/g)?.length === 2",
        )
        .await?;
    window.screenshot("refused-parameter-zh-dark").await?;
    window.close().await
}

#[tokio::test]
async fn regenerating_and_editing_make_versions_that_can_be_turned() -> Result<()> {
    let desk = Desk::new(Keyring::Unlocked)?;
    let window = demo(desk.open().await?).await?;
    send(&window, "echo: first").await?;
    answered(&window, 1).await?;
    hover(&window, "Assistant").await?;
    window.click("button", "Regenerate").await?;
    window.wait_for_text("2/2").await?;
    answered(&window, 1).await?;
    window.screenshot("versions").await?;
    window.click("button", "Previous version").await?;
    window.wait_for_text("1/2").await?;

    hover(&window, "You").await?;
    window.click("button", "Edit").await?;
    let editor = window.wait("textbox", "Edit message").await?;
    editor.clear().await?;
    editor.send_keys("echo: second").await?;
    window.execute("[...document.activeElement.closest('article').querySelectorAll('button')].find((each) => each.textContent.trim() === 'Send')?.click()", vec![]).await?;
    window.wait_for_text("second").await?;
    answered(&window, 1).await?;
    window.close().await?;

    // The other branch is still there after a restart.
    let window = desk.open().await?;
    open_first(&window).await?;
    window.wait_for_text("second").await?;
    hover(&window, "You").await?;
    window.click("button", "Previous version").await?;
    window.wait_for_text("first").await?;
    window.close().await
}

#[tokio::test]
async fn a_killed_process_loses_nothing_and_offers_to_continue() -> Result<()> {
    let account = Account::with("cfut_kill".to_owned(), Scenario::default(), Some(25.0)).await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    account.use_on(&mut desk);
    let window = desk.open().await?;
    entered(&window).await?;
    send(&window, "write 300 words").await?;
    wait_for_length(&window, 1, 150).await?;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let seen = answer_text(&window, 1).await?;
    window.kill().await?;

    let window = desk.open().await?;
    entered(&window).await?;
    open_first(&window).await?;
    window.wait("button", "Continue").await?;
    let kept = answer_text(&window, 1).await?;
    // Words from inside the answer: around it stands how far it came, which changes.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let inside = seen.split_whitespace().skip(12).take(8).collect::<Vec<_>>().join(" ");
    assert!(words(&kept).contains(&inside), "kept: {kept}\nseen: {seen}");
    window.screenshot("interrupted").await?;
    window.click("button", "Continue").await?;
    wait_for_length(&window, 1, kept.len() + 40).await?;
    let whole = answered(&window, 1).await?;
    assert!(words(&whole).contains(&inside), "it went on from what was there: {whole}");
    window.close().await
}

#[tokio::test]
async fn an_answer_is_drawn_with_table_code_and_formula_while_it_comes_and_after() -> Result<()> {
    let desk = Desk::new(Keyring::Unlocked)?;
    let window = demo(desk.open().await?).await?;
    send(&window, "Show me a table and some code.").await?;
    answered(&window, 1).await?;
    let drawn = "const answer = [...document.querySelectorAll('article')].find((each) => each.getAttribute('aria-label') === 'Assistant'); return !!answer && ['table td', 'pre code span[class]', 'strong', 'math', 'blockquote', 'ol li'].every((each) => answer.querySelector(each)) && !/\\*\\*|```|\\|---/.test(answer.innerText)";
    window.wait_until("Markdown is drawn", drawn).await?;
    window.screenshot("markdown").await?;
    window.close().await?;
    let window = desk.open().await?;
    open_first(&window).await?;
    window.wait_until("Markdown is drawn after a restart", drawn).await?;
    window.close().await
}

#[tokio::test]
async fn chinese_is_typed_answered_found_and_shown_in_the_dark() -> Result<()> {
    let mut desk = Desk::new(Keyring::Unlocked)?;
    desk.set("EDGEWISE_LOCALE", "zh-CN");
    desk.set("GTK_THEME", "Adwaita:dark");
    let window = desk.open().await?;
    window.screenshot("welcome-zh-dark").await?;
    let ground = window.execute("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number).reduce((sum, each) => sum + each) / 3", vec![]).await?;
    assert!(ground.as_f64().is_some_and(|light| light < 100.0), "the ground is dark: {ground}");
    window.click_containing("button", "无需账户试用").await?;
    let composer = window.wait("textbox", "消息").await?;
    composer.send_keys("边缘计算是什么？").await?;
    composer.send_keys("\u{e007}").await?;
    window
        .wait_until(
            "the whole answer is Chinese",
            "return /模拟/.test(document.querySelectorAll('article')[1]?.innerText ?? '') && !document.querySelector('[aria-busy=true]') && !!document.querySelector('article math')",
        )
        .await?;
    window.screenshot("chat-zh-dark").await?;
    window.close().await?;

    // Found again by words without a space between them.
    let window = desk.open().await?;
    window.wait("textbox", "消息").await?;
    window
        .execute(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'F', code: 'KeyF', ctrlKey: true, shiftKey: true, bubbles: true, cancelable: true }))",
            vec![],
        )
        .await?;
    window.wait_until("the search is open", "return !!document.querySelector('dialog[open] input')").await?;
    window.client().active_element().await?.send_keys("边缘计算").await?;
    window
        .wait_until(
            "the question is found",
            "return document.querySelector('dialog[open]').innerText.includes('边缘计算是什么')",
        )
        .await?;
    window.screenshot("search-zh-dark").await?;
    window.close().await
}

#[tokio::test]
async fn chinese_comes_through_an_input_method_whose_enter_sends_nothing() -> Result<()> {
    let mut desk = Desk::new(Keyring::Unlocked)?;
    desk.start_input_method()?;
    desk.set("EDGEWISE_LOCALE", "zh-CN");
    let window = desk.open().await?;
    window.click_containing("button", "无需账户试用").await?;
    window.wait("textbox", "消息").await?.click().await?;
    let written = |text: &str| format!("return document.querySelector('textarea').value === '{text}'");

    desk.press(&["b", "i", "a", "n", "y", "u", "a", "n"])?;
    desk.press(&["space"])?;
    window.wait_until("the first word offered is taken", &written("边缘")).await?;
    window.screenshot("input-method").await?;
    desk.press(&["n", "i", "h", "a", "o"])?;
    desk.press(&["Return"])?;
    window.wait_until("the letters are taken as they are", &written("边缘nihao")).await?;
    assert_eq!(window.execute("return document.querySelectorAll('article').length", vec![]).await?, 0);

    desk.press(&["Return"])?;
    window.wait_until("it is sent", "return document.querySelectorAll('article').length === 2").await?;
    let sent = window.execute("return document.querySelector('article').innerText", vec![]).await?;
    assert!(sent.as_str().is_some_and(|text| text.contains("边缘nihao")), "{sent}");
    window.close().await
}

#[tokio::test]
async fn what_is_set_is_kept_as_an_assistant_over_a_restart() -> Result<()> {
    let account = Account::start().await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    account.use_on(&mut desk);
    let window = desk.open().await?;
    entered(&window).await?;
    window.click("button", "Run settings").await?;
    window.type_into("textbox", "System prompt", "Answer in rhymes.").await?;
    window.click("button", "Save as assistant…").await?;
    window.type_into("textbox", "Name", "Poet").await?;
    window.click("button", "Save").await?;
    window.wait_for_text("“Poet” is saved.").await?;
    window.screenshot("assistant").await?;
    window.close().await?;

    let window = desk.open().await?;
    entered(&window).await?;
    window.click("button", "Poet").await?;
    send(&window, "echo: a line").await?;
    answered(&window, 1).await?;
    let asked = account.simulator.requests();
    let asked = asked.iter().filter(|request| request.path.ends_with("chat/completions"));
    let systems: Vec<String> =
        asked.map(|request| request.json()["messages"][0]["content"].to_string()).collect();
    assert!(systems.iter().any(|system| system.contains("Answer in rhymes.")), "{systems:?}");
    window.close().await
}

async fn hover(window: &desktop::Window, article: &str) -> Result<()> {
    let script = "const all = [...document.querySelectorAll('article')].filter((each) => each.getAttribute('aria-label') === arguments[0]); const last = all[all.length - 1]; last.scrollIntoView({ block: 'nearest' }); last.dispatchEvent(new PointerEvent('pointerover', { bubbles: true })); last.dispatchEvent(new MouseEvent('mouseover', { bubbles: true })); last.querySelector('button')?.focus();";
    window.execute(script, vec![article.into()]).await?;
    Ok(())
}

/// Loads the page anew, as a web view that crashed or a developer does.
async fn load_again(window: &desktop::Window) -> Result<()> {
    window.execute("window.before = true; window.location.reload()", vec![]).await?;
    window
        .wait_until("the page is a new one", "return !window.before && !!document.querySelector('article')")
        .await
}

async fn messages(window: &desktop::Window) -> Result<u64> {
    let count = window.execute("return document.querySelectorAll('article').length", vec![]).await?;
    count.as_u64().context("a number")
}

async fn open_first(window: &desktop::Window) -> Result<()> {
    entered(window).await?;
    window
        .wait_until(
            "a conversation is listed and opened",
            "if (document.querySelector('article')) return true; document.querySelector('a[href*=\"chat/\"]')?.click(); return false;",
        )
        .await
}

async fn wait_for_length(window: &desktop::Window, n: usize, length: usize) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while answer_text(window, n).await?.len() < length {
        assert!(Instant::now() < deadline, "the answer grows");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
