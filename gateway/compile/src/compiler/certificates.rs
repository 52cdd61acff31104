//! Which certificates are shown: what changes of Secrets, Ingresses, the lane and the time come to.

use std::sync::Arc;

use bulkhead_model::HostPattern;

use super::Compiler;
use crate::findings::Origin;
use crate::ingress::Declared;
use crate::report::Certificates;
use crate::tls;

impl Compiler {
    /// Says what time it is, in seconds since 1970. Until then every certificate counts as valid. Those that begin or cease to be
    /// are judged anew by the next compile.
    pub fn set_time(&mut self, now: u64) {
        for host in self.calendar.set_now(now) {
            match host {
                HostPattern::Any => self.dirty.tls_defaults = true,
                host => {
                    self.dirty.tls.insert(host);
                }
            }
        }
    }

    /// What has become of the certificates that Ingresses and the lane want, as of the last compile.
    #[must_use]
    pub fn certificates(&self) -> Certificates {
        self.calendar.count()
    }

    /// Chooses the certificate of every dirty host anew; whether any came out different.
    pub(super) fn make_tls(&mut self) -> bool {
        let mut changed = std::mem::take(&mut self.dirty.tls_defaults) && self.make_tls_defaults();
        let Some(lane) = &self.lane else { return changed };
        let mut dirty = std::mem::take(&mut self.dirty.tls);
        self.ingresses.add_names(&mut dirty);
        for host in dirty {
            let mut rules = self.ingresses.claims(&host).into_iter().flatten();
            let namer = self.ingresses.namer(&host, lane.policy.owned).map(|(namer, _)| namer);
            let has_say =
                |claim: &&Declared| !claim.only_names(&host) || namer.is_some_and(|namer| namer.age == claim.age);
            let claims = || self.ingresses.tls_claims(&host).filter(has_say);
            let first = rules.next().or(namer).or_else(|| claims().next());
            let owner = first.filter(|_| lane.policy.owned).map(|oldest| &*oldest.age.name.namespace);
            let choice = tls::choose(&host, claims(), owner, &mut self.secrets, &self.calendar);
            self.ledger.set(Origin::Certificate(host.clone()), choice.findings);
            if self.tls.get(&host).map(Arc::as_ptr) != choice.certificate.as_ref().map(Arc::as_ptr) {
                changed = true;
                Arc::make_mut(&mut self.tls).set(&host, choice.certificate);
            }
            if self.tls.means(&host) != choice.is_meant {
                changed = true;
                Arc::make_mut(&mut self.tls).mean(&host, choice.is_meant);
            }
            self.calendar.set(&host, choice.entry);
        }
        changed
    }

    /// Takes what holds for all handshakes from the lane.
    fn make_tls_defaults(&mut self) -> bool {
        let Some(lane) = &self.lane else { return false };
        let choice = tls::default(&lane.document, &mut self.secrets, &self.calendar);
        self.ledger.set(Origin::DefaultCertificate, choice.findings);
        self.calendar.set(&HostPattern::Any, choice.entry);
        let (policy, reject_unknown) = (tls::policy(&lane.document), lane.document.tls.reject_unknown_sni);
        let (now, default) = (&self.tls, choice.certificate);
        let same_default = now.default.as_ref().map(Arc::as_ptr) == default.as_ref().map(Arc::as_ptr);
        if same_default && now.policy == policy && now.reject_unknown == reject_unknown {
            return false;
        }
        let table = Arc::make_mut(&mut self.tls);
        (table.policy, table.reject_unknown, table.default) = (policy, reject_unknown, default);
        true
    }
}
