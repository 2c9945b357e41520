//! The machine: display, bus, keychain daemon and folders.

use crate::window::Window;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the machine has for a keychain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyring {
    /// A daemon with an unlocked keyring.
    Unlocked,
    /// A daemon whose keyring was made earlier and is locked now.
    Locked,
    /// A session bus without a Secret Service.
    Absent,
}

/// A process that ends with its value, and all that it started with it: it leads a group of its own.
#[derive(Debug)]
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Starts a command as the leader of a group.
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        command.spawn().map(Self)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        // A process that leads no group has none to end.
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        // It may have ended by itself already; there is nothing to do about a failure here.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A machine without a screen: display, session bus, keychain and folders of its own.
pub struct Desk {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
    _processes: Vec<Process>,
}

const PASSWORD: &str = "a test's keyring";

/// A session bus that starts no service by itself.
const BARE_BUS: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

impl Desk {
    /// A desk with a display of 1280 by 900.
    pub fn new(keyring: Keyring) -> Result<Self> {
        Self::with_screen(keyring, 1280, 900)
    }

    /// A desk with a display of this size.
    pub fn with_screen(keyring: Keyring, width: u32, height: u32) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("edgewise-desk-").tempdir()?;
        for name in ["runtime", "share", "config", "cache", "data", "home"] {
            let path = folder.path().join(name);
            std::fs::create_dir(&path)?;
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
            }
        }
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut desk = Self {
            environment: vec![
                ("XDG_RUNTIME_DIR".into(), at("runtime")),
                ("XDG_DATA_HOME".into(), at("share")),
                ("XDG_CONFIG_HOME".into(), at("config")),
                ("XDG_CACHE_HOME".into(), at("cache")),
                ("HOME".into(), at("home")),
                ("EDGEWISE_DATA_DIR".into(), at("data")),
                ("EDGEWISE_LOCALE".into(), "en".into()),
                ("LANG".into(), "C.UTF-8".into()),
                ("GTK_A11Y".into(), "none".into()),
                ("NO_AT_BRIDGE".into(), "1".into()),
                ("TAURI_WEBVIEW_AUTOMATION".into(), "true".into()),
            ],
            folder,
            _processes: Vec::new(),
        };
        desk.start_display(width, height)?;
        desk.start_bus(keyring)?;
        match keyring {
            Keyring::Unlocked => desk.start_keyring(true)?,
            Keyring::Locked => {
                desk.start_keyring(true)?;
                // The first password given makes the keyring; a daemon started without it finds it locked.
                drop(desk._processes.pop());
                desk.wait_for_secrets(false)?;
                desk.start_keyring(false)?;
            }
            Keyring::Absent => {}
        }
        Ok(desk)
    }

    /// Where Edgewise keeps its data on this desk.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of everything on this desk.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets a variable for windows opened from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// A command that runs on this desk: its display, its bus, its folders, and nothing of the outer session.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        for outer in [
            "WAYLAND_DISPLAY",
            "DBUS_SESSION_BUS_ADDRESS",
            "CLOUDFLARE_API_TOKEN",
            "CLOUDFLARE_ACCOUNT_ID",
            "EDGEWISE_API_URL",
        ] {
            command.env_remove(outer);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Opens Edgewise and waits until its page answers.
    pub async fn open(&self) -> Result<Window> {
        Window::open(self).await
    }

    /// The program under test: `EDGEWISE_BINARY`, or the debug build beside this test.
    pub fn binary() -> Result<PathBuf> {
        if let Some(path) = std::env::var_os("EDGEWISE_BINARY") {
            return Ok(path.into());
        }
        Self::binary_beside("edgewise").context("build it with cargo build --features custom-protocol")
    }

    /// Drags these files from another program's window to a point of Edgewise's window, as a person does: press, move in
    /// small steps, release. Coordinates are pixels of the screen.
    pub fn drag_files(&self, files: &[&Path], to: (i32, i32)) -> Result<()> {
        self.begin_drag(files, to)?.release()
    }

    /// The same, with the mouse button still down over the point.
    pub fn begin_drag(&self, files: &[&Path], to: (i32, i32)) -> Result<Drag<'_>> {
        let program = Self::binary_beside("drag-source")?;
        let mut child =
            self.command(program).args(files).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let said = first_line(&mut child)?;
        if said != "ready" {
            bail!("the drag source said {said}");
        }
        let drag = Drag { desk: self, _source: Process(child) };
        std::thread::sleep(Duration::from_millis(200));
        drag.desk.xdotool(&["mousemove", "60", "30", "mousedown", "1"])?;
        const STEPS: i32 = 20;
        for step in 1..=STEPS {
            let at = |from: i32, to: i32| (from + (to - from) * step / STEPS).to_string();
            drag.desk.xdotool(&["mousemove", &at(60, to.0), &at(30, to.1)])?;
            std::thread::sleep(Duration::from_millis(25));
        }
        // Once more on the spot: some programs answer only to a second motion.
        drag.desk.xdotool(&["mousemove", &(to.0 + 1).to_string(), &to.1.to_string()])?;
        std::thread::sleep(Duration::from_millis(200));
        Ok(drag)
    }

    /// A program that was built beside the tests.
    ///
    /// # Errors
    /// When it is not there.
    pub fn binary_beside(name: &str) -> Result<PathBuf> {
        let own = std::env::current_exe()?;
        let folder = own.ancestors().find(|folder| folder.join(name).is_file());
        Ok(folder.with_context(|| format!("{name} was not built beside the tests"))?.join(name))
    }

    fn start_display(&mut self, width: u32, height: u32) -> Result<()> {
        let mut child = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &format!("{width}x{height}x24"), "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting Xvfb (package xvfb)")?;
        let number = first_line(&mut child)?;
        self._processes.push(Process(child));
        self.set("DISPLAY", &format!(":{number}"));
        // A window manager, so that focus and keys behave as on a person's desk.
        let manager = self.command("openbox").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self._processes.push(Process(manager.context("starting openbox")?));
        Ok(())
    }

    fn start_bus(&mut self, keyring: Keyring) -> Result<()> {
        let mut command = self.command("dbus-daemon");
        if keyring == Keyring::Absent {
            // The system's own bus would start a daemon as soon as one is asked for.
            let bare = self.folder.path().join("bus.conf");
            std::fs::write(&bare, BARE_BUS)?;
            command.arg("--config-file").arg(bare);
        } else {
            command.arg("--session");
        }
        let mut child = command
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting dbus-daemon (package dbus)")?;
        let address = first_line(&mut child)?;
        self._processes.push(Process(child));
        self.set("DBUS_SESSION_BUS_ADDRESS", &address);
        Ok(())
    }

    fn start_keyring(&mut self, unlock: bool) -> Result<()> {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        if unlock {
            command.arg("--unlock");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting gnome-keyring-daemon (package gnome-keyring)")?;
        child.stdin.take().context("its input is piped")?.write_all(PASSWORD.as_bytes())?;
        self._processes.push(Process(child));
        self.wait_for_secrets(true)
    }

    /// Puts an input method between keyboard and window: pinyin, as many people write Chinese. Holds for windows that are
    /// opened from now on.
    pub fn start_input_method(&mut self) -> Result<()> {
        self.set("GTK_IM_MODULE", "ibus");
        self.set("GSETTINGS_BACKEND", "memory");
        let daemon = self
            .command("ibus-daemon")
            .args(["--panel=disable", "--emoji-extension=disable", "--cache=none"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting ibus-daemon (package ibus)")?;
        self._processes.push(Process(daemon));
        let mut said = String::new();
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            let ibus = |words: &[&str]| self.command("ibus").args(words).output().context("running ibus");
            // Its choosing ends as failed even when it was done: what counts is which one is in use afterwards.
            ibus(&["engine", "libpinyin"])?;
            let used = ibus(&["engine"])?;
            if used.stdout.starts_with(b"libpinyin") {
                return Ok(());
            }
            said = String::from_utf8_lossy(&[used.stdout, used.stderr].concat()).into_owned();
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("the input method did not come in twenty seconds (package ibus-libpinyin): {said}")
    }

    /// Presses keys on the keyboard, one after the other as a person does: letters, or names such as `Return`. They go to the
    /// window in front, by way of the input method if there is one.
    pub fn press(&self, keys: &[&str]) -> Result<()> {
        for key in keys {
            self.xdotool(&["key", key])?;
            std::thread::sleep(Duration::from_millis(80));
        }
        Ok(())
    }

    /// Chooses a file or a folder in the system's dialog, which is open or about to be, as a person at the keyboard does: a
    /// slash opens the field for a path, Enter takes it. Returns when the dialog has gone.
    pub fn choose_in_dialog(&self, path: &Path) -> Result<()> {
        let dialog = self.wait_for_dialog(true)?.context("it is there")?;
        self.xdotool(&["windowactivate", "--sync", &dialog])?;
        self.xdotool(&["key", "slash"])?;
        // Nothing tells when the field takes letters; what it holds by then is replaced.
        std::thread::sleep(Duration::from_millis(300));
        self.xdotool(&["key", "ctrl+a"])?;
        self.xdotool(&["type", "--delay", "10", &path.display().to_string()])?;
        self.xdotool(&["key", "Return"])?;
        self.wait_for_dialog(false).map(drop)
    }

    /// The window of an open file dialog, once there is one or, when it shall be gone, none.
    fn wait_for_dialog(&self, present: bool) -> Result<Option<String>> {
        let deadline = Instant::now() + Window::PATIENCE;
        while Instant::now() < deadline {
            let found = self
                .command("xdotool")
                .args(["search", "--onlyvisible", "--name", "^(Open File|Select Folder)$"])
                .output()
                .context("running xdotool")?;
            let dialog = String::from_utf8(found.stdout)?.lines().next().map(str::to_owned);
            if dialog.is_some() == present {
                return Ok(dialog);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the file dialog did not {}", if present { "come" } else { "go" })
    }

    fn xdotool(&self, words: &[&str]) -> Result<()> {
        let status = self.command("xdotool").args(words).status().context("running xdotool")?;
        if !status.success() {
            bail!("xdotool {words:?} failed");
        }
        Ok(())
    }

    fn wait_for_secrets(&self, present: bool) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            let answer = self
                .command("dbus-send")
                .args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"])
                .args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"])
                .output()?;
            if String::from_utf8_lossy(&answer.stdout).contains("boolean true") == present {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        bail!("the keychain daemon did not {} in ten seconds", if present { "come" } else { "go" })
    }
}

/// Files held by the mouse over the window.
pub struct Drag<'desk> {
    desk: &'desk Desk,
    _source: Process,
}

impl Drag<'_> {
    /// Lets go.
    pub fn release(self) -> Result<()> {
        self.desk.xdotool(&["mouseup", "1"])?;
        std::thread::sleep(Duration::from_millis(200));
        Ok(())
    }

    /// Gives the drag up: Escape, as a person does, and only then the button.
    pub fn give_up(self) -> Result<()> {
        self.desk.xdotool(&["key", "Escape"])?;
        self.desk.xdotool(&["mouseup", "1"])
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Last started, first ended: the daemon before its bus, the bus before the display.
        while let Some(process) = self._processes.pop() {
            drop(process);
        }
    }
}

fn first_line(child: &mut Child) -> Result<String> {
    let output = child.stdout.take().context("its output is piped")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let line = line.trim().to_owned();
    if line.is_empty() {
        bail!("a helper process ended before it was ready");
    }
    Ok(line)
}
