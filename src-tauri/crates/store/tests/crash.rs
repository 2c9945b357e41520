//! The process dies, the disk fills up: what was acknowledged is there. The child processes are this test program, started
//! again with `STORE_CHILD` set.

#![cfg(unix)]
#![allow(clippy::print_stdout)] // how a child acknowledges what is on disk

mod common;

use common::{NOW, Random, begin, ending, say, texts};
use domain::{FaultCode, MessageId, MessageStatus};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use store::Store;

fn child(role: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "a_child", "--nocapture"]);
    command.env("STORE_CHILD", role).env("STORE_DIR", dir).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Not a test of its own: what the child processes do. Without `STORE_CHILD` it does nothing.
#[test]
fn a_child() {
    let (Ok(role), Ok(dir)) = (std::env::var("STORE_CHILD"), std::env::var("STORE_DIR")) else { return };
    let store = Store::open(Path::new(&dir), NOW).expect("opens");
    match role.as_str() {
        "talk" => talk(&store),
        "boast" => boast(&store),
        "fill" => fill(&store),
        other => panic!("no such role: {other}"),
    }
}

fn acknowledge(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nACK {line}").expect("the parent reads");
    out.flush().expect("the parent reads");
}

/// The text of the n-th answer: long enough for many journal entries, each byte known.
fn answer_text(number: u64) -> String {
    (0..60).map(|piece| format!("[{number}:{piece} 你好] ")).collect()
}

/// Turns without end; every line on the pipe says what is on disk.
fn talk(store: &Store) {
    store.recover(NOW).expect("recovers");
    let first = texts(store, "c").len() as u64;
    for number in first.. {
        let (question, answer) = begin(store, "c", number, &format!("question {number}"));
        acknowledge(&format!("asked {question} {number}"));
        let text = answer_text(number);
        let mut cut = 0;
        while cut < text.len() {
            cut = text.ceil_char_boundary((cut + 97).min(text.len()));
            store.journal_answer(&answer, &text[..cut], "").expect("journalled");
            acknowledge(&format!("reached {answer} {number} {cut}"));
        }
        store.end_answer(&ending(&answer, &text)).expect("ended");
        acknowledge(&format!("ended {answer} {number} {}", text.len()));
    }
}

/// The control: it says that text is on disk before it is.
fn boast(store: &Store) {
    let (_, answer) = begin(store, "c", 0, "question 0");
    let text = answer_text(0).repeat(50);
    let mut cut = 0;
    while cut < text.len() {
        cut = text.ceil_char_boundary((cut + 97).min(text.len()));
        acknowledge(&format!("reached {answer} 0 {cut}"));
        std::thread::sleep(Duration::from_millis(2));
        store.journal_answer(&answer, &text[..cut], "").expect("journalled");
    }
}

#[test]
fn a_store_that_acknowledged_too_early_would_be_noticed() {
    let mut random = Random(3);
    let caught = (0..20).any(|_| {
        let dir = tempfile::tempdir().expect("folder");
        drop(Store::open(dir.path(), NOW).expect("opens"));
        let mut known = Acknowledged::default();
        let process = child("boast", dir.path()).spawn().expect("starts");
        kill_after(process, 1 + random.below(30), Duration::ZERO, &mut known);
        let store = Store::open(dir.path(), NOW).expect("opens");
        store.recover(NOW).expect("recovers");
        known.reached.iter().any(|(id, (_, bytes))| {
            store.message(&id.as_str().into()).expect("there").message.text.len() < *bytes
        })
    });
    assert!(caught, "twenty kills of a process that boasts show at least one loss");
}

/// What a child had acknowledged when it was killed.
#[derive(Default)]
struct Acknowledged {
    /// Question → its number.
    asked: BTreeMap<String, u64>,
    /// Answer → its number, and how many bytes of it are on disk.
    reached: BTreeMap<String, (u64, usize)>,
    ended: Vec<String>,
}

impl Acknowledged {
    fn note(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["ACK", "asked", id, number] => {
                self.asked.insert((*id).to_owned(), number.parse().expect("number"));
            }
            ["ACK", what @ ("reached" | "ended"), id, number, bytes] => {
                let reached = (number.parse().expect("number"), bytes.parse().expect("bytes"));
                self.reached.insert((*id).to_owned(), reached);
                if *what == "ended" {
                    self.ended.push((*id).to_owned());
                }
            }
            _ => {}
        }
    }

    /// Everything acknowledged is in the store.
    fn check(&self, store: &Store, trial: usize) {
        for (id, number) in &self.asked {
            let message = store.message(&id.as_str().into()).expect("an acknowledged question").message;
            assert_eq!(message.text, format!("question {number}"), "trial {trial}");
        }
        for (id, (number, bytes)) in &self.reached {
            let message = store.message(&id.as_str().into()).expect("an acknowledged answer").message;
            let whole = answer_text(*number);
            assert!(message.text.len() >= *bytes, "trial {trial}: {} of {bytes} bytes", message.text.len());
            assert!(whole.starts_with(&message.text), "trial {trial}: other text than was written");
            assert_ne!(message.status, MessageStatus::Streaming, "trial {trial}");
            if self.ended.contains(id) {
                assert_eq!((message.status, message.text), (MessageStatus::Complete, whole), "trial {trial}");
            }
        }
    }
}

/// Reads acknowledgements until the child is killed after `count` of them and some more microseconds.
fn kill_after(mut process: Child, count: usize, pause: Duration, known: &mut Acknowledged) {
    let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    let mut seen = 0;
    while seen < count
        && let Some(Ok(line)) = lines.next()
    {
        seen += usize::from(line.starts_with("ACK"));
        known.note(&line);
    }
    std::thread::sleep(pause);
    process.kill().expect("killed with SIGKILL");
    // What was in the pipe was acknowledged too; a last line may be cut.
    let mut rest: Vec<String> = lines.map_while(Result::ok).collect();
    rest.pop();
    rest.iter().for_each(|line| known.note(line));
    process.wait().expect("ended");
}

#[test]
fn two_hundred_kills_lose_no_acknowledged_byte() {
    let mut random = Random(200);
    let (mut questions, mut answers) = (0, 0);
    for round in 0..10 {
        // Twenty kills of one history, so that recovery runs over what recovery left.
        let dir = tempfile::tempdir().expect("folder");
        let store = Store::open(dir.path(), NOW).expect("opens");
        store.create_conversation(&common::new_conversation("c")).expect("made");
        drop(store);
        let mut known = Acknowledged::default();
        for kill in 0..20 {
            let process = child("talk", dir.path()).spawn().expect("starts");
            let pause = Duration::from_micros(random.below(3_000) as u64);
            kill_after(process, 1 + random.below(80), pause, &mut known);
            let store = Store::open(dir.path(), NOW).expect("opens after a kill");
            store.recover(NOW).expect("recovers");
            known.check(&store, round * 20 + kill);
            assert!(store.active_runs().expect("runs").is_empty());
            assert_eq!(store.integrity().expect("checked"), Vec::<String>::new());
        }
        questions += known.asked.len();
        answers += known.reached.len();
    }
    println!("200 kills: {questions} questions and {answers} answers acknowledged, none lost");
    assert!(questions > 200 && answers > 200, "the children did write");
}

/// Turns until the disk refuses; then the refusal's code, and whether reading still works.
fn fill(store: &Store) {
    let number = texts(store, "c").len() as u64;
    let (_, answer) = begin(store, "c", number, "fill the disk");
    let mut text = String::new();
    let refused = loop {
        text.push_str(&"0123456789abcdef".repeat(1_024));
        match store.journal_answer(&answer, &text, "") {
            Ok(()) => acknowledge(&format!("reached {answer} {number} {}", text.len())),
            Err(error) => break error,
        }
    };
    let again = store.journal_answer(&answer, &text, "").expect_err("still full");
    let attachment =
        store::NewAttachment { name: "big", media_type: "application/octet-stream", pixels: None };
    let file = store.add_attachment(&attachment, &vec![1; 8 << 20], NOW).expect_err("no room for it either");
    let readable = store.message(&answer).is_ok();
    acknowledge(&format!(
        "refused {:?} {:?} {:?} {readable}",
        refused.fault().code,
        again.fault().code,
        file.fault().code
    ));
}

fn acknowledgements(output: &std::process::Output) -> Vec<String> {
    let out = String::from_utf8_lossy(&output.stdout);
    out.lines().filter_map(|line| line.strip_prefix("ACK ")).map(str::to_owned).collect()
}

/// What was acknowledged before the refusal is there, and with room everything works again.
fn check_after_full(dir: &Path, said: &[String], codes: &[FaultCode]) {
    let last = said.last().expect("the child spoke");
    let words: Vec<&str> = last.split(' ').collect();
    assert_eq!((words[0], words[4]), ("refused", "true"), "{said:?}");
    for word in &words[1..4] {
        assert!(codes.iter().any(|code| *word == format!("{code:?}")), "{last}");
    }
    let reached: Vec<&str> =
        said.iter().rev().find_map(|line| line.strip_prefix("reached ")).expect("some").split(' ').collect();
    let store = Store::open(dir, NOW).expect("opens");
    store.recover(NOW).expect("there is room again");
    let answer = store.message(&reached[0].into()).expect("there").message;
    let acknowledged: usize = reached[2].parse().expect("bytes");
    assert!(answer.text.len() >= acknowledged, "{} of {acknowledged} bytes", answer.text.len());
    say(&store, "c", 9_999, "works again", "yes");
    assert_eq!(store.integrity().expect("checked"), Vec::<String>::new());
}

#[test]
fn a_limit_on_file_sizes_is_a_typed_error_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path(), NOW).expect("opens");
    say(&store, "c", 1, "before", "before");
    drop(store);
    // The signal that would end the process is ignored, as an app does; the write then fails with EFBIG.
    let inner = child("fill", dir.path());
    let mut command = Command::new("sh");
    command.arg("-c").arg("trap '' XFSZ; ulimit -f 3000; exec \"$0\" --exact a_child --nocapture");
    command.arg(inner.get_program()).env("STORE_CHILD", "fill").env("STORE_DIR", dir.path());
    let said = acknowledgements(&command.output().expect("runs"));
    check_after_full(dir.path(), &said, &[FaultCode::ReadOnly, FaultCode::DiskFull]);
}

struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg(self.0).status().expect("umount runs");
    }
}

#[test]
fn a_full_disk_is_told_as_such_loses_nothing_and_works_again_with_room() {
    let dir = tempfile::tempdir().expect("folder");
    let mount =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(dir.path()).output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        println!("not tried: this machine allows no mounts");
        return;
    }
    let mounted = Mounted(dir.path());
    let store = Store::open(dir.path(), NOW).expect("opens");
    say(&store, "c", 1, "before", "before");
    drop(store);
    let said = acknowledgements(&child("fill", dir.path()).output().expect("runs"));
    let grown =
        Command::new("mount").args(["-o", "remount,size=64m"]).arg(dir.path()).status().expect("runs");
    assert!(grown.success());
    check_after_full(dir.path(), &said, &[FaultCode::DiskFull]);
    drop(mounted);
}

/// Without a restart: the same store goes on when there is room.
#[test]
fn the_same_store_goes_on_when_there_is_room_again() {
    let dir = tempfile::tempdir().expect("folder");
    let mount =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(dir.path()).output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        println!("not tried: this machine allows no mounts");
        return;
    }
    let mounted = Mounted(dir.path());
    let store = Store::open(dir.path(), NOW).expect("opens");
    let (_, answer) = begin(&store, "c", 1, "question");
    let filler = dir.path().join("filler");
    let mut fill = std::fs::File::create(&filler).expect("made");
    while fill.write_all(&[0; 4_096]).is_ok() {}
    drop(fill);
    let text = "what arrived meanwhile ".repeat(3_000);
    let error = store.journal_answer(&answer, &text, "").expect_err("full");
    assert_eq!(error.fault().code, FaultCode::DiskFull);
    assert_eq!(
        store.end_answer(&ending(&answer, &text)).expect_err("full").fault().code,
        FaultCode::DiskFull
    );
    std::fs::remove_file(filler).expect("room");
    store.end_answer(&ending(&answer, &text)).expect("the text that was kept in memory is stored now");
    assert_eq!(store.message(&MessageId::from("c-a1")).expect("there").message.text, text);
    drop(store);
    drop(mounted);
}
