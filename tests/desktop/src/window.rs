//! Edgewise's real window, through WebDriver.

use crate::desk::{Desk, Process};
use anyhow::{Context, Result, bail};
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Finds an element by role and accessible name. Roles are those of HTML-AAM for the elements that we use.
const FIND: &str = r#"
const [role, name, exact] = arguments;
const selectors = {
  button: 'button, [role=button], summary', link: 'a[href], [role=link]', textbox: 'textarea, input:not([type]), input[type=text], input[type=password], [role=textbox]',
  searchbox: 'input[type=search], [role=searchbox]', article: 'article, [role=article]', log: '[role=log]', list: 'ul, ol, [role=list]',
  navigation: 'nav, [role=navigation]', dialog: 'dialog, [role=dialog], [role=alertdialog]', menuitem: '[role=menuitem], [role=menuitemradio]', option: '[role=option]',
  radio: 'input[type=radio], [role=radio]', checkbox: 'input[type=checkbox], [role=checkbox], [role=switch]', alert: '[role=alert]', status: '[role=status]',
  heading: 'h1, h2, h3, h4, [role=heading]', combobox: 'select, [role=combobox]', spinbutton: 'input[type=number], [role=spinbutton]', region: 'section[aria-label], aside, [role=region]', listitem: 'li, [role=listitem]', tab: '[role=tab]',
};
const label = (element) => {
  const by = element.getAttribute('aria-labelledby');
  if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? '').join(' ');
  const own = element.getAttribute('aria-label');
  if (own) return own;
  if (element.labels && element.labels.length) return [...element.labels].map((each) => each.textContent).join(' ');
  return element.textContent || element.getAttribute('title') || element.getAttribute('placeholder') || '';
};
const wanted = name.replace(/\s+/g, ' ').trim();
const shown = (element) => element.getClientRects().length > 0;
for (const element of document.querySelectorAll(selectors[role] ?? `[role=${role}]`)) {
  const text = label(element).replace(/\s+/g, ' ').trim();
  if (shown(element) && (exact ? text === wanted : text.includes(wanted))) return element;
}
return null;
"#;

/// Paints one point of the page again and again, until `stopPainting`.
const KEEP_PAINTING: &str = r#"
const spot = document.createElement('i');
for (const [name, value] of Object.entries({ position: 'fixed', right: '0', bottom: '0', width: '1px', height: '1px' })) spot.style[name] = value;
document.body.append(spot);
let odd = false;
const painting = setInterval(() => { odd = !odd; spot.style.background = odd ? 'rgb(0 0 0 / 2%)' : 'none'; }, 20);
window.stopPainting = () => { clearInterval(painting); spot.remove(); };
"#;

/// A running Edgewise.
pub struct Window {
    client: Client,
    driver: Process,
    artefacts: PathBuf,
}

impl Window {
    /// How long [`Window::wait`] and its kin wait.
    pub const PATIENCE: Duration = Duration::from_secs(20);

    pub(crate) async fn open(desk: &Desk) -> Result<Self> {
        let window = Self::connect(desk, &Desk::binary()?, "wry", &[]).await?;
        window.wait_until("the page is drawn", "return document.readyState === 'complete' && document.querySelector('#app, main, [data-app]')?.childElementCount > 0").await?;
        Ok(window)
    }

    /// Opens a bare browser of the same engine on an empty page, for controls.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn open_browser(desk: &Desk, browser: &Path) -> Result<Self> {
        Self::connect(desk, browser, "MiniBrowser", &["--automation"]).await
    }

    async fn connect(desk: &Desk, binary: &Path, name: &str, arguments: &[&str]) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = desk.command("WebKitWebDriver");
        command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        let driver =
            Process::start(&mut command).context("starting WebKitWebDriver (package webkit2gtk-driver)")?;
        let capabilities = json!({
            "browserName": name,
            "webkitgtk:browserOptions": { "binary": binary.display().to_string(), "args": arguments },
        });
        let capabilities = capabilities.as_object().context("it is an object")?.clone();
        let deadline = Instant::now() + Duration::from_secs(30);
        let client = loop {
            let address = format!("http://127.0.0.1:{port}");
            let mut builder = ClientBuilder::new(fantoccini_connector());
            let attempt = builder.capabilities(capabilities.clone()).connect(&address);
            match tokio::time::timeout(Self::PATIENCE, attempt).await {
                Ok(Ok(client)) => break client,
                Ok(Err(_)) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(100)).await
                }
                Ok(Err(error)) => return Err(error).context("opening the window through WebKitWebDriver"),
                Err(_) => bail!("the window did not open: another instance may be running on this desk"),
            }
        };
        let artefacts = std::env::var_os("EDGEWISE_ARTEFACTS").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../artefacts/desktop"),
            PathBuf::from,
        );
        std::fs::create_dir_all(&artefacts)?;
        Ok(Self { client, driver, artefacts })
    }

    /// The WebDriver client itself, for what the rest does not cover.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a script in the page.
    pub async fn execute(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        Ok(self.client.execute(script, arguments).await?)
    }

    /// Waits until the script is true in the page.
    pub async fn wait_until(&self, what: &str, script: &str) -> Result<()> {
        let deadline = Instant::now() + Self::PATIENCE;
        loop {
            if let Ok(Value::Bool(true)) = self.client.execute(script, Vec::new()).await {
                return Ok(());
            }
            if Instant::now() > deadline {
                self.screenshot("gave-up").await.ok();
                bail!(
                    "waited in vain until {what}; the page says: {}",
                    self.page_text().await.unwrap_or_default()
                );
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// The element of this role whose accessible name is exactly this, if it is on the screen now.
    pub async fn look_for(&self, role: &str, name: &str) -> Result<Option<Element>> {
        self.find(role, name, true).await
    }

    /// Waits for the element of this role whose accessible name is exactly this.
    pub async fn wait(&self, role: &str, name: &str) -> Result<Element> {
        self.wait_find(role, name, true).await
    }

    /// Waits for the element of this role whose accessible name contains this.
    pub async fn wait_containing(&self, role: &str, part: &str) -> Result<Element> {
        self.wait_find(role, part, false).await
    }

    /// Waits for the element of this role whose accessible name contains this, and clicks it.
    pub async fn click_containing(&self, role: &str, part: &str) -> Result<()> {
        self.act(role, part, false, None).await
    }

    /// Waits for it and clicks it.
    pub async fn click(&self, role: &str, name: &str) -> Result<()> {
        self.act(role, name, true, None).await
    }

    /// Waits for it and types into it, key by key.
    pub async fn type_into(&self, role: &str, name: &str, text: &str) -> Result<()> {
        self.act(role, name, true, Some(text)).await
    }

    /// Clicks an element, and types where there is something to type. The page may draw an element anew between finding
    /// and clicking it: then it is looked for again.
    async fn act(&self, role: &str, name: &str, exact: bool, text: Option<&str>) -> Result<()> {
        const TRIES: usize = 25;
        let mut last = None;
        for _ in 0..TRIES {
            let element = self.wait_find(role, name, exact).await?;
            match self.act_on(&element, text).await {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(last.context("it was tried")?).with_context(|| format!("clicking the {role} “{name}”"))
    }

    async fn act_on(&self, element: &Element, text: Option<&str>) -> Result<()> {
        self.client
            .execute(
                "arguments[0].scrollIntoView({ block: 'nearest' })",
                vec![serde_json::to_value(element)?],
            )
            .await?;
        element.click().await?;
        if let Some(text) = text {
            element.send_keys(text).await?;
        }
        Ok(())
    }

    /// All visible text of the page.
    pub async fn page_text(&self) -> Result<String> {
        let text = self.client.execute("return document.body.innerText", Vec::new()).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the page shows this text.
    pub async fn wait_for_text(&self, text: &str) -> Result<()> {
        let script = format!("return document.body.innerText.includes({})", Value::from(text));
        self.wait_until(&format!("“{text}” is on the page"), &script).await
    }

    /// Saves a picture under `artefacts/desktop/NAME.png`.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf> {
        // The picture is of what is painted: let the page paint what it has.
        self.client
            .execute_async(
                "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 120)))",
                Vec::new(),
            )
            .await?;
        let path = self.artefacts.join(format!("{name}.png"));
        // Without a graphics card the driver waits for the next painting, and a page at rest has none.
        self.client.execute(KEEP_PAINTING, Vec::new()).await?;
        let picture = tokio::time::timeout(Self::PATIENCE, self.client.screenshot()).await;
        self.client.execute("window.stopPainting()", Vec::new()).await?;
        std::fs::write(&path, picture.context("the driver gives no picture")??)?;
        Ok(path)
    }

    /// Sets the window's size.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        Ok(self.client.set_window_size(width, height).await?)
    }

    /// The process id of Edgewise.
    pub fn pid(&self) -> Result<u32> {
        let output =
            std::process::Command::new("pgrep").args(["-P", &self.driver.0.id().to_string()]).output()?;
        let text = String::from_utf8(output.stdout)?;
        text.lines().next().and_then(|line| line.trim().parse().ok()).context("Edgewise is not running")
    }

    /// When Edgewise's process was started, in milliseconds since 1970 (a resolution of 10 ms).
    pub fn started_at(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()?))?;
        let ticks: f64 = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.split(' ').nth(19))
            .context("its start")?
            .parse()?;
        let uptime = std::fs::read_to_string("/proc/uptime")?;
        let uptime: f64 = uptime.split(' ').next().context("the uptime")?.parse()?;
        Ok(crate::measure::now_ms() - (uptime * 1_000.0 - ticks * 10.0))
    }

    /// Ends Edgewise as a power cut would.
    pub async fn kill(self) -> Result<()> {
        let pid = self.pid()?;
        let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status()?;
        if !status.success() {
            bail!("kill -9 {pid} failed");
        }
        gone(pid).await;
        Ok(())
    }

    /// Closes the window as a person does, and waits until the process has gone.
    pub async fn close(self) -> Result<()> {
        let pid = self.pid()?;
        let Self { client, driver, .. } = self;
        client.close().await?;
        // The driver ends the process when its session ends, in its own time.
        gone(pid).await;
        drop(driver);
        gone(pid).await;
        Ok(())
    }

    async fn find(&self, role: &str, name: &str, exact: bool) -> Result<Option<Element>> {
        let found = self.client.execute(FIND, vec![role.into(), name.into(), exact.into()]).await;
        // An element that left the page while it was being handed over is not there.
        let found = match found {
            Err(error) if error.to_string().contains("Stale element") => return Ok(None),
            found => found?,
        };
        if found.is_null() {
            return Ok(None);
        }
        Ok(Some(Element::from_element_id(self.client.clone(), element_id(&found)?)))
    }

    async fn wait_find(&self, role: &str, name: &str, exact: bool) -> Result<Element> {
        let deadline = Instant::now() + Self::PATIENCE;
        loop {
            if let Ok(Some(element)) = self.find(role, name, exact).await {
                return Ok(element);
            }
            if Instant::now() > deadline {
                self.screenshot("gave-up").await.ok();
                bail!(
                    "waited in vain for the {role} “{name}”; the page says: {}",
                    self.page_text().await.unwrap_or_default()
                );
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }
}

fn element_id(value: &Value) -> Result<fantoccini::elements::ElementRef> {
    let id = value.as_object().and_then(|object| object.values().next()).and_then(Value::as_str);
    Ok(id.context("WebDriver did not give an element")?.to_owned().into())
}

fn fantoccini_connector() -> HttpConnector {
    HttpConnector::new()
}

use hyper_util::client::legacy::connect::HttpConnector;

/// Waits until a process has gone, its files closed: only then is there room for another window on its desk.
async fn gone(pid: u32) {
    // What waits for its parent (`Z`) holds no file, but for its other threads, which may end after it.
    let there = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let runs = stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']));
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
        runs || threads > 1
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while there() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
