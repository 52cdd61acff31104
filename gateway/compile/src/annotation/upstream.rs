//! As whom, and where, a Service is asked.

use bulkhead_model::{Host, Template};

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};

const VHOST: &str = "upstream-vhost";
const SERVICE: &str = "service-upstream";

pub(super) const ROWS: &[Row] = &[
    Row::new(VHOST, Group::Routing, Use::Must, State::Obeyed),
    Row::new(SERVICE, Group::Routing, Use::Must, State::Obeyed),
];

/// The authority that backends are told.
pub(super) fn vhost(reader: &mut Reader<'_, '_>) -> Option<Template> {
    let value = reader.text(VHOST, Stake::Comfort)?;
    match Template::parse(value) {
        // What is made of variables is looked at when it is known.
        Ok(vhost) if vhost.is_fixed() && Host::parse(value.as_bytes()).is_err() => {
            reader.bad(VHOST, Stake::Comfort, "it is no host")
        }
        Ok(vhost) => Some(vhost),
        Err(why) => reader.bad(VHOST, Stake::Comfort, &why.to_string()),
    }
}

/// Whether the one address of the Service is asked rather than its endpoints.
pub(super) fn by_service(reader: &mut Reader<'_, '_>) -> bool {
    reader.switch(SERVICE, Stake::Comfort).unwrap_or_default()
}
