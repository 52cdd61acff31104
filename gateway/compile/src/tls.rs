//! The certificate of one host: what all the Ingresses that claim it come to.

use std::sync::Arc;

use bulkhead_crds::finding::{Finding, ObjectRef};
use bulkhead_crds::lane::LaneDocument;
use bulkhead_crds::tls::TlsVersion;
use bulkhead_model::tls::{MinVersion, TlsPolicy};
use bulkhead_model::{Certificate, HostPattern};

use crate::certificate::{self, BadCertificate};
use crate::code::FindingCode;
use crate::findings::{Notes, finding, quote};
use crate::ingress::Declared;
use crate::name::Name;
use crate::secrets::Secrets;

/// What a lane says of all of its handshakes.
pub(crate) fn policy(lane: &LaneDocument) -> TlsPolicy {
    let min_version = match lane.tls.min_version {
        TlsVersion::V12 => MinVersion::V12,
        TlsVersion::V13 => MinVersion::V13,
    };
    TlsPolicy { min_version, tickets: lane.tls.session_tickets, ..TlsPolicy::default() }
}

/// The certificate of `host` from the Ingresses that claim it, oldest first: the oldest has its will, also when that comes
/// to nothing, so that a Secret that breaks never hands a host to somebody else's certificate. `owner` is the one namespace
/// that has a say, where hosts are owned.
pub(crate) fn choose<'d>(
    host: &HostPattern,
    claims: impl Iterator<Item = &'d Declared>,
    owner: Option<&str>,
    secrets: &mut Secrets,
) -> (Option<Arc<Certificate>>, Vec<Finding>) {
    let (mut chosen, mut findings) = (None, Vec::new());
    let mut winner: Option<(&Name, Option<Name>)> = None;
    for declared in claims {
        let Some(claim) = declared.tls.get(host) else { continue };
        let ingress = &declared.age.name;
        let mut notes = Notes::new("Ingress", ingress);
        let secret = claim.secret.as_ref().map(|name| ingress.beside(name));
        match &winner {
            _ if owner.is_some_and(|owner| *owner != *ingress.namespace) => {
                notes.add(FindingCode::HostNotOwned, &claim.field, || {
                    let (owner, host) = (owner.unwrap_or_default(), show(host));
                    format!("The namespace {owner} owns the host {host}, so the certificate of this Ingress is not used for it.")
                });
            }
            Some((_, first)) if *first == secret => {}
            Some((first, _)) => notes.add(FindingCode::CertificateConflict, &claim.field, || {
                format!("Ingress {first} is older and wants another certificate for {}, which is shown.", show(host))
            }),
            None => {
                chosen = secret.as_ref().and_then(|secret| take(host, secret, &claim.field, secrets, &mut notes));
                winner = Some((ingress, secret));
            }
        }
        findings.extend(notes.into_list());
    }
    (chosen, findings)
}

fn take(
    host: &HostPattern,
    secret: &Name,
    field: &str,
    secrets: &mut Secrets,
    notes: &mut Notes<'_>,
) -> Option<Arc<Certificate>> {
    match secrets.certificate(secret) {
        Some(Ok(certificate)) => {
            if !certificate::is_for(&certificate, host) {
                notes.add(FindingCode::CertificateNotForHost, field, || {
                    format!("The certificate in Secret {secret} is not for {}: clients will refuse it.", show(host))
                });
            }
            Some(certificate)
        }
        broken => {
            let (code, why) = fault(broken.and_then(Result::err));
            notes.add(code, &format!("{field}.secretName"), || {
                format!("Secret {} {why}, so the default certificate is shown for {}.", shown(secret), show(host))
            });
            None
        }
    }
}

/// The lane's default certificate, if it has one that can be used.
pub(crate) fn default(lane: &LaneDocument, secrets: &mut Secrets) -> (Option<Arc<Certificate>>, Vec<Finding>) {
    let Some(name) = default_name(lane) else { return (None, Vec::new()) };
    match secrets.certificate(&name) {
        Some(Ok(certificate)) => (Some(certificate), Vec::new()),
        broken => {
            let identity = &lane.identity;
            let object = ObjectRef::new("GatewayInstance", &identity.namespace, &identity.instance);
            let field = format!("spec.{}.tls.defaultCertificate.name", identity.lane.field());
            let (code, why) = fault(broken.and_then(Result::err));
            let message = format!("Secret {} {why}, so a self-signed certificate stands in for it.", shown(&name));
            (None, vec![finding(code, &object, &field, &message)])
        }
    }
}

/// The Secret of the lane's default certificate.
pub(crate) fn default_name(lane: &LaneDocument) -> Option<Name> {
    let secret = lane.tls.default_certificate.as_ref()?;
    Some(Name::new(&lane.identity.namespace, &secret.name))
}

fn fault(bad: Option<BadCertificate>) -> (FindingCode, String) {
    match bad {
        None => (FindingCode::CertificateNotFound, "does not exist".to_owned()),
        Some(bad @ BadCertificate::KeyMismatch) => (FindingCode::CertificateKeyMismatch, bad.to_string()),
        Some(bad) => (FindingCode::CertificateUnreadable, bad.to_string()),
    }
}

/// A name that an Ingress author wrote may hold anything.
fn shown(secret: &Name) -> String {
    quote(&secret.to_string())
}

fn show(host: &HostPattern) -> String {
    match host {
        HostPattern::Exact(name) => quote(name),
        HostPattern::Wildcard(domain) => quote(&format!("*.{domain}")),
        HostPattern::Any => "every other host".to_owned(),
    }
}
