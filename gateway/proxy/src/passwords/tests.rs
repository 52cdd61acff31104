use std::time::Duration;

use bulkhead_model::password::PasswordHash;
use bulkhead_model::request::Fields;
use tokio::time::Instant;

use super::*;

/// zoe:hunter2
const RIGHT: &str = "Basic em9lOmh1bnRlcjI=";
/// zoe:wrong
const WRONG: &str = "Basic em9lOndyb25n";
/// Longer than anything is remembered.
const LATER: Duration = Duration::from_secs(3600);

struct Authorization(&'static str);

impl Fields for Authorization {
    fn each<'f>(&'f self, _: &str, with: &mut dyn FnMut(&'f [u8])) {
        with(self.0.as_bytes());
    }
}

fn credentials(value: &'static str) -> Credentials {
    Credentials::of(&Authorization(value)).unwrap()
}

/// A list with zoe in it.
fn users(version: u64) -> Arc<Users> {
    let hash = PasswordHash::parse(b"$2y$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.").unwrap();
    Arc::new(Users::new("mill".into(), version, [(b"zoe"[..].into(), hash)]))
}

/// Where nobody checks: everything waits.
fn idle() -> Passwords {
    let passwords = Passwords::new("t", 2);
    passwords.started.set(true).unwrap();
    passwords
}

/// Checks what waits, and returns how much that was.
fn check(passwords: &Passwords) -> usize {
    let mut checked = 0;
    loop {
        let Some(job) = lock(&passwords.queue.turns).turns.pop() else { return checked };
        if job.is_wanted() {
            job.verdict.send_replace(Some(job.users.admit(&job.credentials)));
            checked += 1;
        }
    }
}

/// Takes every place that one list can have.
fn fill(passwords: &Passwords, list: u64) -> Vec<Asked> {
    std::iter::from_fn(|| passwords.submit(&users(list), credentials(WRONG)).ok()).take(1000).collect()
}

#[tokio::test]
async fn what_was_found_of_credentials_is_not_asked_for_again_until_it_is_old() {
    let (passwords, verdicts, now) = (Passwords::new("t", 2), Verdicts::default(), Instant::now());
    assert_eq!(verdicts.admit(&passwords, &users(1), credentials(RIGHT), now).await, Ok(true));
    assert_eq!(verdicts.admit(&passwords, &users(1), credentials(WRONG), now).await, Ok(false));
    // Nobody checks any more.
    let mut idle = idle();
    idle.key.clone_from(&passwords.key);
    assert_eq!(verdicts.admit(&idle, &users(1), credentials(RIGHT), now).await, Ok(true));
    assert_eq!(verdicts.admit(&idle, &users(1), credentials(WRONG), now).await, Ok(false));
    let asked_anew = |list: u64, value, now| {
        let idle = &idle;
        let verdicts = &verdicts;
        async move { poll(std::pin::pin!(verdicts.admit(idle, &users(list), credentials(value), now))).await.is_none() }
    };
    assert!(asked_anew(2, RIGHT, now).await, "another list");
    for value in [RIGHT, WRONG] {
        assert!(asked_anew(1, value, now + LATER).await, "{value}");
    }
}

#[tokio::test]
async fn who_asks_at_once_waits_for_one_check() {
    let (passwords, verdicts, now) = (idle(), Verdicts::default(), Instant::now());
    let list = users(1);
    let ask = || verdicts.admit(&passwords, &list, credentials(RIGHT), now);
    let (mut first, mut second) = (Box::pin(ask()), Box::pin(ask()));
    assert!(poll(first.as_mut()).await.is_none() && poll(second.as_mut()).await.is_none());
    // Whoever stays still waits for it.
    drop(first);
    assert_eq!(check(&passwords), 1);
    assert_eq!(second.await, Ok(true));
}

/// What a future comes to when it is asked once.
async fn poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        std::task::Poll::Ready(match polled {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_check_that_nobody_waits_for_is_not_done() {
    let (passwords, verdicts, now) = (idle(), Verdicts::default(), Instant::now());
    let list = users(1);
    let mut gone = Box::pin(verdicts.admit(&passwords, &list, credentials(RIGHT), now));
    assert!(poll(gone.as_mut()).await.is_none());
    drop(gone);
    assert_eq!(check(&passwords), 0);
    // Who comes back is not told of the one that was not done.
    let mut again = Box::pin(verdicts.admit(&passwords, &list, credentials(RIGHT), now));
    assert!(poll(again.as_mut()).await.is_none());
    assert_eq!(check(&passwords), 1);
    assert_eq!(again.await, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn a_check_is_not_waited_for_longer_than_there_is_patience() {
    let (passwords, verdicts, now) = (idle(), Verdicts::default(), Instant::now());
    assert_eq!(verdicts.admit(&passwords, &users(1), credentials(RIGHT), now).await, Err(Busy));
    assert_eq!(now.elapsed().as_secs(), 5);
    assert_eq!(check(&passwords), 0, "nobody waits for it");
}

#[tokio::test]
async fn a_thread_that_checks_passes_over_what_nobody_waits_for() {
    let passwords = idle();
    drop(passwords.submit(&users(1), credentials(WRONG)));
    let asked = passwords.submit(&users(2), credentials(RIGHT)).unwrap();
    let next = passwords.queue.next().unwrap();
    assert_eq!(next.users.version, 2);
    drop((next, asked));
    lock(&passwords.queue.turns).ended = true;
    assert!(passwords.queue.next().is_none());
}

#[tokio::test]
async fn one_list_of_users_cannot_take_every_place() {
    let (passwords, verdicts, now) = (idle(), Verdicts::default(), Instant::now());
    let of_one = fill(&passwords, 1);
    assert_eq!(of_one.len(), bulkhead_model::limits::PASSWORDS_EACH.size());
    for _ in 0..10 * of_one.len() {
        assert_eq!(verdicts.admit(&passwords, &users(1), credentials(RIGHT), now).await, Err(Busy));
    }
    let _others: Vec<Vec<Asked>> = (2..5).map(|list| fill(&passwords, list)).collect();
    let list = users(9);
    let mut other = Box::pin(verdicts.admit(&passwords, &list, credentials(RIGHT), now));
    assert!(poll(other.as_mut()).await.is_none(), "there is a place for whoever has none");
    // It is among the first to be checked.
    let first: Vec<u64> = (0..5).map(|_| lock(&passwords.queue.turns).turns.pop().unwrap().users.version).collect();
    assert_eq!(first, [1, 2, 3, 4, 9]);
    drop(of_one);
    let mut back = Box::pin(verdicts.admit(&passwords, &list, credentials(WRONG), now));
    assert!(poll(back.as_mut()).await.is_none());
}
