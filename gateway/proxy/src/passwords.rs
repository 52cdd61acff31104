//! Passwords are checked here, away from the threads that serve: one check takes as long as hundreds of requests.
//!
//! The threads that check are started when the first password comes. What waits for them is bounded, and for one list of
//! users more tightly: who guesses passwords of one route must not keep everybody else out of all others.

mod verdicts;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use bulkhead_model::authentication::{Credentials, Users};
use tokio::sync::watch;

pub(crate) use self::verdicts::Verdicts;

/// Checks that wait or run: at the usual 50 ms each, what two threads do in under two seconds. Who comes later is told so.
const WAITING: usize = 64;
/// Checks of one list of users among them.
const WAITING_FOR_ONE: usize = WAITING / 2;

/// What a check comes to; `None` while it waits.
type Verdict = Option<bool>;
/// Tells credentials for one list of users from all others, and nothing about them to those who do not have the key.
type Tag = [u8; 32];

/// The threads that check, and what they have before them.
pub(crate) struct Passwords {
    name: String,
    threads: usize,
    /// Made with the process, and known to nobody; `None`: the system gave no randomness, and nothing is remembered.
    key: Option<hmac::Key>,
    /// `None`: not one thread could be started.
    jobs: OnceLock<Option<SyncSender<Job>>>,
    /// Checks that wait or run, by the list of users they are for.
    waiting: Arc<Mutex<HashMap<u64, usize>>>,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").field("threads", &self.threads).finish_non_exhaustive()
    }
}

struct Job {
    users: Arc<Users>,
    credentials: Credentials,
    verdict: watch::Sender<Verdict>,
    /// Gives its place back.
    _place: Place,
}

/// A place among those that wait.
struct Place(u64, Arc<Mutex<HashMap<u64, usize>>>);

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = lock(&self.1);
        if let Some(count) = waiting.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&self.0);
            }
        }
    }
}

/// More is to be checked than can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

impl Passwords {
    /// For a process with so many data threads: half as many check, so that a flood of wrong passwords leaves room to serve.
    pub(crate) fn new(name: &str, data_threads: usize) -> Self {
        Self {
            name: format!("{name}-pw"),
            threads: data_threads.div_ceil(2),
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok(),
            jobs: OnceLock::new(),
            waiting: Arc::default(),
        }
    }

    fn tag(&self, users: &Users, credentials: &Credentials) -> Option<Tag> {
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        context.update(&users.version.to_be_bytes());
        context.update(credentials.as_bytes());
        context.sign().as_ref().try_into().ok()
    }

    /// Has credentials checked.
    fn submit(&self, users: &Arc<Users>, credentials: Credentials) -> Result<watch::Receiver<Verdict>, Busy> {
        let jobs = self.jobs.get_or_init(|| self.start()).as_ref().ok_or(Busy)?;
        let place = self.place(users.version)?;
        let (verdict, told) = watch::channel(None);
        let job = Job { users: Arc::clone(users), credentials, verdict, _place: place };
        jobs.try_send(job).map_err(|_| Busy)?;
        Ok(told)
    }

    fn place(&self, users: u64) -> Result<Place, Busy> {
        let mut waiting = lock(&self.waiting);
        let all: usize = waiting.values().sum();
        let of_one = waiting.get(&users).copied().unwrap_or_default();
        if all >= WAITING || of_one >= WAITING_FOR_ONE {
            return Err(Busy);
        }
        waiting.insert(users, of_one + 1);
        Ok(Place(users, Arc::clone(&self.waiting)))
    }

    fn start(&self) -> Option<SyncSender<Job>> {
        let (send, receive) = sync_channel(WAITING);
        let receive = Arc::new(Mutex::new(receive));
        let begin = |number: usize| {
            let receive = Arc::clone(&receive);
            let thread = thread::Builder::new().name(format!("{}-{number}", self.name));
            let begun = thread.spawn(move || check_all(&receive));
            if let Err(error) = &begun {
                tracing::error!(%error, "a thread that checks passwords could not be started");
            }
            begun.is_ok()
        };
        (0..self.threads).filter(|number| begin(*number)).count().gt(&0).then_some(send)
    }
}

/// Checks what comes until nobody sends any more.
fn check_all(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let Ok(Job { users, credentials, verdict, _place }) = lock(jobs).recv() else { return };
        // Nobody waits for the answer any more.
        if verdict.is_closed() {
            continue;
        }
        // Those who wait for one that panics see that nobody will answer them.
        if let Ok(is_right) = catch_unwind(AssertUnwindSafe(|| users.admit(&credentials))) {
            verdict.send_replace(Some(is_right));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
