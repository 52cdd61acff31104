//! A Secret's bytes, as the issuers that client certificates are judged by.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::ClientRoots;
use bulkhead_model::client_auth::BadRoots;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use thiserror::Error;

/// Key of the issuers in a Secret.
const ROOTS: &str = "ca.crt";
/// Key of what they have revoked.
const REVOKED: &str = "ca.crl";
/// Most of each: three times as many issuers as browsers believe.
const MOST: usize = 512;

/// Why a Secret is of no use. What it says never holds anything of the Secret's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadClientRoots {
    #[error("has no {ROOTS}")]
    Nothing,
    #[error("has a {ROOTS} that holds no certificates in PEM form, or one that cannot be read")]
    Roots,
    #[error("has a {REVOKED} that holds no revocation lists in PEM form, or one that cannot be read")]
    Revoked,
    #[error("has more than {MOST} certificates in {ROOTS}, or lists in {REVOKED}")]
    Many,
}

/// What is in the data of the Secret `origin`. All of it, or none: an issuer or a list that is left out would make a difference
/// that nobody asked for.
pub(crate) fn parse(origin: &str, data: &BTreeMap<String, Vec<u8>>) -> Result<Arc<ClientRoots>, BadClientRoots> {
    let roots = data.get(ROOTS).filter(|pem| !pem.is_empty()).ok_or(BadClientRoots::Nothing)?;
    let roots = all::<CertificateDer<'static>>(roots, BadClientRoots::Roots)?;
    let revoked = data.get(REVOKED).filter(|pem| !pem.is_empty());
    let revoked = revoked.map(|pem| all::<CertificateRevocationListDer<'static>>(pem, BadClientRoots::Revoked));
    let revoked = revoked.transpose()?.unwrap_or_default();
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    let roots = ClientRoots::new(origin, &roots, &revoked, algorithms).map_err(|bad| match bad {
        BadRoots::Empty | BadRoots::Certificate => BadClientRoots::Roots,
        BadRoots::RevocationList => BadClientRoots::Revoked,
    })?;
    Ok(Arc::new(roots))
}

/// Every section of this kind; `bad` if there is none.
fn all<T: PemObject>(pem: &[u8], bad: BadClientRoots) -> Result<Vec<T>, BadClientRoots> {
    let mut list = Vec::new();
    for section in T::pem_slice_iter(pem) {
        if list.len() == MOST {
            return Err(BadClientRoots::Many);
        }
        list.push(section.map_err(|_| bad)?);
    }
    if list.is_empty() { Err(bad) } else { Ok(list) }
}
