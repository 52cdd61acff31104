//! What a lane makes of the cluster's objects.
//!
//! In: Kubernetes objects one at a time ([`Object`]) and the lane document. Out: a [`Snapshot`](bulkhead_model::Snapshot)
//! that data threads serve from, endpoint lists that change without any snapshot, and a [`Finding`](bulkhead_crds::finding::Finding)
//! for everything that could not be taken literally. No cluster client, no clock: equal input gives equal output, in any order.
//!
//! Read `compiler` first: it tells the order of steps. `ingress`, `service` and `slice` each read one object into a form
//! that cannot hold a bad value; `class` decides whose Ingresses are served; `annotation` is the table of annotations and
//! reads them; `hosts` makes one host's routes, `host_paths` says what their paths match and `expression_rooms` how much memory
//! that may take, `filters` what they do besides, `fetched` what of Secrets and ConfigMaps they need for it, `zones` what stays counted of clients; `backends` keeps the identity of backends and endpoints; `transport`
//! says how they are spoken to; `tls` chooses a host's certificate, `host_auth` those that its clients need,
//! `handshake_policy` what handshakes may agree on; `code` is the table of findings; `alone` says what is found
//! about one Ingress whatever else there is.

mod age;
mod alone;
pub mod annotation;
mod auth_fields;
mod authority;
mod backends;
mod by_host;
mod calendar;
mod canaries;
mod certificate;
mod cipher_list;
mod class;
mod client_roots;
pub mod code;
mod compiler;
mod config_maps;
pub mod directives;
mod expression_rooms;
mod fetched;
mod filters;
mod findings;
mod further;
mod handshake_policy;
mod host_auth;
mod host_paths;
mod host_redirects;
mod hosts;
mod ingress;
mod ingresses;
mod lane;
mod name;
mod names;
mod near;
mod object;
mod outside;
mod own_fields;
mod references;
mod report;
mod response_fields;
mod rule_path;
mod secret;
mod secrets;
mod service;
mod slice;
mod spoken;
#[cfg(test)]
mod tests;
mod tls;
mod tls_claim;
mod transport;
mod unread;
mod users;
mod wide_texts;
mod zones;

pub use alone::findings_alone;
pub use bulkhead_model::{limits, overload};
pub use class::{class_of, owns_class};
pub use code::FindingCode;
pub use compiler::{Changes, Compiler, Options, PlatformRoots};
pub use expression_rooms::ExpressionRoom;
pub use near::near;
pub use object::{Key, Kind, Object};
pub use references::{Needs, Reference, ReferenceKind, is_reference, references};
pub use report::{Certificates, Counts};
pub use response_fields::{MAX_VALUE_BYTES as MAX_FIELD_BYTES, MOST_FIELDS};
pub use secret::KeyringEntry;
pub use slice::may_be_asked;
pub use users::{FILE as USERS, MOST_USERS, hashed_lines, is_hashed};
