//! A small window that files can be dragged from: the other side of a real drop.
//!
//! `drag-source FILE...` opens a window of 120 by 60 pixels at the top left and prints `ready`. Pressing the mouse on it
//! and moving begins a drag of these files as `text/uri-list`; it ends when the drag does.
#![allow(clippy::print_stdout, reason = "it tells its outcome there")]

use gtk::prelude::*;
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let addresses = files
        .iter()
        .map(|file| Ok(gtk::glib::filename_to_uri(Path::new(file).canonicalize()?, None)?.to_string()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    gtk::init()?;
    let window = gtk::Window::new(gtk::WindowType::Popup);
    window.set_default_size(120, 60);
    window.move_(0, 0);
    let handle = gtk::EventBox::new();
    handle.add(&gtk::Label::new(Some("drag me")));
    window.add(&handle);
    let targets = [gtk::TargetEntry::new("text/uri-list", gtk::TargetFlags::OTHER_APP, 0)];
    handle.drag_source_set(gtk::gdk::ModifierType::BUTTON1_MASK, &targets, gtk::gdk::DragAction::COPY);
    handle.connect_drag_data_get(move |_, _, data, _, _| {
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        data.set_uris(&addresses);
    });
    handle.connect_drag_end(|_, _| gtk::main_quit());
    window.show_all();
    println!("ready");
    gtk::main();
    Ok(())
}
