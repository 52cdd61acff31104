//! What the annotations of an Ingress say about client certificates.
//!
//! ingress-nginx forgets the whole policy where the Secret is not named, and takes values that it does not know for its defaults.
//! Here a wish that cannot be read closes what it was to protect.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::client_auth::Demand;
use k8s_openapi::api::networking::v1::Ingress;

use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::name::Name;

/// Before the name of each of [`OBEYED`].
const PREFIX: &str = "nginx.ingress.kubernetes.io/";
const SECRET: &str = "auth-tls-secret";
const DEMAND: &str = "auth-tls-verify-client";
const DEPTH: &str = "auth-tls-verify-depth";
const PASS: &str = "auth-tls-pass-certificate-to-upstream";
/// Annotations that are read here, and nowhere else.
const OBEYED: [&str; 4] = [SECRET, DEMAND, DEPTH, PASS];
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
    /// Whether backends are sent the certificate.
    pub(crate) pass: bool,
}

impl ClientWish {
    /// Whether both let in the same clients. What backends are told is for each Ingress to say.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (&self.secret, self.demand, self.depth) == (&other.secret, other.demand, other.depth)
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
    let mut reader = Reader { annotations, notes, refused: false };
    let demand = reader.demand();
    if demand == Some(None) {
        return ClientPolicy::None;
    }
    let (depth, pass, secret) = (reader.depth(), reader.pass(), reader.secret(namespace));
    if reader.refused {
        return ClientPolicy::Refused;
    }
    match (secret, demand.flatten()) {
        (Some(secret), demand) => {
            ClientPolicy::Wanted(ClientWish { secret, demand: demand.unwrap_or(Demand::Required), depth, pass })
        }
        (None, Some(_)) => {
            reader.refuse(DEMAND, &format!("there is no {SECRET} with certificates of issuers"));
            ClientPolicy::Refused
        }
        (None, None) => {
            for name in [DEPTH, PASS].into_iter().filter(|name| annotations.contains_key(&key(name))) {
                reader.notes.add(FindingCode::AnnotationNotServed, &key(name), || {
                    format!("The annotation {name} says nothing where there is no {SECRET}.")
                });
            }
            ClientPolicy::None
        }
    }
}

struct Reader<'r, 'n> {
    annotations: &'r BTreeMap<String, String>,
    notes: &'r mut Notes<'n>,
    refused: bool,
}

impl<'r> Reader<'r, '_> {
    /// The value of an annotation. An empty one is as good as none.
    fn value(&self, name: &str) -> Option<&'r str> {
        Some(self.annotations.get(&key(name))?.trim()).filter(|value| !value.is_empty())
    }

    fn refuse(&mut self, name: &str, why: &str) {
        self.refused = true;
        self.notes.add(FindingCode::ClientCertificateBroken, &key(name), || {
            format!("The annotation {name} cannot be obeyed: {why}, so the routes that it is to protect answer 503.")
        });
    }

    /// `Some(None)`: no certificate is wanted, whatever else is said.
    fn demand(&mut self) -> Option<Option<Demand>> {
        match self.value(DEMAND)? {
            "off" => Some(None),
            "on" => Some(Some(Demand::Required)),
            "optional" => Some(Some(Demand::Optional)),
            "optional_no_ca" => Some(Some(Demand::OptionalUntrusted)),
            value => {
                self.refuse(DEMAND, &format!("{} is not on, off, optional or optional_no_ca", quote(value)));
                Some(Some(Demand::Required))
            }
        }
    }

    fn depth(&mut self) -> u8 {
        let Some(value) = self.value(DEPTH) else { return DEFAULT_DEPTH };
        value.parse().unwrap_or_else(|_| {
            self.refuse(DEPTH, &format!("{} is not a number from 0 to 255", quote(value)));
            DEFAULT_DEPTH
        })
    }

    /// As Go's `strconv.ParseBool` has it. What cannot be read is not obeyed: it lets nobody in.
    fn pass(&mut self) -> bool {
        match self.value(PASS) {
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => true,
            None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => false,
            Some(value) => {
                self.notes.add(FindingCode::AnnotationNotServed, &key(PASS), || {
                    format!("{} is neither true nor false, so backends are not sent the certificate.", quote(value))
                });
                false
            }
        }
    }

    fn secret(&mut self, namespace: &str) -> Option<Arc<str>> {
        let value = self.value(SECRET)?;
        let name = match value.split_once('/') {
            None => value,
            Some((place, name)) if place == namespace && !name.is_empty() && !name.contains('/') => name,
            Some(_) => {
                self.refuse(SECRET, "only Secrets of the Ingress's own namespace can be referred to");
                return None;
            }
        };
        Some(name.into())
    }
}

fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}
