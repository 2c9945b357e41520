//! Input that is wrong, huge or not what it says: a fault of its own for each, nothing lost, and nothing falls over.

use crate::desk::{CHAT, Desk, options};
use domain::{Draft, FaultCode, MessageStatus, QueuedMessage, RunStep, SendRequest};
use engine::Engine;
use engine::attachments::Chosen;
use simulator::{Effects, Scenario};
use std::path::Path;

async fn refused(desk: &Desk, text: &str) -> FaultCode {
    let request = SendRequest { text: text.to_owned(), ..SendRequest::default() };
    desk.engine.chat().send_message(request, engine::Nowhere).await.expect_err("refused").code
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_message_is_refused_and_begins_nothing() {
    let desk = Desk::open().await;
    for text in ["", " ", "\n\t \u{3000}\n"] {
        assert_eq!(refused(&desk, text).await, FaultCode::InvalidInput, "{text:?}");
    }
    assert!(desk.engine.history().conversations(0, 9, false).await.unwrap().conversations.is_empty());
    assert!(desk.chats().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_of_a_megabyte_is_kept_whole_whatever_the_model_says_of_it() {
    let desk = Desk::open().await;
    let paste = "大段文字 with words. ".repeat(45_000);
    assert!(paste.len() > 1_000_000);
    let heard = desk.ask(&paste).await;
    let question = heard.started.question.clone().expect("a question");
    assert_eq!(desk.load(&question.message.id).await.message.text, paste, "not a byte is lost");
    assert!(
        matches!(heard.status(), MessageStatus::Complete | MessageStatus::Failed),
        "it is answered, or refused with a word: {:?}",
        heard.view().message.fault
    );
    assert!(
        heard.status() == MessageStatus::Complete
            || heard.code().is_some_and(|code| code != FaultCode::Internal)
    );
    // The conversation goes on, and is found again.
    let desk = desk.restart().await;
    assert_eq!(desk.ask_in(heard.conversation(), "say: short").await.text(), "short");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_are_no_attachment_and_control_characters_are_only_text() {
    let desk = Desk::open().await;
    let attachments = desk.engine.attachments();
    let noise: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let fault = attachments.attach_bytes("paste.bin".into(), noise).await.expect_err("no text");
    assert_eq!(fault.code, FaultCode::FormatUnknown);
    let odd = "a\u{0}b\u{7}\u{1b}[31m\u{202e}\u{feff}c";
    let heard = desk.ask(odd).await;
    assert_eq!(heard.status(), MessageStatus::Complete);
    let question = heard.started.question.expect("a question").message.id;
    assert_eq!(desk.load(&question).await.message.text, odd);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_file_does_not_cost_the_good_ones() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let huge = file("huge.png", &vec![0u8; 20 * 1024 * 1024 + 1]);
    let paths = vec![
        file("one.txt", b"one"),
        huge,
        file("empty.txt", b""),
        file("program", b"\x7fELF\x01\x02\0\0"),
        folder.path().join("gone.txt"),
        folder.path().to_owned(),
        file("two.md", b"# two"),
    ];
    let Chosen { files, documents } = desk.engine.attachments().attach_files(paths).await;
    let names: Vec<&str> = files.attached.iter().map(|each| each.name.as_str()).collect();
    assert_eq!(names, ["one.txt", "two.md"]);
    let codes: Vec<FaultCode> = files.refused.iter().map(|each| each.fault.code).collect();
    use FaultCode as F;
    assert_eq!(
        codes,
        [F::FileTooLarge, F::FileHasNoText, F::FormatUnknown, F::FileUnreadable, F::FileUnreadable]
    );
    assert_eq!(files.refused[0].name, "huge.png");
    assert_eq!(files.refused[0].fault.detail.as_deref(), Some("20 MiB"), "the sentence names the limit");
    assert!(documents.is_empty(), "the library could read none of these either");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_no_message_holds_are_named_for_the_library() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let report = file("report.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n");
    let talk = file("talk.mp3", b"ID3\x04\0\0\0\0\0\0");
    let log = file("huge.log", "a line\n".repeat(3 * 1024 * 1024).as_bytes());
    let latin = file("letter.txt", b"caf\xe9, s'il vous pla\xeet, et une fen\xeatre");
    let picture = file("scan.tiff", b"II*\0\x08\0\0\0");
    let notes = file("notes.md", b"# notes");
    let paths = vec![report.clone(), talk.clone(), log.clone(), latin.clone(), picture, notes];
    let Chosen { files, documents } = desk.engine.attachments().attach_files(paths).await;
    assert_eq!(documents, [report, talk, log, latin]);
    assert_eq!(files.attached.iter().map(|each| each.name.as_str()).collect::<Vec<_>>(), ["notes.md"]);
    assert_eq!(files.refused.len(), 1, "a picture of another kind is no document: {:?}", files.refused);
    assert!(files.documents.is_none(), "the right to use them is the window's to give");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_where_the_service_should_be_is_told_as_one() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::always(Effects { captive_portal: Some(true), ..Effects::default() }));
    let heard = desk.ask("hello").await;
    assert_eq!((heard.status(), heard.code()), (MessageStatus::Failed, Some(FaultCode::NotTheService)));
    desk.scenario(Scenario::default());
    let again = desk.ask_in(heard.conversation(), "are you back?").await;
    assert_eq!(again.status(), MessageStatus::Complete, "the conversation goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_the_question_is_kept_and_history_works() {
    let desk = Desk::open().await;
    let before = desk.ask("say: zebra").await;
    // Nothing listens where the service was.
    let Desk { engine, simulator, folder, .. } = desk;
    engine.close().await;
    let gone = simulator.base_url();
    simulator.shutdown().await;
    let engine = Engine::open(options(folder.path(), &gone)).await;
    let (listener, mut events) = tokio::sync::mpsc::unbounded_channel();
    let request = SendRequest {
        conversation: Some(before.conversation().clone()),
        text: "are you there?".to_owned(),
        ..SendRequest::default()
    };
    engine.chat().send_message(request, listener).await.unwrap();
    let fault = loop {
        let event = tokio::time::timeout(crate::desk::PATIENCE, events.recv()).await.unwrap().unwrap();
        match event.what {
            RunStep::Failed { fault, .. } => break fault,
            other => assert!(!other.is_last(), "{other:?}"),
        }
    };
    assert_eq!(fault.code, FaultCode::Offline);
    let path = engine.history().transcript(before.conversation().clone()).await.unwrap().path;
    assert_eq!(path.len(), 4, "the question is there");
    assert!(!engine.history().search_history("zebra".into(), 9).await.unwrap().is_empty());
    engine.close().await;
}

/// The process dies in the middle of an answer, and then its folder cannot be written any more.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_folder_that_cannot_be_written_a_cut_answer_is_interrupted_and_not_streaming() {
    let desk = Desk::open().await;
    let effects = Effects {
        text: Some("word ".repeat(400)),
        stall_after: Some(2_000),
        speed: Some(2_000.0),
        ..Effects::default()
    };
    desk.scenario(Scenario::always(effects).on_path(CHAT));
    let mut run = desk.send("go on").await;
    run.first_words().await;
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    let (conversation, answer) = (run.started.conversation.id.clone(), run.started.answer.message.id.clone());
    // A copy of the files as they lie is what a killed process leaves.
    let left = tempfile::tempdir().unwrap();
    copy_folder(desk.folder.path(), left.path());
    drop(run);
    let read_only = read_only_copy(left.path()).await;
    let Some(read_only) = read_only else {
        println!("a folder cannot be made read-only here: nothing was tried");
        return;
    };
    let engine = Engine::open(options(read_only.path(), &desk.simulator.base_url())).await;
    let transcript = engine.history().transcript(conversation.clone()).await.unwrap();
    let view = transcript.tail.iter().find(|view| view.message.id == answer).expect("the answer");
    assert_eq!(view.message.status, MessageStatus::Interrupted);
    assert!(view.message.text.starts_with("word "), "what was journalled is shown: {:?}", view.message.text);
    assert!(!transcript.conversation.streaming && view.run.is_none());
    let rows = engine.history().conversations(0, 9, false).await.unwrap().conversations;
    assert!(rows.iter().all(|row| !row.streaming), "no spinner in the sidebar");
    let request = SendRequest { text: "hello".to_owned(), ..SendRequest::default() };
    let fault = engine.chat().send_message(request, engine::Nowhere).await.expect_err("cannot be kept");
    assert_eq!(fault.code, FaultCode::ReadOnly);
    engine.close().await;
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// The folder on a file system that is mounted for reading. For root, permissions are no obstacle; a mount is.
struct ReadOnly {
    mounted: tempfile::TempDir,
    mounts: bool,
}

impl ReadOnly {
    fn path(&self) -> &Path {
        self.mounted.path()
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        if self.mounts {
            // A mount that stays would only keep a temporary folder from being removed.
            let _ = std::process::Command::new("umount").arg(self.path()).status();
        }
    }
}

async fn read_only_copy(folder: &Path) -> Option<ReadOnly> {
    let mounted = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        std::process::Command::new("mount").args(arguments).output().is_ok_and(|done| done.status.success())
    };
    let (from, to) = (folder.to_str().unwrap(), mounted.path().to_str().unwrap());
    if run(&["--bind", from, to]) {
        let only = ReadOnly { mounted, mounts: true };
        return run(&["-o", "remount,ro,bind", only.path().to_str().unwrap()]).then_some(only);
    }
    copy_folder(folder, mounted.path());
    for entry in std::fs::read_dir(mounted.path()).unwrap().flatten() {
        permit(&entry.path(), false);
    }
    permit(mounted.path(), false);
    let obeyed = std::fs::write(mounted.path().join("probe"), "x").is_err();
    permit(mounted.path(), true);
    if !obeyed {
        return None;
    }
    permit(mounted.path(), false);
    Some(ReadOnly { mounted, mounts: false })
}

fn permit(path: &Path, write: bool) {
    let mut permissions = std::fs::metadata(path).unwrap().permissions();
    permissions.set_readonly(!write);
    std::fs::set_permissions(path, permissions).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_instance_is_told_and_changes_nothing() {
    let desk = Desk::open().await;
    let heard = desk.ask("say: one").await;
    let second = Engine::open(options(desk.folder.path(), &desk.simulator.base_url())).await;
    assert_eq!(second.app().app_info().database, domain::DatabaseState::Locked);
    let fault = second.history().transcript(heard.conversation().clone()).await.expect_err("in use");
    assert_eq!(fault.code, FaultCode::DatabaseBusy);
    second.close().await;
    assert_eq!(desk.ask_in(heard.conversation(), "say: two").await.text(), "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_account_id_and_a_token_with_spaces_have_their_own_words() {
    let desk = Desk::open().await;
    let accounts = desk.engine.accounts();
    let discovery =
        accounts.discover_accounts(" cfut_jour\nney \t".to_owned()).await.expect("white space goes");
    let (listener, mut told) = tokio::sync::mpsc::unbounded_channel::<domain::CheckEvent>();
    let proved = accounts.check_account(discovery.ticket.clone(), "not an id".to_owned(), listener).await;
    let mut codes: Vec<FaultCode> = Vec::new();
    while let Ok(event) = told.try_recv() {
        if let Some(domain::CheckOutcome::Failed { fault, .. }) = event.outcome {
            codes.push(fault.code);
        }
    }
    codes.extend(proved.as_ref().err().map(|fault| fault.code));
    assert!(
        matches!(codes.as_slice(), [FaultCode::AccountUnknown | FaultCode::InvalidInput]),
        "a sentence of its own: {proved:?} {codes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_sent_survives_a_restart_with_its_files() {
    let desk = Desk::open().await;
    let heard = desk.ask("say: one").await;
    let conversation = heard.conversation().clone();
    let file = |name: &str| {
        let (attachments, name) = (desk.engine.attachments(), name.to_owned());
        async move {
            attachments.attach_bytes(name.clone(), format!("text of {name}").into_bytes()).await.unwrap()
        }
    };
    let (in_box, queued) = (file("box.txt").await, file("queued.txt").await);
    let draft = Draft {
        text: "half a thought".to_owned(),
        attachments: vec![in_box],
        queue: vec![QueuedMessage { text: "say: later".to_owned(), attachments: vec![queued.clone()] }],
    };
    desk.engine.history().save_draft(Some(conversation.clone()), draft.clone()).await.unwrap();
    let desk = desk.restart().await;
    assert_eq!(desk.engine.history().transcript(conversation.clone()).await.unwrap().draft, draft);
    let left = Draft { queue: Vec::new(), ..draft };
    let request = SendRequest {
        conversation: Some(conversation.clone()),
        text: "say: later".to_owned(),
        attachments: vec![queued.id.clone()],
        draft: Some(left.clone()),
        ..SendRequest::default()
    };
    let sent = desk.request(request).await.end().await;
    assert_eq!(sent.status(), MessageStatus::Complete);
    assert_eq!(desk.engine.history().draft(Some(conversation)).await.unwrap(), left);
    assert!(desk.engine.attachments().bytes(queued.id).await.is_ok(), "the message has it now");
}
