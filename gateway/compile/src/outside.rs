//! Whom the routes of an Ingress ask besides their Services: hosts that its annotations name.

use std::collections::BTreeSet;
use std::sync::Arc;

use bulkhead_model::external_auth::Asked;
use bulkhead_model::template::Template;
use bulkhead_model::{Errand, ExternalAuth, HostPattern, Mirror};

use crate::annotation::{Url, UrlHost};
use crate::backends::{BackendKey, Uses};
use crate::code::FindingCode;
use crate::findings::Notes;
use crate::hosts::Workshop;
use crate::ingress::Declared;
use crate::name::Name;
use crate::transport::Transport;

/// What comes of what an Ingress asks for.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    /// Who says whether a client may ask.
    pub(crate) external: Option<ExternalAuth>,
    /// Who gets a copy of every request.
    pub(crate) mirror: Option<Mirror>,
    /// A protection is asked for that cannot be had. Why has been noted.
    pub(crate) is_open: bool,
}

impl Workshop<'_> {
    /// What `declared` asks of hosts on its routes for `host`. Backends are acquired, once each.
    pub(crate) fn outside(
        &mut self,
        uses: &mut Uses,
        host: &HostPattern,
        declared: &Declared,
        notes: &mut Notes<'_>,
    ) -> Outside {
        let mut outside = Outside::default();
        if let Some(wish) = &declared.policies.external {
            match self.errand(uses, host, &wish.url) {
                Ok(service) => {
                    outside.external = Some(ExternalAuth {
                        service,
                        method: wish.method,
                        says: Box::default(),
                        told: wish.told.clone(),
                        sign_in: wish.sign_in.clone(),
                        returns_to: wish.returns_to.clone(),
                        memory: wish.memory.clone(),
                        asked: Asked::default(),
                    });
                }
                Err(why) => {
                    outside.is_open = true;
                    notes.add(FindingCode::ProtectionUnreadable, &crate::annotation::key("auth-url"), || {
                        format!(
                            "Nobody can be asked whether clients may: {why}, so the routes for this host answer 503."
                        )
                    });
                }
            }
        }
        if let Some(wish) = &declared.policies.mirror {
            match self.errand(uses, host, &wish.url) {
                Ok(to) => {
                    let authority = wish.authority.clone().unwrap_or_else(|| to.authority.clone());
                    outside.mirror = Some(Mirror { to: Errand { authority, ..to }, content: wish.content });
                }
                Err(why) => {
                    notes.add(FindingCode::AnnotationUnreadable, &crate::annotation::key("mirror-target"), || {
                        format!("Nobody gets copies of requests for this host: {why}.")
                    })
                }
            }
        }
        outside
    }

    fn errand(&mut self, uses: &mut Uses, host: &HostPattern, url: &Url) -> Result<Errand, String> {
        let named = named(url, host).ok_or("the host of its URL is $host, and this host is no single name")?;
        let transport = Transport::outside(url.secure, &named).map_err(|error| error.to_string())?;
        let key =
            BackendKey { service: Name::outside(&named), port: url.port, transport, affinity: None, by_service: false };
        let backend = self.acquire(uses, key).map_err(|error| error.to_string())?;
        let authority = Template::parse(&url.host.authority()).map_err(|error| error.to_string())?;
        Ok(Errand { backend, authority, target: url.target.clone() })
    }
}

/// The host that a URL means on the routes for `host`.
fn named(url: &Url, host: &HostPattern) -> Option<Arc<str>> {
    match (&url.host, host) {
        (UrlHost::Named(named), _) => Some(Arc::clone(named)),
        (UrlHost::Own, HostPattern::Exact(name)) => Some((**name).into()),
        (UrlHost::Own, HostPattern::Wildcard(_) | HostPattern::Any) => None,
    }
}

/// Hosts that the annotations of an Ingress name.
pub(crate) fn hosts(declared: &Declared) -> Vec<Name> {
    let policies = &declared.policies;
    let asked = policies.external.iter().map(|wish| &wish.url);
    let urls = asked.chain(policies.mirror.iter().map(|wish| &wish.url));
    let each = urls.flat_map(|url| declared.hosts.keys().filter_map(|host| named(url, host)));
    each.map(|host| Name::outside(&host)).collect::<BTreeSet<Name>>().into_iter().collect()
}
