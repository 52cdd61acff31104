//! What one thread remembers of the checks that it has asked for, so that a client pays for its password once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bulkhead_model::authentication::{Credentials, Users};
use bulkhead_model::limits;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::{Asked, Busy, Passwords, Tag, Verdict};

/// How long right credentials are remembered. A list that changes is another list: this only bounds how long what a thief of memory
/// could find stays there.
const RIGHT: Duration = Duration::from_secs(300);
/// How long a verdict is waited for.
const LONGEST: Duration = limits::PASSWORD_TIME.time();
/// How long wrong ones are: a program with an old password tries again and again.
const WRONG: Duration = Duration::from_secs(10);
/// Most right ones, of a hundred bytes each: people of one route, many times over.
const MOST_RIGHT: usize = 4096;
/// Most wrong ones, and such as are being checked. Apart, so that those who guess push nobody out.
const MOST_OTHERS: usize = 512;

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// Until when.
    right: RefCell<HashMap<Tag, Instant>>,
    others: RefCell<HashMap<Tag, Other>>,
}

#[derive(Clone, Debug)]
enum Other {
    /// Until then.
    Wrong(Instant),
    /// Somebody waits for it already, or has until they left.
    Asked(watch::Receiver<Verdict>, Weak<()>),
}

impl Verdicts {
    /// Whether `users` let in who shows `credentials`, if that is remembered.
    pub(crate) fn known(
        &self,
        passwords: &Passwords,
        users: &Users,
        credentials: &Credentials,
        now: Instant,
    ) -> Option<bool> {
        match self.recall(&passwords.tag(users, credentials)?, now)? {
            Recalled::Known(is_right) => Some(is_right),
            Recalled::Asked(_) => None,
        }
    }

    /// Whether `users` let in who shows `credentials`.
    pub(crate) async fn admit(
        &self,
        passwords: &Passwords,
        users: &Arc<Users>,
        credentials: Credentials,
        now: Instant,
    ) -> Result<bool, Busy> {
        let tag = passwords.tag(users, &credentials);
        let Asked { mut told, wanted } = match tag.and_then(|tag| self.recall(&tag, now)) {
            Some(Recalled::Known(is_right)) => return Ok(is_right),
            Some(Recalled::Asked(asked)) => asked,
            None => {
                let asked = passwords.submit(users, credentials)?;
                if let Some(tag) = tag {
                    self.put_other(tag, Other::Asked(asked.told.clone(), Arc::downgrade(&asked.wanted)), now);
                }
                asked
            }
        };
        let verdict = match timeout(LONGEST, told.wait_for(Option::is_some)).await {
            Ok(Ok(verdict)) => *verdict,
            _ => None,
        };
        drop(wanted);
        let is_right = verdict.ok_or(Busy)?;
        if let Some(tag) = tag {
            self.remember(tag, is_right);
        }
        Ok(is_right)
    }

    fn recall(&self, tag: &Tag, now: Instant) -> Option<Recalled> {
        if self.right.borrow().get(tag).is_some_and(|until| now < *until) {
            return Some(Recalled::Known(true));
        }
        match self.others.borrow().get(tag)? {
            Other::Wrong(until) => (now < *until).then_some(Recalled::Known(false)),
            // One that nobody will answer any more is asked for anew: it was given up, or all have left who waited for it.
            Other::Asked(told, _) if told.has_changed().is_err() && told.borrow().is_none() => None,
            Other::Asked(told, wanted) => {
                Some(Recalled::Asked(Asked { told: told.clone(), wanted: wanted.upgrade()? }))
            }
        }
    }

    fn remember(&self, tag: Tag, is_right: bool) {
        let now = Instant::now();
        if !is_right {
            self.put_other(tag, Other::Wrong(now + WRONG), now);
            return;
        }
        self.others.borrow_mut().remove(&tag);
        let mut right = self.right.borrow_mut();
        if right.len() >= MOST_RIGHT {
            right.retain(|_, until| now < *until);
        }
        if right.len() >= MOST_RIGHT {
            right.clear();
        }
        right.insert(tag, now + RIGHT);
    }

    fn put_other(&self, tag: Tag, other: Other, now: Instant) {
        let mut others = self.others.borrow_mut();
        if others.len() >= MOST_OTHERS {
            others.retain(|_, other| matches!(other, Other::Wrong(until) if now < *until));
        }
        if others.len() >= MOST_OTHERS {
            others.clear();
        }
        others.insert(tag, other);
    }
}

enum Recalled {
    Known(bool),
    Asked(Asked),
}
