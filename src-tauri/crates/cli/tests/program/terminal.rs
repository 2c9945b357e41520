//! The built program in a folder of its own, against a simulator.

use serde_json::Value;
use simulator::{DEMO_ACCOUNT_ID, Scenario, Simulator};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

pub struct Terminal {
    pub simulator: Simulator,
    pub folder: TempDir,
}

impl Terminal {
    pub async fn open() -> Self {
        let simulator = Simulator::start(simulator::Options::default()).await.expect("simulator");
        Self { simulator, folder: tempfile::tempdir().expect("folder") }
    }

    pub fn scenario(&self, scenario: Scenario) {
        self.simulator.set_scenario(scenario);
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The program with these arguments, connected to the simulator.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(&self.data(), arguments);
        command
            .env("EDGEWISE_API_URL", self.simulator.base_url())
            .env("CLOUDFLARE_API_TOKEN", "cfut_terminal")
            .env("CLOUDFLARE_ACCOUNT_ID", DEMO_ACCOUNT_ID);
        command
    }

    /// Runs it to its end.
    pub async fn run(&self, arguments: &[&str]) -> Said {
        finish(self.command(arguments), None).await
    }

    /// Runs it to its end with this on standard input.
    pub async fn run_with(&self, arguments: &[&str], input: &[u8]) -> Said {
        finish(self.command(arguments), Some(input.to_vec())).await
    }
}

/// The program without an account.
pub fn program(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgewise-cli"));
    command
        .args(arguments)
        .env("EDGEWISE_DATA_DIR", data)
        .env_remove("CLOUDFLARE_API_TOKEN")
        .env_remove("CLOUDFLARE_ACCOUNT_ID")
        // No desktop's keychain is asked.
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY");
    command
}

/// What a finished program left.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Standard output as lines of JSON.
    pub fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("an object on each line")).collect()
    }

    /// The only line of this type.
    pub fn line(&self, kind: &str) -> Value {
        let mut found: Vec<Value> = self.lines().into_iter().filter(|line| line["type"] == kind).collect();
        assert_eq!(found.len(), 1, "{kind}: {self:?}");
        found.remove(0)
    }

    pub fn done(self) -> Self {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    /// It failed as contracted: status 1, one sentence and a hint on standard error.
    pub fn failed(self) -> Self {
        assert_eq!(self.status, 1, "{self:?}");
        let lines: Vec<&str> = self.err.lines().collect();
        assert!(
            lines.len() == 2 && lines[0].starts_with("edgewise-cli: "),
            "a sentence and a hint: {self:?}"
        );
        assert!(lines[1].starts_with("  ") && lines[1].trim().len() > 10, "{self:?}");
        self
    }
}

pub async fn finish(mut command: Command, input: Option<Vec<u8>>) -> Said {
    let output = tokio::task::spawn_blocking(move || -> Output {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command.spawn().expect("it starts");
        if let (Some(bytes), Some(mut stdin)) = (input, child.stdin.take()) {
            stdin.write_all(&bytes).expect("it reads");
        }
        child.wait_with_output().expect("it ends")
    });
    let output = output.await.expect("joined");
    Said {
        status: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}
