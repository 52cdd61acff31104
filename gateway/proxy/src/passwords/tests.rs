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
    Arc::new(Users::new(version, [(b"zoe"[..].into(), hash)]))
}

/// Takes every place that is left.
fn fill(passwords: &Passwords) -> Vec<Place> {
    (100..).map_while(|version| passwords.place(version).ok()).collect()
}

#[tokio::test]
async fn what_was_found_of_credentials_is_not_asked_for_again_until_it_is_old() {
    let (passwords, verdicts, now) = (Passwords::new("t", 2), Verdicts::default(), Instant::now());
    assert_eq!(verdicts.admit(&passwords, &users(1), credentials(RIGHT), now).await, Ok(true));
    assert_eq!(verdicts.admit(&passwords, &users(1), credentials(WRONG), now).await, Ok(false));
    let _places = fill(&passwords);
    assert_eq!(verdicts.admit(&passwords, &users(1), credentials(RIGHT), now).await, Ok(true));
    assert_eq!(verdicts.admit(&passwords, &users(1), credentials(WRONG), now).await, Ok(false));
    assert_eq!(verdicts.admit(&passwords, &users(2), credentials(RIGHT), now).await, Err(Busy), "another list");
    for value in [RIGHT, WRONG] {
        assert_eq!(verdicts.admit(&passwords, &users(1), credentials(value), now + LATER).await, Err(Busy), "{value}");
    }
}

#[tokio::test]
async fn who_asks_at_once_waits_for_one_check() {
    let (passwords, verdicts, now) = (Passwords::new("t", 2), Verdicts::default(), Instant::now());
    let list = users(1);
    let ask = || verdicts.admit(&passwords, &list, credentials(RIGHT), now);
    let first = ask();
    let mut first = std::pin::pin!(first);
    assert!(futures_poll(first.as_mut()).await.is_none(), "it is not checked on this thread");
    let _places = fill(&passwords);
    assert_eq!(ask().await, Ok(true));
    assert_eq!(first.await, Ok(true));
}

/// What a future comes to when it is asked once.
async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
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
async fn one_list_of_users_cannot_take_every_place() {
    let passwords = Passwords::new("t", 2);
    let of_one: Vec<Place> = std::iter::from_fn(|| passwords.place(1).ok()).collect();
    assert_eq!(of_one.len(), WAITING_FOR_ONE);
    let (verdicts, now) = (Verdicts::default(), Instant::now());
    assert_eq!(verdicts.admit(&passwords, &users(1), credentials(RIGHT), now).await, Err(Busy));
    assert_eq!(verdicts.admit(&passwords, &users(2), credentials(RIGHT), now).await, Ok(true));
    drop(of_one);
    assert_eq!(verdicts.admit(&passwords, &users(1), credentials(RIGHT), now).await, Ok(true));
}
