//! The certificate of one host: what all the Ingresses that claim it come to.

use std::sync::Arc;

use bulkhead_crds::finding::{Finding, ObjectRef};
use bulkhead_crds::lane::LaneDocument;
use bulkhead_crds::tls::TlsVersion;
use bulkhead_model::tls::{MinVersion, TlsPolicy};
use bulkhead_model::x509::{Phase, Validity};
use bulkhead_model::{Certificate, HostPattern};

use crate::calendar::{Calendar, Entry};
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

/// What a wish for a certificate has come to.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// What clients are shown; `None`: what they are shown without any wish.
    pub(crate) certificate: Option<Arc<Certificate>>,
    /// `None`: nobody wants one.
    pub(crate) entry: Option<Entry>,
    /// Whether anybody with a say means the host to be reached by TLS.
    pub(crate) is_meant: bool,
    pub(crate) findings: Vec<Finding>,
}

/// The certificate of `host` from the Ingresses that claim it, oldest first: the oldest has its will, also when that comes
/// to nothing, so that a Secret that breaks never hands a host to somebody else's certificate. `owner` is the one namespace
/// that has a say, where hosts are owned.
pub(crate) fn choose<'d>(
    host: &HostPattern,
    claims: impl Iterator<Item = &'d Declared>,
    owner: Option<&str>,
    secrets: &mut Secrets,
    calendar: &Calendar,
) -> Choice {
    let mut choice = Choice::default();
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
                if let Some(secret) = &secret {
                    let taken = take(host, secret, secrets, calendar);
                    if let Err((code, why)) = &taken.1 {
                        let field = field_of(*code, &claim.field);
                        notes.add(*code, &field, || {
                            let (secret, host) = (shown(secret), show(host));
                            format!("Secret {secret} {why}, so it is not shown for {host}: the default certificate is, or the handshake is refused where the lane has rejectUnknownSNI.")
                        });
                    }
                    choice.entry = Some(Entry { validity: taken.0, shown: taken.1.is_ok() });
                    choice.certificate = taken.1.ok();
                }
                choice.is_meant = true;
                winner = Some((ingress, secret));
            }
        }
        choice.findings.extend(notes.into_list());
    }
    choice
}

/// A certificate's validity, if it can be read, and the certificate or why it is not shown.
type Taken = (Option<Validity>, Result<Arc<Certificate>, (FindingCode, String)>);

fn take(host: &HostPattern, secret: &Name, secrets: &mut Secrets, calendar: &Calendar) -> Taken {
    let certificate = match secrets.certificate(secret) {
        Some(Ok(certificate)) => certificate,
        broken => return (None, Err(fault(broken.and_then(Result::err)))),
    };
    let validity = certificate::validity(&certificate);
    let code = match validity.map_or(Phase::Valid, |validity| calendar.phase(validity)) {
        // Clients refuse all of these. The default certificate may be one that they take.
        Phase::Expired => (FindingCode::CertificateExpired, "has a certificate that has expired".to_owned()),
        Phase::Early => (FindingCode::CertificateNotYetValid, "has a certificate that is not valid yet".to_owned()),
        Phase::Valid if certificate::is_for(&certificate, host) => return (validity, Ok(certificate)),
        Phase::Valid => (FindingCode::CertificateNotForHost, "has a certificate for other names".to_owned()),
    };
    (validity, Err(code))
}

/// The field of a TLS entry that a finding is about.
fn field_of(code: FindingCode, entry: &str) -> String {
    if code == FindingCode::CertificateNotForHost { entry.to_owned() } else { format!("{entry}.secretName") }
}

/// The lane's default certificate, if it has one that can be used. It is for every host.
pub(crate) fn default(lane: &LaneDocument, secrets: &mut Secrets, calendar: &Calendar) -> Choice {
    let Some(name) = default_name(lane) else { return Choice::default() };
    let (validity, taken) = take(&HostPattern::Any, &name, secrets, calendar);
    let entry = Some(Entry { validity, shown: taken.is_ok() });
    match taken {
        Ok(certificate) => Choice { certificate: Some(certificate), entry, ..Choice::default() },
        Err((code, why)) => {
            let identity = &lane.identity;
            let object = ObjectRef::new("GatewayInstance", &identity.namespace, &identity.instance);
            let field = format!("spec.{}.tls.defaultCertificate.name", identity.lane.field());
            let message = format!("Secret {} {why}, so a self-signed certificate stands in for it.", shown(&name));
            Choice { entry, findings: vec![finding(code, &object, &field, &message)], ..Choice::default() }
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
