//! kill -9 in the middle of answers, many times: what was acknowledged is there, marked as interrupted, and goes on.
//!
//! The process that is killed is this test program itself, started again to run one ignored test. It tells on its
//! standard output what the engine acknowledged: the message when `send_message` returned, and of the answer each
//! length that the engine logs as being on disk.

use crate::desk::{CHAT, Desk, options, this_program};
use domain::{ConversationOptions, MessageId, MessageStatus, Parameters, SendRequest};
use engine::{Engine, Nowhere};
use simulator::{Effects, Scenario, Simulator};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const FOLDER: &str = "EDGEWISE_CRASH_FOLDER";
const SERVICE: &str = "EDGEWISE_CRASH_SERVICE";
/// A model that refuses `top_k`: the process asks it with one.
const REFUSING: &str = "EDGEWISE_CRASH_REFUSING";
/// How often a process is killed; `EDGEWISE_CRASHES` changes it.
const CRASHES: u64 = 200;
/// Folders that are worked on side by side.
const SIDE_BY_SIDE: u64 = 4;

/// What the process acknowledged before it died.
#[derive(Debug, Default)]
struct Acknowledged {
    /// The question and its answer's id.
    answer: Option<MessageId>,
    question: Option<MessageId>,
    /// Bytes of the answer that were on disk.
    bytes: usize,
}

impl Acknowledged {
    fn take(&mut self, line: &str) {
        let mut words = line.split_whitespace().skip_while(|word| !word.starts_with("ack:"));
        match (words.next(), words.next(), words.next()) {
            (Some("ack:started"), Some(question), Some(answer)) => {
                self.question = Some(question.into());
                self.answer = Some(answer.into());
            }
            (Some("ack:stored"), Some(bytes), _) => self.bytes = bytes.parse().expect("a length"),
            _ => {}
        }
    }
}

/// The text that every answer of these trials has.
fn long_answer() -> String {
    (0..700).map(|number| format!("word{number} 词{number} ")).collect()
}

/// A number that looks random and is the same in every run of the same trial.
pub fn scattered(seed: u64, below: u64) -> u64 {
    let mut value = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (value ^ (value >> 31)) % below
}

#[tokio::test]
#[ignore = "the process that the trials start and kill"]
async fn the_process_that_is_killed() {
    let (Ok(folder), Ok(service)) = (std::env::var(FOLDER), std::env::var(SERVICE)) else { return };
    // Only what the engine says of its journal is printed, line by line.
    tracing_subscriber::fmt()
        .with_env_filter("off,engine::journal=trace")
        .without_time()
        .with_ansi(false)
        .init();
    let engine = Engine::open(options(Path::new(&folder), &service)).await;
    // A model that does not think first: every byte is one of the answer.
    let refusing = std::env::var(REFUSING).ok();
    let options = ConversationOptions {
        parameters: Parameters {
            max_tokens: Some(40_000),
            top_k: refusing.is_some().then_some(20),
            ..Parameters::default()
        },
        model: Some(refusing.unwrap_or_else(|| "@cf/meta/llama-3.2-3b-instruct".to_owned()).into()),
        ..ConversationOptions::default()
    };
    let request = SendRequest { text: "hello".to_owned(), options: Some(options), ..SendRequest::default() };
    let started = engine.chat().send_message(request, Nowhere).await.expect("begun");
    let question = started.question.expect("a question").message.id;
    println!("ack:started {question} {}", started.answer.message.id);
    tokio::time::sleep(Duration::from_secs(60)).await;
}

/// When a process dies.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// So long after it was started.
    Early(Duration),
    /// So long after its message was acknowledged.
    Streaming(Duration),
    /// So long after the first bytes of its answer were.
    Writing(Duration),
}

/// One trial: start, kill, look what is there. Returns how many bytes of the answer were acknowledged.
async fn trial(folder: &Path, service: &str, death: Death, whole: &str) -> usize {
    trial_of(Command::new(this_program()), folder, service, death, whole).await
}

async fn trial_of(mut program: Command, folder: &Path, service: &str, death: Death, whole: &str) -> usize {
    let mut process = program
        .args(["--exact", "crash::the_process_that_is_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(SERVICE, service)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("started");
    let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    let mut acknowledged = Acknowledged::default();
    let mut dies = Instant::now();
    dies += match death {
        Death::Early(life) => life,
        Death::Streaming(_) | Death::Writing(_) => crate::desk::PATIENCE,
    };
    loop {
        let line = tokio::time::timeout_at(dies.into(), lines.next_line()).await;
        let Ok(Some(line)) = line.map(|line| line.expect("read")) else { break };
        let (started, written) = (acknowledged.answer.is_some(), acknowledged.bytes > 0);
        acknowledged.take(&line);
        match death {
            Death::Streaming(life) if !started && acknowledged.answer.is_some() => {
                dies = Instant::now() + life
            }
            Death::Writing(life) if !written && acknowledged.bytes > 0 => dies = Instant::now() + life,
            _ => {}
        }
    }
    process.kill().await.expect("killed");
    // What it wrote before it died was acknowledged too.
    while let Some(line) = lines.next_line().await.expect("read") {
        acknowledged.take(&line);
    }
    check(folder, service, &acknowledged, whole).await;
    acknowledged.bytes
}

async fn check(folder: &Path, service: &str, acknowledged: &Acknowledged, whole: &str) {
    let begun = Instant::now();
    let engine = Engine::open(options(folder, service)).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "it starts in {:?}", begun.elapsed());
    assert_eq!(engine.app().app_info().database, domain::DatabaseState::Ok, "{acknowledged:?}");
    if let (Some(question), Some(answer)) = (&acknowledged.question, &acknowledged.answer) {
        let views =
            engine.history().messages(vec![question.clone(), answer.clone()]).await.expect("messages");
        assert_eq!(views.len(), 2, "the question was acknowledged: {acknowledged:?}");
        assert_eq!(views[0].message.text, "hello");
        let message = &views[1].message;
        assert_eq!(message.status, MessageStatus::Interrupted, "{acknowledged:?}");
        let text = &message.text;
        assert!(whole.starts_with(text.as_str()), "nothing is garbled: {:?}", &text[..text.len().min(80)]);
        assert!(
            text.len() >= acknowledged.bytes,
            "{} of {} acknowledged bytes",
            text.len(),
            acknowledged.bytes
        );
    }
    let page = engine.history().conversations(0, 1_000, false).await.expect("listed");
    assert!(page.conversations.iter().all(|conversation| !conversation.streaming), "no run is in flight");
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_acknowledged_byte_is_lost_by_kill_9() {
    let crashes =
        std::env::var("EDGEWISE_CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(CRASHES);
    let whole = long_answer();
    let service = Simulator::start(simulator::Options::default()).await.expect("simulator");
    service.set_scenario(
        Scenario::always(Effects { text: Some(whole.clone()), speed: Some(400.0), ..Effects::default() })
            .on_path(CHAT),
    );
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..SIDE_BY_SIDE {
        let (whole, service) = (whole.clone(), service.base_url());
        workers.spawn(async move {
            let folder = tempfile::tempdir().expect("folder");
            let mut bytes = Vec::new();
            for crash in (worker..crashes).step_by(SIDE_BY_SIDE as usize) {
                let death = match crash % 8 {
                    0 => Death::Early(Duration::from_millis(scattered(crash, 300))),
                    1..4 => Death::Streaming(Duration::from_millis(scattered(crash, 500))),
                    _ => Death::Writing(Duration::from_millis(scattered(crash, 600))),
                };
                bytes.push(trial(folder.path(), &service, death, &whole).await);
            }
            bytes
        });
    }
    let mut bytes = Vec::new();
    while let Some(worker) = workers.join_next().await {
        bytes.extend(worker.expect("no trial failed"));
    }
    let streaming = bytes.iter().filter(|&&bytes| bytes > 0).count();
    println!("{} processes killed, {streaming} of them after bytes of the answer were on disk", bytes.len());
    assert_eq!(bytes.len() as u64, crashes);
    assert!(
        streaming as u64 * 4 > crashes,
        "enough died in the middle of an answer: {streaming} of {crashes}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_answer_is_continued() {
    let whole = long_answer();
    let desk = Desk::open().await;
    desk.scenario(
        Scenario::always(Effects { text: Some(whole.clone()), speed: Some(400.0), ..Effects::default() })
            .on_path(CHAT),
    );
    let folder = tempfile::tempdir().expect("folder");
    let service = desk.simulator.base_url();
    let death = Death::Writing(Duration::from_millis(200));
    assert!(trial(folder.path(), &service, death, &whole).await > 0);
    desk.scenario(Scenario::text(" THE END"));
    let engine = Engine::open(options(folder.path(), &service)).await;
    let row = engine.history().conversations(0, 1, false).await.unwrap().conversations.remove(0);
    let transcript = engine.history().transcript(row.id).await.unwrap();
    let cut = transcript.tail.last().unwrap().message.clone();
    let (listener, events) = tokio::sync::mpsc::unbounded_channel();
    let started = engine.chat().continue_answer(cut.id, listener).await.unwrap();
    let heard = crate::desk::Run::from(started, events).end().await;
    assert_eq!(heard.text(), format!("{} THE END", cut.text));
    assert_eq!(heard.status(), MessageStatus::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_answer_still_says_which_parameters_were_dropped() {
    const MODEL: &str = "@cf/zai-org/glm-4.7-flash";
    let whole = long_answer();
    let desk = Desk::open().await;
    let slow = Effects { text: Some(whole.clone()), speed: Some(400.0), ..Effects::default() };
    desk.scenario(Scenario::always(slow).on_path(MODEL));
    let folder = tempfile::tempdir().expect("folder");
    let service = desk.simulator.base_url();
    let mut program = Command::new(this_program());
    program.env(REFUSING, MODEL);
    // In the moment in which the first bytes are on disk.
    let death = Death::Writing(Duration::ZERO);
    assert!(trial_of(program, folder.path(), &service, death, &whole).await > 0);
    let asked: Vec<bool> = (desk.simulator.requests().iter())
        .filter(|seen| seen.path.contains(MODEL))
        .map(|seen| String::from_utf8_lossy(&seen.body).contains("top_k"))
        .collect();
    assert_eq!(asked, [true, false], "refused, and sent again without");
    let engine = Engine::open(options(folder.path(), &service)).await;
    let row = engine.history().conversations(0, 1, false).await.unwrap().conversations.remove(0);
    let transcript = engine.history().transcript(row.id).await.unwrap();
    let cut = transcript.tail.last().unwrap().message.clone();
    assert_eq!(cut.status, MessageStatus::Interrupted);
    assert_eq!(cut.dropped_parameters, ["top_k"]);
    desk.scenario(Scenario::text(" THE END"));
    let (listener, events) = tokio::sync::mpsc::unbounded_channel();
    let started = engine.chat().continue_answer(cut.id, listener).await.unwrap();
    let heard = crate::desk::Run::from(started, events).end().await;
    assert_eq!(heard.status(), MessageStatus::Complete);
    assert_eq!(heard.view().message.dropped_parameters, ["top_k"], "noted once");
}
