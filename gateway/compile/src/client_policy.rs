//! What the annotations of an Ingress say about client certificates.
//!
//! ingress-nginx forgets the whole policy where the Secret is not named, and takes values that it does not know for its defaults.
//! Here a wish that cannot be read closes what it was to protect.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::client_auth::Demand;
use bulkhead_model::{Location, SubjectRule};
use k8s_openapi::api::networking::v1::Ingress;

use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::name::Name;
use crate::wishes::{Wishes, key};

const SECRET: &str = "auth-tls-secret";
const DEMAND: &str = "auth-tls-verify-client";
const DEPTH: &str = "auth-tls-verify-depth";
const PASS: &str = "auth-tls-pass-certificate-to-upstream";
const SUBJECT: &str = "auth-tls-match-cn";
const ERROR_PAGE: &str = "auth-tls-error-page";
/// Annotations that are read here, and nowhere else.
const OBEYED: [&str; 6] = [SECRET, DEMAND, DEPTH, PASS, SUBJECT, ERROR_PAGE];
/// Intermediate certificates where nothing is said, as in ingress-nginx.
const DEFAULT_DEPTH: u8 = 1;

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

/// Whether the annotation of ingress-nginx with this name, which is without prefix, is read here.
pub(crate) fn obeys(name: &str) -> bool {
    OBEYED.contains(&name)
}

/// The Secret that an Ingress's client certificates are judged by.
pub(crate) fn secret(ingress: &Ingress) -> Option<Arc<str>> {
    let name = Name::of(&ingress.metadata);
    let annotations = ingress.metadata.annotations.as_ref()?;
    // What is to be said about it, it says when it is served.
    read(annotations, &name.namespace, &mut Notes::new("Ingress", &name)).secret().cloned()
}

/// The field of a finding about the Secret.
pub(crate) fn field() -> String {
    key(SECRET)
}

/// Reads what an Ingress in `namespace` says of its clients.
pub(crate) fn read(annotations: &BTreeMap<String, String>, namespace: &str, notes: &mut Notes<'_>) -> ClientPolicy {
    let closes = (FindingCode::ClientCertificateBroken, "the routes that it is to protect answer 503");
    let mut wishes = Wishes { annotations, notes, closes, refused: false };
    let demand = read_demand(&mut wishes);
    if demand == Some(None) {
        return ClientPolicy::None;
    }
    let depth = wishes.depth(DEPTH).unwrap_or(DEFAULT_DEPTH);
    let pass = wishes.switch(PASS, "backends are not sent the certificate").unwrap_or(false);
    let (subject, error_page) = (read_subject(&mut wishes), read_error_page(&mut wishes));
    let secret = wishes.secret(SECRET, namespace);
    if wishes.refused {
        return ClientPolicy::Refused;
    }
    match (secret, demand.flatten()) {
        (Some(secret), demand) => {
            let demand = demand.unwrap_or(Demand::Required);
            ClientPolicy::Wanted(ClientWish { secret, demand, depth, subject, pass, error_page })
        }
        (None, demand) if demand.is_some() || subject.is_some() => {
            let name = if demand.is_some() { DEMAND } else { SUBJECT };
            wishes.refuse(name, &format!("there is no {SECRET} with certificates of issuers"));
            ClientPolicy::Refused
        }
        (None, _) => {
            for name in [DEPTH, PASS, ERROR_PAGE].into_iter().filter(|name| annotations.contains_key(&key(name))) {
                wishes.notes.add(FindingCode::AnnotationNotServed, &key(name), || {
                    format!("The annotation {name} says nothing where there is no {SECRET}.")
                });
            }
            ClientPolicy::None
        }
    }
}

/// `Some(None)`: no certificate is wanted, whatever else is said.
fn read_demand(wishes: &mut Wishes<'_, '_>) -> Option<Option<Demand>> {
    match wishes.value(DEMAND)? {
        "off" => Some(None),
        "on" => Some(Some(Demand::Required)),
        "optional" => Some(Some(Demand::Optional)),
        "optional_no_ca" => Some(Some(Demand::OptionalUntrusted)),
        value => {
            wishes.refuse(DEMAND, &format!("{} is not on, off, optional or optional_no_ca", quote(value)));
            Some(Some(Demand::Required))
        }
    }
}

fn read_subject(wishes: &mut Wishes<'_, '_>) -> Option<SubjectRule> {
    let value = wishes.value(SUBJECT)?;
    SubjectRule::parse(value).map_err(|bad| wishes.refuse(SUBJECT, &format!("of {}, {bad}", quote(value)))).ok()
}

/// What cannot be read is not obeyed: it lets nobody in.
fn read_error_page(wishes: &mut Wishes<'_, '_>) -> Option<Location> {
    let value = wishes.value(ERROR_PAGE)?;
    let page = Location::parse(value);
    if page.is_none() {
        wishes.notes.add(FindingCode::AnnotationNotServed, &key(ERROR_PAGE), || {
            format!(
                "{} is no absolute URI of http or https, so clients that are refused are told so with 400.",
                quote(value)
            )
        });
    }
    page
}
