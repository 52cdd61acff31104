//! What a lane serves from, and every decision on a request.
//!
//! In: a [`Snapshot`] that `bulkhead-compile` made, and the bytes of one request's host and target. Out: the canonical
//! host and path, the [`Route`] they belong to, the backend and the endpoint to ask, or the [`Denial`] to answer with.
//! No sockets, no clock, no randomness, no Kubernetes: an Ingress is one way to write routes, not what they are.
//!
//! Read `snapshot` first, then `host` and `path` (the one place where names are made canonical), `table` and
//! `path_table` (which route wins), `backend`, `balance` and `health` (who is asked), `retry_budget` (how often another one),
//! `tls` and `ciphers` (which certificate is shown, what a handshake may agree on), `client_auth` and `subject_rule` (whom a host lets in), `upstream_tls` (whom a gateway believes), `filters` (what a route does besides, and in which order, to a `request`), `authentication` and `password` (who is let in), `redirect`, `destination` and `local_path` (where it is sent instead), `template` (texts with variables), `revision` (what a backend's answer says otherwise), `trace_context` and `tracing` (which requests have spans, and what their backends are told of it), `limits` (the one table of bounds), `proxy_protocol` (whose
//! connection a load balancer passes on). Paths as regular expressions, and what becomes of them: `expression`, `rewrite`.

pub mod access;
pub mod access_log;
pub mod answer;
pub mod authentication;
pub mod backend;
pub mod balance;
pub mod bandwidth;
pub mod budget;
pub mod canary;
pub mod ciphers;
mod class;
pub mod client_auth;
pub mod cross_origin;
pub mod denial;
mod der;
pub mod destination;
pub mod distinguished_name;
pub mod errand;
pub mod error_pages;
pub mod expression;
pub mod external_auth;
pub mod filters;
pub mod health;
pub mod host;
mod index;
pub mod limits;
pub mod local_path;
pub mod location;
pub mod mirror;
pub mod moment;
pub mod next_upstream;
pub mod overload;
pub mod password;
pub mod path;
pub mod path_table;
pub mod pattern;
pub mod proxy_protocol;
pub mod rate_limit;
pub mod redirect;
pub mod request;
pub mod response_fields;
pub mod retry_budget;
pub mod revision;
pub mod rewrite;
pub mod room;
pub mod route;
pub mod settings;
pub mod snapshot;
pub mod subject_rule;
pub mod substitution;
pub mod table;
pub mod template;
pub mod tls;
pub mod trace_context;
pub mod tracing;
pub mod upstream_tls;
pub mod x509;

pub use answer::{Answer, Stop};
pub use authentication::Authentication;
pub use backend::{Backend, Endpoint, Endpoints};
pub use client_auth::{ClientAuth, ClientRoots};
pub use denial::Denial;
pub use destination::Destination;
pub use errand::Errand;
pub use error_pages::ErrorPages;
pub use external_auth::ExternalAuth;
pub use filters::Filters;
pub use host::Host;
pub use location::Location;
pub use mirror::Mirror;
pub use moment::Moment;
pub use path::Target;
pub use path_table::PathTable;
pub use pattern::{HostPattern, PathPattern};
pub use request::Request;
pub use retry_budget::RetryBudget;
pub use revision::Revision;
pub use room::Room;
pub use route::{Action, Route};
pub use settings::Settings;
pub use snapshot::Snapshot;
pub use subject_rule::SubjectRule;
pub use table::HostTable;
pub use template::Template;
pub use tls::{Certificate, TlsTable};
pub use trace_context::TraceContext;
pub use upstream_tls::UpstreamTls;
