//! What every reconcile shares: the client, the caches, and the little that must be remembered from one to the next.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bulkhead_compile::ReferenceKind;
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::LaneName;
use bulkhead_plan::Site;
use bulkhead_plan::keyring::{EntryName, Place};
use kube::Client;
use kube::api::{Api, DynamicObject};

use crate::backoff::Backoff;
use crate::caches::Caches;
use crate::contest::Contest;
use crate::events::Ledger;
use crate::fleet::Grants;
use crate::kind::{Key, Kind};
use crate::metrics::Metrics;
use crate::owner::InstanceId;
use crate::watch::Requests;

/// Shared by all reconciles.
pub struct Context {
    /// Client of the API server.
    pub client: Client,
    /// The installation.
    pub site: Site,
    /// Minor version of the API server, when it told.
    pub kubernetes_minor: Option<u32>,
    /// Namespaces whose instances may serve others too; nothing when all may.
    pub platform_namespaces: Option<BTreeSet<String>>,
    /// What watches have seen.
    pub caches: Caches,
    /// Failures in a row.
    pub backoff: Backoff,
    /// Counts of what was done.
    pub metrics: Metrics,
    /// Instances whose findings may be others.
    pub heralded: Requests,
    /// Lanes whose turn it is to take a new default image.
    pub grants: Grants,
    /// What was told in Events.
    ledger: Mutex<Ledger>,
    /// What is remembered of each instance.
    memory: Mutex<HashMap<InstanceId, Memory>>,
}

/// What is remembered of one instance. Losing it costs a few calls, never correctness.
#[derive(Default)]
pub struct Memory {
    /// Hash of what was last applied, and the version it had then.
    pub applied: HashMap<Key, Applied>,
    /// Which shard holds which entry of a lane's keyring.
    pub shards: BTreeMap<LaneName, BTreeMap<EntryName, Place>>,
    /// What the instance's Ingresses refer to, and the Ingresses that do: events on these concern it.
    pub watched: Watched,
    /// What was read of the findings of its lanes.
    pub findings: BTreeMap<LaneName, Reading>,
    /// Since when it is on its way out.
    pub leaving_since: Option<tokio::time::Instant>,
}

/// Objects of others whose events concern an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Kind, namespace and name of the objects that are referred to, whether they exist or not.
    pub references: BTreeSet<(ReferenceKind, String, String)>,
    /// Namespace and name of the Ingresses that refer to something.
    pub ingresses: BTreeSet<(String, String)>,
}

/// What was read of the findings of a lane.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Hash of what its gateways last reported of them.
    pub reported: u64,
    /// Entity tag of the page that was last read; empty before the first.
    pub tag: String,
    /// When what is on it was told, the first of it that may be told again.
    pub at: Option<tokio::time::Instant>,
    /// Something on it was left to be told later.
    pub unfinished: bool,
}

/// One object as it was last applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Hash of the planned object.
    pub hash: u64,
    /// The [version](crate::version) that the API server answered with.
    pub version: String,
    /// Whether somebody else wants it otherwise.
    pub contest: Contest,
}

impl Context {
    /// A context that remembers nothing yet.
    #[must_use]
    pub fn new(
        client: Client,
        site: Site,
        kubernetes_minor: Option<u32>,
        platform_namespaces: Option<BTreeSet<String>>,
        caches: Caches,
        heralded: Requests,
    ) -> Self {
        Self {
            client,
            site,
            kubernetes_minor,
            platform_namespaces,
            caches,
            heralded,
            backoff: Backoff::default(),
            metrics: Metrics::default(),
            grants: Grants::default(),
            ledger: Mutex::default(),
            memory: Mutex::default(),
        }
    }

    /// Objects of one kind, where `key` lies.
    #[must_use]
    pub fn api(&self, key: &Key) -> Api<DynamicObject> {
        if key.kind.namespaced() {
            Api::namespaced_with(self.client.clone(), &key.namespace, &key.kind.resource())
        } else {
            self.api_everywhere(key.kind)
        }
    }

    /// Objects of one kind, in all namespaces.
    #[must_use]
    pub fn api_everywhere(&self, kind: Kind) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &kind.resource())
    }

    /// GatewayInstances of one namespace.
    #[must_use]
    pub fn instances(&self, namespace: &str) -> Api<GatewayInstance> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Reads or changes what is remembered of an instance.
    pub fn remember<T>(&self, instance: &InstanceId, with: impl FnOnce(&mut Memory) -> T) -> T {
        with(self.memory().entry(instance.clone()).or_default())
    }

    /// Forgets everything about an instance that is gone.
    pub fn forget(&self, instance: &InstanceId) {
        self.memory().remove(instance);
        self.backoff.succeeded(instance);
    }

    /// Forgets every instance that is not among `known`.
    pub fn forget_all_but(&self, known: &BTreeSet<InstanceId>) {
        self.memory().retain(|id, _| known.contains(id));
        self.backoff.forget_all_but(known);
        self.grants.forget_all_but(known);
        self.ledger().forget_all_but(known);
    }

    /// What was told in Events. Not to be held while anything is awaited.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Instances that `concerned` says yes to.
    #[must_use]
    pub fn watchers(&self, concerned: impl Fn(&Watched) -> bool) -> Vec<InstanceId> {
        self.memory().iter().filter(|(_, memory)| concerned(&memory.watched)).map(|(id, _)| id.clone()).collect()
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<InstanceId, Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
