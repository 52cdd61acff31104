//! Text for another proxy's configuration, and rules for its firewall. None of it is read: it could say anything, so a route that
//! has any answers 503. What people put there has an annotation or a field of its own, which the remedies name.

use super::row::{Group, Row, State, Use};

const CONFIGURATION: &str = "Write what the snippet does as annotations: `custom-headers` for fields of the response, `rewrite-target`, \
     `permanent-redirect` or `temporal-redirect` for rewrites and redirects, `allowlist-source-range` and `denylist-source-range` for \
     `allow` and `deny`, `proxy-read-timeout` and its like for timeouts, `enable-cors` for cross-origin rules, `proxy-redirect-from` \
     and `proxy-cookie-path` for what a backend answers; then remove the snippet.";
const SERVER: &str = "Write what the snippet does as annotations of the Ingresses of the host, or as fields of the lane \
     (`limits`, `clientAddress`, `tls`); give paths that it answers or denies an Ingress with `allowlist-source-range` or a redirect; \
     then remove the snippet.";
const STREAM: &str =
    "TCP and UDP are not forwarded by Ingress: give the Service a load balancer of its own, then remove the snippet.";
const AUTH: &str = "Write what the snippet sends to the authentication service as `auth-proxy-set-headers`, and what of its answer \
     goes to the backend as `auth-response-headers`; then remove the snippet.";
const FIREWALL: &str = "Put a web application firewall between the gateway and the backend, as a Service that the Ingress names, or \
     in front of the gateway; then remove the annotation, or write \"false\".";

pub(super) const ROWS: &[Row] = &[
    Row::new("auth-snippet", Group::Authentication, Use::Never, State::Refused(AUTH)),
    Row::new("configuration-snippet", Group::Observation, Use::Never, State::Refused(CONFIGURATION)),
    Row::new("enable-modsecurity", Group::Observation, Use::Rare, State::Refused(FIREWALL)),
    Row::new("enable-owasp-core-rules", Group::Observation, Use::Rare, State::Refused(FIREWALL)),
    Row::new("modsecurity-snippet", Group::Observation, Use::Never, State::Refused(FIREWALL)),
    Row::new("modsecurity-transaction-id", Group::Observation, Use::Rare, State::Refused(FIREWALL)),
    Row::new("server-snippet", Group::Observation, Use::Never, State::Refused(SERVER)),
    Row::new("stream-snippet", Group::Observation, Use::Never, State::Refused(STREAM)),
];
