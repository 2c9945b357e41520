//! The Library in the real window: a PDF and a folder are dropped by the system's own drag and drop, read, asked, and an
//! answer's mark opens the page with the passage marked. And a window that is closed in the middle goes on later.

mod common;

use anyhow::{Context, Result};
use common::{Account, answered, demo, entered, send};
use desktop::{Desk, Keyring, Window, samples};
use simulator::Scenario;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a drop lands in the library: the overlay's only target.
const IN_THE_LIBRARY: (i32, i32) = (800, 450);
/// The right half of the overlay over a conversation: the library.
const RIGHT_HALF: (i32, i32) = (1_100, 450);

#[tokio::test]
async fn a_dropped_pdf_and_folder_are_read_asked_and_cited_on_their_page() -> Result<()> {
    let desk = Desk::new(Keyring::Unlocked)?;
    let window = demo(desk.open().await?).await?;
    window.click("link", "Library").await?;
    window.wait("button", "Add files").await?;
    window.screenshot("library-empty").await?;

    let (lease, folder) = (desk.folder().join("Lease.pdf"), folder_of_notes(desk.folder())?);
    std::fs::write(&lease, samples::lease())?;
    let drag = desk.begin_drag(&[&lease, &folder], IN_THE_LIBRARY)?;
    window
        .wait_until(
            "the overlay is shown",
            "return /library/i.test(document.querySelector('.overlay')?.innerText ?? '')",
        )
        .await?;
    window.screenshot("drop-overlay").await?;
    drag.release()?;
    accept_quote(&window).await?;
    ready(&window, 4).await?;
    window.screenshot("library-ready").await?;

    window.type_into("searchbox", "Search passages", "What does a berth cost?\u{e007}").await?;
    window.wait_for_text("31 crowns").await?;
    window.screenshot("library-search").await?;
    window.execute("document.querySelector('input[type=search]').select()", vec![]).await?;
    window.type_into("searchbox", "Search passages", "押金什么时候退还\u{e007}").await?;
    window.wait_for_text("三十天内退还").await?;
    window.screenshot("library-search-chinese").await?;

    ask_about(&window, "Lease.pdf").await?;
    send(&window, "May the tenant end the lease early, and with how much notice?").await?;
    answered(&window, 1).await?;
    window
        .wait_until("its sources are listed", "return /Sources \\(\\d+\\)/.test(document.body.innerText)")
        .await?;
    window.screenshot("cited-answer").await?;
    open_first_citation(&window).await?;
    window.wait("region", "Document").await?;
    window
        .wait_until(
            "the page is drawn and the passage marked",
            "const panel = document.querySelector('aside[aria-label=Document]'); return !!panel?.querySelector('canvas') && [...panel.querySelectorAll('mark')].map((each) => each.textContent).join(' ').includes('ninety days of written notice')",
        )
        .await?;
    let marked = marked_text(&window).await?;
    assert!(!marked.contains("HARBOUR ROW"), "only the passage is marked: {marked}");
    window.screenshot("citation-marked").await?;
    window.click("button", "Why this answer").await?;
    window.wait("dialog", "Why this answer").await?;
    window.screenshot("why").await?;
    window.close().await?;

    // Everything is there after a restart: the sources, and the page they open.
    let window = desk.open().await?;
    entered(&window).await?;
    window
        .wait_until("the conversation opens", "if (document.querySelector('article')) return true; document.querySelector('a[href*=\"chat/\"]')?.click(); return false;")
        .await?;
    window
        .wait_until("its sources are there", "return /Sources \\(\\d+\\)/.test(document.body.innerText)")
        .await?;
    open_first_citation(&window).await?;
    window
        .wait_until(
            "the passage is marked again",
            "return document.querySelectorAll('aside[aria-label=Document] mark').length > 0",
        )
        .await?;
    window.close().await
}

#[tokio::test]
async fn files_dropped_on_a_conversation_offer_both_places() -> Result<()> {
    let mut desk = Desk::new(Keyring::Unlocked)?;
    desk.set("EDGEWISE_LOCALE", "zh-CN");
    desk.set("GTK_THEME", "Adwaita:dark");
    let window = desk.open().await?;
    window.click_containing("button", "无需账户试用").await?;
    window.wait("textbox", "消息").await?;
    let (lease, own) = (desk.folder().join("租约 Lease.pdf"), desk.folder().join("own.pdf"));
    std::fs::write(&lease, samples::lease())?;
    std::fs::write(&own, samples::lease())?;
    let drag = desk.begin_drag(&[&lease], RIGHT_HALF)?;
    window
        .wait_until(
            "both targets are offered",
            "return document.querySelectorAll('.overlay .target').length === 2",
        )
        .await?;
    window.screenshot("drop-overlay-zh-dark").await?;
    drag.release()?;
    window.click("link", "资料库").await?;
    window.wait_for_text("租约 Lease.pdf").await?;
    window
        .wait_until("it is ready", "return document.querySelector('main')?.innerText.includes('就绪')")
        .await?;
    window.screenshot("library-zh-dark").await?;
    window.type_into("searchbox", "搜索段落", "notice to end the lease\u{e007}").await?;
    window.wait_for_text("ninety days of written notice").await?;
    window.screenshot("library-search-zh-dark").await?;

    // In a conversation that has begun, one chosen with the paperclip is for this conversation alone.
    window.click("link", "对话").await?;
    window.wait("textbox", "消息").await?.send_keys("echo: 你好\u{e007}").await?;
    window.wait_until("it is answered", &answers(1)).await?;
    window.click_containing("button", "添加文件").await?;
    desk.choose_in_dialog(&own)?;
    window.wait_for_text("本次对话的文件").await?;
    window.wait_until("it can be asked", ATTACHED_AND_READY).await?;
    window.screenshot("attached-zh-dark").await?;
    window
        .wait("textbox", "消息")
        .await?
        .send_keys("May the tenant end the lease early, and with how much notice?\u{e007}")
        .await?;
    window.wait_until("it is answered", &answers(2)).await?;
    open_first_citation(&window).await?;
    window.wait_until("its passage is marked", &marks("ninety days")).await?;
    window.screenshot("attached-cited-zh-dark").await?;
    window.close().await
}

#[tokio::test]
async fn what_is_chosen_in_the_systems_dialog_is_read_and_a_folder_that_vanishes_is_told() -> Result<()> {
    let desk = Desk::new(Keyring::Unlocked)?;
    let (lease, minutes) = (desk.folder().join("Lease.pdf"), desk.folder().join("minutes.html"));
    std::fs::write(&lease, samples::lease())?;
    std::fs::write(&minutes, samples::NOTES[3].1)?;
    // Without a folder inside, which the dialog would add to what is typed.
    let folder = desk.folder().join("logbook");
    std::fs::create_dir(&folder)?;
    for (name, text) in &samples::NOTES[..3] {
        std::fs::write(folder.join(name), text)?;
    }
    let window = demo(desk.open().await?).await?;
    window.click_containing("button", "Attach files").await?;
    desk.choose_in_dialog(&lease)?;
    window.wait("button", "Detach Lease.pdf").await?;
    window.wait_until("it can be asked", ATTACHED_AND_READY).await?;
    window.screenshot("attached").await?;
    send(&window, "May the tenant end the lease early, and with how much notice?").await?;
    let answer = answered(&window, 1).await?;
    assert!(answer.contains("ninety days of written notice"), "it was read: {answer}");
    open_first_citation(&window).await?;
    window.wait_until("its passage is marked", &marks("ninety days")).await?;
    window.screenshot("attached-cited").await?;
    window.click("button", "Close").await?;

    window.click("link", "Library").await?;
    window.click("button", "Add files").await?;
    desk.choose_in_dialog(&minutes)?;
    accept_quote(&window).await?;
    ready(&window, 2).await?;
    // The button for its actions is there while the collection has the focus or the pointer.
    window.click_containing("button", "Library 2").await?;
    window.click("button", "Actions for Library").await?;
    window.click("menuitem", "Follow a folder").await?;
    desk.choose_in_dialog(&folder)?;
    accept_quote(&window).await?;
    ready(&window, 5).await?;
    window.wait_for_text("Follows ").await?;
    window.screenshot("library-follows").await?;
    let away = desk.folder().join("away");
    std::fs::rename(&folder, &away)?;
    window
        .wait_until(
            "the whole sentence stands over the list",
            "const told = [...document.querySelectorAll('.middle [role=status]')].find((each) => /are not noticed: it is not there/.test(each.innerText)); return !!told && told.scrollWidth <= told.clientWidth",
        )
        .await?;
    ready(&window, 5).await?;
    window.screenshot("library-unwatched").await?;
    std::fs::rename(&away, &folder)?;
    window.click("button", "Retry what failed").await?;
    window.wait_until("it follows again", "return !/are not noticed/.test(document.body.innerText)").await?;
    window.close().await
}

#[tokio::test]
async fn a_window_closed_while_embedding_goes_on_at_the_next_start_and_pays_once() -> Result<()> {
    let slow = Scenario::slow_first_byte(1_500).on_path("bge-m3");
    let account = Account::with("cfut_library".to_owned(), slow, None).await?;
    let mut desk = Desk::new(Keyring::Unlocked)?;
    account.use_on(&mut desk);
    let window = desk.open().await?;
    entered(&window).await?;
    window.click("link", "Library").await?;
    let book = desk.folder().join("harbour book.md");
    std::fs::write(&book, long_book(400))?;
    desk.drag_files(&[&book], IN_THE_LIBRARY)?;
    accept_quote(&window).await?;
    window
        .wait_until(
            "some passages are embedded",
            "return /Embedding [1-9]\\d*\\/\\d+/.test(document.body.innerText)",
        )
        .await?;
    window.screenshot("library-embedding").await?;
    window.kill().await?;

    let window = desk.open().await?;
    entered(&window).await?;
    window.screenshot("library-after-kill").await?;
    window.click("link", "Library").await?;
    ready(&window, 1).await?;
    window.screenshot("library-resumed").await?;
    window.type_into("searchbox", "Search passages", "lighthouse keeper number 377\u{e007}").await?;
    window.wait_for_text("number 377").await?;
    let hits = |count| {
        format!(
            "const told = document.querySelector('.results [role=status]')?.innerText ?? '', all = [...document.querySelectorAll('.results .hit')]; return told.includes('Hits: {count} among') && all.length === {count} && all.every((each, n) => each.innerText.startsWith(String(n + 1)) && /Fused\\s+0\\.\\d{{4}}/.test(each.innerText)) && /Vector\\s+0\\.\\d{{3}}\\s+Distance\\s+0\\.\\d{{3}}\\s+Keyword\\s+[\\d.]+/.test(all[0].innerText)"
        )
    };
    window.wait_until("each hit has its number and its scores", &hits(20)).await?;
    window
        .wait_until(
            "the number that was asked for is marked",
            "return [...document.querySelector('.results .hit').querySelectorAll('mark')].some((mark) => mark.innerText === '377')",
        )
        .await?;
    window.screenshot("library-hits").await?;
    window.wait("combobox", "How many hits").await?.select_by_value("50").await?;
    window.wait_until("more are shown", &hits(50)).await?;
    window.close().await
}

/// What is attached to the conversation is listed, and no note says that it is still being read.
const ATTACHED_AND_READY: &str =
    "const list = document.querySelector('.attached'); return !!list && !list.querySelector('[role=status]')";

/// So many answers are there and none is in work.
fn answers(count: usize) -> String {
    format!(
        "return document.querySelectorAll('article').length === {} && !document.querySelector('[aria-busy=true]')",
        2 * count
    )
}

/// The open document marks these words.
fn marks(words: &str) -> String {
    format!(
        "return [...document.querySelectorAll('aside mark')].some((each) => each.textContent.includes('{words}'))"
    )
}

/// Accepts what embedding will cost, when it is asked.
async fn accept_quote(window: &Window) -> Result<()> {
    window
        .wait_until(
            "the files are listed or their quote is asked",
            "return !!document.querySelector('[role=dialog], dialog[open]') || document.querySelectorAll('[aria-label=Documents] [role=listitem]').length > 0",
        )
        .await?;
    for _ in 0..30 {
        if window.look_for("button", "Accept").await?.is_some() {
            window.screenshot("library-quote").await?;
            return window.click("button", "Accept").await;
        }
        if window.page_text().await?.contains("Ready") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Waits until so many documents are ready.
async fn ready(window: &Window, count: usize) -> Result<()> {
    window.wait("list", "Documents").await?;
    let script = format!(
        "return [...document.querySelectorAll('[aria-label=Documents] [role=listitem]')].filter((each) => /Ready/.test(each.innerText)).length === {count}"
    );
    window.wait_until(&format!("{count} documents are ready"), &script).await
}

async fn ask_about(window: &Window, name: &str) -> Result<()> {
    // Escape leaves the results for the documents.
    window.type_into("searchbox", "Search passages", "\u{e00c}").await?;
    window.click("button", &format!("Actions for {name}")).await?;
    window.click("menuitem", "Ask about it").await?;
    entered(window).await
}

/// Clicks the first mark in the answer: the source of its first claim.
async fn open_first_citation(window: &Window) -> Result<()> {
    let script =
        "const mark = document.querySelector('article .prose cite[data-n]'); mark?.click(); return !!mark";
    window.wait_until("the answer has a mark", script).await
}

async fn marked_text(window: &Window) -> Result<String> {
    let script = "return [...document.querySelectorAll('aside[aria-label=Document] mark')].map((each) => each.textContent).join(' ')";
    Ok(window.execute(script, vec![]).await?.as_str().context("a text")?.to_owned())
}

/// A folder with a subfolder: Markdown, Chinese in GB 18030, and a table.
fn folder_of_notes(parent: &Path) -> Result<PathBuf> {
    let folder = parent.join("harbour notes");
    std::fs::create_dir_all(folder.join("中文"))?;
    std::fs::write(
        folder.join("harbour rules.md"),
        "# Harbour rules\n\n## Mooring\n\nBoats longer than twelve metres moor at the eastern quay.\n\n## Fees\n\nThe daily fee for a berth is 31 crowns.\n",
    )?;
    std::fs::write(
        folder.join("tides.csv"),
        "place,high water,low water\nEast quay,06:12,12:40\nWest quay,06:20,12:51\n",
    )?;
    // GB 18030 as a program of old writes it: 押金在三十天内退还。房东每年十月清扫烟囱。
    const GB18030: &[u8] = &[
        0xD1, 0xBA, 0xBD, 0xF0, 0xD4, 0xDA, 0xC8, 0xFD, 0xCA, 0xAE, 0xCC, 0xEC, 0xC4, 0xDA, 0xCD, 0xCB, 0xBB,
        0xB9, 0xA1, 0xA3, 0xB7, 0xBF, 0xB6, 0xAB, 0xC3, 0xBF, 0xC4, 0xEA, 0xCA, 0xAE, 0xD4, 0xC2, 0xC7, 0xE5,
        0xC9, 0xA8, 0xD1, 0xCC, 0xB4, 0xD1, 0xA1, 0xA3,
    ];
    std::fs::write(folder.join("中文").join("租约.txt"), GB18030)?;
    Ok(folder)
}

fn long_book(chapters: usize) -> String {
    let chapter = |n| {
        format!("## Chapter {n}\n\nThe lighthouse keeper number {n} counted the ships that passed. {}\n\n", "He wrote each of them into a book with a blue cover, with its name, its flag and the hour, and read the list aloud to the sea in the evening. ".repeat(6))
    };
    (0..chapters).map(chapter).collect()
}
