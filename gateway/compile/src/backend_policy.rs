//! What the annotations of an Ingress say about its backends: what is spoken with them, and under which TLS.
//!
//! ingress-nginx leaves out all of `proxy-ssl-*` where there is no `proxy-ssl-secret`, and takes any value of `proxy-ssl-verify`
//! that it does not know for `off`. Here a wish for verification is fulfilled, or every route of the Ingress answers 503.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::upstream_tls::TlsVersions;
use k8s_openapi::api::networking::v1::Ingress;
use rustls::pki_types::ServerName;

use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::name::Name;
use crate::spoken::Spoken;
use crate::wishes::{Wishes, key};

/// Annotations that are read here, and nowhere else.
const OBEYED: [&str; 7] = [
    "backend-protocol",
    "proxy-ssl-name",
    "proxy-ssl-protocols",
    "proxy-ssl-secret",
    "proxy-ssl-server-name",
    "proxy-ssl-verify",
    "proxy-ssl-verify-depth",
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

/// Whether the annotation of ingress-nginx with this name, which is without prefix, is read here.
pub(crate) fn obeys(name: &str) -> bool {
    OBEYED.contains(&name)
}

/// The Secret that TLS towards an Ingress's backends takes.
pub(crate) fn secret(ingress: &Ingress) -> Option<Arc<str>> {
    let name = Name::of(&ingress.metadata);
    let annotations = ingress.metadata.annotations.as_ref()?;
    // What is to be said about it, it says when it is served.
    read(annotations, &name.namespace, &mut Notes::new("Ingress", &name)).tls.secret
}

/// Reads what an Ingress in `namespace` says of its backends.
pub(crate) fn read(annotations: &BTreeMap<String, String>, namespace: &str, notes: &mut Notes<'_>) -> BackendPolicy {
    let closes = (FindingCode::BackendTlsBroken, "every route of this Ingress answers 503");
    let mut reader = Reader(Wishes { annotations, notes, closes, refused: false });
    let spoken = reader.spoken();
    let tls = reader.tls(namespace);
    let Reader(mut wishes) = reader;
    if tls.verify && tls.secret.is_none() {
        wishes.refuse("proxy-ssl-verify", "there is no proxy-ssl-secret with certification authorities to verify with");
    }
    if spoken.is_some_and(|spoken| spoken.tls) && !tls.verify && !wishes.refused {
        wishes.notes.add(FindingCode::BackendNotVerified, &key("backend-protocol"), || {
            "Whoever answers as a backend of this Ingress is taken for one: no certificate is verified.".to_owned()
        });
    }
    BackendPolicy { spoken, tls, refused: wishes.refused }
}

struct Reader<'r, 'n>(Wishes<'r, 'n>);

impl Reader<'_, '_> {
    fn spoken(&mut self) -> Option<Spoken> {
        let value = self.0.value("backend-protocol")?;
        match Spoken::of_backend_protocol(value) {
            Some(Some(spoken)) => Some(spoken),
            Some(None) => {
                self.0.refused = true;
                self.0.notes.add(FindingCode::BackendProtocolNotServed, &key("backend-protocol"), || {
                    format!("{value} is not spoken with backends, so every route of this Ingress answers 503.")
                });
                None
            }
            None => {
                self.0.notes.add(FindingCode::UnknownBackendProtocol, &key("backend-protocol"), || {
                    format!("The protocol {} is not known, so what the Service says is spoken with it.", quote(value))
                });
                None
            }
        }
    }

    fn tls(&mut self, namespace: &str) -> TlsWishes {
        TlsWishes {
            secret: self.0.secret("proxy-ssl-secret", namespace),
            verify: self.switch("proxy-ssl-verify"),
            depth: self.0.depth("proxy-ssl-verify-depth"),
            name: self.name(),
            asks_for_name: self.switch("proxy-ssl-server-name"),
            versions: self.versions(),
        }
    }

    /// `on` or `off`. What is neither may have meant `on`.
    fn switch(&mut self, name: &str) -> bool {
        match self.0.value(name) {
            Some(value) if value.eq_ignore_ascii_case("on") => true,
            None => false,
            Some(value) if value.eq_ignore_ascii_case("off") => false,
            Some(value) => {
                self.0.refuse(name, &format!("{} is neither `on` nor `off`", quote(value)));
                true
            }
        }
    }

    fn name(&mut self) -> Option<Arc<str>> {
        let value = self.0.value("proxy-ssl-name")?;
        if ServerName::try_from(value).is_err() {
            self.0.refuse("proxy-ssl-name", &format!("{} is neither a DNS name nor an address", quote(value)));
        }
        Some(value.into())
    }

    /// Versions that are named and spoken here: all of them, if none is both.
    fn versions(&mut self) -> TlsVersions {
        let Some(value) = self.0.value("proxy-ssl-protocols") else { return TlsVersions::default() };
        let named = |version: &str| value.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(version));
        match (named("TLSv1.2"), named("TLSv1.3")) {
            (true, false) => TlsVersions::V12,
            (false, true) => TlsVersions::V13,
            (true, true) => TlsVersions::Both,
            (false, false) => {
                self.0.notes.add(FindingCode::AnnotationNotServed, &key("proxy-ssl-protocols"), || {
                    format!(
                        "{} names neither TLSv1.2 nor TLSv1.3, and no other version is spoken: both are offered.",
                        quote(value)
                    )
                });
                TlsVersions::Both
            }
        }
    }
}
