//! A Tauri window with nothing in it but a field: what every program of this kind costs. The peer of start, memory and
//! idle.
#![allow(clippy::print_stdout, reason = "it tells that it is ready there")]

use tauri::http::Response;
use tauri::webview::PageLoadEvent;
use tauri::{WebviewUrl, WebviewWindowBuilder};

const PAGE: &str = "<!doctype html><title>empty</title><textarea autofocus></textarea>";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = WebviewUrl::CustomProtocol("empty://localhost/".parse()?);
    tauri::Builder::default()
        .register_uri_scheme_protocol("empty", |_, _| {
            let mut page = Response::new(PAGE.as_bytes());
            page.headers_mut().insert("content-type", tauri::http::HeaderValue::from_static("text/html"));
            page
        })
        .setup(|app| {
            WebviewWindowBuilder::new(app, "empty", address)
                .title("empty")
                .inner_size(1280.0, 860.0)
                .on_page_load(|_, load| {
                    if load.event() == PageLoadEvent::Finished {
                        println!("ready");
                    }
                })
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!())?;
    Ok(())
}
