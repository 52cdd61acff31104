use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::backend::{Endpoint, Endpoints, Protocol};
use crate::balance::{Mode, Sticky};
use crate::request::Fields;

struct Lines<'l>(&'l [(&'l str, &'l str)]);

impl Fields for Lines<'_> {
    fn each<'f>(&'f self, name: &str, with: &mut dyn FnMut(&'f [u8])) {
        self.0.iter().filter(|(line, _)| line.eq_ignore_ascii_case(name)).for_each(|(_, value)| with(value.as_bytes()));
    }
}

fn request<'r>(fields: &'r Lines<'r>) -> Request<'r> {
    Request {
        method: b"GET",
        secure: false,
        host: "mill.test",
        authority: b"mill.test",
        path: b"/",
        query: None,
        uri: b"/",
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        fields,
    }
}

fn backend(endpoints: u16) -> Backend {
    let list = (0..endpoints).map(|n| Arc::new(Endpoint::new(u64::from(n), ([10, 0, 0, 1], 80 + n).into())));
    Backend::new(1, "mill/flour:80".into(), Protocol::Http1, Arc::new(Endpoints { list: list.collect() }))
}

fn canary(share: Share) -> Canary {
    Canary { backend: Arc::new(backend(1)), settings: None, share, sticks: true }
}

fn share(says: Option<Says>, weight: u32) -> Share {
    let header = says.map(|says| HeaderRule { name: "x-canary".into(), says });
    Share { header, cookie: Some("canary".into()), total: 100, weight }
}

/// Whether it takes a request with these fields, with the luck of the first and of the last.
fn takes(canary: &Canary, fields: &[(&str, &str)]) -> (bool, bool) {
    let lines = Lines(fields);
    let takes = |chance| canary.takes(&request(&lines), &backend(1), || chance);
    (takes(0), takes(u64::MAX))
}

const YES: (bool, bool) = (true, true);
const NO: (bool, bool) = (false, false);
/// The next rule decides: here, chance.
const LUCK: (bool, bool) = (true, false);

#[test]
fn a_header_decides_before_a_cookie_and_a_cookie_before_chance() {
    let pattern = |text| Some(Says::pattern(text).unwrap());
    let value = || Some(Says::Value("blue".into()));
    for (says, header, cookie, taken) in [
        (Some(Says::Word), "", "", LUCK),
        (Some(Says::Word), "always", "canary=never", YES),
        (Some(Says::Word), "never", "canary=always", NO),
        (Some(Says::Word), "Always", "", LUCK),
        (Some(Says::Word), "other", "canary=always", YES),
        (Some(Says::Word), "other", "a=b; canary=never", NO),
        (Some(Says::Word), "other", "canary=true", LUCK),
        (None, "always", "", LUCK),
        (value(), "blue", "canary=never", YES),
        (value(), "green", "", LUCK),
        (value(), "always", "", LUCK),
        (value(), "never", "canary=always", YES),
        (pattern("b(l|r)"), "able", "canary=never", YES),
        (pattern("^b"), "able", "", LUCK),
        (pattern("B"), "able", "", LUCK),
        (pattern("x"), "never", "", LUCK),
    ] {
        let fields = [("X-Canary", header), ("Cookie", cookie)];
        let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let canary = canary(share(says.clone(), 50));
        assert_eq!(takes(&canary, &fields), taken, "{says:?} {header} {cookie}");
    }
}

#[test]
fn patterns_that_cost_too_much_or_cannot_be_searched_for_in_linear_time_are_refused() {
    for text in ["(", "(?=a)", r"(a)\1", "((a{99}){99}){99}", &"a".repeat(MAX_PATTERN_BYTES + 1)] {
        assert_eq!(Says::pattern(text), Err(BadPattern), "{text}");
    }
    let Says::Pattern(slow) = Says::pattern("(a+)+$").unwrap() else { panic!() };
    assert!(!slow.is_match(&[b"a".repeat(100_000), b"!".to_vec()].concat()));
}

#[test]
fn a_canary_without_endpoints_takes_nothing() {
    let canary = Canary { backend: Arc::new(backend(0)), ..canary(share(Some(Says::Word), 100)) };
    assert_eq!(takes(&canary, &[("X-Canary", "always")]), NO);
}

#[test]
fn a_client_that_is_stuck_stays_unless_the_canary_decides_each_time() {
    let sticky = Sticky::new("route", Mode::Balanced, 7);
    let main = backend(1).bound_by(Some(Affinity::Sticky(sticky)));
    for (cookie, header, sticks, taken) in [
        ("route=00000000000000f0", "always", true, false),
        ("route=00000000000000f1", "never", true, true),
        ("route=00000000000000f0", "always", false, true),
        ("route=00000000000000f1", "never", false, false),
        ("route=new", "always", true, true),
        ("other=00000000000000f0", "always", true, true),
    ] {
        let canary = Canary { sticks, ..canary(share(Some(Says::Word), 0)) };
        let lines = [("Cookie", cookie), ("X-Canary", header)];
        let taken_now = canary.takes(&request(&Lines(&lines)), &main, || 0);
        assert_eq!(taken_now, taken, "{cookie} {header} {sticks}");
        assert_eq!(canary.takes(&request(&Lines(&lines)), &backend(1), || 0), header == "always", "no sessions");
    }
}

proptest! {
    /// Of all chances, the canary takes its weight's share, to within one part in 2^32.
    #[test]
    fn the_weight_is_a_share_of_the_total(weight in 0_u32..=200, total in 100_u32..=200) {
        let canary = canary(Share { weight, total, ..Share::default() });
        let lines = Lines(&[]);
        let takes = |chance: u64| canary.takes(&request(&lines), &backend(1), || chance);
        let edge = (u64::from(weight.min(total)) << 32) / u64::from(total);
        prop_assert!(weight == 0 || takes(edge.saturating_sub(1) << 32));
        prop_assert!(weight >= total || !takes((edge + 1) << 32));
        prop_assert_eq!(takes(u64::MAX), weight >= total);
    }
}
