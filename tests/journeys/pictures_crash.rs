//! kill -9 while pictures are saved, many times: afterwards no damaged file, no row without its file or its reason, no file
//! without a row, and nothing half-written after the next start.
//!
//! The process that is killed is this test program itself, started again to run one ignored test. It makes one picture
//! after the other, two at once, until it dies. Most die in the time between the last byte of an answer, which the
//! simulator knows, and the end of saving, which was measured before.

use crate::crash::scattered;
use crate::desk::{options, this_program};
use crate::pictures::{DREAMSHAPER, PATIENCE, names_in, request};
use domain::{FaultCode, PictureEvent, PictureQuery, PictureRequest, PictureState};
use engine::Engine;
use simulator::Simulator;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc::unbounded_channel;

const FOLDER: &str = "EDGEWISE_PICTURES_CRASH_FOLDER";
const SERVICE: &str = "EDGEWISE_PICTURES_CRASH_SERVICE";
/// How often a process is killed; `EDGEWISE_PICTURE_CRASHES` changes it.
const CRASHES: u64 = 200;
/// Folders that are worked on side by side.
const SIDE_BY_SIDE: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the trials start and kill"]
async fn the_process_that_is_killed() {
    let (Ok(folder), Ok(service)) = (std::env::var(FOLDER), std::env::var(SERVICE)) else { return };
    let engine = Engine::open(options(Path::new(&folder), &service)).await;
    println!("ack:open");
    let (listener, mut events) = unbounded_channel::<PictureEvent>();
    let asked =
        PictureRequest {
            count: 2, width: Some(512), height: Some(512), ..request(DREAMSHAPER, "一座灯塔")
        };
    loop {
        let begun = engine.pictures().make_pictures(asked.clone(), listener.clone()).await.expect("begun");
        let mut left = begun.len();
        while left > 0 {
            if let Some(PictureEvent::Changed { picture }) = events.recv().await
                && picture.state != PictureState::Pending
            {
                println!("ack:done {} {:?}", picture.id, picture.state == PictureState::Done);
                left -= 1;
            }
        }
    }
}

/// What was found after a kill.
#[derive(Debug, Default, Clone, Copy)]
struct Found {
    kills: u64,
    /// The service had sent a picture whole that was not told as done.
    while_saving: u64,
    /// Of these: the row knew its file already.
    noted: u64,
    /// Of these: the file, or its thumbnail, was half-written.
    swept: u64,
    /// Pending rows whose file was there and whole.
    taken_up: u64,
    /// Pending rows without one.
    cut: u64,
    pictures: u64,
}

impl std::ops::AddAssign for Found {
    fn add_assign(&mut self, other: Self) {
        self.kills += other.kills;
        self.while_saving += other.while_saving;
        self.noted += other.noted;
        self.taken_up += other.taken_up;
        self.cut += other.cut;
        self.swept += other.swept;
        self.pictures = self.pictures.max(other.pictures);
    }
}

/// Rows that say "pending" with a file's name, as a killed process left them.
fn arrived(folder: &Path) -> Vec<(String, Option<String>)> {
    let Ok(connection) = store::rusqlite::Connection::open(folder.join(store::DATABASE)) else {
        return Vec::new();
    };
    let Ok(mut rows) = connection.prepare("SELECT id, file_name FROM picture WHERE state = 'pending'") else {
        return Vec::new();
    };
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("asked");
    rows.map(|row| row.expect("read")).collect()
}

/// When a process dies.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// So long after it was opened.
    Anywhere(Duration),
    /// So long after so many pictures were sent whole.
    Saving(usize, Duration),
}

/// A process that makes pictures, and what it acknowledged.
struct Process {
    child: tokio::process::Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    done: Vec<String>,
}

impl Process {
    async fn start(folder: &Path, service: &Simulator) -> Self {
        service.clear_requests();
        let mut child = Command::new(this_program())
            .args(["--exact", "pictures_crash::the_process_that_is_killed", "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .env(SERVICE, service.base_url())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        while !lines.next_line().await.expect("read").expect("it opens").contains("ack:open") {}
        Self { child, lines, done: Vec::new() }
    }

    /// The next line that it says; `false` when it says no more.
    async fn hear(&mut self) -> bool {
        let Ok(Some(line)) = self.lines.next_line().await else { return false };
        if let Some(place) = line.find("ack:done ") {
            self.done.extend(line[place + 9..].split(' ').next().map(str::to_owned));
        }
        true
    }

    async fn kill(mut self) -> Vec<String> {
        self.child.kill().await.expect("killed");
        // What it wrote before it died was acknowledged too.
        while self.hear().await {}
        self.done
    }
}

/// Pictures that the service has sent to their last byte.
fn sent(service: &Simulator) -> usize {
    let requests = service.requests();
    requests
        .iter()
        .filter(|seen| seen.path.contains("ai/run") && seen.closed_at.is_some() && !seen.closed_early)
        .count()
}

async fn wait_until_sent(service: &Simulator, pictures: usize) {
    let waiting = async {
        while sent(service) < pictures {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("pictures are made");
}

/// How long saving takes here and now: from the first picture's last byte to its being told as done.
async fn time_of_saving(folder: &Path, service: &Simulator) -> Duration {
    let mut process = Process::start(folder, service).await;
    wait_until_sent(service, 1).await;
    let begun = std::time::Instant::now();
    while process.done.is_empty() && process.hear().await {}
    let took = begun.elapsed();
    process.kill().await;
    took
}

/// One trial: start, kill, look what is there.
async fn trial(folder: &Path, service: &Simulator, death: Death, known: &mut BTreeSet<String>) -> Found {
    let process = Process::start(folder, service).await;
    let life = match death {
        Death::Anywhere(life) => life,
        Death::Saving(pictures, life) => {
            wait_until_sent(service, pictures).await;
            life
        }
    };
    tokio::time::sleep(life).await;
    let arrived = sent(service);
    let done = process.kill().await;
    let mut found = check(folder, &service.base_url(), &done, known).await;
    found.while_saving = u64::from(arrived > done.len());
    found
}

async fn check(folder: &Path, service: &str, acknowledged: &[String], known: &mut BTreeSet<String>) -> Found {
    let files = folder.join("files/pictures");
    let temporary =
        |folder: &Path| names_in(folder).into_iter().filter(|name| name.ends_with(".tmp")).count() as u64;
    let swept = temporary(&files) + temporary(&folder.join("cache/thumbnails"));
    let before = arrived(folder);
    let noted = before.iter().filter(|(_, name)| name.is_some()).count() as u64;
    let engine = Engine::open(options(folder, service)).await;
    assert_eq!(engine.app().app_info().database, domain::DatabaseState::Ok);
    let query = PictureQuery { limit: 100_000, ..PictureQuery::default() };
    let rows = engine.pictures().pictures(query).await.expect("listed").pictures;
    let mut found = Found { kills: 1, swept, noted, ..Found::default() };
    let mut named = BTreeSet::new();
    for row in &rows {
        match &row.state {
            PictureState::Done => {
                named.extend(row.file_name.clone());
                found.pictures += 1;
                // Every file once: those of earlier trials do not change.
                if known.insert(row.id.clone()) {
                    let (_, bytes) = engine.pictures().picture_bytes(row.id.clone()).await.expect("its file");
                    pictures::check(&bytes, &pictures::Limits::default()).expect("it is whole");
                    assert!(
                        pictures::settings::read(&bytes)
                            .is_some_and(|read| read.request.prompt == "一座灯塔")
                    );
                }
                found.taken_up += u64::from(before.iter().any(|(id, _)| *id == row.id));
            }
            PictureState::Failed { fault } => {
                assert_eq!(fault.code, FaultCode::StreamCut, "{row:?}");
                assert_eq!(row.request.prompt, "一座灯塔", "what was asked for is there");
                found.cut += u64::from(before.iter().any(|(id, _)| *id == row.id));
            }
            other => panic!("a row says {other:?}: {row:?}"),
        }
    }
    let there: BTreeSet<String> = names_in(&files).into_iter().collect();
    assert_eq!(there, named, "each file has its row, each row its file, and nothing else is there");
    assert_eq!(temporary(&folder.join("cache/thumbnails")), 0);
    for id in acknowledged {
        let row = rows.iter().find(|row| row.id == *id).expect("what was told is there");
        assert_eq!(row.state, PictureState::Done, "what was told as done stays done");
    }
    engine.close().await;
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_picture_is_half_there_after_kill_9() {
    let crashes =
        std::env::var("EDGEWISE_PICTURE_CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(CRASHES);
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..SIDE_BY_SIDE {
        workers.spawn(async move {
            let service = Simulator::start(simulator::Options::default()).await.expect("simulator");
            let folder = tempfile::tempdir().expect("folder");
            let mut found = Found::default();
            let mut known = BTreeSet::new();
            let mut saving = 0;
            for (number, crash) in (worker..crashes).step_by(SIDE_BY_SIDE as usize).enumerate() {
                // How busy the machine is changes: measured again now and then.
                if number % 10 == 0 {
                    saving = time_of_saving(folder.path(), &service).await.as_millis() as u64 + 20;
                }
                let death = match crash % 8 {
                    0 => Death::Anywhere(Duration::from_millis(scattered(crash, 1_500))),
                    some => {
                        Death::Saving(some as usize % 3 + 1, Duration::from_millis(scattered(crash, saving)))
                    }
                };
                found += trial(folder.path(), &service, death, &mut known).await;
            }
            found
        });
    }
    let mut found = Found::default();
    let mut pictures = 0;
    while let Some(worker) = workers.join_next().await {
        let one = worker.expect("no trial failed");
        pictures += one.pictures;
        found += one;
    }
    println!(
        "{} processes killed, {} of them between a picture's last byte and the end of its saving ({} rows knew their \
         file, {} files were half-written); {} pictures taken up, {} marked as cut, {pictures} whole ones in the end",
        found.kills, found.while_saving, found.noted, found.swept, found.taken_up, found.cut
    );
    assert_eq!(found.kills, crashes);
    assert!(
        found.while_saving * 3 > crashes && found.noted > 0,
        "enough were killed while they saved: {found:?}"
    );
}
