//! What the simulator remembers: its options, the scenario in force, the requests seen, what was charged, and the
//! little that the service itself would remember (caches, agreements, batches).

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::civil::Date;
use serde_json::Value;

use crate::answer::Answer;
use crate::scenario::{Effects, Running, Scenario, Seeing};
use crate::{Options, Seen};

/// Requests kept; the oldest leave first.
const MOST_SEEN: usize = 20_000;
/// Bytes of bodies kept.
const MOST_SEEN_BYTES: usize = 512 << 20;

/// One row of the usage ledger.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub(crate) model: String,
    pub(crate) date: Date,
    pub(crate) neurons: f64,
    pub(crate) tokens_in: usize,
    pub(crate) tokens_out: usize,
}

/// One entry of a gateway's log.
#[derive(Clone, Debug)]
pub(crate) struct LogEntry {
    pub(crate) id: String,
    pub(crate) gateway: String,
    pub(crate) model: String,
    pub(crate) cached: bool,
    pub(crate) status: u16,
    pub(crate) tokens: (usize, usize),
    pub(crate) feedback: Option<i64>,
    pub(crate) score: Option<f64>,
}

/// A batch that waits to be asked for: its model, its requests, and how often it was polled.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) model: String,
    pub(crate) requests: Vec<Value>,
    pub(crate) polls: usize,
}

#[derive(Debug, Default)]
struct Memory {
    running: Running,
    seen: VecDeque<Seen>,
    seen_bytes: usize,
    next_number: u64,
    charges: Vec<Charge>,
    agreed: HashSet<String>,
    prefixes: HashMap<String, String>,
    gateway_cache: HashMap<u64, Answer>,
    gateway_log: Vec<LogEntry>,
    batches: HashMap<String, Batch>,
}

/// Shared by every connection. Locks are held for a few lines and never over an await.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) options: Options,
    started: Instant,
    open: AtomicUsize,
    memory: Mutex<Memory>,
}

impl State {
    pub(crate) fn new(mut options: Options) -> Self {
        let running = Running::new(std::mem::take(&mut options.scenario));
        State {
            options,
            started: Instant::now(),
            open: AtomicUsize::new(0),
            memory: Mutex::new(Memory { running, ..Memory::default() }),
        }
    }

    /// A panic elsewhere leaves plain data behind: go on with it.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn today(&self) -> Date {
        self.options.today.unwrap_or_else(|| jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// Seconds since 1970 for the `created` fields.
    pub(crate) fn now_seconds(&self) -> i64 {
        jiff::Timestamp::now().as_second()
    }

    // -- scenario

    pub(crate) fn set_scenario(&self, scenario: Scenario) {
        self.memory().running = Running::new(scenario);
    }

    pub(crate) fn scenario(&self) -> Scenario {
        self.memory().running.scenario().clone()
    }

    pub(crate) fn effects(&self, request: &Seeing<'_>) -> Effects {
        self.memory().running.effects(request)
    }

    // -- requests seen

    /// Keeps a request and gives it its number.
    pub(crate) fn remember(&self, mut seen: Seen) -> u64 {
        let mut memory = self.memory();
        memory.next_number += 1;
        seen.number = memory.next_number;
        memory.seen_bytes += seen.body.len();
        memory.seen.push_back(seen);
        while memory.seen.len() > MOST_SEEN || memory.seen_bytes > MOST_SEEN_BYTES {
            let Some(oldest) = memory.seen.pop_front() else { break };
            memory.seen_bytes -= oldest.body.len();
        }
        memory.next_number
    }

    /// Changes what is known of a request, if it is still remembered.
    pub(crate) fn note(&self, number: u64, change: impl FnOnce(&mut Seen)) {
        let mut memory = self.memory();
        // The newest are the likeliest.
        if let Some(seen) = memory.seen.iter_mut().rev().find(|seen| seen.number == number) {
            change(seen);
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.memory().seen.iter().cloned().collect()
    }

    pub(crate) fn clear_seen(&self) {
        let mut memory = self.memory();
        memory.seen.clear();
        memory.seen_bytes = 0;
    }

    pub(crate) fn answer_opened(&self) {
        self.open.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn answer_closed(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn open_streams(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    // -- the ledger

    pub(crate) fn charge(&self, model: &str, answer: &Answer) {
        let date = self.today();
        let (tokens_in, tokens_out) = answer.tokens;
        let charge = Charge { model: model.to_owned(), date, neurons: answer.neurons, tokens_in, tokens_out };
        self.memory().charges.push(charge);
    }

    pub(crate) fn charges(&self) -> Vec<Charge> {
        self.memory().charges.clone()
    }

    pub(crate) fn neurons_today(&self) -> f64 {
        let today = self.today();
        let memory = self.memory();
        let charged: f64 =
            memory.charges.iter().filter(|charge| charge.date == today).map(|charge| charge.neurons).sum();
        self.options.neurons_spent + charged
    }

    // -- what the service remembers

    /// Has this account agreed to the licence? `agree` makes it so.
    pub(crate) fn agree(&self, account: &str) {
        self.memory().agreed.insert(account.to_owned());
    }

    pub(crate) fn has_agreed(&self, account: &str) -> bool {
        self.memory().agreed.contains(account)
    }

    /// The prompt that this session sent last, replaced by the present one.
    pub(crate) fn swap_prefix(&self, session: String, prompt: String) -> Option<String> {
        self.memory().prefixes.insert(session, prompt)
    }

    pub(crate) fn cached_answer(&self, key: u64) -> Option<Answer> {
        self.memory().gateway_cache.get(&key).cloned()
    }

    pub(crate) fn cache_answer(&self, key: u64, answer: Answer) {
        self.memory().gateway_cache.insert(key, answer);
    }

    pub(crate) fn log(&self, entry: LogEntry) {
        self.memory().gateway_log.push(entry);
    }

    pub(crate) fn gateway_log(&self, gateway: &str) -> Vec<LogEntry> {
        self.memory().gateway_log.iter().filter(|entry| entry.gateway == gateway).cloned().collect()
    }

    /// Changes a log entry; false when there is none of that id.
    pub(crate) fn change_log(&self, id: &str, change: impl FnOnce(&mut LogEntry)) -> bool {
        match self.memory().gateway_log.iter_mut().find(|entry| entry.id == id) {
            Some(entry) => {
                change(entry);
                true
            }
            None => false,
        }
    }

    pub(crate) fn store_batch(&self, id: &str, batch: Batch) {
        self.memory().batches.insert(id.to_owned(), batch);
    }

    /// The batch with its count of polls raised.
    pub(crate) fn poll_batch(&self, id: &str) -> Option<Batch> {
        let mut memory = self.memory();
        let batch = memory.batches.get_mut(id)?;
        batch.polls += 1;
        Some(batch.clone())
    }
}
