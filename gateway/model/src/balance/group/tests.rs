use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::load::WHOLE;
use super::super::{Mode, key};
use super::*;
use crate::backend::{Backend, Endpoints, Protocol};

const ANY: [By<'static>; 6] = [
    By::Method(Method::RoundRobin),
    By::Method(Method::LeastRequests),
    By::Method(Method::Random),
    By::Method(Method::PeakEwma),
    By::Key(0x1234_5678_9abc_def0),
    By::Session(0x1234_5678_9abc_def0),
];

#[derive(Debug)]
struct Member {
    endpoint: Arc<Endpoint>,
    load: Load,
}

impl Candidate for Member {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn load(&self) -> &Load {
        &self.load
    }
}

/// A group, and the dice it is asked with.
struct Bench {
    group: Group<Member>,
    random: u64,
    now: Moment,
    most: u32,
    tried: Vec<u64>,
}

fn endpoint(n: u16) -> Arc<Endpoint> {
    Arc::new(Endpoint::new(u64::from(n), ([10, 0, (n >> 8) as u8, n as u8], 80).into()))
}

fn members(endpoints: impl IntoIterator<Item = Arc<Endpoint>>) -> Vec<Member> {
    endpoints.into_iter().map(|endpoint| Member { endpoint, load: Load::default() }).collect()
}

fn seconds(seconds: u64) -> Moment {
    Moment::from_micros(seconds * 1_000_000)
}

impl Bench {
    fn new(count: u16) -> Self {
        let group = Group::new(members((0..count).map(endpoint)), 0);
        Self { group, random: 1, now: seconds(1), most: u32::MAX, tried: Vec::new() }
    }

    fn choose(&mut self, by: By<'_>) -> Result<(usize, bool), Nobody> {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let in_flight = self.group.members.iter().map(|member| member.load.in_flight()).sum();
        let random = super::super::ring::spread(self.random);
        let ask = Ask { now: self.now, random, most: self.most, in_flight, tried: &self.tried };
        let Chosen { member, panic } = self.group.choose(by, &ask)?;
        Ok((member.endpoint.id as usize, panic))
    }

    /// How often each is chosen.
    fn counts(&mut self, by: By<'_>, times: usize) -> Vec<usize> {
        let mut counts = vec![0; self.group.members.len()];
        for _ in 0..times {
            counts[self.choose(by).unwrap().0] += 1;
        }
        counts
    }

    fn eject(&self, which: impl IntoIterator<Item = usize>) {
        // As a backend does that still had enough others.
        let others = (1000..2000).map(endpoint);
        let list = self.group.members.iter().map(|member| Arc::clone(&member.endpoint)).chain(others).collect();
        let backend = Backend::new(1, "mill/flour:80".into(), Protocol::Http1, Arc::new(Endpoints { list }));
        for at in which {
            let endpoint = &self.group.members[at].endpoint;
            assert!((0..5).any(|_| backend.failed(endpoint, self.now)));
        }
    }

    fn load(&self, at: usize) -> &Load {
        &self.group.members[at].load
    }
}

#[test]
fn nobody_is_asked_when_there_is_nobody() {
    for by in ANY {
        assert_eq!(Bench::new(0).choose(by), Err(Nobody::NoEndpoints), "{by:?}");
    }
}

#[test]
fn an_only_endpoint_is_asked_whatever_the_method() {
    for by in ANY {
        assert_eq!(Bench::new(1).choose(by), Ok((0, false)), "{by:?}");
    }
}

#[test]
fn an_ejected_endpoint_is_passed_over_and_the_others_share_what_it_had() {
    for by in ANY {
        let mut bench = Bench::new(4);
        bench.eject([2]);
        assert_eq!(bench.counts(by, 300)[2], 0, "{by:?}");
    }
    let mut bench = Bench::new(4);
    bench.eject([2]);
    assert_eq!(bench.counts(ANY[0], 300), [100, 100, 0, 100]);
    bench.now = seconds(12);
    assert_eq!(bench.counts(ANY[0], 400), [100, 100, 100, 100]);
}

#[test]
fn with_fewer_than_half_left_all_are_asked_again() {
    for by in &ANY[..4] {
        let mut bench = Bench::new(5);
        bench.eject([0, 1]);
        let counts = bench.counts(*by, 400);
        assert!(counts[0] + counts[1] == 0, "{by:?} {counts:?}");
        bench.eject([2]);
        let counts = bench.counts(*by, 400);
        assert!(counts.iter().all(|count| *count > 30), "{by:?} {counts:?}");
    }
    let mut bench = Bench::new(1);
    bench.eject([0]);
    assert_eq!(bench.choose(ANY[0]), Ok((0, true)), "nobody is told that there is nobody because all are ejected");
}

#[test]
fn an_endpoint_with_as_much_as_it_may_have_is_passed_over() {
    for by in ANY {
        let mut bench = Bench::new(3);
        bench.most = 2;
        (0..2).for_each(|_| bench.load(1).begin());
        assert_eq!(bench.counts(by, 100)[1], 0, "{by:?}");
        for at in [0, 0, 2, 2] {
            bench.load(at).begin();
        }
        assert_eq!(bench.choose(by), Err(Nobody::Full), "{by:?}");
        bench.load(1).end();
        assert_eq!(bench.choose(by), Ok((1, false)), "{by:?}");
    }
}

#[test]
fn an_endpoint_that_was_tried_is_not_tried_again() {
    for by in ANY {
        let mut bench = Bench::new(3);
        let mut asked = BTreeSet::new();
        for _ in 0..3 {
            let (at, _) = bench.choose(by).unwrap();
            assert!(asked.insert(at), "{by:?}");
            bench.tried.push(at as u64);
        }
        assert_eq!(bench.choose(by), Err(Nobody::Tried), "{by:?}");
    }
}

#[test]
fn the_less_busy_and_the_quicker_of_two_is_asked() {
    let mut bench = Bench::new(2);
    (0..3).for_each(|_| bench.load(0).begin());
    (0..2).for_each(|_| bench.load(1).begin());
    assert_eq!(bench.counts(By::Method(Method::LeastRequests), 50), [0, 50]);

    bench.load(0).observe(1_000, bench.now);
    bench.load(1).observe(9_000, bench.now);
    assert_eq!(bench.counts(By::Method(Method::PeakEwma), 50), [50, 0]);
    // Nobody keeps a slow endpoint away for ever.
    (0..30).for_each(|_| bench.load(0).begin());
    assert_eq!(bench.counts(By::Method(Method::PeakEwma), 50), [0, 50]);
}

#[test]
fn a_new_endpoint_gets_a_tenth_at_first_whatever_the_method() {
    for method in [Method::RoundRobin, Method::Random, Method::LeastRequests, Method::PeakEwma] {
        let mut bench = Bench::new(2);
        (0..2).for_each(|at| bench.load(at).observe(1_000, bench.now));
        let grown = members((0..3).map(endpoint));
        grown.iter().take(2).for_each(|member| member.load.observe(1_000, bench.now));
        bench.group.replace(grown, bench.now);
        let counts = bench.counts(By::Method(method), 1_000);
        assert!(counts[2] < 110, "{method:?} {counts:?}");
        bench.now = seconds(12);
        let counts = bench.counts(By::Method(method), 1_000);
        assert!(counts[2] > 200, "{method:?} {counts:?}");
    }
    let mut bench = Bench::new(0);
    bench.group.replace(members((0..2).map(endpoint)), bench.now);
    assert_eq!(bench.load(0).share(bench.now), WHOLE, "where there was nobody, nobody is spared");
}

#[test]
fn a_key_stays_with_its_endpoint_and_moves_on_only_when_that_is_loaded() {
    let mut bench = Bench::new(4);
    let by = By::Key(key(b"203.0.113.7"));
    let (home, _) = bench.choose(by).unwrap();
    for _ in 0..10 {
        assert_eq!(bench.choose(by), Ok((home, false)));
    }
    (0..15).for_each(|_| bench.load(home).begin());
    assert_eq!(bench.choose(by), Ok((home, false)), "that is no load");
    bench.load(home).begin();
    assert_ne!(bench.choose(by).unwrap().0, home, "it has all that there is");
    let session = By::Session(key(b"203.0.113.7"));
    assert_eq!(bench.choose(session), Ok((home, false)), "a session stays");
    (0..4).for_each(|at| (0..16).for_each(|_| bench.load(at).begin()));
    (0..16).for_each(|_| bench.load(home).end());
    assert_eq!(bench.choose(by), Ok((home, false)));
}

#[test]
fn a_session_stays_with_its_endpoint_while_that_exists_and_works() {
    let sticky = Sticky::new("route", Mode::Persistent, 5);
    let mut bench = Bench::new(4);
    let token = sticky.token(bench.group.members[2].endpoint.key);
    let by = By::Token(&sticky, token, Method::RoundRobin);
    assert_eq!(bench.counts(by, 20), [0, 0, 20, 0]);
    assert!(bench.group.knows(&sticky, token));
    // New endpoints change nothing.
    bench.group.replace(members((0..9).map(endpoint)), bench.now);
    assert_eq!(bench.counts(by, 20)[2], 20);
    bench.eject([2]);
    assert!(bench.counts(by, 20)[2] == 0 && bench.group.knows(&sticky, token), "it is away, not gone");
    bench.group.replace(members((3..9).map(endpoint)), bench.now);
    assert!(bench.choose(by).is_ok() && !bench.group.knows(&sticky, token));
}

#[test]
fn a_subset_of_endpoints_shares_the_requests_of_a_key() {
    let mut bench = Bench::new(9);
    let by = |name: &[u8]| By::Subset(key(name), 3);
    let counts = bench.counts(by(b"blue"), 300);
    let asked: Vec<usize> = (0..9).filter(|at| counts[*at] > 0).collect();
    assert_eq!(asked.len(), 3, "{counts:?}");
    assert_eq!(bench.counts(by(b"blue"), 300).iter().filter(|count| **count > 0).count(), 3);
    bench.eject([asked[0]]);
    let counts = bench.counts(by(b"blue"), 300);
    assert!(counts[asked[0]] == 0 && counts[asked[1]] > 0 && counts[asked[2]] > 0, "{counts:?}");
    assert_eq!(Bench::new(2).counts(by(b"blue"), 300).iter().filter(|count| **count > 0).count(), 2);
    assert!(Bench::new(0).choose(by(b"blue")).is_err());
}

proptest! {
    /// Wherever a thread starts, any two endpoints are asked equally often, give or take once.
    #[test]
    fn every_endpoint_gets_its_turn(count in 1_u16..50, start: u64, requests in 1_usize..500) {
        let mut bench = Bench::new(count);
        bench.group = Group::new(members((0..count).map(endpoint)), start);
        let counts = bench.counts(By::Method(Method::RoundRobin), requests);
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
    }

    /// Whatever keys come and requests end, no endpoint is given more than a quarter above the mean, rounded up; and
    /// there is always one to ask.
    #[test]
    fn keys_never_load_an_endpoint_beyond_the_bound(
        count in 1_u16..20,
        keys in prop::collection::vec((0_u64..6, 0_u8..3), 1..500),
        ejected in 0_usize..9,
    ) {
        let mut bench = Bench::new(count);
        bench.eject((0..usize::from(count)).take(ejected.min(usize::from(count) / 2)));
        let mut open = Vec::new();
        for (key, ends) in keys {
            for _ in 0..ends.saturating_sub(1) {
                if let Some(at) = open.pop() {
                    let load: &Load = bench.load(at);
                    load.end();
                }
            }
            let (at, _) = bench.choose(By::Key(super::super::ring::spread(key))).unwrap();
            bench.load(at).begin();
            open.push(at);
            let takers = bench.group.members.iter().filter(|one| !one.endpoint.health.is_ejected(bench.now)).count();
            let bound = 16.max((open.len() as f64 * 1.25 / takers as f64).ceil() as u32);
            prop_assert!(bench.load(at).in_flight() <= bound, "{} of {}", bench.load(at).in_flight(), open.len());
        }
    }

    /// Whatever is ejected, full or tried, an endpoint that is chosen is none of these, unless ejections are not honoured.
    #[test]
    fn only_endpoints_that_may_be_asked_are_chosen(
        count in 1_u16..12,
        method in 0_usize..6,
        states in prop::collection::vec((any::<bool>(), 0_u32..3, any::<bool>()), 12),
    ) {
        let mut bench = Bench::new(count);
        bench.most = 2;
        for (at, (ejects, busy, tried)) in states.iter().enumerate().take(usize::from(count)) {
            if *ejects { bench.eject([at]) }
            (0..*busy).for_each(|_| bench.load(at).begin());
            if *tried { bench.tried.push(at as u64) }
        }
        let left = states.iter().take(usize::from(count)).filter(|state| !state.0).count();
        let may = |(ejected, busy, tried): &(bool, u32, bool)| {
            (!ejected || left * 2 < usize::from(count)) && *busy < 2 && !tried
        };
        match bench.choose(ANY[method]) {
            Ok((at, _)) => prop_assert!(may(&states[at])),
            Err(_) => prop_assert!(!states.iter().take(usize::from(count)).any(may)),
        }
    }
}
