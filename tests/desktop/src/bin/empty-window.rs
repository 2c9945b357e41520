//! A window with a web view and nothing in it: what every WebKitGTK program costs. The peer of start, memory and idle.
#![allow(clippy::print_stdout, reason = "it tells its outcome there")]

use gtk::prelude::*;
use webkit2gtk::{WebView, WebViewExt};

fn main() -> anyhow::Result<()> {
    gtk::init()?;
    let window = gtk::Window::new(gtk::WindowType::Toplevel);
    window.set_title("empty");
    window.set_default_size(1280, 860);
    let view = WebView::new();
    view.load_html("<!doctype html><title>empty</title><textarea autofocus></textarea>", None);
    view.connect_load_changed(|_, event| {
        if event == webkit2gtk::LoadEvent::Finished {
            println!("ready");
        }
    });
    window.add(&view);
    window.show_all();
    window.connect_destroy(|_| gtk::main_quit());
    gtk::main();
    Ok(())
}
