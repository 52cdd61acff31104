//! Bounds of one route: content, waiting, tries.

use super::case::{Case, Exchange, Saw};

pub(super) const CASES: &[Case] = &[
    Case {
        proves: &["proxy-body-size"],
        what: "content may be as long as the annotation says and no longer",
        annotations: &[("proxy-body-size", "4b")],
        exchanges: &[
            Exchange { sends: &["POST /"], content: "1234", saw: Saw::Main(&["POST / "]), ..Exchange::PLAIN },
            Exchange { sends: &["POST /"], content: "12345", gets: &["413"], saw: Saw::Nothing, ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["proxy-read-timeout"],
        what: "a backend that takes longer than the route waits is given up",
        annotations: &[("proxy-read-timeout", "1"), ("proxy-next-upstream-tries", "1")],
        exchanges: &[Exchange {
            sends: &["GET /silence"],
            gets: &["504"],
            saw: Saw::Main(&["GET /silence "]),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        proves: &["proxy-next-upstream-tries"],
        what: "a bound that cannot be read is as if it were not written",
        annotations: &[("proxy-next-upstream-tries", "many"), ("proxy-body-size", "1 MB")],
        exchanges: &[Exchange::PLAIN],
        ..Case::PLAIN
    },
];
