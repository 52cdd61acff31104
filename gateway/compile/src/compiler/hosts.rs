//! Which routes hosts have: what changes of Ingresses and of what they refer to come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::{HostPattern, HostTable};

use super::Compiler;
use crate::backends::Uses;
use crate::canaries::Canaries;
use crate::findings::Origin;
use crate::further;
use crate::host_paths::Expressions;
use crate::hosts::{HostPolicy, HostState, Workshop};

impl Compiler {
    /// Makes every dirty host anew; the table of hosts, if any came out different.
    pub(super) fn make_hosts(&mut self) -> Option<HostTable> {
        let mut dirty = std::mem::take(&mut self.dirty.hosts);
        let policy = self.lane.as_ref().map(|lane| lane.policy.clone()).unwrap_or_default();
        let mut table = self.snapshot.as_ref().map(|snapshot| snapshot.hosts.clone()).unwrap_or_default();
        let mut changed = false;
        // What a host wants room for does not follow from who has some: so this ends after the second time.
        while !dirty.is_empty() {
            self.ingresses.add_names(&mut dirty);
            // Names stand for hosts that are made before them.
            let (names, ruled): (Vec<_>, Vec<_>) =
                dirty.into_iter().partition(|host| self.ingresses.claims(host).is_none());
            for host in ruled.into_iter().chain(names) {
                let before = self.hosts.remove(&host);
                let state = self.make_host(&host, before.as_ref(), &policy, &mut table, &mut changed);
                self.note_uses(before.as_ref(), state.as_ref());
                self.rooms.set(&host, state.as_ref().map_or(&BTreeMap::new(), |state| &state.expressions.wants));
                self.hosts.extend(state.map(|state| (host, state)));
            }
            dirty = self.rooms.settle();
        }
        changed.then_some(table)
    }

    fn make_host(
        &mut self,
        host: &HostPattern,
        before: Option<&HostState>,
        policy: &HostPolicy,
        table: &mut HostTable,
        changed: &mut bool,
    ) -> Option<HostState> {
        let origin = Origin::Host(host.clone());
        let canaries = Canaries::of(self.ingresses.canaries(host), host);
        let Some(claims) = self.ingresses.claims(host) else {
            let mut findings = self.ingresses.lost_names(host, policy.owned);
            findings.extend(canaries.left());
            self.ledger.set(origin, findings);
            let state = self.make_name(host, before, policy);
            if before.map(|before| Arc::as_ptr(&before.table)) != state.as_ref().map(|state| Arc::as_ptr(&state.table))
            {
                *changed = true;
                table.set(host, state.as_ref().map(|state| Arc::clone(&state.table)));
            }
            return state;
        };
        let (catalog, backends, secrets) = (&self.catalog, &mut self.backends, &mut self.secrets);
        let (config_maps, zones) = (&self.config_maps, &mut self.zones);
        let (rooms, wide) = (&self.rooms, &mut self.wide);
        let mut workshop = Workshop { catalog, backends, secrets, config_maps, policy, rooms, wide, zones };
        let made = workshop.make(host, (claims, canaries), before);
        let mut findings = made.findings;
        findings.extend(self.ingresses.lost_names(host, policy.owned));
        self.ledger.set(origin, findings);
        if !made.unchanged {
            *changed = true;
            table.set(host, Some(Arc::clone(&made.state.table)));
        }
        Some(made.state)
    }

    /// A host that no rule is for: as the one that it is a further name of, or leading to that.
    fn make_name(&self, host: &HostPattern, before: Option<&HostState>, policy: &HostPolicy) -> Option<HostState> {
        let (declared, further) = self.ingresses.namer(host, policy.owned)?;
        let table = if further.leads {
            further::leading(host, (declared, further), policy, before.map(|before| &before.table))
        } else {
            Arc::clone(&self.hosts.get(&further.of)?.table)
        };
        Some(HostState { table, uses: Uses::new(), expressions: Expressions::default() })
    }

    /// Gives back the backends a host had, now that it has those it has, and marks the Services that this may matter to.
    fn note_uses(&mut self, before: Option<&HostState>, now: Option<&HostState>) {
        let none = Uses::new();
        let before = before.map_or(&none, |state| &state.uses);
        let now = now.map_or(&none, |state| &state.uses);
        for key in before {
            self.backends.release(key);
        }
        self.dirty.services.extend(before.symmetric_difference(now).map(|key| key.service.clone()));
    }
}
