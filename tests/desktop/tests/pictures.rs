//! Pictures in the real window: made, opened large, reused, compared, deleted and taken back, in both languages and both
//! themes; found again after a restart; told when their file has gone.

mod common;

use anyhow::{Context, Result};
use common::{demo, entered, send};
use desktop::{Desk, Keyring, Window};
use std::path::PathBuf;

/// The words of one language.
struct Words {
    locale: &'static str,
    theme: &'static str,
    door: &'static str,
    images: &'static str,
    prompt: &'static str,
    generate: &'static str,
    gallery: &'static str,
    compare: &'static str,
    undo: &'static str,
    wish: &'static str,
    settings: &'static str,
}

/// Where a drop lands on the gallery.
const IN_THE_GALLERY: (i32, i32) = (900, 450);

const ENGLISH: Words = Words {
    locale: "en",
    theme: "Adwaita",
    door: "Try without an account",
    images: "Images",
    prompt: "Prompt",
    generate: "Generate",
    gallery: "Gallery",
    compare: "Compare",
    undo: "Undo",
    wish: "a lighthouse at dusk",
    settings: "Drop to read its settings",
};

const CHINESE: Words = Words {
    locale: "zh-CN",
    theme: "Adwaita:dark",
    door: "无需账户试用",
    images: "图片",
    prompt: "提示词",
    generate: "生成",
    gallery: "图库",
    compare: "对比",
    undo: "撤销",
    wish: "黄昏的灯塔",
    settings: "松开以读取设置",
};

#[tokio::test]
async fn a_picture_is_made_opened_reused_compared_deleted_and_taken_back() -> Result<()> {
    for words in [ENGLISH, CHINESE] {
        flow(&words).await.with_context(|| format!("in {}", words.locale))?;
    }
    Ok(())
}

async fn flow(words: &Words) -> Result<()> {
    let mut desk = Desk::new(Keyring::Unlocked)?;
    desk.set("EDGEWISE_LOCALE", words.locale);
    desk.set("GTK_THEME", words.theme);
    let window = desk.open().await?;
    let shot = |name: &str| format!("images-{name}-{}", words.locale);
    window.click_containing("button", words.door).await?;
    window.click("link", words.images).await?;
    window.wait("textbox", words.prompt).await?;
    window.screenshot(&shot("empty")).await?;
    assert_theme(&window, words.theme.ends_with("dark")).await?;

    make(&window, words, words.wish, 1).await?;
    make(&window, words, &format!("{} 2", words.wish), 2).await?;
    window.wait("list", words.gallery).await?;
    window.screenshot(&shot("two")).await?;

    // Large, its settings beside it; arrows lead on; its prompt goes back into the form.
    let first = format!("{} 2", words.wish);
    window.click("button", &first).await?;
    window.wait("dialog", &first).await?;
    window
        .wait_until("it is shown large", "const img = [...document.querySelectorAll('[role=dialog] img, dialog img')].find((each) => each.complete && each.naturalWidth > 200); return !!img")
        .await?;
    window.screenshot(&shot("lightbox")).await?;
    press(&window, "\u{e014}").await?; // right
    window.wait_for_text("2 / 2").await?;
    press(&window, "p").await?;
    press(&window, "\u{e00c}").await?; // escape
    window
        .wait_until("it is closed", "return !document.querySelector('[role=dialog], dialog[open]')")
        .await?;
    let prompt = window
        .execute("return [...document.querySelectorAll('textarea')].map((each) => each.value)", vec![])
        .await?;
    assert!(
        prompt.as_array().is_some_and(|all| all.iter().any(|each| each == words.wish)),
        "the prompt came back: {prompt}"
    );

    // Its file, held over the view and dropped: its settings fill the form.
    write_prompt(&window, "").await?;
    let drag = desk.begin_drag(&[&files(&desk)?[0]], IN_THE_GALLERY)?;
    window.wait_for_text(words.settings).await?;
    window.screenshot(&shot("drop")).await?;
    drag.release()?;
    window.wait_until("the prompt was read from it", &prompt_begins(words.wish)).await?;
    window.screenshot(&shot("dropped")).await?;
    // A document has no place here: it is asked where it shall go, and a drag that is given up goes nowhere.
    let note = desk.folder().join("note.txt");
    std::fs::write(&note, "The tide is high at six.")?;
    let drag = desk.begin_drag(&[&note], IN_THE_GALLERY)?;
    let targets = |count| format!("return document.querySelectorAll('.overlay .target').length === {count}");
    window.wait_until("two places are offered", &targets(2)).await?;
    window.screenshot(&shot("drop-document")).await?;
    drag.give_up()?;
    window.wait_until("nothing is offered any more", &targets(0)).await?;

    // Two against each other.
    window.execute("for (const face of document.querySelectorAll('[data-picture] .face')) face.dispatchEvent(new MouseEvent('click', { bubbles: true, ctrlKey: true }))", vec![]).await?;
    window.click("button", words.compare).await?;
    window
        .wait_until(
            "two are compared",
            "return document.querySelectorAll('[role=dialog] img, dialog img').length >= 2",
        )
        .await?;
    window.screenshot(&shot("compare")).await?;
    press(&window, "m").await?;
    window.screenshot(&shot("side-by-side")).await?;
    press(&window, "\u{e00c}").await?;
    window
        .wait_until("it is closed", "return !document.querySelector('[role=dialog], dialog[open]')")
        .await?;

    // Deleted, and taken back: the files are still there.
    press(&window, "\u{e017}").await?; // delete
    window
        .wait_until("both are gone", "return document.querySelectorAll('[data-picture]').length === 0")
        .await?;
    window.screenshot(&shot("deleted")).await?;
    window.click("button", words.undo).await?;
    drawn(&window, 2).await?;
    assert_eq!(files(&desk)?.len(), 2);
    window.close().await
}

#[tokio::test]
async fn pictures_are_found_again_made_in_a_conversation_and_told_when_their_file_has_gone() -> Result<()> {
    let desk = Desk::new(Keyring::Unlocked)?;
    let window = demo(desk.open().await?).await?;
    window.click("link", "Images").await?;
    make(&window, &ENGLISH, "a lighthouse at dusk", 1).await?;
    let names: Vec<_> = files(&desk)?.iter().map(|file| file.display().to_string()).collect();
    assert!(names.iter().all(|name| name.contains("a-lighthouse-at-dusk")), "{names:?}");
    window.close().await?;

    let window = desk.open().await?;
    entered(&window).await?;
    send(&window, "画一只猫").await?;
    window
        .wait_until(
            "the picture stands in the conversation",
            "return [...document.querySelectorAll('article img')].some((each) => each.complete && each.naturalWidth > 100)",
        )
        .await?;
    window.screenshot("picture-in-chat").await?;
    window.click("link", "Images").await?;
    drawn(&window, 2).await?;
    window.close().await?;

    // One file is deleted behind our back, the other damaged.
    let files = files(&desk)?;
    std::fs::remove_file(&files[0])?;
    std::fs::write(&files[1], b"not a picture any more")?;
    let thumbnails = desk.data_dir().join("cache/thumbnails");
    if thumbnails.exists() {
        std::fs::remove_dir_all(thumbnails)?;
    }
    let window = desk.open().await?;
    entered(&window).await?;
    window.click("link", "Images").await?;
    window
        .wait_until("both are told", "const text = document.querySelector('main').innerText; return /gone|missing|not there|moved/i.test(text) && /damaged|cannot be drawn|not a picture/i.test(text)")
        .await?;
    window.screenshot("images-missing-and-damaged").await?;
    window.close().await
}

async fn make(window: &Window, words: &Words, prompt: &str, count: usize) -> Result<()> {
    write_prompt(window, "").await?;
    window.type_into("textbox", words.prompt, prompt).await?;
    window.click_containing("button", words.generate).await?;
    drawn(window, count).await
}

async fn write_prompt(window: &Window, prompt: &str) -> Result<()> {
    let script = "const box = document.querySelector('textarea'); box.value = arguments[0]; box.dispatchEvent(new InputEvent('input', { bubbles: true }));";
    window.execute(script, vec![prompt.into()]).await.map(drop)
}

fn prompt_begins(prompt: &str) -> String {
    format!("return document.querySelector('textarea').value.startsWith('{prompt}')")
}

/// Waits until so many pictures are drawn from their files.
async fn drawn(window: &Window, count: usize) -> Result<()> {
    let script = format!(
        "return [...document.querySelectorAll('[data-picture] img')].filter((each) => each.src.startsWith('media:') && each.complete && each.naturalWidth > 50).length >= {count}"
    );
    window.wait_until(&format!("{count} pictures are drawn"), &script).await
}

/// Presses a key where the focus is.
async fn press(window: &Window, key: &str) -> Result<()> {
    let active = window.client().active_element().await?;
    Ok(active.send_keys(key).await?)
}

async fn assert_theme(window: &Window, dark: bool) -> Result<()> {
    let script = "const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number); return (r + g + b) / 3";
    let light = window.execute(script, vec![]).await?.as_f64().context("a colour")?;
    assert_eq!(light < 100.0, dark, "the ground has a lightness of {light}");
    Ok(())
}

fn files(desk: &Desk) -> Result<Vec<PathBuf>> {
    let folder = desk.data_dir().join("files/pictures");
    let mut files: Vec<_> = std::fs::read_dir(&folder)?.flatten().map(|each| each.path()).collect();
    files.sort();
    Ok(files)
}
