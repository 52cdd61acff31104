//! Who may ask, by address.

use bulkhead_model::access::AccessList;

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};

const ALLOW: &str = "allowlist-source-range";
const ALLOW_ALIAS: &str = "whitelist-source-range";
const DENY: &str = "denylist-source-range";

pub(super) const ROWS: &[Row] = &[
    Row::new(ALLOW, Group::Access, Use::Must, State::Obeyed).or(ALLOW_ALIAS),
    Row::new(DENY, Group::Access, Use::Must, State::Obeyed),
];

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Option<AccessList> {
    // An empty list is none, and leaves what the older name says.
    let allow = reader.networks(ALLOW, Stake::Protection);
    let allow =
        if allow.is_none() && !reader.refused { reader.networks(ALLOW_ALIAS, Stake::Protection) } else { allow };
    let deny = reader.networks(DENY, Stake::Protection).unwrap_or_default();
    (allow.is_some() || !deny.is_empty()).then_some(AccessList { deny, allow })
}
