//! Saving: a disk that does not take a picture, files that a kill left, references that outlive the session, pictures
//! deleted while they are made.

use super::{
    IMG2IMG, PHOENIX, RUN, after_ms, all, attach, begin, booked, bytes_of, drawing, fault, folder, make,
    names_in, orders, request,
};
use crate::desk::{Desk, PATIENCE, options, this_program};
use domain::{AppEvent, FaultCode, PictureEvent, PictureRequest, PictureState};
use engine::Engine;
use simulator::{Scenario, Simulator};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc::unbounded_channel;

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_cannot_be_saved_is_shown_saved_elsewhere_and_saved_later_for_one_price() {
    let desk = Desk::open().await;
    // Where the folder should be lies a file.
    std::fs::create_dir_all(desk.folder.path().join("files")).unwrap();
    std::fs::write(folder(&desk), b"in the way").unwrap();
    let row = make(&desk, request(PHOENIX, "a paid picture")).await;
    assert!(row.unsaved && row.width == Some(1024), "{row:?}");
    fault(&row);
    let pictures = desk.engine.pictures();
    let listed = all(&desk).await.remove(0);
    assert_eq!(listed, row, "the gallery shows it as it was told");
    let (kind, bytes) = pictures.picture_bytes(row.id.clone()).await.expect("it is shown from memory");
    assert_eq!((kind.as_str(), image::load_from_memory(&bytes).is_ok()), ("image/jpeg", true));
    assert!(!pictures.thumbnail_bytes(row.id.clone()).await.expect("and as a tile").is_empty());
    assert!(pictures.picture_path(row.id.clone()).await.is_ok(), "it has a name to offer");
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("copy.jpg");
    pictures.save_picture_as(row.id.clone(), false, copy.clone()).await.expect("saved elsewhere");
    assert_eq!(std::fs::read(&copy).unwrap(), bytes);

    assert!(pictures.save_picture_again(row.id.clone()).await.is_err(), "the file is still in the way");
    std::fs::remove_file(folder(&desk)).unwrap();
    let saved = pictures.save_picture_again(row.id.clone()).await.expect("saved");
    assert_eq!((&saved.state, saved.unsaved), (&PictureState::Done, false));
    assert_eq!(bytes_of(&desk, &saved), bytes);
    assert!(pictures.save_picture_again(row.id.clone()).await.is_ok(), "once more is no error");
    assert_eq!((orders(&desk).len(), booked(&desk).await.1), (1, 1), "one request, one line of the ledger");
    let desk = desk.restart().await;
    assert_eq!(all(&desk).await.remove(0).state, PictureState::Done);
}

const FOLDER: &str = "EDGEWISE_FULL_PICTURES_FOLDER";
const SERVICE: &str = "EDGEWISE_FULL_PICTURES_SERVICE";

#[tokio::test]
#[ignore = "the process whose disk is full while a picture arrives"]
async fn the_process_whose_disk_is_full() {
    let (Ok(folder), Ok(service)) = (std::env::var(FOLDER), std::env::var(SERVICE)) else { return };
    let engine = Engine::open(options(Path::new(&folder), &service)).await;
    let (listener, mut events) = unbounded_channel::<PictureEvent>();
    let (teller, mut news) = unbounded_channel::<AppEvent>();
    engine.app().subscribe(teller);
    engine.pictures().make_pictures(request(PHOENIX, "a full disk"), listener).await.expect("begun");
    println!("said: begun");
    let row = loop {
        match events.recv().await.expect("an event") {
            PictureEvent::Changed { picture } if picture.state != PictureState::Pending => break *picture,
            _ => {}
        }
    };
    println!("said: failed {:?} {}", fault(&row).code, row.unsaved);
    // It is saved by itself when there is space again.
    while let Some(told) = news.recv().await {
        if let AppEvent::Picture { event: PictureEvent::Changed { picture } } = told
            && picture.state == PictureState::Done
        {
            println!("said: saved");
            break;
        }
    }
    engine.close().await;
    println!("said: closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_a_picture_waits_in_memory_and_is_saved_when_there_is_space() {
    if Command::new("prlimit").arg("--version").output().await.is_err() {
        println!("prlimit is not installed: no disk was made full");
        return;
    }
    let service = Simulator::start(simulator::Options::default()).await.unwrap();
    service.set_scenario(Scenario::always(after_ms(1_500)).on_path(RUN));
    let home = tempfile::tempdir().unwrap();
    // The signal that goes with the limit is ignored, so that writes fail as on a full disk.
    let mut process = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(this_program())
        .args(["--exact", "pictures::saving::the_process_whose_disk_is_full", "--ignored", "--nocapture"])
        .env(FOLDER, home.path())
        .env(SERVICE, service.base_url())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid = process.id().expect("it runs").to_string();
    let limit = async |bytes: &str| {
        let done = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}")]).status().await;
        assert!(done.is_ok_and(|status| status.success()), "prlimit --fsize={bytes}");
    };
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut says = async |what: &str| {
        let wanted = format!("said: {what}");
        let said = tokio::time::timeout(PATIENCE, async {
            loop {
                let line = lines.next_line().await.expect("read").expect("it still runs");
                if let Some(place) = line.find(&wanted) {
                    return line[place + wanted.len()..].trim().to_owned();
                }
            }
        });
        said.await.unwrap_or_else(|_| panic!("it never said {what:?}"))
    };
    says("begun").await;
    limit("4096:unlimited").await;
    let failed = says("failed").await;
    assert!(["DiskFull true", "ReadOnly true"].contains(&failed.as_str()), "{failed}");
    limit("unlimited:unlimited").await;
    says("saved").await;
    says("closed").await;

    let engine = Engine::open(options(home.path(), &service.base_url())).await;
    let desk = Desk::of(engine, service, home);
    let row = all(&desk).await.remove(0);
    assert_eq!((&row.state, row.unsaved), (&PictureState::Done, false));
    image::load_from_memory(&bytes_of(&desk, &row)).expect("it is whole");
    assert_eq!((orders(&desk).len(), booked(&desk).await.1), (1, 1), "asked for and paid once");
}

#[tokio::test(flavor = "multi_thread")]
async fn references_and_masks_outlive_the_session() {
    let desk = Desk::open().await;
    let references = vec![attach(&desk, "start.png", drawing(320, 200)).await];
    let mask = Some(attach(&desk, "mask.png", drawing(32, 20)).await);
    let asked = PictureRequest { references, mask, ..request(super::INPAINTING, "a boat") };
    let first = make(&desk, asked).await;
    assert_eq!(first.state, PictureState::Done);
    let desk = desk.restart().await;
    let stored = all(&desk).await.remove(0);
    let again = make(&desk, PictureRequest { seed: None, ..stored.request }).await;
    assert_eq!(again.state, PictureState::Done, "all that made it is there: {again:?}");
    let gone = PictureRequest { references: vec!["0".repeat(64).into()], ..request(IMG2IMG, "x") };
    assert_eq!(begin(&desk, gone).await.err().expect("refused").code, FaultCode::NotFound);
}

/// Sets what a kill between the file and its row would have left.
fn as_if_killed(desk_folder: &Path, id: &str) {
    let connection = store::rusqlite::Connection::open(desk_folder.join(store::DATABASE)).unwrap();
    let changed =
        connection.execute("UPDATE picture SET state = 'pending', took_ms = NULL WHERE id = ?1", [id]);
    assert_eq!(changed.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_file_of_a_killed_process_is_taken_up_and_half_ones_are_swept() {
    let desk = Desk::open().await;
    let kept = make(&desk, request(PHOENIX, "kept")).await;
    let lost = make(&desk, request(PHOENIX, "lost")).await;
    let half = make(&desk, request(PHOENIX, "half")).await;
    let Desk { engine, simulator, folder: home, .. } = desk;
    engine.close().await;
    drop(engine);
    let file =
        |row: &domain::Picture| home.path().join("files/pictures").join(row.file_name.as_deref().unwrap());
    std::fs::remove_file(file(&lost)).unwrap();
    std::fs::write(file(&half), b"half").unwrap();
    for left in ["files/pictures/.a picture.png.7-1.tmp", "cache/thumbnails/.x.jpg.7-2.tmp"] {
        std::fs::write(home.path().join(left), b"half").unwrap();
    }
    std::fs::write(home.path().join("files/pictures/my own.png"), b"the person's").unwrap();
    for row in [&kept, &lost, &half] {
        as_if_killed(home.path(), &row.id);
    }
    let engine = Engine::open(options(home.path(), &simulator.base_url())).await;
    let desk = Desk::of(engine, simulator, home);
    let rows = all(&desk).await;
    let state = |id: &str| &rows.iter().find(|row| row.id == id).unwrap().state;
    assert_eq!(state(&kept.id), &PictureState::Done);
    let row = rows.iter().find(|row| row.id == kept.id).unwrap();
    assert_eq!(row.usage, kept.usage, "with what it cost");
    for id in [&lost.id, &half.id] {
        assert!(matches!(state(id), PictureState::Failed { fault } if fault.code == FaultCode::StreamCut));
    }
    let names = names_in(&folder(&desk));
    assert!(names.iter().all(|name| !name.ends_with(".tmp")), "{names:?}");
    assert!(names.contains(&"my own.png".to_owned()), "what is not ours stays");
    assert!(
        names_in(&desk.folder.path().join("cache/thumbnails")).iter().all(|name| !name.ends_with(".tmp"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_deleted_while_it_is_made_does_not_come_back() {
    let mut desk = Desk::open().await;
    desk.scenario(Scenario::always(after_ms(2_000)).on_path(RUN));
    let making = begin(&desk, request(PHOENIX, "unwanted")).await.expect("begun");
    let id = making.begun[0].id.clone();
    desk.engine.pictures().delete_pictures(vec![id.clone()]).await.expect("deleted");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut removed = false;
    while let Ok(told) = desk.news.try_recv() {
        match told {
            AppEvent::Picture { event: PictureEvent::Removed { picture } } => removed |= picture == id,
            AppEvent::Picture { event: PictureEvent::Changed { picture } } => {
                assert!(!removed, "told again after it was removed: {picture:?}");
            }
            _ => {}
        }
    }
    assert!(removed && all(&desk).await.is_empty());
    desk.engine.pictures().undelete_pictures(vec![id]).await.expect("taken back");
    assert_eq!(all(&desk).await.remove(0).state, PictureState::Stopped);
}
