//! Walks through the window as a new person does, and keeps pictures of it.
//!
//! `tour --screenshot FILE`: the simulator's door, one message, one picture. `tour --pictures FOLDER`: the pictures of
//! the README.
#![allow(clippy::print_stdout, reason = "it tells its outcome there")]

use anyhow::Result;
use clap::Parser;
use desktop::{Desk, Keyring, Window, samples};
use std::path::{Path, PathBuf};

#[derive(Parser)]
struct Arguments {
    /// Save one picture of a first conversation here
    #[arg(long)]
    screenshot: Option<PathBuf>,
    /// Save the README's pictures in this folder
    #[arg(long)]
    pictures: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(file) = arguments.screenshot {
        one_message(&file).await?;
        println!("{}", file.display());
    }
    if let Some(folder) = arguments.pictures {
        std::fs::create_dir_all(&folder)?;
        pictures(&folder).await?;
    }
    Ok(())
}

/// Goes through the simulator's door, sends one message and keeps a picture of the answer.
async fn one_message(file: &Path) -> Result<()> {
    let desk = Desk::new(Keyring::Unlocked)?;
    let window = desk.open().await?;
    window.click_containing("button", "Try without an account").await?;
    ask(&window, "What can I do here? Show me a list and some code.").await?;
    std::fs::copy(window.screenshot("tour").await?, file)?;
    window.close().await
}

async fn pictures(folder: &Path) -> Result<()> {
    let desk = Desk::new(Keyring::Unlocked)?;
    let window = desk.open().await?;
    let keep = async |window: &Window, name: &str| -> Result<()> {
        std::fs::copy(window.screenshot(name).await?, folder.join(format!("{name}.png")))?;
        Ok(())
    };
    window.click_containing("button", "Try without an account").await?;
    ask(&window, "How do I stream an answer from Workers AI in Rust?").await?;
    keep(&window, "chat").await?;

    window.click("link", "Library").await?;
    window.wait("button", "Add files").await?;
    let lease = desk.folder().join("Lease of 14 Harbour Row.pdf");
    std::fs::write(&lease, samples::lease())?;
    let notes = desk.folder().join("Harbour notes");
    std::fs::create_dir(&notes)?;
    for (name, text) in samples::NOTES {
        std::fs::write(notes.join(name), text)?;
    }
    desk.drag_files(&[&lease, &notes], (800, 450))?;
    let ready = format!(
        "return [...document.querySelectorAll('[aria-label=Documents] [role=listitem]')].filter((each) => /Ready/.test(each.innerText)).length === {}",
        samples::NOTES.len() + 1
    );
    window.wait_until("all is ready", &ready).await?;
    window.type_into("searchbox", "Search passages", "When is the deposit returned?\u{e007}").await?;
    window.wait_for_text("2,900 crowns").await?;
    keep(&window, "library").await?;
    window.type_into("searchbox", "Search passages", "\u{e00c}").await?;
    window.click_containing("button", "Actions for Lease").await?;
    window.click("menuitem", "Ask about it").await?;
    ask(&window, "May the tenant end the lease early, and with how much notice?").await?;
    window
        .wait_until("a mark is there", "const mark = document.querySelector('article .prose cite[data-n]'); mark?.click(); return !!mark")
        .await?;
    window
        .wait_until(
            "its page is marked",
            "return document.querySelectorAll('aside[aria-label=Document] mark').length > 0",
        )
        .await?;
    keep(&window, "citation").await?;

    window.click("link", "Images").await?;
    for (n, prompt) in
        ["a lighthouse at dusk", "a paper boat on a pond", "山间的晨雾", "an owl in the library"]
            .iter()
            .enumerate()
    {
        window
            .execute("const box = document.querySelector('textarea'); box.value = ''; box.dispatchEvent(new InputEvent('input', { bubbles: true }));", vec![])
            .await?;
        window.type_into("textbox", "Prompt", prompt).await?;
        window.click_containing("button", "Generate").await?;
        let drawn = format!(
            "return [...document.querySelectorAll('[data-picture] img')].filter((each) => each.complete && each.naturalWidth > 50).length > {n}"
        );
        window.wait_until("the picture is drawn", &drawn).await?;
    }
    keep(&window, "images").await?;
    window.close().await?;

    let mut desk = Desk::new(Keyring::Unlocked)?;
    desk.set("EDGEWISE_LOCALE", "zh-CN");
    desk.set("GTK_THEME", "Adwaita:dark");
    let window = desk.open().await?;
    window.click_containing("button", "无需账户试用").await?;
    let composer = window.wait("textbox", "消息").await?;
    composer.send_keys("边缘计算是什么？请用列表说明。").await?;
    composer.send_keys("\u{e007}").await?;
    window
        .wait_until(
            "the whole answer is there",
            "return !!document.querySelector('article math') && !document.querySelector('[aria-busy=true]')",
        )
        .await?;
    keep(&window, "chat-dark-zh").await?;
    window.close().await
}

/// Sends a message and waits until its answer is whole.
async fn ask(window: &Window, text: &str) -> Result<()> {
    window.type_into("textbox", "Message", text).await?;
    window.click("button", "Send").await?;
    window.wait("article", "Assistant").await?;
    // Stop gives way to Send when the answer has ended.
    window
        .wait_until("the answer has ended", "return document.querySelector('[aria-busy=true]') === null")
        .await?;
    window.wait("button", "Send").await?;
    Ok(())
}
