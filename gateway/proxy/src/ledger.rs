//! What came of the requests of every Ingress, counted only where a lane asks for it. Each thread has entries of its own, which it alone
//! writes; a scrape reads them and adds up what different threads know of the same requests.

mod shares;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::shares::Shares;
use crate::tally::{Counter, Histogram};

/// Upper bounds of the buckets of durations, in microseconds: the default of clients of Prometheus, and so of ingress-nginx.
pub const BOUNDS_US: [u64; 11] =
    [5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000];
/// Most entries of a thread. Each is about 0.5 KiB here, and 6 KiB on the page.
const MOST: usize = 2048;
/// Most of them for one Ingress: services, methods and statuses of most are a few dozen. What finds no room is told apart by the
/// class of its status alone.
const MOST_EACH: usize = 128;
/// How long an entry is kept that nothing is added to, in seconds, once there are [`MOST`].
const IDLE: u64 = 600;
/// How often it is looked for such, in seconds.
const SWEEP: u64 = 10;
/// Methods that are told apart (RFC 9110 §9.3, RFC 5789). Whatever else clients write is one.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
/// What other methods are called.
const OTHER: &str = "OTHER";

/// What is told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels {
    /// Host of the rule, `_` for every other; empty: hosts are not told apart.
    pub host: String,
    /// `namespace/name` of the Ingress.
    pub ingress: String,
    /// `namespace/name:port` of the Service; empty: there is none.
    pub service: String,
    /// The same of the canary that was asked instead; empty: none was.
    pub canary: String,
    /// Method, or `OTHER`.
    pub method: &'static str,
    /// Status of the response; 499 where none was begun.
    pub status: Status,
}

/// A status, or the class of those that are not told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Status(u16);

impl Status {
    /// This one.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        Self(status)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 < 10 { write!(f, "{}xx", self.0) } else { write!(f, "{}", self.0) }
    }
}

/// What came of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// From the complete head of a request to the end of its response.
    pub durations: Histogram,
    /// From when an endpoint was asked to the end of its response, of requests that one was asked for.
    pub upstream: Histogram,
    /// Bytes of requests, heads included.
    pub request_bytes: u64,
    /// Bytes of the content of responses.
    pub response_bytes: u64,
}

impl Default for Account {
    fn default() -> Self {
        let histogram = Histogram { bounds_us: &BOUNDS_US, counts: vec![0; BOUNDS_US.len() + 1], sum_us: 0 };
        Self { durations: histogram.clone(), upstream: histogram, request_bytes: 0, response_bytes: 0 }
    }
}

/// One request that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deed<'d> {
    pub(crate) host: &'d [u8],
    pub(crate) ingress: &'d [u8],
    pub(crate) service: &'d [u8],
    pub(crate) canary: &'d [u8],
    pub(crate) method: &'d [u8],
    pub(crate) status: u16,
    pub(crate) took_us: u64,
    pub(crate) upstream_us: Option<u64>,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
}

/// Requests that have all labels in common.
#[derive(Debug)]
struct Entry {
    labels: Labels,
    durations: Durations,
    upstream: Durations,
    request_bytes: Counter,
    response_bytes: Counter,
    /// When something was last added, in seconds.
    last: Counter,
}

#[derive(Debug, Default)]
struct Durations {
    counts: [Counter; BOUNDS_US.len() + 1],
    sum_us: Counter,
}

impl Durations {
    fn add(&self, us: u64) {
        let bucket = BOUNDS_US.iter().take_while(|bound| us > **bound).count();
        if let Some(counter) = self.counts.get(bucket) {
            counter.add(1);
        }
        self.sum_us.add(us);
    }

    fn add_to(&self, sum: &mut Histogram) {
        for (total, counter) in sum.counts.iter_mut().zip(&self.counts) {
            *total += counter.get();
        }
        sum.sum_us += self.sum_us.get();
    }
}

impl Entry {
    fn add(&self, deed: &Deed<'_>, now: u64) {
        self.durations.add(deed.took_us);
        if let Some(us) = deed.upstream_us {
            self.upstream.add(us);
        }
        self.request_bytes.add(deed.request_bytes);
        self.response_bytes.add(deed.response_bytes);
        self.last.set(now);
    }

    fn add_to(&self, sum: &mut Account) {
        self.durations.add_to(&mut sum.durations);
        self.upstream.add_to(&mut sum.upstream);
        sum.request_bytes += self.request_bytes.get();
        sum.response_bytes += self.response_bytes.get();
    }

    fn is_idle(&self, now: u64) -> bool {
        now.saturating_sub(self.last.get()) >= IDLE
    }
}

/// One thread's entries, for whoever scrapes.
#[derive(Debug, Default)]
pub(crate) struct Book(Mutex<Vec<Arc<Entry>>>);

impl Book {
    /// Adds all of them to `sums`.
    pub(crate) fn add_to(&self, sums: &mut BTreeMap<Labels, Account>) {
        // Held only while pointers are copied: the thread may want to add an entry.
        let entries = self.entries().clone();
        for entry in entries {
            entry.add_to(sums.entry(entry.labels.clone()).or_default());
        }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Arc<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread's entries, for the thread.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: RefCell<HashMap<Box<[u8]>, Arc<Entry>>>,
    shares: RefCell<Shares>,
    key: RefCell<Vec<u8>>,
    swept: Cell<u64>,
}

impl Ledger {
    /// Adds a request at `now`, in seconds: where its Ingress has no room for what it was, to all of its Ingress that have the class
    /// of its status. Whether it was counted: it is not when there is no room for that either.
    pub(crate) fn add(&self, book: &Book, deed: &Deed<'_>, now: u64) -> bool {
        self.put(book, deed, now, MOST_EACH) || {
            let folded = Deed { host: b"", service: b"", canary: b"", method: b"", status: deed.status / 100, ..*deed };
            self.put(book, &folded, now, usize::MAX)
        }
    }

    fn put(&self, book: &Book, deed: &Deed<'_>, now: u64, most_each: usize) -> bool {
        let method = METHODS.into_iter().find(|known| known.as_bytes() == deed.method).unwrap_or(OTHER);
        let (mut key, mut entries) = (self.key.borrow_mut(), self.entries.borrow_mut());
        key.clear();
        // None of them has a NUL in it: they are names of Kubernetes, hosts and methods.
        for text in [deed.host, deed.ingress, deed.service, deed.canary, method.as_bytes()] {
            key.extend_from_slice(text);
            key.push(0);
        }
        key.extend_from_slice(&deed.status.to_le_bytes());
        if let Some(entry) = entries.get(key.as_slice()) {
            entry.add(deed, now);
            return true;
        }
        let mut shares = self.shares.borrow_mut();
        let is_full = entries.len() >= MOST || shares.of(deed.ingress) >= most_each;
        if is_full && now.saturating_sub(self.swept.replace(now)) >= SWEEP {
            retain(&mut entries, &mut shares, book, |entry| !entry.is_idle(now));
        }
        if shares.of(deed.ingress) >= most_each {
            return false;
        }
        if entries.len() >= MOST {
            let Some(giver) = shares.giver(deed.ingress) else { return false };
            let given = |entry: &&Arc<Entry>| entry.labels.ingress.as_bytes() == &*giver;
            let Some(oldest) = entries.values().filter(given).min_by_key(|entry| entry.last.get()).cloned() else {
                return false;
            };
            retain(&mut entries, &mut shares, book, |entry| !Arc::ptr_eq(entry, &oldest));
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let entry = Arc::new(Entry {
            labels: Labels {
                host: text(deed.host),
                ingress: text(deed.ingress),
                service: text(deed.service),
                canary: text(deed.canary),
                method,
                status: Status(deed.status),
            },
            durations: Durations::default(),
            upstream: Durations::default(),
            request_bytes: Counter::default(),
            response_bytes: Counter::default(),
            last: Counter::default(),
        });
        entry.add(deed, now);
        entries.insert(key.as_slice().into(), Arc::clone(&entry));
        shares.put(deed.ingress);
        book.entries().push(entry);
        true
    }
}

/// Keeps those, and gives up the rest.
fn retain(
    entries: &mut HashMap<Box<[u8]>, Arc<Entry>>,
    shares: &mut Shares,
    book: &Book,
    keep: impl Fn(&Arc<Entry>) -> bool,
) {
    entries.retain(|_, entry| {
        let is_kept = keep(entry);
        if !is_kept {
            shares.take(entry.labels.ingress.as_bytes());
        }
        is_kept
    });
    book.entries().retain(keep);
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEED: Deed<'static> = Deed {
        host: b"",
        ingress: b"mill/flour",
        service: b"mill/flour:80",
        canary: b"",
        method: b"GET",
        status: 200,
        took_us: 5_000,
        upstream_us: Some(4_000),
        request_bytes: 70,
        response_bytes: 1000,
    };

    fn sums(books: &[&Book]) -> BTreeMap<Labels, Account> {
        let mut sums = BTreeMap::new();
        books.iter().for_each(|book| book.add_to(&mut sums));
        sums
    }

    #[test]
    fn what_threads_count_of_the_same_requests_adds_up() {
        let (one, two) = (Book::default(), Book::default());
        for (book, took_us) in [(&one, 5_000), (&two, 5_001), (&two, 20_000_000)] {
            assert!(Ledger::default().add(book, &Deed { took_us, ..DEED }, 0));
        }
        let sums = sums(&[&one, &two]);
        let (labels, account) = sums.first_key_value().unwrap();
        assert_eq!(
            (sums.len(), labels.ingress.as_str(), labels.method, labels.status),
            (1, "mill/flour", "GET", Status(200))
        );
        assert_eq!(account.durations.counts, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((account.durations.sum_us, account.upstream.counts[0]), (20_010_001, 3));
        assert_eq!((account.request_bytes, account.response_bytes), (210, 3000));
    }

    #[test]
    fn methods_that_clients_make_up_are_one() {
        let (ledger, book) = (Ledger::default(), Book::default());
        for number in 0..MOST {
            assert!(ledger.add(&book, &Deed { method: format!("X{number}").as_bytes(), ..DEED }, 0));
        }
        assert_eq!(sums(&[&book]).into_keys().map(|labels| labels.method).collect::<Vec<_>>(), [OTHER]);
    }

    #[test]
    fn entries_are_bounded_and_make_room_when_nothing_is_added_to_them() {
        let (ledger, book) = (Ledger::default(), Book::default());
        let add =
            |number: usize, now| ledger.add(&book, &Deed { ingress: format!("a/{number}").as_bytes(), ..DEED }, now);
        (0..MOST).for_each(|number| assert!(add(number, 0)));
        assert!(!add(MOST, 0) && !add(MOST, IDLE - 1));
        // What there is goes on to be counted.
        assert!(add(0, IDLE - 1));
        assert!(add(MOST, IDLE + SWEEP));
        let ingresses: Vec<_> = sums(&[&book]).into_keys().map(|labels| labels.ingress).collect();
        assert_eq!(ingresses, ["a/0".to_owned(), format!("a/{MOST}")]);
    }

    #[test]
    fn who_has_many_entries_takes_none_from_who_has_few() {
        let (ledger, book) = (Ledger::default(), Book::default());
        // One answers everything there is, and then all Ingresses of its namespace do.
        for number in 0..2 * MOST_EACH as u16 {
            assert!(ledger.add(&book, &Deed { status: 400 + number, ..DEED }, 0));
        }
        let of_one = sums(&[&book]);
        assert_eq!(of_one.len(), MOST_EACH + 2, "and two classes");
        let folded: Vec<_> = of_one.keys().filter(|labels| labels.service.is_empty()).collect();
        assert!(folded.iter().all(|labels| labels.method == OTHER && labels.ingress == "mill/flour"));
        let classes: Vec<_> = folded.iter().map(|labels| labels.status.to_string()).collect();
        assert_eq!(classes, ["5xx", "6xx"]);
        for number in 0..MOST {
            for status in 400..500 {
                let ingress = format!("mill/{}", number % 60);
                ledger.add(&book, &Deed { ingress: ingress.as_bytes(), status, ..DEED }, 1);
            }
        }
        assert_eq!(sums(&[&book]).len(), MOST);
        for status in 500..500 + MOST_EACH as u16 {
            assert!(ledger.add(&book, &Deed { ingress: b"bakery/bread", status, ..DEED }, 2));
        }
        let sums = sums(&[&book]);
        assert_eq!(sums.len(), MOST);
        let of_other = sums.keys().filter(|labels| labels.ingress == "bakery/bread" && !labels.service.is_empty());
        assert_eq!(of_other.count(), MOST_EACH);
        // Two that have the same give up nothing to each other.
        assert!(!ledger.add(&book, &Deed { ingress: b"mill/1", status: 999, ..DEED }, 2));
    }
}
