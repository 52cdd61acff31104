//! Where the rules of a host lead: backends, as their Ingress wants them to be spoken to.

use std::sync::Arc;

use bulkhead_model::balance::{Affinity, Sticky};
use bulkhead_model::route::Weighted;
use bulkhead_model::{Action, Backend, Denial, ErrorPages};

use super::words::why_not;
use super::{Workshop, missing};
use crate::annotation::{self, BackendPolicy, Pages};
use crate::backends::{BackendKey, Uses};
use crate::code::FindingCode;
use crate::findings::Notes;
use crate::ingress::{Declared, Rule, Target};
use crate::name::Name;
use crate::service::{Port, Ports};
use crate::transport::{BadTransport, Transport};

impl Workshop<'_> {
    pub(super) fn action(
        &mut self,
        uses: &mut Uses,
        declared: &Declared,
        rule: &Rule,
        notes: &mut Notes<'_>,
    ) -> Action {
        if declared.unprotected {
            return Action::Deny(Denial::PolicyNotServed);
        }
        let (name, port) = match &rule.backend {
            Target::Service { name, port } => (name, port),
            Target::Nothing => return Action::Deny(Denial::NoService),
            Target::Unread => return Action::Deny(Denial::PolicyNotServed),
        };
        let service = declared.age.name.beside(name);
        let catalog = self.catalog;
        let port = match catalog.find(&service, port) {
            Ok(port) => port,
            Err(code) => {
                notes.add(code, &rule.field, || missing(code, &service, rule, "the route answers 503"));
                return Action::Deny(Denial::NoService);
            }
        };
        let by_service = declared.policies.service
            && self.catalog.services.get(&service).is_some_and(|ports| ports.address().is_some());
        if declared.policies.service && !by_service {
            notes.add(FindingCode::NoClusterAddress, &rule.field, || {
                format!("Service {service} has no cluster IP to be asked by, so its endpoints are asked.")
            });
        }
        match self.backend(uses, &declared.policies.backend, (&service, &port, by_service), self.affinity(declared)) {
            Ok(backend) => {
                if backend.tls.is_none() && declared.policies.backend.tls.are_any() {
                    notes.add(FindingCode::BackendTlsUnused, &rule.field, || {
                        format!("Service {service} is spoken to in clear text, so the annotations proxy-ssl-* of this Ingress change nothing.")
                    });
                }
                Action::Forward(Box::from([Weighted { backend, weight: 1 }]))
            }
            Err(bad) => {
                notes.add(FindingCode::BackendTlsBroken, &rule.field, || {
                    format!("TLS with Service {service} cannot be as this Ingress wants it: {bad}, so the route answers 503.")
                });
                Action::Deny(Denial::PolicyNotServed)
            }
        }
    }

    /// What is answered instead of errors. It is asked as its Service says, whatever the Ingress says of its own backends.
    pub(super) fn pages(&mut self, uses: &mut Uses, declared: &Declared, notes: &mut Notes<'_>) -> Option<ErrorPages> {
        let Pages { service, statuses, own_only } = declared.policies.pages.as_ref()?;
        let service = declared.age.name.beside(service);
        let found = self.catalog.services.get(&service).ok_or(FindingCode::ServiceNotFound);
        let backend = found.and_then(Ports::first).and_then(|port| {
            let backend = self.backend(uses, &BackendPolicy::default(), (&service, port, false), None);
            backend.map_err(|_| FindingCode::BackendTlsBroken)
        });
        match backend {
            Ok(backend) => Some(ErrorPages { backend, statuses: statuses.clone(), own_only: *own_only }),
            Err(code) => {
                notes.add(FindingCode::ErrorPagesMissing, &annotation::key(annotation::DEFAULT_BACKEND), || {
                    format!("Service {service} {}, so errors are answered without its pages.", why_not(code))
                });
                None
            }
        }
    }

    /// Which requests to the backends of an Ingress belong together.
    pub(crate) fn affinity(&self, declared: &Declared) -> Option<Affinity> {
        match declared.policies.affinity.clone()? {
            Affinity::Sticky(sticky) => Some(Affinity::Sticky(Sticky { salt: self.policy.salt, ..sticky })),
            other => Some(other),
        }
    }

    /// The backend of a Service port, as `policy` wants it to be spoken to.
    pub(crate) fn backend(
        &mut self,
        uses: &mut Uses,
        policy: &BackendPolicy,
        (service, port, by_service): (&Name, &Port, bool),
        affinity: Option<Affinity>,
    ) -> Result<Arc<Backend>, BadTransport> {
        let spoken = port.app_protocol.spoken();
        let transport = Transport::choose(policy, service, spoken, self.secrets)?;
        let affinity = affinity.map(Box::new);
        let key = BackendKey { service: service.clone(), port: port.number, transport, affinity, by_service };
        self.acquire(uses, key)
    }

    /// The backend of this key, for the one host that is being made.
    pub(crate) fn acquire(&mut self, uses: &mut Uses, key: BackendKey) -> Result<Arc<Backend>, BadTransport> {
        if let Some(known) = self.backends.get(&key).filter(|_| uses.contains(&key)) {
            return Ok(known);
        }
        let key = Arc::new(key);
        let tls = || key.transport.tls.as_ref().map(|tls| tls.make(self.secrets).map(Arc::new)).transpose();
        let backend = self.backends.acquire(&key, self.catalog, tls)?;
        uses.insert(key);
        Ok(backend)
    }
}
