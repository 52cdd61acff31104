//! Fields that every response of a route gets.

use std::sync::Arc;

use super::reader::{Reader, Stake, key};
use super::row::{Group, Row, State, Use};

const CUSTOM: &str = "custom-headers";

pub(super) const ROWS: &[Row] = &[Row::new(
    CUSTOM,
    Group::Proxying,
    Use::Should,
    State::Approximated(
        "Only a ConfigMap of the Ingress's own namespace can be named. No list of names has to be allowed first; instead, \
         fields that frame a message, are for one connection or set cookies are left out, and more than 16 KiB together close the routes with 503.",
    ),
)
.referring()];

/// The field of a finding about the ConfigMap.
pub(crate) fn field() -> String {
    key(CUSTOM)
}

/// The ConfigMap beside the Ingress that has them. They may keep a browser from what a page must not do, so without it there is nothing.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Option<Arc<str>> {
    reader.beside(CUSTOM, Stake::Protection).map(Into::into)
}
