//! Client certificates: whom a host lets in.
//!
//! A policy belongs to the host that a request is routed by, never to what a handshake was begun with. A handshake only asks for a
//! certificate, and takes any whose key the client has; here is decided, for each request anew, whether that is enough. So a policy that
//! changes holds for connections that are open, and a session that is resumed is judged like a new one.

use std::fmt;
use std::sync::Arc;

use rustls::DistinguishedName;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, UnixTime};
use thiserror::Error;
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationOptionsBuilder,
    anchor_from_trusted_cert,
};

use crate::denial::Denial;
use crate::location::Location;
use crate::subject_rule::SubjectRule;
use crate::{distinguished_name, x509};

/// Most bytes of the names of issuers that are sent in a handshake. The extension has room for 64 KiB, and some clients for less.
const MAX_SUBJECT_BYTES: usize = 16 << 10;

/// Most bytes of a subject as text that a rule is looked for in. One that is longer is nobody's.
const MAX_SUBJECT_TEXT: usize = 4 << 10;

/// What a host asks of its clients.
#[derive(Debug)]
pub struct ClientAuth {
    /// Whether a client may do without.
    pub demand: Demand,
    /// Most intermediate certificates between the client's and one of `roots`.
    pub depth: u8,
    /// Who may have issued it.
    pub roots: Arc<ClientRoots>,
    /// Whom it must be for; `None`: anybody.
    pub subject: Option<SubjectRule>,
}

/// Two policies with the same roots, by identity, that ask the same are one policy.
impl PartialEq for ClientAuth {
    fn eq(&self, other: &Self) -> bool {
        let Self { demand, depth, roots, subject } = self;
        *demand == other.demand
            && *depth == other.depth
            && Arc::ptr_eq(roots, &other.roots)
            && *subject == other.subject
    }
}

/// Whether a client may do without a certificate that can be verified. Ordered: a later one lets more clients in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Demand {
    /// It must have one.
    Required,
    /// It may have none; one that it shows must be good.
    Optional,
    /// It may have none, or one that nobody known has issued: the backend looks at it. One that is out of its time or revoked is
    /// refused all the same.
    OptionalUntrusted,
}

/// A route's policy, and what of the certificate goes to the backend.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteAuth {
    /// The policy of its host.
    pub policy: Arc<ClientAuth>,
    /// Whether the backend is sent the certificate itself.
    pub pass_certificate: bool,
    /// Where clients are sent that have no certificate, or none that is accepted; `None`: nowhere, they are told.
    pub error_page: Option<Location>,
}

/// The issuers that a policy believes, and what they have revoked.
pub struct ClientRoots {
    /// Where they come from: `namespace/name` of a Secret.
    pub origin: Box<str>,
    anchors: Box<[TrustAnchor<'static>]>,
    subjects: Arc<[DistinguishedName]>,
    revoked: Box<[CertRevocationList<'static>]>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Names the origin only.
impl fmt::Debug for ClientRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRoots").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Why certificates cannot be roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadRoots {
    /// There is none.
    #[error("there is no certificate")]
    Empty,
    /// One is not in X.509 form.
    #[error("a certificate cannot be read")]
    Certificate,
    /// A revocation list that cannot be used: left out, it would let in whom it shuts out.
    #[error("a revocation list cannot be read")]
    RevocationList,
}

impl ClientRoots {
    /// Roots from certificates and revocation lists in DER form.
    ///
    /// # Errors
    /// When there is no certificate, or anything cannot be read: half of a policy is none.
    pub fn new(
        origin: &str,
        certificates: &[CertificateDer<'_>],
        revocation_lists: &[CertificateRevocationListDer<'_>],
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Self, BadRoots> {
        let anchor = |certificate| anchor_from_trusted_cert(certificate).map(|anchor| anchor.to_owned());
        let anchors: Box<[_]> =
            certificates.iter().map(anchor).collect::<Result<_, _>>().map_err(|_| BadRoots::Certificate)?;
        if anchors.is_empty() {
            return Err(BadRoots::Empty);
        }
        let list = |der: &CertificateRevocationListDer<'_>| {
            OwnedCertRevocationList::from_der(der).map(CertRevocationList::Owned)
        };
        let revoked =
            revocation_lists.iter().map(list).collect::<Result<_, _>>().map_err(|_| BadRoots::RevocationList)?;
        let bytes: usize = anchors.iter().map(|anchor| anchor.subject.len()).sum();
        let named = if bytes <= MAX_SUBJECT_BYTES { &*anchors } else { &[] };
        let subjects = named.iter().map(|anchor| DistinguishedName::in_sequence(&anchor.subject)).collect();
        Ok(Self { origin: origin.into(), anchors, subjects, revoked, algorithms })
    }

    /// Their names, by which a client chooses one of its certificates (RFC 8446 §4.2.4). None if they are too long to be sent:
    /// then it chooses without.
    #[must_use]
    pub const fn subjects(&self) -> &Arc<[DistinguishedName]> {
        &self.subjects
    }
}

/// What has come of a client's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has shown none.
    Missing,
    /// It was issued by a root, and is good now.
    Verified,
    /// It is good but for its issuer, whom nobody knows.
    Untrusted,
    /// It is as good as the policy demands, and for somebody else than the policy names.
    OfAnother,
    /// It is no good, for this reason.
    Refused(&'static str),
}

impl ClientAuth {
    /// Judges the chain that a client has shown, its own certificate first, at a moment.
    #[must_use]
    pub fn judge(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Verdict {
        let Some((own, others)) = chain.split_first() else { return Verdict::Missing };
        let Ok(own) = EndEntityCert::try_from(own) else { return Verdict::Refused("it cannot be read") };
        let revoked: Vec<&CertRevocationList<'_>> = self.roots.revoked.iter().collect();
        // None without lists, and only then: then nobody says what is revoked.
        let revocation = RevocationOptionsBuilder::new(&revoked).ok();
        let revocation = revocation.map(|options| options.with_expiration_policy(ExpirationPolicy::Enforce).build());
        let depth = usize::from(self.depth);
        let within_depth = |path: &webpki::VerifiedPath<'_>| {
            let is_within = path.intermediate_certificates().count() <= depth;
            if is_within { Ok(()) } else { Err(webpki::Error::MaximumPathDepthExceeded) }
        };
        let verified = own.verify_for_usage(
            self.roots.algorithms.all,
            &self.roots.anchors,
            others,
            now,
            KeyUsage::client_auth(),
            revocation,
            Some(&within_depth),
        );
        let verdict = match verified {
            Ok(_) => Verdict::Verified,
            Err(error) => verdict(&error),
        };
        let is_good_enough = match verdict {
            Verdict::Verified => true,
            Verdict::Untrusted => self.demand == Demand::OptionalUntrusted,
            Verdict::Missing | Verdict::OfAnother | Verdict::Refused(_) => false,
        };
        let is_of_another = || self.subject.as_ref().is_some_and(|rule| !names(rule, chain));
        if is_good_enough && is_of_another() { Verdict::OfAnother } else { verdict }
    }

    /// Whether a request for `host`, which has this policy, may be served to a client that came by `channel`; `verdict` is
    /// asked for only if that matters.
    ///
    /// # Errors
    /// [`Denial`] says what the client is told.
    pub fn admit(
        &self,
        host: &str,
        channel: Channel<'_>,
        verdict: impl FnOnce(&Self) -> Verdict,
    ) -> Result<(), Denial> {
        match channel {
            Channel::Clear => return Err(Denial::ClientCertificateNeedsTls),
            // On another connection it would be asked: that is what the status says.
            Channel::Unasked => return Err(Denial::Misdirected),
            Channel::Asked { name } if name != host => return Err(Denial::Misdirected),
            Channel::Asked { .. } => {}
        }
        match (verdict(self), self.demand) {
            (Verdict::Verified, _) => Ok(()),
            (Verdict::Missing, Demand::Required) => Err(Denial::ClientCertificateMissing),
            // Nobody is not whom the policy names.
            (Verdict::Missing, _) if self.subject.is_some() => Err(Denial::ClientSubjectRefused),
            (Verdict::Missing, Demand::Optional | Demand::OptionalUntrusted) => Ok(()),
            (Verdict::OfAnother, _) => Err(Denial::ClientSubjectRefused),
            (Verdict::Untrusted, Demand::OptionalUntrusted) => Ok(()),
            (Verdict::Untrusted | Verdict::Refused(_), _) => Err(Denial::ClientCertificateRefused),
        }
    }
}

/// How a request came to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel<'c> {
    /// In clear text.
    Clear,
    /// Under TLS, by a handshake that asked for no certificate.
    Unasked,
    /// By a handshake that asked for a certificate, for this canonical host.
    Asked {
        /// The server name (RFC 6066 §3), made canonical as hosts of requests are.
        name: &'c str,
    },
}

/// Whether a rule allows the subject of the first certificate.
fn names(rule: &SubjectRule, chain: &[CertificateDer<'_>]) -> bool {
    let facts = chain.first().and_then(|own| x509::read(own));
    let subject = facts.and_then(|facts| distinguished_name::text(facts.subject, MAX_SUBJECT_TEXT));
    subject.is_some_and(|subject| rule.allows(&subject))
}

/// What an error of the verification comes to. Whatever is not named is a refusal.
fn verdict(error: &webpki::Error) -> Verdict {
    use webpki::Error::{
        CaUsedAsEndEntity, CertExpired, CertNotValidYet, CertRevoked, CrlExpired, MaximumPathDepthExceeded,
        RequiredEkuNotFoundContext, UnknownIssuer, UnknownRevocationStatus,
    };
    match error {
        // A certificate that signs itself says of itself that it may sign others.
        UnknownIssuer | CaUsedAsEndEntity => Verdict::Untrusted,
        CertExpired { .. } => Verdict::Refused("it has expired"),
        CertNotValidYet { .. } => Verdict::Refused("it is not valid yet"),
        CertRevoked => Verdict::Refused("it has been revoked"),
        CrlExpired { .. } | UnknownRevocationStatus => Verdict::Refused("whether it has been revoked is not known"),
        MaximumPathDepthExceeded => Verdict::Refused("its chain is too long"),
        RequiredEkuNotFoundContext(_) => Verdict::Refused("it is not for clients"),
        _ => Verdict::Refused("it cannot be verified"),
    }
}

#[cfg(test)]
mod tests;
