//! The keychain's asynchronous face. Each question runs on a thread of its own, one at a time; whoever waits gives up at
//! the deadline. A late answer (the person unlocks after half a minute) is still taken in: the next `load` finds it.

use crate::secrets::Secrets;
use crate::system::System;
use domain::KeychainState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a keychain may take to answer.
pub const DEADLINE: Duration = Duration::from_secs(3);

/// Something that keeps one text. Blocking.
pub(crate) trait Keeper: Send + Sync + 'static {
    /// What is kept; `None` when nothing is. `excuse` may be told why it could take long.
    fn read(&self, excuse: &Excuse) -> Result<Option<Secrets>, KeychainState>;
    /// Keeps this instead. Without tokens the item itself goes.
    fn write(&self, secrets: &Secrets, excuse: &Excuse) -> Result<(), KeychainState>;
}

/// The state to report when the deadline passes: `Silent`, or `Locked` once that is known.
#[derive(Clone)]
pub(crate) struct Excuse(Arc<Mutex<KeychainState>>);

impl Excuse {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(KeychainState::Silent)))
    }

    /// Windows has no locked keychain, so that nobody says it there but tests.
    #[cfg(any(not(windows), test))]
    pub(crate) fn is_locked(&self) {
        *hold(&self.0) = KeychainState::Locked;
    }

    fn state(&self) -> KeychainState {
        *hold(&self.0)
    }
}

/// A keychain. Clones share it, its cache and its thread.
#[derive(Clone)]
pub struct Keychain {
    inner: Arc<Inner>,
}

struct Inner {
    keeper: Arc<dyn Keeper>,
    deadline: Duration,
    turn: tokio::sync::Mutex<()>,
    known: Arc<Mutex<Known>>,
}

/// What is known of the keychain without asking it.
#[derive(Default)]
struct Known {
    secrets: Option<Secrets>,
    state: Option<KeychainState>,
    /// A question is still without an answer, though nobody may be waiting for it any more.
    asked: Option<Excuse>,
}

impl Keychain {
    /// The operating system's, with a deadline of three seconds.
    pub fn system() -> Self {
        Self::system_within(DEADLINE)
    }

    /// The operating system's, with another deadline.
    pub fn system_within(deadline: Duration) -> Self {
        Self::with(System, deadline)
    }

    /// One that keeps everything in memory and always answers: for tests.
    pub fn in_memory() -> Self {
        Self::with(Memory::default(), DEADLINE)
    }

    /// One that always answers with this state: for tests. `Ok` keeps everything in memory.
    pub fn always(state: KeychainState) -> Self {
        match state {
            KeychainState::Ok => Self::in_memory(),
            refusing => Self::with(Refusing(refusing), DEADLINE),
        }
    }

    pub(crate) fn with(keeper: impl Keeper, deadline: Duration) -> Self {
        let inner =
            Inner { keeper: Arc::new(keeper), deadline, turn: Default::default(), known: Arc::default() };
        Self { inner: Arc::new(inner) }
    }

    /// All tokens; none when nothing was ever kept. The keychain is asked once per launch: after that this answers from
    /// memory, a failure too, so that no person is asked twice for nothing. [`retry`](Self::retry) asks again.
    pub async fn load(&self) -> Result<Secrets, KeychainState> {
        if let Some(known) = self.known() {
            return known;
        }
        let _turn = self.inner.turn.lock().await;
        match self.known() {
            Some(known) => known, // another caller asked meanwhile
            None => self.ask(|keeper, excuse| Ok(keeper.read(excuse)?.unwrap_or_default())).await,
        }
    }

    /// Keeps these tokens and no others. When the keychain could not be read before, it is asked again first.
    ///
    /// After `Locked` or `Silent` the tokens may still be kept later, when the person unlocks the keychain after all.
    pub async fn save(&self, secrets: &Secrets) -> Result<(), KeychainState> {
        match self.known() {
            Some(Err(_)) => self.retry().await?,
            _ => self.load().await?,
        };
        let _turn = self.inner.turn.lock().await;
        let secrets = secrets.clone();
        self.ask(move |keeper, excuse| {
            keeper.write(&secrets, excuse)?;
            Ok(secrets)
        })
        .await
        .map(drop)
    }

    /// What the keychain said when it was last asked; it is asked now if it never was.
    pub async fn state(&self) -> KeychainState {
        self.load().await.err().unwrap_or(KeychainState::Ok)
    }

    /// Asks again, after the person has done something about it.
    pub async fn retry(&self) -> Result<Secrets, KeychainState> {
        let _turn = self.inner.turn.lock().await;
        if let Some(Ok(secrets)) = self.known() {
            return Ok(secrets);
        }
        self.ask(|keeper, excuse| Ok(keeper.read(excuse)?.unwrap_or_default())).await
    }

    fn known(&self) -> Option<Result<Secrets, KeychainState>> {
        let known = hold(&self.inner.known);
        match (&known.secrets, known.state) {
            (Some(secrets), _) => Some(Ok(secrets.clone())),
            (None, Some(state)) => Some(Err(state)),
            (None, None) => None,
        }
    }

    /// Puts one question to the keeper, on a thread of its own. While an earlier one is unanswered (a prompt is open),
    /// no other is put.
    async fn ask(
        &self,
        question: impl FnOnce(&dyn Keeper, &Excuse) -> Result<Secrets, KeychainState> + Send + 'static,
    ) -> Result<Secrets, KeychainState> {
        let excuse = Excuse::new();
        {
            let mut known = hold(&self.inner.known);
            if let Some(unanswered) = &known.asked {
                return Err(unanswered.state());
            }
            known.asked = Some(excuse.clone());
        }
        let (answer, answered) = oneshot::channel();
        let answering =
            Answering { known: Arc::clone(&self.inner.known), excuse: excuse.clone(), answer: Some(answer) };
        let keeper = Arc::clone(&self.inner.keeper);
        let work = move || {
            let result = question(keeper.as_ref(), &answering.excuse);
            answering.take_in(result);
        };
        if let Err(error) = std::thread::Builder::new().name("keychain".into()).spawn(work) {
            tracing::warn!(%error, "no thread for the keychain");
            return Err(KeychainState::Silent);
        }
        match tokio::time::timeout(self.inner.deadline, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(KeychainState::Denied), // the thread panicked; `Answering` has noted it
            Err(_) => {
                let state = excuse.state();
                hold(&self.inner.known).state.get_or_insert(state);
                Err(state)
            }
        }
    }
}

/// Held by the thread that asks: whatever becomes of it, the question does not stay open. It is closed before the answer
/// is told, so that whoever was told can ask again.
struct Answering {
    known: Arc<Mutex<Known>>,
    excuse: Excuse,
    answer: Option<oneshot::Sender<Result<Secrets, KeychainState>>>,
}

impl Answering {
    fn take_in(mut self, result: Result<Secrets, KeychainState>) {
        let mut known = hold(&self.known);
        known.asked = None;
        match &result {
            Ok(secrets) => {
                known.secrets = Some(secrets.clone());
                known.state = Some(KeychainState::Ok);
            }
            Err(state) => known.state = Some(*state),
        }
        drop(known);
        if let Some(answer) = self.answer.take() {
            // Nobody may be waiting any more: what was learned is in `known`.
            let _ = answer.send(result);
        }
    }
}

impl Drop for Answering {
    /// After an answer there is nothing left to do. Without one the thread panicked or never began.
    fn drop(&mut self) {
        if self.answer.is_some() {
            let mut known = hold(&self.known);
            known.asked = None;
            known.state.get_or_insert(KeychainState::Denied);
        }
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Memory(Mutex<Option<Secrets>>);

impl Keeper for Memory {
    fn read(&self, _: &Excuse) -> Result<Option<Secrets>, KeychainState> {
        Ok(hold(&self.0).clone())
    }

    fn write(&self, secrets: &Secrets, _: &Excuse) -> Result<(), KeychainState> {
        *hold(&self.0) = Some(secrets.clone());
        Ok(())
    }
}

struct Refusing(KeychainState);

impl Keeper for Refusing {
    fn read(&self, _: &Excuse) -> Result<Option<Secrets>, KeychainState> {
        Err(self.0)
    }

    fn write(&self, _: &Secrets, _: &Excuse) -> Result<(), KeychainState> {
        Err(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Instant;

    fn one_token() -> Secrets {
        let mut secrets = Secrets::new();
        secrets.insert("a".into(), SecretString::from("t"));
        secrets
    }

    /// Answers a read only when told to.
    struct Slow {
        gate: Mutex<mpsc::Receiver<()>>,
        asked: Arc<AtomicUsize>,
        locked: bool,
    }

    impl Keeper for Slow {
        fn read(&self, excuse: &Excuse) -> Result<Option<Secrets>, KeychainState> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.locked {
                excuse.is_locked();
            }
            hold(&self.gate).recv().expect("the test answers");
            Ok(Some(one_token()))
        }

        fn write(&self, _: &Secrets, _: &Excuse) -> Result<(), KeychainState> {
            Ok(())
        }
    }

    fn slow(locked: bool) -> (Keychain, mpsc::Sender<()>, Arc<AtomicUsize>) {
        let (open, gate) = mpsc::channel();
        let asked = Arc::new(AtomicUsize::new(0));
        let keeper = Slow { gate: Mutex::new(gate), asked: Arc::clone(&asked), locked };
        (Keychain::with(keeper, Duration::from_millis(60)), open, asked)
    }

    #[tokio::test]
    async fn what_is_saved_is_loaded_and_the_keychain_is_read_once() {
        let keychain = Keychain::in_memory();
        assert!(keychain.load().await.expect("loads").is_empty());
        keychain.save(&one_token()).await.expect("saved");
        assert!(keychain.load().await.expect("loads").token(&"a".into()).is_some());
        assert_eq!(keychain.state().await, KeychainState::Ok);
    }

    #[tokio::test]
    async fn a_keychain_that_does_not_answer_is_silent_or_locked_at_the_deadline() {
        for (locked, expected) in [(false, KeychainState::Silent), (true, KeychainState::Locked)] {
            let (keychain, open, asked) = slow(locked);
            let begun = Instant::now();
            assert_eq!(keychain.load().await.err(), Some(expected));
            assert!(begun.elapsed() < Duration::from_secs(2), "it did not wait for the answer");
            assert_eq!(keychain.retry().await.err(), Some(expected), "the prompt is still open");
            assert_eq!(keychain.save(&one_token()).await.err(), Some(expected));
            assert_eq!(asked.load(Ordering::SeqCst), 1, "one question, one thread");
            open.send(()).expect("it waits");
        }
    }

    #[tokio::test]
    async fn an_answer_after_the_deadline_is_taken_in() {
        let (keychain, open, asked) = slow(true);
        assert_eq!(keychain.load().await.err(), Some(KeychainState::Locked));
        open.send(()).expect("it waits");
        let begun = Instant::now();
        while keychain.load().await.is_err() && begun.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(keychain.load().await.expect("unlocked by now").token(&"a".into()).is_some());
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn every_refusal_is_reported_and_not_asked_twice() {
        for state in
            [KeychainState::Locked, KeychainState::Denied, KeychainState::Absent, KeychainState::Silent]
        {
            let keychain = Keychain::always(state);
            assert_eq!(keychain.load().await.err(), Some(state));
            assert_eq!(keychain.state().await, state);
            assert_eq!(keychain.save(&one_token()).await.err(), Some(state), "nothing is kept elsewhere");
        }
    }

    /// A defect in a platform's library must not leave the app waiting.
    struct Panicking;

    impl Keeper for Panicking {
        fn read(&self, _: &Excuse) -> Result<Option<Secrets>, KeychainState> {
            panic!("a defect")
        }

        fn write(&self, _: &Secrets, _: &Excuse) -> Result<(), KeychainState> {
            panic!("a defect")
        }
    }

    #[tokio::test]
    async fn a_panic_in_the_keychain_is_a_refusal() {
        let keychain = Keychain::with(Panicking, Duration::from_secs(5));
        assert_eq!(keychain.load().await.err(), Some(KeychainState::Denied));
        assert_eq!(keychain.retry().await.err(), Some(KeychainState::Denied), "it can be asked again");
    }
}
