//! The window: its size and manners, and the rule that its page goes nowhere.

use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// The main window's label; the capability names it.
pub const MAIN: &str = "main";

/// Opens the main window.
pub fn open(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::default())
        .title("Edgewise")
        .inner_size(1280.0, 860.0)
        .min_inner_size(480.0, 420.0)
        .prevent_overflow()
        .zoom_hotkeys_enabled(false)
        .on_navigation(is_our_page)
        // Links leave through `open_link`; a page of ours never opens another window.
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()
}

/// Brings the window to the front, for a second start.
pub fn bring_forward(app: &AppHandle) {
    let Some(window) = app.get_webview_window(MAIN) else { return };
    for step in [window.unminimize(), window.show(), window.set_focus()] {
        if let Err(error) = step {
            tracing::warn!(%error, "bringing the window forward");
        }
    }
}

/// Zoom, as set.
pub fn apply(app: &AppHandle, settings: &domain::Settings) {
    let Some(window) = app.get_webview_window(MAIN) else { return };
    if let Err(error) = window.set_zoom(settings.zoom.clamp(0.5, 3.0)) {
        tracing::warn!(%error, "setting the zoom");
    }
}

/// Only the embedded interface may be shown, and in development its server.
fn is_our_page(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => true,
        "http" | "https" => match url.host_str() {
            Some("tauri.localhost") => true,
            Some("localhost") => cfg!(dev) && url.port() == Some(5183),
            _ => false,
        },
        "about" => url.as_str() == "about:blank",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_our_page;

    #[test]
    fn the_page_goes_nowhere_else() {
        for address in ["tauri://localhost/", "tauri://localhost/index.html", "http://tauri.localhost/"] {
            assert!(is_our_page(&address.parse().expect("an address")), "{address} is ours");
        }
        for address in [
            "https://example.com/",
            "http://127.0.0.1:8080/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,hello",
            "http://tauri.localhost.example.com/",
        ] {
            assert!(!is_our_page(&address.parse().expect("an address")), "{address} is not ours");
        }
    }
}
