//! What goes wrong, told in log lines: one at most for each reason in a second, however often it happens. A data thread leaves word
//! and never writes itself; a thread of its own counts, and writes.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use crate::fault::{Blame, Fault};
use crate::proxy::Shared;

/// Between two lines of one reason.
const EVERY: Duration = Duration::from_secs(1);
/// Bytes of an example that are told: what a name may have, and some for what it may not.
const EXAMPLE_BYTES: usize = 300;

/// Something that a person may have to look after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incident {
    /// A request was refused or a response not finished.
    Fault(Fault),
    /// An endpoint is left out for a while.
    Ejected,
    /// The system gave no connection although a client had come.
    AcceptFailed,
    /// There is no configuration for the TLS that a client asks for.
    HandshakeUnconfigured,
}

/// Incidents that are no faults, in the order in which they are counted.
const OTHERS: [Incident; 3] = [Incident::Ejected, Incident::AcceptFailed, Incident::HandshakeUnconfigured];

impl Incident {
    fn index(self) -> usize {
        match self {
            Self::Fault(fault) => OTHERS.len() + fault.index(),
            other => OTHERS.iter().position(|incident| *incident == other).unwrap_or_default(),
        }
    }

    /// Every incident, by its index.
    fn all() -> impl Iterator<Item = Self> {
        OTHERS.into_iter().chain(Fault::all().map(Self::Fault))
    }

    fn told(self) -> Told {
        let told = |reason, text: &'static str| Told { reason, blame: Blame::Gateway, text: text.into() };
        match self {
            Self::Fault(fault) => Told::from(fault),
            Self::Ejected => Told {
                blame: Blame::Upstream,
                ..told("endpoint_ejected", "an endpoint is not asked for a while: it has failed too often in a row")
            },
            Self::AcceptFailed => {
                told("accept_failed", "a connection could not be accepted; it is tried again shortly")
            }
            Self::HandshakeUnconfigured => told("handshake_unconfigured", "a TLS handshake cannot be configured"),
        }
    }
}

/// What stands in a line whatever happened.
struct Told {
    reason: &'static str,
    blame: Blame,
    text: Cow<'static, str>,
}

impl From<Fault> for Told {
    fn from(fault: Fault) -> Self {
        let row = fault.row();
        let text = match fault {
            // The client is told less: whoever reads the log wants to know what it was.
            Fault::Refused(refusal) => refusal.to_string().into(),
            _ => row.text.into(),
        };
        Self { reason: row.name, blame: row.blame, text }
    }
}

/// One occurrence, for all of its second.
#[derive(Debug)]
struct Example {
    index: usize,
    client: Option<IpAddr>,
    detail: String,
}

/// What one line says.
#[derive(Debug, PartialEq, Eq)]
struct News {
    incident: Incident,
    /// Occurrences since the line before.
    count: u64,
    /// Whom the first of them happened to.
    client: Option<IpAddr>,
    /// And what it was about: a host, an endpoint, an error.
    detail: String,
}

/// What has happened since it was last told.
#[derive(Debug)]
pub(crate) struct Incidents {
    /// By index: whether there is an example since lines were last written.
    exemplified: Box<[AtomicBool]>,
    examples: SyncSender<Example>,
    /// Of those that are no faults; faults are counted by each thread.
    others: [AtomicU64; OTHERS.len()],
    told: Mutex<Past>,
}

/// What only whoever writes looks at.
#[derive(Debug)]
struct Past {
    examples: Receiver<Example>,
    /// By index: occurrences that lines were written for.
    counts: Vec<u64>,
}

impl Incidents {
    pub(crate) fn new() -> Self {
        let most = Incident::all().count();
        let (sender, examples) = sync_channel(most);
        Self {
            exemplified: (0..most).map(|_| AtomicBool::default()).collect(),
            examples: sender,
            others: Default::default(),
            told: Mutex::new(Past { examples, counts: vec![0; most] }),
        }
    }

    /// Leaves word of an incident. Only the first one in a second costs more than a look; nothing waits.
    pub(crate) fn note(&self, incident: Incident, client: Option<IpAddr>, detail: impl FnOnce() -> String) {
        let index = incident.index();
        if let Some(count) = self.others.get(index) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let Some(exemplified) = self.exemplified.get(index) else { return };
        if !exemplified.load(Ordering::Relaxed) && !exemplified.swap(true, Ordering::Relaxed) {
            // There is a place for each incident.
            let _ = self.examples.try_send(Example { index, client, detail: detail() });
        }
    }

    /// What has happened since this was last called; `faults` are the counts of all threads.
    fn news(&self, faults: &[(&'static str, u64)]) -> Vec<News> {
        let mut past = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the flags: whoever comes in between is an example for the next line.
        let examples: Vec<Example> = past.examples.try_iter().collect();
        self.exemplified.iter().for_each(|exemplified| exemplified.store(false, Ordering::Relaxed));
        let others = self.others.iter().map(|count| count.load(Ordering::Relaxed));
        let counts: Vec<u64> = others.chain(faults.iter().map(|(_, count)| *count)).collect();
        let mut news = Vec::new();
        for ((index, incident), (now, before)) in Incident::all().enumerate().zip(counts.iter().zip(&past.counts)) {
            let count = now.saturating_sub(*before);
            if count > 0 {
                let example = examples.iter().rev().find(|example| example.index == index);
                let client = example.and_then(|example| example.client);
                let detail = example.map(|example| example.detail.clone()).unwrap_or_default();
                news.push(News { incident, count, client, detail });
            }
        }
        past.counts = counts;
        news
    }

    /// Writes what has happened since this was last called.
    pub(crate) fn tell(&self, faults: &[(&'static str, u64)]) {
        self.news(faults).into_iter().for_each(|news| news.write());
    }
}

impl News {
    fn write(self) {
        let Told { reason, blame, text } = self.incident.told();
        let (count, detail) = (self.count, self.detail);
        let client = self.client.map(tracing::field::display);
        // What clients do wrong is nothing that anybody has to mend.
        match blame {
            Blame::Client => tracing::info!(reason, count, client, detail, "{text}"),
            Blame::Gateway | Blame::Upstream => tracing::warn!(reason, count, client, detail, "{text}"),
        }
    }
}

/// What a client sent as a text that can stand in a log.
pub(crate) fn example(bytes: &[u8]) -> String {
    bytes.get(..EXAMPLE_BYTES).unwrap_or(bytes).escape_ascii().to_string()
}

/// Writes once a second, until the proxy is gone.
///
/// # Errors
/// When there is no thread for it.
pub(crate) fn start(shared: Weak<Shared>) -> io::Result<()> {
    let body = move || {
        while let Some(shared) = shared.upgrade() {
            shared.tell_incidents();
            drop(shared);
            thread::sleep(EVERY);
        }
    };
    thread::Builder::new().name("incidents".to_owned()).spawn(body).map(drop)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use bulkhead_model::Denial;

    use super::*;

    const FAULT: Fault = Fault::Denied(Denial::NoRoute);
    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    /// Counts as threads would have them.
    fn counts(fault: Fault, count: u64) -> Vec<(&'static str, u64)> {
        Fault::all().map(|other| (other.row().name, if other == fault { count } else { 0 })).collect()
    }

    #[test]
    fn only_what_is_new_is_told_once_with_its_first_example() {
        let incidents = Incidents::new();
        assert_eq!(incidents.news(&counts(FAULT, 0)), []);
        for host in ["a.test", "b.test"] {
            incidents.note(Incident::Fault(FAULT), Some(CLIENT), || host.to_owned());
        }
        let news = |count, detail: &str, client| News {
            incident: Incident::Fault(FAULT),
            count,
            client,
            detail: detail.to_owned(),
        };
        assert_eq!(incidents.news(&counts(FAULT, 2)), [news(2, "a.test", Some(CLIENT))]);
        assert_eq!(incidents.news(&counts(FAULT, 2)), []);
        incidents.note(Incident::Fault(FAULT), Some(CLIENT), || "c.test".to_owned());
        assert_eq!(incidents.news(&counts(FAULT, 1002)), [news(1000, "c.test", Some(CLIENT))]);
        // A count without an example is told all the same.
        assert_eq!(incidents.news(&counts(FAULT, 1003)), [news(1, "", None)]);
    }

    #[test]
    fn every_incident_has_a_place_and_a_sentence_of_its_own() {
        let incidents = Incidents::new();
        for (index, incident) in Incident::all().enumerate() {
            assert_eq!(incident.index(), index, "{incident:?}");
            assert!(!incident.told().text.is_empty(), "{incident:?}");
            incidents.note(incident, None, || index.to_string());
        }
        let once: Vec<_> = Fault::all().map(|fault| (fault.row().name, 1)).collect();
        let news = incidents.news(&once);
        assert_eq!(news.len(), Incident::all().count());
        for (index, news) in news.iter().enumerate() {
            assert_eq!((news.count, news.detail.as_str()), (1, index.to_string().as_str()));
        }
    }

    #[test]
    fn an_example_cannot_begin_a_line_of_its_own() {
        assert_eq!(example(b"a\r\nb\x1b[2J\xff"), "a\\r\\nb\\x1b[2J\\xff");
        assert_eq!(example(&[b'a'; 9000]).len(), EXAMPLE_BYTES);
    }
}
