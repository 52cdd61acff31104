//! How one Service port is spoken to, from what its Ingress and its Service say and what lies in the Secret.

use std::sync::Arc;

use bulkhead_model::UpstreamTls;
use bulkhead_model::backend::Protocol;
use bulkhead_model::upstream_tls::{TlsVersions, Trust};
use rustls::pki_types::ServerName;
use thiserror::Error;

use crate::annotation::{BackendPolicy, TlsWishes};
use crate::authority::{Authority, BadAuthority};
use crate::findings::quote;
use crate::name::Name;
use crate::secrets::Secrets;
use crate::spoken::Spoken;

/// What tells two ways of speaking to one Service port from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Transport {
    pub(crate) protocol: Protocol,
    pub(crate) tls: Option<TlsKey>,
}

/// What tells two identities of TLS from each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TlsKey {
    /// Where roots and client certificate come from, and which version of it.
    secret: Option<(Name, u64)>,
    pub(crate) verify: bool,
    depth: Option<u8>,
    name: Arc<str>,
    asks_for_name: bool,
    versions: TlsVersions,
    /// Whether roots are those of the platform.
    by_platform: bool,
}

/// Why a backend cannot be spoken to as it is wanted.
#[derive(Debug, Error)]
pub(crate) enum BadTransport {
    #[error("Secret {} does not exist", quote(&.0.to_string()))]
    NoSecret(Name),
    #[error("Secret {} {why}", quote(&name.to_string()))]
    BadSecret {
        name: Name,
        #[source]
        why: BadAuthority,
    },
    #[error("Secret {} has no ca.crt to verify certificates with", quote(&.0.to_string()))]
    NoRoots(Name),
    #[error("there is nothing to verify certificates with")]
    NoAuthority,
    #[error("the platform has no certification authorities to verify certificates with")]
    NoPlatform,
    #[error("no certificate can be for {}", quote(.0))]
    BadName(Arc<str>),
}

impl Transport {
    /// How the port of `service`, which speaks `app_protocol` as far as the Service says, is spoken to for an Ingress.
    pub(crate) fn choose(
        policy: &BackendPolicy,
        service: &Name,
        app_protocol: Option<Spoken>,
        secrets: &mut Secrets,
    ) -> Result<Self, BadTransport> {
        let Spoken { protocol, tls } = policy.spoken.or(app_protocol).unwrap_or_default();
        if !tls {
            return Ok(Self { protocol, tls: None });
        }
        let wishes = &policy.tls;
        let secret = match wishes.secret.as_ref().map(|name| service.beside(name)) {
            None if wishes.verify => return Err(BadTransport::NoAuthority),
            None => None,
            Some(name) => {
                let (authority, version) = read(&name, secrets)?;
                if wishes.verify && authority.roots.is_none() {
                    return Err(BadTransport::NoRoots(name));
                }
                Some((name, version))
            }
        };
        let name = wishes.name.clone().unwrap_or_else(|| format!("{}.{}.svc", service.name, service.namespace).into());
        server_name(&name)?;
        let &TlsWishes { verify, depth, asks_for_name, versions, .. } = wishes;
        Ok(Self {
            protocol,
            tls: Some(TlsKey { secret, verify, depth, name, asks_for_name, versions, by_platform: false }),
        })
    }

    /// How a host is spoken to that an annotation names: under TLS it must prove that it is the one, by the roots of the platform.
    pub(crate) fn outside(secure: bool, host: &Arc<str>) -> Result<Self, BadTransport> {
        server_name(host)?;
        let tls = secure.then(|| TlsKey {
            secret: None,
            verify: true,
            depth: None,
            name: Arc::clone(host),
            asks_for_name: true,
            versions: TlsVersions::default(),
            by_platform: true,
        });
        Ok(Self { protocol: Protocol::Http1, tls })
    }
}

impl TlsKey {
    /// What a gateway needs to know.
    pub(crate) fn make(&self, secrets: &mut Secrets) -> Result<UpstreamTls, BadTransport> {
        let authority = match &self.secret {
            Some((name, _)) => Some((name, read(name, secrets)?.0)),
            None => None,
        };
        let trust = match (self.verify, &authority) {
            (false, _) => Trust::Anyone,
            (true, _) if self.by_platform => {
                Trust::Roots { roots: secrets.platform.clone().ok_or(BadTransport::NoPlatform)?, depth: None }
            }
            (true, None) => return Err(BadTransport::NoAuthority),
            (true, Some((name, authority))) => match &authority.roots {
                Some(roots) => Trust::Roots { roots: Arc::clone(roots), depth: self.depth },
                None => return Err(BadTransport::NoRoots((*name).clone())),
            },
        };
        Ok(UpstreamTls {
            trust,
            name: server_name(&self.name)?,
            asks_for_name: self.asks_for_name,
            identity: authority.and_then(|(_, authority)| authority.identity.clone()),
            versions: self.versions,
        })
    }
}

fn server_name(name: &Arc<str>) -> Result<ServerName<'static>, BadTransport> {
    ServerName::try_from(name.to_string()).map_err(|_| BadTransport::BadName(Arc::clone(name)))
}

fn read(name: &Name, secrets: &mut Secrets) -> Result<(Arc<Authority>, u64), BadTransport> {
    match secrets.authority(name) {
        None => Err(BadTransport::NoSecret(name.clone())),
        Some((Err(why), _)) => Err(BadTransport::BadSecret { name: name.clone(), why }),
        Some((Ok(authority), version)) => Ok((authority, version)),
    }
}
