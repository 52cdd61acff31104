//! What the annotations of an Ingress say about client certificates.
//!
//! ingress-nginx forgets the whole policy where the Secret is not named, and takes values that it does not know for its defaults.
//! Here a wish that cannot be read closes what it was to protect.

use std::sync::Arc;

use bulkhead_model::client_auth::Demand;
use bulkhead_model::{Location, SubjectRule};

use super::reader::{Reader, Stake, key};
use super::row::{Group, Row, State, Use};
use crate::findings::quote;

const SECRET: &str = "auth-tls-secret";
const DEMAND: &str = "auth-tls-verify-client";
const DEPTH: &str = "auth-tls-verify-depth";
const PASS: &str = "auth-tls-pass-certificate-to-upstream";
const SUBJECT: &str = "auth-tls-match-cn";
const ERROR_PAGE: &str = "auth-tls-error-page";

pub(super) const ROWS: &[Row] = &[
    Row::new(SECRET, Group::Tls, Use::Must, State::Obeyed).of_host().referring(),
    Row::new(DEMAND, Group::Tls, Use::Must, State::Obeyed).of_host().referring(),
    Row::new(DEPTH, Group::Tls, Use::Should, State::Obeyed).of_host().referring(),
    Row::new(ERROR_PAGE, Group::Tls, Use::Should, State::Obeyed).of_host().referring(),
    Row::new(PASS, Group::Tls, Use::Must, State::Obeyed).of_host().referring(),
    Row::new(SUBJECT, Group::Tls, Use::Should, State::Obeyed).of_host().referring(),
];

/// Intermediate certificates where nothing is said, as in ingress-nginx.
const DEFAULT_DEPTH: u8 = 1;

/// What it comes to where one of them is written without a value.
const EMPTY: [(&str, &str); 6] = [
    (SECRET, "it protects nothing"),
    (DEMAND, "it is as if it were not written"),
    (DEPTH, "it is as if it were not written"),
    (PASS, "backends are not sent the certificate"),
    (SUBJECT, "it protects nothing"),
    (ERROR_PAGE, "clients that are refused are told so with 400"),
];

/// What an Ingress wants of the clients of its hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ClientPolicy {
    /// Nothing.
    #[default]
    None,
    Wanted(ClientWish),
    /// Something that cannot be read. Why has been noted.
    Refused,
}

/// A policy as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientWish {
    /// Secret beside the Ingress, with the certificates of issuers.
    pub(crate) secret: Arc<str>,
    pub(crate) demand: Demand,
    pub(crate) depth: u8,
    /// Whom certificates must be for.
    pub(crate) subject: Option<SubjectRule>,
    /// Whether backends are sent the certificate.
    pub(crate) pass: bool,
    /// Where clients are sent whose certificate is not accepted.
    pub(crate) error_page: Option<Location>,
}

impl ClientWish {
    /// Whether both let in the same clients. What backends and refused clients are told is for each Ingress
    /// to say.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let Self { secret, demand, depth, subject, .. } = self;
        (secret, *demand, *depth, subject) == (&other.secret, other.demand, other.depth, &other.subject)
    }
}

impl ClientPolicy {
    /// The Secret it takes.
    pub(crate) const fn secret(&self) -> Option<&Arc<str>> {
        match self {
            Self::Wanted(wish) => Some(&wish.secret),
            Self::None | Self::Refused => None,
        }
    }
}

/// The field of a finding about the Secret.
pub(crate) fn field() -> String {
    key(SECRET)
}

/// Reads what an Ingress says of its clients.
pub(crate) fn read(reader: &mut Reader<'_, '_>) -> ClientPolicy {
    EMPTY.into_iter().for_each(|(name, so)| reader.tell_empty(name, so));
    let demand = read_demand(reader);
    if demand == Some(None) {
        return ClientPolicy::None;
    }
    let depth = reader.depth(DEPTH, Stake::ClientCertificate).unwrap_or(DEFAULT_DEPTH);
    let pass = reader.preference(PASS, "backends are not sent the certificate").unwrap_or(false);
    let (subject, error_page) = (read_subject(reader), read_error_page(reader));
    let secret = reader.secret(SECRET, Stake::ClientCertificate);
    if reader.refused {
        return ClientPolicy::Refused;
    }
    match (secret, demand.flatten()) {
        (Some(secret), demand) => {
            let demand = demand.unwrap_or(Demand::Required);
            ClientPolicy::Wanted(ClientWish { secret, demand, depth, subject, pass, error_page })
        }
        (None, demand) if demand.is_some() || subject.is_some() => {
            let name = if demand.is_some() { DEMAND } else { SUBJECT };
            let why = format!("there is no {SECRET} with certificates of issuers");
            reader.bad(name, Stake::ClientCertificate, &why).unwrap_or(ClientPolicy::Refused)
        }
        (None, _) => {
            for name in [DEPTH, PASS, ERROR_PAGE] {
                if reader.has(name) && !reader.is_empty(name) {
                    reader
                        .not_served(name, || format!("The annotation {name} says nothing where there is no {SECRET}."));
                }
            }
            ClientPolicy::None
        }
    }
}

/// `Some(None)`: no certificate is wanted, whatever else is said.
fn read_demand(reader: &mut Reader<'_, '_>) -> Option<Option<Demand>> {
    match reader.written(DEMAND)? {
        "off" => Some(None),
        "on" => Some(Some(Demand::Required)),
        "optional" => Some(Some(Demand::Optional)),
        "optional_no_ca" => Some(Some(Demand::OptionalUntrusted)),
        value => {
            let why = format!("{} is not on, off, optional or optional_no_ca", quote(value));
            Some(Some(reader.bad(DEMAND, Stake::ClientCertificate, &why).unwrap_or(Demand::Required)))
        }
    }
}

fn read_subject(reader: &mut Reader<'_, '_>) -> Option<SubjectRule> {
    let value = reader.written(SUBJECT)?;
    match SubjectRule::parse(value) {
        Err(bad) => reader.bad(SUBJECT, Stake::ClientCertificate, &format!("of {}, {bad}", quote(value))),
        Ok(rule) => Some(rule),
    }
}

/// What cannot be read is not obeyed: it lets nobody in.
fn read_error_page(reader: &mut Reader<'_, '_>) -> Option<Location> {
    let value = reader.written(ERROR_PAGE)?;
    let page = Location::parse(value);
    if page.is_none() {
        reader.not_served(ERROR_PAGE, || {
            format!(
                "{} is no absolute URI of http or https, so clients that are refused are told so with 400.",
                quote(value)
            )
        });
    }
    page
}
