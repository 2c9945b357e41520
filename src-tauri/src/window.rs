//! The window: its size and manners, and the rule that its page goes nowhere.

use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// The main window's label; the capability names it.
pub const MAIN: &str = "main";

/// The page's first questions, asked while its own script is still read. `ui/src/ipc/tauri.ts` takes the answers.
const FIRST_QUESTIONS: &str = "{
const ask = (command) => {
  const answer = window.__TAURI_INTERNALS__.invoke(command);
  answer.catch(() => {}); // Told where it is taken.
  return [command, answer];
};
const firstAnswers = new Map(['app_info', 'settings', 'account_state'].map(ask));
Object.defineProperty(window, 'firstAnswers', { value: firstAnswers });
}";

/// Opens the main window.
pub fn open(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::default())
        .title("Edgewise")
        .inner_size(1280.0, 860.0)
        .min_inner_size(480.0, 420.0)
        .prevent_overflow()
        .zoom_hotkeys_enabled(false)
        .initialization_script(FIRST_QUESTIONS)
        .on_navigation(is_our_page)
        // Links leave through `open_link`; a page of ours never opens another window.
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    #[cfg(target_os = "linux")]
    if !graphics::has_card(std::path::Path::new("/dev")) {
        graphics::paint_in_one(&window)?;
    }
    Ok(window)
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

/// What the web view does with the machine's graphics.
#[cfg(target_os = "linux")]
mod graphics {
    use std::path::Path;
    use tauri::WebviewWindow;
    use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};

    /// Whether something is there that joins layers faster than the processor: a render node, NVIDIA's own driver, or
    /// the host's card under WSL.
    pub fn has_card(dev: &Path) -> bool {
        let nodes = std::fs::read_dir(dev.join("dri"));
        let render_node = nodes.is_ok_and(|nodes| {
            nodes.flatten().any(|node| node.file_name().as_encoded_bytes().starts_with(b"renderD"))
        });
        render_node || dev.join("nvidiactl").exists() || dev.join("dxg").exists()
    }

    /// Paints straight into the window. Layers would be joined by a graphics card played by the processor, which costs
    /// 75 MiB, and three quarters of each frame that scrolls.
    pub fn paint_in_one(window: &WebviewWindow) -> tauri::Result<()> {
        window.with_webview(|view| {
            if let Some(settings) = WebViewExt::settings(&view.inner()) {
                settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
            }
        })
    }

    #[cfg(test)]
    mod tests {
        use super::has_card;
        use std::fs;

        #[test]
        fn a_card_is_known_by_its_nodes() {
            let dev = std::env::temp_dir().join(format!("edgewise-dev-{}", std::process::id()));
            fs::create_dir_all(dev.join("dri/by-path")).expect("a folder");
            assert!(!has_card(&dev.join("nowhere")), "without nodes there is none");
            fs::write(dev.join("dri/card0"), "").expect("a node");
            assert!(!has_card(&dev), "a screen alone draws nothing");
            fs::write(dev.join("dri/renderD128"), "").expect("a node");
            assert!(has_card(&dev), "a render node draws");
            fs::remove_dir_all(&dev).expect("it is ours");
        }
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
