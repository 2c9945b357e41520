//! Rows and files of pictures: what a kill leaves is put right, what is used stays, what is thrown away goes whole.

mod common;

use common::NOW;
use domain::{
    AccountKey, FaultCode, LedgerEntry, Picture, PictureField, PictureQuery, PictureRequest, PictureState,
    RunId, Timestamp, Usage,
};
use std::fs;
use store::{NewAttachment, PictureArrival, PictureEnding, PictureFile, Recovered, Store};
use tempfile::TempDir;

fn open() -> (TempDir, Store) {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path(), NOW).expect("opens");
    (dir, store)
}

fn picture(id: &str, request: PictureRequest) -> Picture {
    Picture {
        id: id.to_owned(),
        run: RunId("run".to_owned()),
        request,
        model: "@cf/a/b".into(),
        state: PictureState::Pending,
        width: None,
        height: None,
        media_type: None,
        file_name: None,
        size: None,
        usage: None,
        starred: false,
        albums: Vec::new(),
        created_at: NOW,
        took_ms: None,
        left_out: Vec::new(),
        unsaved: false,
    }
}

fn usage() -> Usage {
    Usage { neurons: Some(12.5), ..Usage::default() }
}

fn file(name: &str, size: u64) -> PictureFile {
    PictureFile { name: name.to_owned(), media_type: "image/png".to_owned(), size, width: 2, height: 1 }
}

fn arrival(name: &str, size: u64) -> PictureArrival {
    let entry = LedgerEntry {
        at: NOW,
        account: AccountKey::from("account"),
        model: "@cf/a/b".into(),
        task: "image".to_owned(),
        conversation: None,
        usage: usage(),
    };
    PictureArrival { file: Some(file(name, size)), ledger: Some(entry), usage: usage() }
}

fn done(name: &str, size: u64) -> PictureEnding {
    PictureEnding {
        state: PictureState::Done,
        request: PictureRequest::default(),
        left_out: vec![PictureField::Seed],
        file: Some(file(name, size)),
        usage: None,
        took_ms: 5,
    }
}

fn state(store: &Store, id: &str) -> PictureState {
    store.picture(id).expect("a row").state
}

#[test]
fn a_start_takes_up_whole_files_marks_the_rest_as_cut_and_sweeps_half_ones() {
    let (dir, store) = open();
    for id in ["whole", "short", "none", "asked"] {
        store.add_pictures(&[picture(id, PictureRequest::default())]).expect("entered");
    }
    for id in ["whole", "short", "none"] {
        store.note_arrival(id, &arrival(&format!("{id}.png"), 4)).expect("noted");
    }
    store.write_picture("whole.png", b"1234").expect("written");
    store.write_picture("short.png", b"12").expect("written");
    let left = dir.path().join("files/pictures/.none.png.1-1.tmp");
    fs::write(&left, b"12").expect("written");
    let found = store.recover_pictures().expect("recovered");
    assert_eq!(found, Recovered { cut: 3, adopted: 1, swept: 1 });
    let row = store.picture("whole").expect("a row");
    assert_eq!((&row.state, row.size, row.usage), (&PictureState::Done, Some(4), Some(usage())));
    for id in ["short", "none", "asked"] {
        assert!(
            matches!(state(&store, id), PictureState::Failed { fault } if fault.code == FaultCode::StreamCut)
        );
        assert_eq!(store.picture(id).expect("a row").file_name, None);
    }
    assert!(!left.exists());
    assert_eq!(store.recover_pictures().expect("again"), Recovered::default());
    let booked = store.ledger(NOW, Timestamp(NOW.0 + 1)).expect("ledger");
    assert_eq!(booked.len(), 3, "what arrived was paid for, whatever became of it");
}

#[test]
fn an_ending_keeps_the_cost_and_tells_when_it_ends_in_the_trash() {
    let (_dir, store) = open();
    store.add_pictures(&[picture("a", PictureRequest::default())]).expect("entered");
    store.note_arrival("a", &arrival("a.png", 4)).expect("noted");
    store.delete_pictures(&["a".to_owned()], NOW).expect("deleted");
    let ended = store.end_picture("a", &done("a.png", 4)).expect("ended");
    assert!(ended.in_trash);
    assert_eq!((ended.picture.usage, ended.picture.left_out), (Some(usage()), vec![PictureField::Seed]));
    store.undelete_pictures(&["a".to_owned()]).expect("taken back");
    assert!(!store.end_picture("a", &done("a.png", 4)).expect("ended").in_trash);
}

#[test]
fn what_a_picture_was_made_from_stays_as_long_as_its_row() {
    let (_dir, store) = open();
    let new = NewAttachment { name: "start.png", media_type: "image/png", pixels: Some((2, 1)) };
    let used = store.add_attachment(&new, b"used", NOW).expect("kept");
    let other = store.add_attachment(&new, b"other", NOW).expect("kept");
    let request = PictureRequest { references: vec![used.id.clone()], ..PictureRequest::default() };
    store.add_pictures(&[picture("a", request)]).expect("entered");
    let later = Timestamp(NOW.0 + 1);
    assert_eq!(store.remove_unused_attachments(later).expect("removed"), 1);
    assert!(store.attachment(&used.id).is_ok() && store.attachment(&other.id).is_err());
    store.delete_pictures(&["a".to_owned()], NOW).expect("deleted");
    assert_eq!(store.purge_pictures(later).expect("purged"), 1);
    assert_eq!(store.remove_unused_attachments(later).expect("removed"), 1);
}

#[test]
fn what_is_thrown_away_goes_with_its_files() {
    let (dir, store) = open();
    for id in ["a", "b"] {
        let name = format!("{id}.png");
        store.add_pictures(&[picture(id, PictureRequest::default())]).expect("entered");
        store.write_picture(&name, b"1234").expect("written");
        store.keep_thumbnail(id, b"12").expect("kept");
        store.end_picture(id, &done(&name, 4)).expect("ended");
    }
    store.delete_pictures(&["a".to_owned()], NOW).expect("deleted");
    assert_eq!(store.purge_pictures(NOW).expect("purged"), 0, "not yet");
    assert_eq!(store.purge_pictures(Timestamp(NOW.0 + 1)).expect("purged"), 1);
    assert!(store.picture("a").is_err() && store.picture("b").is_ok());
    let files: Vec<_> = fs::read_dir(dir.path().join("files/pictures")).expect("listed").collect();
    assert_eq!(files.len(), 1);
    assert!(store.thumbnail("a").is_none() && store.thumbnail("b").is_some());
    let page = store.pictures(&PictureQuery { limit: 9, ..PictureQuery::default() }).expect("listed");
    assert_eq!(page.total, 1);
}

#[test]
fn a_reader_beside_the_window_sweeps_nothing() {
    let (dir, store) = open();
    store.add_pictures(&[picture("a", PictureRequest::default())]).expect("entered");
    store.write_picture("other.png", b"1234").expect("written");
    let writing = dir.path().join("files/pictures/.a.png.1-1.tmp");
    fs::write(&writing, b"12").expect("written");
    let reader = Store::open_read_only(dir.path()).expect("opens");
    assert_eq!(reader.recover_pictures().expect("nothing to do"), Recovered::default());
    assert!(writing.exists() && state(&store, "a") == PictureState::Pending);
}
