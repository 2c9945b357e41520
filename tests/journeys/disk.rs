//! A disk that is full while an answer streams: nothing that arrived is lost, the window is told, and it works again
//! without a restart.
//!
//! The full disk is a limit on the size of files (`RLIMIT_FSIZE`), set on a process of its own: this test program,
//! started again to run one ignored test. The limit is raised from outside while it runs.

use crate::desk::{CHAT, options, this_program};
use domain::{AppEvent, MessageStatus, RunEvent, RunStep, SendRequest};
use engine::Engine;
use simulator::{Effects, Scenario, Simulator};
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc::unbounded_channel;

const FOLDER: &str = "EDGEWISE_FULL_FOLDER";
const SERVICE: &str = "EDGEWISE_FULL_SERVICE";

#[tokio::test]
#[ignore = "the process whose disk is full"]
async fn the_process_whose_disk_is_full() {
    let (Ok(folder), Ok(service)) = (std::env::var(FOLDER), std::env::var(SERVICE)) else { return };
    let engine = Engine::open(options(Path::new(&folder), &service)).await;
    let (teller, mut news) = unbounded_channel::<AppEvent>();
    engine.app().subscribe(teller);
    let (listener, mut events) = unbounded_channel::<RunEvent>();
    let request = SendRequest { text: "hello".to_owned(), ..SendRequest::default() };
    let started = engine.chat().send_message(request, listener).await.expect("begun");
    println!("said: started {}", started.answer.message.id);
    loop {
        tokio::select! {
            Some(event) = events.recv() => match event.what {
                RunStep::Finished { view } => {
                    println!("said: finished {} {:?}", view.message.text.len(), view.message.status);
                }
                RunStep::Failed { fault, .. } => println!("said: failed {fault}"),
                _ => {}
            },
            Some(news) = news.recv() => if let AppEvent::SavingTrouble { fault } = news {
                match fault {
                    Some(fault) => println!("said: trouble {:?}", fault.code),
                    None => println!("said: works"),
                }
            },
        }
    }
}

/// The process, and what it says.
struct Process {
    process: tokio::process::Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl Process {
    /// Waits for a line that begins so, and returns the rest of it.
    async fn says(&mut self, what: &str) -> String {
        let wanted = format!("said: {what}");
        let said = tokio::time::timeout(crate::desk::PATIENCE, async {
            loop {
                let line = self.lines.next_line().await.expect("read").expect("it still runs");
                if let Some(place) = line.find(&wanted) {
                    return line[place + wanted.len()..].trim().to_owned();
                }
            }
        });
        said.await.unwrap_or_else(|_| panic!("it never said {what:?}"))
    }

    async fn limit(&self, bytes: &str) {
        let pid = self.process.id().expect("it runs").to_string();
        let done = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}")]).status().await;
        assert!(done.is_ok_and(|status| status.success()), "prlimit --fsize={bytes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_and_works_again_without_a_restart() {
    if Command::new("prlimit").arg("--version").output().await.is_err() {
        println!("prlimit is not installed: no disk was made full");
        return;
    }
    let whole: String = (0..3_000).map(|number| format!("word{number} ")).collect();
    let service = Simulator::start(simulator::Options::default()).await.unwrap();
    let effects = Effects { text: Some(whole.clone()), speed: Some(600.0), ..Effects::default() };
    service.set_scenario(Scenario::always(effects).on_path(CHAT));
    let folder = tempfile::tempdir().unwrap();

    // The signal that goes with the limit is ignored, so that writes fail as on a full disk.
    let mut process = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(this_program())
        .args(["--exact", "disk::the_process_whose_disk_is_full", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .env(SERVICE, service.base_url())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut process = Process { process, lines };

    let answer = process.says("started").await;
    process.limit("4096:unlimited").await;
    let code = process.says("trouble").await;
    assert!(code == "DiskFull" || code == "ReadOnly", "{code}");
    // The answer ends while the disk is full: who reads it gets it whole.
    let finished = process.says("finished").await;
    assert_eq!(finished, format!("{} Complete", whole.trim_end().len().max(whole.len())));
    process.limit("unlimited:unlimited").await;
    process.says("works").await;
    process.process.kill().await.unwrap();

    let engine = Engine::open(options(folder.path(), &service.base_url())).await;
    let views = engine.history().messages(vec![answer.into()]).await.unwrap();
    assert_eq!(views[0].message.text, whole, "all of it was stored when there was space again");
    assert_eq!(views[0].message.status, MessageStatus::Complete);
}
