//! The client certificates that one host wants: what all the Ingresses that claim it come to.
//!
//! As in ingress-nginx a policy is for a host, not for the paths of the Ingress that has it. But nobody may shut the door of somebody
//! else: a policy of the namespace that had the host first holds for all of the host, that of another namespace for this one's routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::ClientAuth;
use bulkhead_model::client_auth::RouteAuth;

use crate::annotation::{ClientPolicy, ClientWish, field_of_issuers};
use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::ingress::Declared;
use crate::name::Name;
use crate::secrets::Secrets;

/// The policies of one host.
#[derive(Debug, Default)]
pub(crate) struct HostAuth<'d> {
    /// Of every route.
    wide: Option<Choice<'d>>,
    /// Of the routes from one namespace.
    narrow: BTreeMap<&'d str, Choice<'d>>,
}

#[derive(Debug)]
struct Choice<'d> {
    /// Whose policy it is.
    ingress: &'d Name,
    /// `None`: it cannot be read.
    wish: Option<&'d ClientWish>,
    /// `None`: what it needs is not there, or is broken.
    policy: Option<Arc<ClientAuth>>,
}

/// What a route asks of clients.
pub(crate) enum Ruling {
    /// This, or nothing.
    Served(Option<RouteAuth>),
    /// A protection that cannot be had.
    Refused,
}

impl<'d> HostAuth<'d> {
    /// The policies of a host from the Ingresses that claim it and have a say, oldest first: of each namespace the oldest that has one.
    pub(crate) fn choose(claims: &[&'d Declared], secrets: &mut Secrets) -> Self {
        let mut auth = Self::default();
        let Some(first) = claims.first().map(|declared| &*declared.age.name.namespace) else { return auth };
        for declared in claims {
            let namespace = &*declared.age.name.namespace;
            let is_known = if namespace == first { auth.wide.is_some() } else { auth.narrow.contains_key(namespace) };
            let wish = match &declared.policies.clients {
                ClientPolicy::Wanted(wish) => Some(wish),
                ClientPolicy::Refused => None,
                ClientPolicy::None => continue,
            };
            if is_known {
                continue;
            }
            let choice = Choice { ingress: &declared.age.name, wish, policy: make(declared, wish, secrets) };
            if namespace == first {
                auth.wide = Some(choice);
            } else {
                auth.narrow.insert(namespace, choice);
            }
        }
        auth
    }

    /// What the routes of one of these Ingresses for `host` ask. What is to be said about it is noted.
    pub(crate) fn rule(&self, declared: &Declared, host: &str, secrets: &mut Secrets, notes: &mut Notes<'_>) -> Ruling {
        let own = match &declared.policies.clients {
            ClientPolicy::Wanted(wish) => Some(wish),
            ClientPolicy::Refused => return Ruling::Refused,
            ClientPolicy::None => None,
        };
        let name = &declared.age.name;
        let Some(choice) = self.wide.as_ref().or_else(|| self.narrow.get(&*name.namespace)) else {
            return Ruling::Served(None);
        };
        match (own, choice.wish) {
            (Some(own), Some(wish)) if name.namespace == choice.ingress.namespace && own.is_like(wish) => {
                note_broken(own, name, secrets, notes);
            }
            (Some(_), _) => {
                notes.add(FindingCode::ClientCertificateConflict, &field_of_issuers(), || {
                    let (host, first) = (show(host), choice.ingress);
                    format!("Ingress {first} is older and wants other client certificates for {host}, so the routes of this Ingress for it answer 503.")
                });
                return Ruling::Refused;
            }
            (None, _) => notes.add(FindingCode::ClientCertificateImposed, "", || {
                format!(
                    "Ingress {} wants client certificates for {}, and with it for the routes of this Ingress.",
                    choice.ingress,
                    show(host)
                )
            }),
        }
        let Some(policy) = &choice.policy else { return Ruling::Refused };
        let wish = own.or(choice.wish);
        let pass_certificate = wish.is_some_and(|wish| wish.pass);
        let error_page = wish.and_then(|wish| wish.error_page.clone());
        Ruling::Served(Some(RouteAuth { policy: Arc::clone(policy), pass_certificate, error_page }))
    }
}

fn make(declared: &Declared, wish: Option<&ClientWish>, secrets: &mut Secrets) -> Option<Arc<ClientAuth>> {
    let wish = wish?;
    let roots = secrets.client_roots(&declared.age.name.beside(&wish.secret))?.ok()?;
    let subject = wish.subject.clone();
    Some(Arc::new(ClientAuth { demand: wish.demand, depth: wish.depth, roots, subject }))
}

fn note_broken(wish: &ClientWish, ingress: &Name, secrets: &mut Secrets, notes: &mut Notes<'_>) {
    let secret = ingress.beside(&wish.secret);
    let why = match secrets.client_roots(&secret) {
        Some(Ok(_)) => return,
        Some(Err(bad)) => bad.to_string(),
        None => "does not exist".to_owned(),
    };
    notes.add(FindingCode::ClientCertificateBroken, &field_of_issuers(), || {
        let secret = quote(&secret.to_string());
        format!("Secret {secret} {why}, so the routes that it is to protect answer 503.")
    });
}

fn show(host: &str) -> String {
    if host.is_empty() { "every other host".to_owned() } else { quote(host) }
}
