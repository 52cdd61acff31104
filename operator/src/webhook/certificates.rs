//! The webhook's certificates and their order of life. Pure: the time is an argument, and making keys as well.
//!
//! Every certificate has an authority of its own, whose key signs it and is thrown away, so that there is no key with which anybody could
//! sign another. A new one is made long before the old one ends and in three steps, so that an API server never meets a certificate
//! of an authority that it has not been told of: *next* is made, and its authority told; it is *served* once everybody has heard of it;
//! the authority of the *retired* one is forgotten once nobody serves it any more.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;

const DAY: Duration = Duration::from_secs(86_400);
/// How long a certificate is valid.
pub const LIFE: Duration = DAY.saturating_mul(90);
/// How long before its end the next one is made: time to notice that it was not.
pub const RENEW: Duration = DAY.saturating_mul(30);
/// From telling of an authority to showing a certificate of it. API servers hear of a changed configuration within seconds.
pub const SETTLE: Duration = Duration::from_secs(600);
/// How long an authority is believed after its certificate was last shown: for replicas that hear of nothing.
pub const KEEP: Duration = DAY;
/// How much a clock of an API server may be behind ours.
const SKEW: Duration = Duration::from_secs(3600);

/// A certificate with what belongs to it, in PEM form.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// Who signed it, and nothing else.
    pub authority: String,
}

/// No key is ever told.
impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// All certificates that there are at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chest {
    /// What is shown to clients.
    pub serving: Pair,
    /// What will be.
    pub next: Option<Pair>,
    /// Authority of what was.
    pub retired: Option<String>,
    /// When the last step was made; nothing if that is not known.
    pub changed: Option<Timestamp>,
}

/// A certificate that cannot be made or shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be made.
    #[error("making a certificate for the webhook: {0}")]
    Make(#[from] rcgen::Error),
    /// It is none.
    #[error("reading the webhook's certificate: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// Nobody would believe it.
    #[error("checking the webhook's certificate: {0}")]
    Check(#[from] rustls::Error),
    /// It is for somebody else.
    #[error("checking the webhook's certificate: no server can be called {0}")]
    Name(String),
}

impl Chest {
    /// What there is at first.
    #[must_use]
    pub const fn new(serving: Pair, now: Timestamp) -> Self {
        Self { serving, next: None, retired: None, changed: Some(now) }
    }

    /// Everybody whose certificates clients are to believe, in PEM form.
    #[must_use]
    pub fn bundle(&self) -> String {
        let next = self.next.iter().map(|next| &next.authority);
        let all = std::iter::once(&self.serving.authority).chain(next).chain(&self.retired);
        all.map(|pem| format!("{}\n", pem.trim_end())).collect()
    }

    /// What there should be at `now` for a server called `name`, if that is something else. `make` makes a certificate.
    ///
    /// # Errors
    /// When one has to be made and cannot be.
    pub fn step(
        &self,
        name: &str,
        now: Timestamp,
        make: impl FnOnce() -> Result<Pair, Error>,
    ) -> Result<Option<Self>, Error> {
        let Some(changed) = self.changed.filter(|changed| *changed <= now) else {
            return Ok(Some(Self { changed: Some(now), ..self.clone() }));
        };
        let for_long = |time: Duration| now.duration_since(changed).unsigned_abs() >= time;
        let good = |pair: &Pair, after: Duration| pair.check(name, now + after).is_ok();
        let next = self.next.as_ref().filter(|next| good(next, RENEW));
        let lost = !good(&self.serving, Duration::ZERO);
        Ok(match next {
            // What is shown is worth nothing, so nothing can be lost by showing another.
            Some(next) if lost || for_long(SETTLE) => Some(Self {
                retired: Some(self.serving.authority.clone()).filter(|_| !lost),
                ..Self::new(next.clone(), now)
            }),
            None if lost => Some(Self::new(make()?, now)),
            None if !good(&self.serving, RENEW) => {
                Some(Self { next: Some(make()?), changed: Some(now), ..self.clone() })
            }
            None if self.next.is_some() => Some(Self { next: None, changed: Some(now), ..self.clone() }),
            None if self.retired.is_some() && for_long(KEEP) => {
                Some(Self { retired: None, changed: Some(now), ..self.clone() })
            }
            _ => None,
        })
    }
}

impl Pair {
    /// Makes one for a server of these names, valid from a little before `now` on.
    ///
    /// # Errors
    /// When a name is none, or there is no chance to be had.
    pub fn make(names: &[String], now: Timestamp) -> Result<Self, Error> {
        use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa};
        use rcgen::{KeyPair, KeyUsagePurpose, date_time_ymd};
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let at = |since_epoch: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(since_epoch);
        let params = |names: &[String], common_name: String| {
            let mut params = CertificateParams::new(names)?;
            params.not_before = at(seconds.saturating_sub(SKEW.as_secs()));
            params.not_after = at(seconds + LIFE.as_secs());
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, common_name);
            Ok::<_, Error>(params)
        };
        let mut authority = params(&[], format!("bulkhead webhook authority {seconds}"))?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let mut server = params(names, format!("bulkhead webhook {seconds}"))?;
        server.use_authority_key_identifier_extension = true;
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &authority)?.pem();
        Ok(Self { certificate, key: key.serialize_pem(), authority: authority.pem() })
    }

    /// As it is shown to clients.
    ///
    /// # Errors
    /// When it is no certificate, or the key is not the certificate's.
    pub fn certified(&self) -> Result<Arc<CertifiedKey>, Error> {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes()).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())?;
        Ok(Arc::new(CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())?))
    }

    /// Whether a client that believes the authority would believe, at `then`, that it speaks with `name`.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, name: &str, then: Timestamp) -> Result<(), Error> {
        let certified = self.certified()?;
        let shown = ParsedCertificate::try_from(certified.end_entity_cert()?)?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes())?)?;
        let seconds = u64::try_from(then.as_second()).unwrap_or_default();
        let then = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms.all;
        rustls::client::verify_server_cert_signed_by_trust_anchor(&shown, &roots, &[], then, algorithms)?;
        let name = ServerName::try_from(name).map_err(|_| Error::Name(name.to_owned()))?;
        Ok(verify_server_name(&shown, &name)?)
    }
}

#[cfg(test)]
mod tests;
