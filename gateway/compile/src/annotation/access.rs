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
    let allow = if reader.has(ALLOW) { ALLOW } else { ALLOW_ALIAS };
    let allow = reader.networks(allow, Stake::Protection);
    let deny = reader.networks(DENY, Stake::Protection).unwrap_or_default();
    (allow.is_some() || !deny.is_empty()).then_some(AccessList { deny, allow })
}
