//! A Secret's bytes, as what TLS towards a backend takes: whom to believe, and who we are.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;

use crate::certificate::{self, BadCertificate, CHAIN, KEY};

/// Key of the certification authorities in a Secret.
const ROOTS: &str = "ca.crt";
/// Most authorities: three times as many as browsers believe.
const MAX_ROOTS: usize = 512;

/// What a Secret holds for TLS towards backends. At least one of the two is there.
#[derive(Debug)]
pub(crate) struct Authority {
    /// Authorities whose word counts. Never empty.
    pub(crate) roots: Option<Arc<RootCertStore>>,
    /// Client certificate.
    pub(crate) identity: Option<Arc<Certificate>>,
}

/// Why a Secret is of no use. What it says never holds anything of the Secret's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadAuthority {
    #[error("has neither {ROOTS}, nor {CHAIN} and {KEY}")]
    Nothing,
    #[error("has a {ROOTS} that holds no certificates in PEM form, or one that cannot be read")]
    UnreadableRoots,
    #[error("has a {ROOTS} of more than {MAX_ROOTS} certificates")]
    ManyRoots,
    #[error(transparent)]
    Identity(#[from] BadCertificate),
}

/// What is in the data of the Secret `origin`.
pub(crate) fn parse(origin: &str, data: &BTreeMap<String, Vec<u8>>) -> Result<Arc<Authority>, BadAuthority> {
    // Issuers that tell nobody their root leave an empty one behind.
    let roots = data.get(ROOTS).filter(|pem| !pem.is_empty()).map(|pem| read_roots(pem)).transpose()?;
    let names_itself = data.contains_key(CHAIN) || data.contains_key(KEY);
    let identity = names_itself.then(|| certificate::parse(origin, data)).transpose()?;
    if roots.is_none() && identity.is_none() {
        return Err(BadAuthority::Nothing);
    }
    Ok(Arc::new(Authority { roots, identity }))
}

/// All of them, or none: one that is left out would make a difference nobody asked for.
fn read_roots(pem: &[u8]) -> Result<Arc<RootCertStore>, BadAuthority> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        if roots.len() == MAX_ROOTS {
            return Err(BadAuthority::ManyRoots);
        }
        let certificate = certificate.map_err(|_| BadAuthority::UnreadableRoots)?;
        roots.add(certificate).map_err(|_| BadAuthority::UnreadableRoots)?;
    }
    if roots.is_empty() { Err(BadAuthority::UnreadableRoots) } else { Ok(Arc::new(roots)) }
}
