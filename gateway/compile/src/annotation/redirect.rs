//! Where clients are sent instead of being answered.

use bulkhead_model::Destination;
use bulkhead_model::local_path::LocalPath;
use bulkhead_model::redirect::{Form, Moved};

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};
use crate::findings::quote;

const ROOT: &str = "app-root";
const PERMANENT: &str = "permanent-redirect";
const PERMANENT_CODE: &str = "permanent-redirect-code";
const TEMPORAL: &str = "temporal-redirect";
const TEMPORAL_CODE: &str = "temporal-redirect-code";
const HTTPS: &str = "ssl-redirect";
const ALWAYS_HTTPS: &str = "force-ssl-redirect";
const KEEPS_SLASH: &str = "preserve-trailing-slash";
const RELATIVE: &str = "relative-redirects";
const PORT: &str = "use-port-in-redirects";

pub(super) const ROWS: &[Row] = &[
    Row::new(
        ROOT,
        Group::Routing,
        Use::Must,
        State::Approximated("A path `/` of an Ingress of another namespace is left alone."),
    )
    .of_host(),
    Row::new(PERMANENT, Group::Routing, Use::Must, State::Approximated(VARIABLES)),
    Row::new(PERMANENT_CODE, Group::Routing, Use::Must, State::Approximated(CODES)),
    Row::new(TEMPORAL, Group::Routing, Use::Must, State::Approximated(VARIABLES)),
    Row::new(TEMPORAL_CODE, Group::Routing, Use::Must, State::Approximated(CODES)),
    Row::new(RELATIVE, Group::Routing, Use::Rare, State::Obeyed),
    Row::new(PORT, Group::Routing, Use::Rare, State::Obeyed),
    Row::new(
        HTTPS,
        Group::Tls,
        Use::Must,
        State::Approximated(
            "In the profile Standard it is off where it is not written, and paths below `/.well-known/acme-challenge` are never redirected.",
        ),
    ),
    Row::new(
        ALWAYS_HTTPS,
        Group::Tls,
        Use::Must,
        State::Approximated("Paths below `/.well-known/acme-challenge` are never redirected."),
    ),
    Row::new(
        KEEPS_SLASH,
        Group::Tls,
        Use::Must,
        State::Approximated("In the profile Standard the slash is kept where it is not written."),
    ),
    Row::new(
        "ssl-passthrough",
        Group::Tls,
        Use::Should,
        State::Refused(
            "Let the gateway have the certificate and speak TLS with the backend (`backend-protocol: HTTPS`), or give the backend a Service of type LoadBalancer of its own.",
        ),
    )
    .of_host(),
];

const CODES: &str =
    "A code that is no redirect to a Location (other than 301, 302, 303, 307 and 308) is as if it were not written.";

const VARIABLES: &str = "Of variables the host has only `$host`, `$http_host` and `$best_http_host`; one that is not known closes the routes with 503.";

/// Codes by which a client is sent to a Location (RFC 9110 §15.4), as they are written.
pub(super) const REDIRECTS: [(&str, u16); 5] = [("301", 301), ("302", 302), ("303", 303), ("307", 307), ("308", 308)];

/// What an Ingress says of redirects.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Redirection {
    /// The page that `/` of its hosts leads to.
    pub(crate) root: Option<LocalPath>,
    /// Where its routes have moved.
    pub(crate) moved: Option<Moved>,
    /// Whether clear text is sent to `https` on hosts with a TLS entry; `None`: as the profile has it.
    pub(crate) https: Option<bool>,
    /// Whether on every host.
    pub(crate) always_https: bool,
    /// Whether a slash at the end stays in a redirect to `https`; `None`: as the profile has it.
    pub(crate) keeps_slash: Option<bool>,
    pub(crate) form: Form,
}

impl Redirection {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        // Who cannot be sent away must not find what was meant to be left.
        let permanent = destination(reader, PERMANENT).map(|to| (to, PERMANENT_CODE, 301));
        let moved = destination(reader, TEMPORAL).map(|to| (to, TEMPORAL_CODE, 302)).or(permanent);
        let moved = moved.map(|(to, code, usual)| Moved {
            status: reader.word(code, &REDIRECTS, Stake::Comfort).unwrap_or(usual),
            to,
        });
        Self {
            root: root(reader),
            moved,
            https: reader.switch(HTTPS, Stake::Comfort),
            // Passwords must not go in clear text where it is not known whether they may.
            always_https: reader.switch(ALWAYS_HTTPS, Stake::Protection).unwrap_or_default(),
            keeps_slash: reader.switch(KEEPS_SLASH, Stake::Comfort),
            form: Form {
                relative: reader.switch(RELATIVE, Stake::Comfort).unwrap_or_default(),
                port: reader.switch(PORT, Stake::Comfort).unwrap_or_default(),
            },
        }
    }
}

fn root(reader: &mut Reader<'_, '_>) -> Option<LocalPath> {
    let value = reader.text(ROOT, Stake::Comfort)?;
    match LocalPath::with_variables(value) {
        Ok(page) => Some(page),
        Err(why) => reader.bad(ROOT, Stake::Comfort, &format!("{} {why}", quote(value))),
    }
}

fn destination(reader: &mut Reader<'_, '_>, name: &str) -> Option<Destination> {
    let value = reader.text(name, Stake::Protection)?;
    match Destination::parse(value) {
        Ok(to) => Some(to),
        Err(why) => reader.bad(name, Stake::Protection, &format!("{} {why}", quote(value))),
    }
}
