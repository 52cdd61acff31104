//! Who may ask, by address.

use super::case::{Case, Exchange, Saw};

pub(super) const CASES: &[Case] = &[
    Case {
        proves: &["allowlist-source-range"],
        what: "only listed addresses are let in, by the client that a trusted proxy names",
        annotations: &[("allowlist-source-range", "10.0.0.0/8, 192.0.2.7")],
        exchanges: &[
            Exchange { sends: &["GET /", "X-Forwarded-For: 10.9.8.7"], ..Exchange::PLAIN },
            Exchange { sends: &["GET /", "X-Forwarded-For: 192.0.2.7"], ..Exchange::PLAIN },
            Exchange {
                sends: &["GET /", "X-Forwarded-For: 10.9.8.7, 192.0.2.8"],
                gets: &["403"],
                saw: Saw::Nothing,
                ..Exchange::PLAIN
            },
            Exchange { gets: &["403"], saw: Saw::Nothing, ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "the older name of the list counts where the newer is not written",
        annotations: &[("whitelist-source-range", "10.0.0.0/8")],
        exchanges: &[
            Exchange { sends: &["GET /", "X-Forwarded-For: 10.9.8.7"], ..Exchange::PLAIN },
            Exchange { gets: &["403"], saw: Saw::Nothing, ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "an empty list leaves what the older name says",
        annotations: &[("allowlist-source-range", ""), ("whitelist-source-range", "10.0.0.0/8")],
        exchanges: &[Exchange { gets: &["403"], saw: Saw::Nothing, ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
    Case {
        proves: &["denylist-source-range"],
        what: "who is shut out is shut out even if it is let in as well",
        annotations: &[("denylist-source-range", "10.1.0.0/16"), ("allowlist-source-range", "10.0.0.0/8")],
        exchanges: &[
            Exchange { sends: &["GET /", "X-Forwarded-For: 10.2.0.1"], ..Exchange::PLAIN },
            Exchange {
                sends: &["GET /", "X-Forwarded-For: 10.1.0.1"],
                gets: &["403"],
                saw: Saw::Nothing,
                ..Exchange::PLAIN
            },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a list that cannot be read lets nobody in",
        annotations: &[("allowlist-source-range", "10.0.0.0/33")],
        exchanges: &[Exchange {
            sends: &["GET /", "X-Forwarded-For: 10.9.8.7"],
            gets: &["503"],
            saw: Saw::Nothing,
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
];
