//! What the annotations of an Ingress say about its backends: what is spoken with them, and under which TLS.
//!
//! ingress-nginx leaves out all of `proxy-ssl-*` where there is no `proxy-ssl-secret`, and takes any value of `proxy-ssl-verify`
//! that it does not know for `off`. Here a wish for verification is fulfilled, or every route of the Ingress answers 503.

use std::sync::Arc;

use bulkhead_model::upstream_tls::TlsVersions;
use rustls::pki_types::ServerName;

use super::reader::{Reader, Stake, key};
use super::row::{Group, Row, State, Use};
use crate::code::FindingCode;
use crate::findings::quote;
use crate::spoken::Spoken;

const PROTOCOL: &str = "backend-protocol";
const NAME: &str = "proxy-ssl-name";
const PROTOCOLS: &str = "proxy-ssl-protocols";
const SECRET: &str = "proxy-ssl-secret";
const ASKS_FOR_NAME: &str = "proxy-ssl-server-name";
const VERIFY: &str = "proxy-ssl-verify";
const DEPTH: &str = "proxy-ssl-verify-depth";

pub(super) const ROWS: &[Row] = &[
    Row::new(PROTOCOL, Group::Backend, Use::Must, State::Obeyed).referring(),
    Row::new(SECRET, Group::Backend, Use::Must, State::Obeyed).referring(),
    Row::new(VERIFY, Group::Backend, Use::Must, State::Obeyed).referring(),
    Row::new(DEPTH, Group::Backend, Use::Rare, State::Obeyed).referring(),
    Row::new(NAME, Group::Backend, Use::Must, State::Obeyed).referring(),
    Row::new(ASKS_FOR_NAME, Group::Backend, Use::Must, State::Obeyed).referring(),
    Row::new(PROTOCOLS, Group::Backend, Use::Should, State::Obeyed).referring(),
];

/// What it comes to where one of them is written without a value.
const EMPTY: [(&str, &str); 5] = [
    (SECRET, "nobody is verified by it"),
    (VERIFY, "no certificate is verified"),
    (DEPTH, "it is as if it were not written"),
    (NAME, "it is as if it were not written"),
    (ASKS_FOR_NAME, "it is as if it were not written"),
];

/// What an Ingress says about all of its backends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BackendPolicy {
    /// What is spoken. `None`: what the Service says.
    pub(crate) spoken: Option<Spoken>,
    /// How, where it is under TLS.
    pub(crate) tls: TlsWishes,
    /// It cannot be fulfilled: every route answers 503. Why has been noted.
    pub(crate) refused: bool,
}

/// What an Ingress wants of TLS towards its backends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsWishes {
    /// Secret beside the Ingress, with roots (`ca.crt`), a client certificate (`tls.crt`, `tls.key`), or both.
    pub(crate) secret: Option<Arc<str>>,
    /// Whether certificates must lead to the roots and be for the name.
    pub(crate) verify: bool,
    /// Most intermediate certificates.
    pub(crate) depth: Option<u8>,
    /// Whom certificates must be for, and who is asked for. `None`: the Service's name in the cluster.
    pub(crate) name: Option<Arc<str>>,
    /// Whether the handshake names whom it asks for.
    pub(crate) asks_for_name: bool,
    pub(crate) versions: TlsVersions,
}

impl TlsWishes {
    /// Whether anything was wanted that clear text does not give.
    pub(crate) const fn are_any(&self) -> bool {
        self.verify || self.secret.is_some()
    }
}

/// Reads what an Ingress says of its backends.
pub(crate) fn read(reader: &mut Reader<'_, '_>) -> BackendPolicy {
    EMPTY.into_iter().for_each(|(name, so)| reader.tell_empty(name, so));
    let spoken = spoken(reader);
    let tls = TlsWishes {
        secret: reader.secret(SECRET, Stake::BackendTls),
        verify: is_on(reader, VERIFY),
        depth: reader.depth(DEPTH, Stake::BackendTls),
        name: name(reader),
        asks_for_name: is_on(reader, ASKS_FOR_NAME),
        versions: versions(reader),
    };
    if tls.verify && tls.secret.is_none() {
        let why = "there is no proxy-ssl-secret with certification authorities to verify with";
        reader.bad::<()>(VERIFY, Stake::BackendTls, why);
    }
    if spoken.is_some_and(|spoken| spoken.tls) && !tls.verify && !reader.refused {
        reader.notes.add(FindingCode::BackendNotVerified, &key(PROTOCOL), || {
            "Whoever answers as a backend of this Ingress is taken for one: no certificate is verified.".to_owned()
        });
    }
    BackendPolicy { spoken, tls, refused: reader.refused }
}

fn spoken(reader: &mut Reader<'_, '_>) -> Option<Spoken> {
    let value = reader.written(PROTOCOL)?;
    match Spoken::of_backend_protocol(value) {
        Some(Some(spoken)) => Some(spoken),
        Some(None) => {
            reader.refused = true;
            reader.notes.add(FindingCode::BackendProtocolNotServed, &key(PROTOCOL), || {
                format!("{value} is not spoken with backends, so every route of this Ingress answers 503.")
            });
            None
        }
        None => {
            reader.notes.add(FindingCode::UnknownBackendProtocol, &key(PROTOCOL), || {
                format!("The protocol {} is not known, so what the Service says is spoken with it.", quote(value))
            });
            None
        }
    }
}

/// `on` or `off`. What is neither may have meant `on`.
fn is_on(reader: &mut Reader<'_, '_>, annotation: &str) -> bool {
    match reader.written(annotation) {
        Some(value) if value.eq_ignore_ascii_case("on") => true,
        None => false,
        Some(value) if value.eq_ignore_ascii_case("off") => false,
        Some(value) => {
            let why = format!("{} is neither `on` nor `off`", quote(value));
            reader.bad(annotation, Stake::BackendTls, &why).unwrap_or(true)
        }
    }
}

fn name(reader: &mut Reader<'_, '_>) -> Option<Arc<str>> {
    let value = reader.written(NAME)?;
    if ServerName::try_from(value).is_err() {
        let why = format!("{} is neither a DNS name nor an address", quote(value));
        return reader.bad(NAME, Stake::BackendTls, &why);
    }
    Some(value.into())
}

/// Versions that are named and spoken here: all of them, if none is both.
fn versions(reader: &mut Reader<'_, '_>) -> TlsVersions {
    let Some(value) = reader.written(PROTOCOLS) else { return TlsVersions::default() };
    let named = |version: &str| value.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(version));
    match (named("TLSv1.2"), named("TLSv1.3")) {
        (true, false) => TlsVersions::V12,
        (false, true) => TlsVersions::V13,
        (true, true) => TlsVersions::Both,
        (false, false) => {
            reader.not_served(PROTOCOLS, || {
                format!(
                    "{} names neither TLSv1.2 nor TLSv1.3, and no other version is spoken: both are offered.",
                    quote(value)
                )
            });
            TlsVersions::Both
        }
    }
}
