//! Walks through the window as a new person does, and keeps pictures of it.
//!
//! `tour --screenshot FILE`: the simulator's door, one message, one picture. `tour --pictures FOLDER`: the pictures of
//! the README.
#![allow(clippy::print_stdout, reason = "it tells its outcome there")]

use anyhow::Result;
use clap::Parser;
use desktop::{Desk, Keyring, Window};
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
    std::fs::copy(window.screenshot("welcome").await?, folder.join("welcome.png"))?;
    window.click_containing("button", "Connect Cloudflare").await?;
    std::fs::copy(window.screenshot("connect").await?, folder.join("connect.png"))?;
    window.close().await?;

    let desk = Desk::new(Keyring::Unlocked)?;
    let window = desk.open().await?;
    window.click_containing("button", "Try without an account").await?;
    ask(&window, "How do I stream an answer from Workers AI in Rust?").await?;
    std::fs::copy(window.screenshot("chat").await?, folder.join("chat.png"))?;
    window.close().await?;

    let mut desk = Desk::new(Keyring::Unlocked)?;
    desk.set("EDGEWISE_LOCALE", "zh-CN");
    desk.set("GTK_THEME", "Adwaita:dark");
    let window = desk.open().await?;
    window.click_containing("button", "无需账户试用").await?;
    let composer = window.wait("textbox", "消息").await?;
    composer.send_keys("边缘计算是什么？请用列表说明。").await?;
    window.click("button", "发送").await?;
    window.wait("button", "发送").await?;
    std::fs::copy(window.screenshot("chat-dark-zh").await?, folder.join("chat-dark-zh.png"))?;
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
