//! Who may ask, by address.

use bulkhead_model::access::AccessList;
use bulkhead_model::settings::Network;

use super::reader::{Reader, Stake, key};
use super::row::{Group, Row, State, Use};
use crate::code::FindingCode;

const ALLOW: &str = "allowlist-source-range";
const ALLOW_ALIAS: &str = "whitelist-source-range";
const DENY: &str = "denylist-source-range";

pub(super) const ROWS: &[Row] = &[
    Row::new(ALLOW, Group::Access, Use::Must, State::Obeyed).or(ALLOW_ALIAS),
    Row::new(DENY, Group::Access, Use::Must, State::Obeyed),
];

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Option<AccessList> {
    // An empty list is none, and leaves what the older name says.
    let allow = match (reader.written(ALLOW), reader.written(ALLOW_ALIAS)) {
        (Some(_), Some(_)) => newer(reader),
        (None, Some(_)) => reader.networks(ALLOW_ALIAS, Stake::Protection),
        (_, None) => {
            reader.networks(ALLOW, Stake::Protection).or_else(|| reader.networks(ALLOW_ALIAS, Stake::Protection))
        }
    };
    let deny = reader.networks(DENY, Stake::Protection).unwrap_or_default();
    (allow.is_some() || !deny.is_empty()).then_some(AccessList { deny, allow })
}

/// Of two lists the one with the newer name counts, as in ingress-nginx. Whoever wrote the other one may believe in it.
fn newer(reader: &mut Reader<'_, '_>) -> Option<Box<[Network]>> {
    let counts = reader.networks(ALLOW, Stake::Protection);
    let lost = reader.networks(ALLOW_ALIAS, Stake::Protection);
    if let (Some(counts), Some(lost)) = (&counts, &lost)
        && (!lost.iter().all(|network| counts.contains(network))
            || !counts.iter().all(|network| lost.contains(network)))
    {
        let said = || {
            format!(
                "The annotation {ALLOW_ALIAS} does not count: {ALLOW}, which is its newer name, says who may ask, and says otherwise."
            )
        };
        let remedy = || Some(format!("Write into {ALLOW} all who may ask, and nobody else, and remove {ALLOW_ALIAS}."));
        reader.notes.advise(FindingCode::AnnotationNotServed, &key(ALLOW_ALIAS), said, remedy);
    }
    counts
}
