//! Annotations that no module reads yet, and those that are read elsewhere.

use super::row::{Group, Row, State, Use};

/// What to do about an annotation that routes are served without.
const WITHOUT: State = State::Ignored(
    "Remove the annotation if the route works without it, or keep the Ingress on a controller that obeys it.",
);
/// What to do about one that may protect something.
const UNSAFE: State = State::Refused(
    "Remove the annotation if the route may be served without this protection, or keep the Ingress on a controller that offers it.",
);

pub(super) const ROWS: &[Row] = &[
    Row::new("proxy-redirect-from", Group::Routing, Use::Should, UNSAFE),
    Row::new("proxy-redirect-to", Group::Routing, Use::Should, UNSAFE),
    Row::new("ssl-ciphers", Group::Tls, Use::Should, State::Obeyed).of_host(),
    Row::new("ssl-prefer-server-ciphers", Group::Tls, Use::Should, State::Obeyed).of_host(),
    Row::new("auth-tls-secret", Group::Tls, Use::Must, State::Obeyed).of_host(),
    Row::new("auth-tls-verify-client", Group::Tls, Use::Must, State::Obeyed).of_host(),
    Row::new("auth-tls-verify-depth", Group::Tls, Use::Should, State::Obeyed).of_host(),
    Row::new("auth-tls-error-page", Group::Tls, Use::Should, State::Obeyed).of_host(),
    Row::new("auth-tls-pass-certificate-to-upstream", Group::Tls, Use::Must, State::Obeyed).of_host(),
    Row::new("auth-tls-match-cn", Group::Tls, Use::Should, State::Obeyed).of_host(),
    Row::new("backend-protocol", Group::Backend, Use::Must, State::Obeyed),
    Row::new("proxy-ssl-secret", Group::Backend, Use::Must, State::Obeyed),
    Row::new("proxy-ssl-verify", Group::Backend, Use::Must, State::Obeyed),
    Row::new("proxy-ssl-verify-depth", Group::Backend, Use::Rare, State::Obeyed),
    Row::new("proxy-ssl-name", Group::Backend, Use::Must, State::Obeyed),
    Row::new("proxy-ssl-server-name", Group::Backend, Use::Must, State::Obeyed),
    Row::new("proxy-ssl-protocols", Group::Backend, Use::Should, State::Obeyed),
    Row::new("auth-proxy-set-headers", Group::Authentication, Use::Should, UNSAFE),
    Row::new("proxy-cookie-domain", Group::Proxying, Use::Should, WITHOUT),
    Row::new("proxy-cookie-path", Group::Proxying, Use::Should, WITHOUT),
];
