//! Every state that a data folder can be in, 1,000 damaged copies among them: a typed answer each, the files as they were
//! when it is refused, and never an empty history in place of one that was there.

#![allow(clippy::print_stdout)] // what was counted, and what could not be tried here

mod common;

use common::{NOW, Random, begin, say, texts};
use domain::{DatabaseState, Draft, FaultCode, Timestamp};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use store::rusqlite;
use store::{COPIES_KEPT, DATABASE, KNOWN_VERSION, OpenError, Store};
use tempfile::TempDir;

/// A folder with a closed database that holds one conversation.
fn closed() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path(), NOW).expect("opens");
    for number in 1..=40 {
        say(&store, "c", number, &format!("question {number} 问题"), &"an answer ".repeat(40));
    }
    drop(store);
    let database = dir.path().join(DATABASE);
    (dir, database)
}

/// What a kill leaves: the database and its log, copied while they are in use.
fn killed(dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("folder");
    let store = Store::open(dir, NOW).expect("opens");
    let number = texts(&store, "c").len() as u64;
    let (_, answer) = begin(&store, "c", number, "the last question");
    store.journal_answer(&answer, "half an answer", "").expect("journalled");
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("{DATABASE}{suffix}");
        fs::copy(dir.join(&name), copy.path().join(&name)).expect("copied");
    }
    copy
}

/// The hashes of everything in a folder but the lock and SQLite's shared index, which holds no data.
fn hashes(dir: &Path) -> BTreeMap<String, blake3::Hash> {
    let entries = fs::read_dir(dir).expect("listed");
    let named = entries.map(|entry| entry.expect("listed").path()).filter(|path| path.is_file());
    let kept =
        named.filter(|path| !path.ends_with("edgewise.lock") && !path.to_string_lossy().ends_with("-shm"));
    kept.map(|path| {
        let name = path.file_name().expect("named").to_string_lossy().into_owned();
        (name, blake3::hash(&fs::read(&path).expect("read")))
    })
    .collect()
}

fn refused(dir: &Path) -> OpenError {
    let before = hashes(dir);
    let error = Store::open(dir, NOW).expect_err("it must be refused");
    assert_eq!(hashes(dir), before, "a refused file stays bit-identical");
    error
}

#[test]
fn a_new_folder_becomes_a_database_and_a_second_process_is_told_that_it_is_locked() {
    let dir = tempfile::tempdir().expect("folder");
    let inner = dir.path().join("not/yet/there");
    let store = Store::open(&inner, NOW).expect("made");
    assert!(matches!(Store::open(&inner, NOW), Err(OpenError::Locked)));
    begin(&store, "c", 1, "hello");
    let reader = Store::open_read_only(&inner).expect("reads beside it");
    assert_eq!(texts(&reader, "c").len(), 2);
    assert_eq!(
        reader.set_draft(None, &Draft::from("x".to_owned())).expect_err("refused").fault().code,
        FaultCode::ReadOnly
    );
    drop(reader);
    drop(store);
    Store::open(&inner, NOW).expect("free again");
}

#[test]
fn a_newer_database_is_refused_with_its_version() {
    let (dir, database) = closed();
    let newer = KNOWN_VERSION + 1;
    let connection = Connection::open(&database).expect("opened");
    connection
        .execute_batch(&format!("ALTER TABLE message ADD COLUMN mood TEXT; PRAGMA user_version = {newer};"))
        .expect("made newer");
    drop(connection);
    let error = refused(dir.path());
    assert_eq!(error.state(), DatabaseState::Newer { found: newer, known: KNOWN_VERSION });
    assert_eq!(error.fault().code, FaultCode::DatabaseNewer);
}

#[test]
fn a_newer_version_that_is_only_in_the_log_is_refused_too() {
    let (dir, database) = closed();
    let connection = Connection::open(&database).expect("opened");
    connection
        .execute_batch(&format!("PRAGMA journal_mode = WAL; PRAGMA user_version = {};", KNOWN_VERSION + 1))
        .expect("made newer");
    let copy = tempfile::tempdir().expect("folder");
    for suffix in ["", "-wal"] {
        let name = format!("{DATABASE}{suffix}");
        fs::copy(dir.path().join(&name), copy.path().join(&name)).expect("copied");
    }
    assert!(matches!(refused(copy.path()), OpenError::Newer { .. }));
}

#[test]
fn what_is_not_our_database_is_refused_and_kept() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil); 8] = [
        ("empty", |path| fs::write(path, b"").expect("written")),
        ("text", |path| fs::write(path, "Dear diary,\n".repeat(500)).expect("written")),
        ("zeros", |path| fs::write(path, vec![0; 40_960]).expect("written")),
        ("half", |path| {
            let bytes = fs::read(path).expect("read");
            fs::write(path, &bytes[..bytes.len() / 2]).expect("written");
        }),
        ("one byte", |path| fs::write(path, b"S").expect("written")),
        ("another program's", |path| {
            fs::remove_file(path).expect("removed");
            let other = Connection::open(path).expect("made");
            other.execute_batch("CREATE TABLE places (url TEXT); PRAGMA user_version = 1;").expect("filled");
        }),
        ("ours without tables", |path| {
            fs::remove_file(path).expect("removed");
            let other = Connection::open(path).expect("made");
            other
                .execute_batch(
                    "PRAGMA application_id = 1162102615; PRAGMA user_version = 1; CREATE TABLE a (b);",
                )
                .expect("filled");
        }),
        ("a log without its database", |path| {
            fs::write(path.with_file_name(format!("{DATABASE}-wal")), vec![7; 5_000]).expect("written");
            fs::remove_file(path).expect("removed");
        }),
    ];
    for (name, spoil) in cases {
        let (dir, database) = closed();
        spoil(&database);
        let error = refused(dir.path());
        assert!(matches!(error, OpenError::Damaged { .. }), "{name}: {error:?}");
        assert_eq!(error.fault().code, FaultCode::DatabaseDamaged, "{name}");
    }
}

#[test]
fn a_folder_in_place_of_the_file_cannot_be_read() {
    let dir = tempfile::tempdir().expect("folder");
    fs::create_dir(dir.path().join(DATABASE)).expect("made");
    assert!(matches!(Store::open(dir.path(), NOW), Err(OpenError::Unreadable(_))));
}

#[test]
fn what_a_kill_leaves_opens_with_everything_that_was_acknowledged() {
    let (dir, _) = closed();
    for (name, spoil) in [("as it is", 0), ("without the shared index", 1), ("with a stale shared index", 2)]
    {
        let copy = killed(dir.path());
        let index = copy.path().join(format!("{DATABASE}-shm"));
        match spoil {
            1 => fs::remove_file(&index).expect("removed"),
            2 => fs::write(&index, vec![0xa5; 32_768]).expect("written"),
            _ => {}
        }
        let store = Store::open(copy.path(), NOW).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!store.recover(NOW).expect("recovers").is_empty(), "{name}");
        assert_eq!(texts(&store, "c").last().map(String::as_str), Some("half an answer"), "{name}");
    }
}

#[test]
fn a_log_that_is_none_is_kept_before_it_is_written_over() {
    let (dir, database) = closed();
    let log = database.with_file_name(format!("{DATABASE}-wal"));
    fs::write(&log, b"not a log at all, but more than thirty-two bytes of it").expect("written");
    let store = Store::open(dir.path(), NOW).expect("opens as of the last checkpoint");
    assert_eq!(texts(&store, "c").len(), 80);
    let aside = fs::read_dir(dir.path())
        .expect("listed")
        .flatten()
        .find_map(|entry| entry.file_name().to_string_lossy().starts_with("damaged-").then(|| entry.path()));
    let kept = aside.expect("a folder").join(format!("{DATABASE}-wal"));
    assert!(fs::read(kept).expect("kept").starts_with(b"not a log"));
}

#[test]
fn a_database_that_another_program_holds_is_locked_and_later_busy() {
    let (dir, database) = closed();
    let other = Connection::open(&database).expect("opened");
    other
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE held (a);")
        .expect("held");
    let begun = std::time::Instant::now();
    let error = Store::open(dir.path(), NOW).expect_err("held");
    assert!(matches!(error, OpenError::Locked), "{error:?}");
    assert!(begun.elapsed().as_secs() < 12, "it gives up after its busy timeout");
    other.execute_batch("ROLLBACK").expect("let go");
    drop(other);

    let store = Store::open(dir.path(), NOW).expect("opens");
    let other = Connection::open(&database).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    assert_eq!(
        store.set_draft(None, &Draft::from("x".to_owned())).expect_err("held").fault().code,
        FaultCode::DatabaseBusy
    );
    other.execute_batch("ROLLBACK").expect("let go");
    store.set_draft(None, &Draft::from("x".to_owned())).expect("works again");
}

#[test]
fn a_database_that_vanished_is_not_replaced_while_copies_of_it_exist() {
    let (dir, database) = closed();
    Store::open(dir.path(), NOW).expect("opens").copy_now(NOW).expect("copied");
    fs::remove_file(&database).expect("removed");
    let DatabaseState::Damaged { copies, .. } = refused(dir.path()).state() else { panic!("not damaged") };
    let store = Store::restore_copy(dir.path(), &copies[0].name, NOW).expect("restored");
    assert_eq!(texts(&store, "c").len(), 80);
}

#[test]
fn a_damaged_database_is_set_aside_and_a_copy_or_a_new_one_takes_its_place() {
    let (dir, database) = closed();
    let copy = Store::open(dir.path(), NOW).expect("opens").copy_now(NOW).expect("copied");
    fs::write(&database, b"ruined").expect("ruined");
    assert!(matches!(
        Store::restore_copy(dir.path(), "../edgewise.sqlite", NOW),
        Err(OpenError::Unreadable(_))
    ));
    let store = Store::start_fresh(dir.path(), NOW).expect("fresh");
    assert!(store.conversations(0, 9, false).expect("list").conversations.is_empty());
    drop(store);
    let store = Store::restore_copy(dir.path(), &copy.name, NOW).expect("restored");
    assert_eq!(texts(&store, "c").len(), 80);
    let aside: Vec<_> = fs::read_dir(dir.path())
        .expect("listed")
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("damaged-"))
        .collect();
    assert_eq!(aside.len(), 2, "both the ruined and the fresh one are kept");
    assert!(
        aside
            .iter()
            .any(|folder| fs::read(folder.path().join(DATABASE)).is_ok_and(|bytes| bytes == b"ruined"))
    );
}

#[test]
fn a_database_of_the_first_version_is_copied_and_then_brought_to_this_one() {
    let dir = tempfile::tempdir().expect("folder");
    let first = Connection::open(dir.path().join(DATABASE)).expect("made");
    first.execute_batch(include_str!("../src/migrations/2026-11-20-conversations.sql")).expect("filled");
    first
        .execute_batch(
            "PRAGMA user_version = 1;
             INSERT INTO conversation (id, title, created_at, updated_at) VALUES ('old', 'From before', 1, 1);
             INSERT INTO message (id, conversation, role, status, created_at) VALUES ('m', 1, 'user', 'complete', 1);
             INSERT INTO body (message, text) VALUES (1, 'what was said');
             UPDATE conversation SET leaf = 1;",
        )
        .expect("filled");
    drop(first);
    let store = Store::open(dir.path(), NOW).expect("opens");
    assert_eq!(texts(&store, "old"), ["what was said"]);
    let copies: Vec<_> =
        store.copies().into_iter().filter(|copy| copy.name.ends_with("-v1.sqlite")).collect();
    assert_eq!(copies.len(), usize::from(KNOWN_VERSION > 1), "one copy before migrating, none without need");
}

#[test]
fn seven_copies_are_kept_one_a_day_and_each_opens() {
    let (dir, _) = closed();
    let store = Store::open(dir.path(), NOW).expect("opens");
    let day = |number: i64| Timestamp(NOW.0 + number * 86_400_000);
    for number in 0..10 {
        assert!(store.keep_daily_copy(day(number)).expect("copied").is_some());
        let soon = Timestamp(day(number).0 + 3_600_000);
        assert!(store.keep_daily_copy(soon).expect("looked").is_none(), "once a day");
    }
    let copies = store.copies();
    assert_eq!(copies.len(), COPIES_KEPT);
    assert_eq!(copies[0].made_at.0 / 1_000, day(9).0 / 1_000);
    drop(store);
    for copy in copies {
        let store = Store::restore_copy(dir.path(), &copy.name, NOW).expect("opens");
        assert_eq!(texts(&store, "c").len(), 80);
    }
}

/// Mount and uid tricks need root; elsewhere the permission bits do.
#[test]
fn a_folder_that_cannot_be_written_opens_for_reading_and_names_itself() {
    let (dir, _) = closed();
    let mounted = read_only_mount(dir.path());
    if mounted.is_none() && is_root() {
        return; // said in read_only_mount
    }
    let opened = Store::open(dir.path(), NOW);
    let result = opened.map(|store| {
        let fault = store.set_draft(None, &Draft::from("x".to_owned())).expect_err("cannot").fault();
        let attached = store.add_attachment(
            &store::NewAttachment { name: "a", media_type: "text/plain", pixels: None },
            b"x",
            NOW,
        );
        (texts(&store, "c").len(), fault, attached.expect_err("cannot").fault().code)
    });
    drop(mounted);
    set_writable(dir.path(), true);
    let (messages, fault, attached) = result.expect("opens for reading");
    assert_eq!((messages, fault.code, attached), (80, FaultCode::ReadOnly, FaultCode::ReadOnly));
    assert!(fault.detail.unwrap_or_default().contains(&*dir.path().to_string_lossy()));
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn set_writable(dir: &Path, writable: bool) {
    use std::os::unix::fs::PermissionsExt;
    let mode = if writable { 0o755 } else { 0o555 };
    fs::set_permissions(dir, fs::Permissions::from_mode(mode)).expect("ours");
}

/// The folder mounted over itself, read-only, until this is dropped. Without root, by its permission bits.
struct ReadOnlyMount(PathBuf);

impl Drop for ReadOnlyMount {
    fn drop(&mut self) {
        std::process::Command::new("umount").arg(&self.0).status().expect("umount runs");
    }
}

fn read_only_mount(dir: &Path) -> Option<ReadOnlyMount> {
    if !is_root() {
        set_writable(dir, false);
        return None;
    }
    let run = |arguments: &[&str]| {
        let status = std::process::Command::new("mount").args(arguments).arg(dir).status();
        status.is_ok_and(|status| status.success())
    };
    let path = dir.to_string_lossy();
    if run(&["--bind", &path]) {
        let mounted = ReadOnlyMount(dir.to_owned());
        if run(&["-o", "remount,bind,ro"]) {
            return Some(mounted);
        }
    }
    println!("not tried: this machine allows no mounts");
    None
}

/// One way to ruin a file.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    let length = bytes.len();
    match random.below(7) {
        0 => {
            let at = random.below(100);
            bytes[at] = bytes[at].wrapping_add(1 + random.below(255) as u8);
            format!("header byte {at}")
        }
        1 => {
            let count = 1 + random.below(64);
            for _ in 0..count {
                let at = random.below(length);
                bytes[at] ^= 1 << random.below(8);
            }
            format!("{count} flipped bits")
        }
        2 => {
            let left = random.below(length);
            bytes.truncate(left);
            format!("truncated to {left}")
        }
        3 => {
            let pages = random.below(length / 4_096);
            bytes.truncate(pages * 4_096);
            format!("truncated to {pages} pages")
        }
        4 => {
            let (from, size) = (random.below(length), 1 + random.below(8_192));
            bytes[from..(from + size).min(length)].fill(0);
            format!("{size} zeros at {from}")
        }
        5 => {
            let (from, size) = (random.below(length), 1 + random.below(16_384));
            for byte in &mut bytes[from..(from + size).min(length)] {
                *byte = random.below(256) as u8;
            }
            format!("{size} random bytes at {from}")
        }
        _ => {
            let pages = length / 4_096;
            let (one, other) = (random.below(pages), random.below(pages));
            for at in 0..4_096 {
                bytes.swap(one * 4_096 + at, other * 4_096 + at);
            }
            format!("pages {one} and {other} exchanged")
        }
    }
}

#[test]
fn a_thousand_damaged_copies_give_a_typed_state_and_no_refused_file_changes() {
    let (source, database) = closed();
    let whole = fs::read(&database).expect("read");
    let with_log = killed(source.path());
    let (log_base, log) = (
        fs::read(with_log.path().join(DATABASE)).expect("read"),
        fs::read(with_log.path().join(format!("{DATABASE}-wal"))).expect("read"),
    );
    let mut random = Random(20_261_120);
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for trial in 0..1_000 {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join(DATABASE);
        // Every fifth has a log beside it, in which case either of the two is damaged.
        let (mut bytes, mut log) =
            if trial % 5 == 0 { (log_base.clone(), Some(log.clone())) } else { (whole.clone(), None) };
        let what = match &mut log {
            Some(log) if random.below(2) == 0 => format!("log: {}", mutate(log, &mut random)),
            _ => mutate(&mut bytes, &mut random),
        };
        fs::write(&path, &bytes).expect("written");
        if let Some(log) = &log {
            fs::write(path.with_file_name(format!("{DATABASE}-wal")), log).expect("written");
        }
        let before = hashes(dir.path());
        let outcome = match Store::open(dir.path(), NOW) {
            Ok(store) => {
                still_a_history(&store, &what);
                "opened"
            }
            Err(error) => {
                assert_eq!(hashes(dir.path()), before, "trial {trial}, {what}: a refused file changed");
                assert!(!error.to_string().is_empty());
                match error {
                    OpenError::Damaged { .. } => "damaged",
                    OpenError::Newer { .. } => "newer",
                    OpenError::Locked => panic!("trial {trial}, {what}: nobody holds it"),
                    OpenError::Unreadable(error) => panic!("trial {trial}, {what}: {error:?}"),
                }
            }
        };
        *counts.entry(outcome).or_default() += 1;
    }
    println!("1,000 damaged copies: {counts:?}; crashes 0, refused files altered 0, empty histories 0");
    assert!(counts["damaged"] > 400, "the damage is real: {counts:?}");
}

/// A file that opens in spite of its damage (in free space, in the text of a message) still shows its history; what
/// cannot be read is a typed error.
fn still_a_history(store: &Store, what: &str) {
    let recovered = store.recover(NOW).map(drop);
    let list = store.conversations(0, 9, false);
    match (&list, &recovered) {
        (Ok(page), _) => assert_eq!(page.conversations.len(), 1, "{what}: an empty history"),
        (Err(error), _) => assert_eq!(error.fault().code, FaultCode::DatabaseDamaged, "{what}: {error:?}"),
    }
    let read = store.path(&"c".into(), None).and_then(|path| {
        let ids: Vec<_> = path.into_iter().map(|item| item.id).collect();
        store.messages(&ids)
    });
    if let Err(error) = read {
        let code = error.fault().code;
        assert!(
            matches!(code, FaultCode::DatabaseDamaged | FaultCode::Internal | FaultCode::NotFound),
            "{what}: {error:?}"
        );
    }
}
