//! Passwords are checked here, away from the threads that serve: one check takes as long as hundreds of requests.
//!
//! The threads that check are started when the first password comes. What waits for them is bounded, and namespaces take turns, as do
//! the lists of users of each: who guesses passwords of one route must not keep everybody else out of all others. What nobody waits for any more is not checked.

mod turns;
mod verdicts;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use bulkhead_model::authentication::{Credentials, Users};
use tokio::sync::watch;

use self::turns::Turns;
pub(crate) use self::verdicts::Verdicts;

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
    queue: Arc<Queue>,
    /// Whether a thread could be started, once there was need of one.
    started: OnceLock<bool>,
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
    /// Held by whoever waits for the verdict.
    wanted: Weak<()>,
}

impl Job {
    fn is_wanted(&self) -> bool {
        self.wanted.strong_count() > 0
    }
}

/// Somebody waits for a verdict, for as long as this is kept.
#[derive(Debug)]
struct Asked {
    told: watch::Receiver<Verdict>,
    wanted: Arc<()>,
}

/// What waits.
#[derive(Default)]
struct Queue {
    turns: Mutex<Waiting>,
    ready: Condvar,
}

#[derive(Default)]
struct Waiting {
    turns: Turns<Job>,
    /// Nobody asks any more.
    ended: bool,
}

impl Queue {
    /// What is to be checked next; waits for it. `None`: nobody asks any more.
    fn next(&self) -> Option<Job> {
        let mut waiting = lock(&self.turns);
        loop {
            if waiting.ended {
                return None;
            }
            match waiting.turns.pop() {
                Some(job) if job.is_wanted() => return Some(job),
                Some(_) => {}
                None => waiting = self.ready.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        lock(&self.queue.turns).ended = true;
        self.queue.ready.notify_all();
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
            queue: Arc::default(),
            started: OnceLock::new(),
        }
    }

    fn tag(&self, users: &Users, credentials: &Credentials) -> Option<Tag> {
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        context.update(&users.version.to_be_bytes());
        context.update(credentials.as_bytes());
        context.sign().as_ref().try_into().ok()
    }

    /// Has credentials checked.
    fn submit(&self, users: &Arc<Users>, credentials: Credentials) -> Result<Asked, Busy> {
        if !self.started.get_or_init(|| self.start()) {
            return Err(Busy);
        }
        let ((verdict, told), wanted) = (watch::channel(None), Arc::default());
        let job = Job { users: Arc::clone(users), credentials, verdict, wanted: Arc::downgrade(&wanted) };
        // Whoever waits for what is given up sees that nobody will answer.
        drop(lock(&self.queue.turns).turns.push((&users.namespace, users.version), job, Job::is_wanted)?);
        self.queue.ready.notify_one();
        Ok(Asked { told, wanted })
    }

    fn start(&self) -> bool {
        let begin = |number: usize| {
            let queue = Arc::clone(&self.queue);
            let thread = thread::Builder::new().name(format!("{}-{number}", self.name));
            let begun = thread.spawn(move || check_all(&queue));
            if let Err(error) = &begun {
                tracing::error!(%error, "a thread that checks passwords could not be started");
            }
            begun.is_ok()
        };
        (0..self.threads).filter(|number| begin(*number)).count() > 0
    }
}

/// Checks what comes until nobody asks any more.
fn check_all(queue: &Queue) {
    while let Some(Job { users, credentials, verdict, .. }) = queue.next() {
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
