//! The API server as a source: one watch per kind and scope, started and stopped as the lane's scope changes.
//!
//! What a gateway's identity must be allowed: list and watch of IngressClasses; list and watch of Ingresses, Services and
//! EndpointSlices in the namespaces of its scope; list and watch of the Secrets of its keyring, by name.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::time::Duration;

use bulkhead_compile::{Key, Kind, Object};
use bulkhead_crds::lane::{LaneDocument, NamespaceSet};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::core::DeserializeGuard;
use kube::runtime::watcher;
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::watch as signal;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::keyring::{self, Keyring};
use super::watch::{News, Watch};
use super::{Event, Events, Scope};

/// How long the right to read IngressClasses must be missing before they count as gone. An API server that starts refuses
/// rightful calls until it has read its roles; a right that was withdrawn stays withdrawn.
const FORBIDDEN: Duration = Duration::from_secs(60);

/// How long the right to read a namespace must have been missing before a gateway goes on without it. Long enough for an API server
/// that has just started, and for a binding that was made with the gateway; short against the time a pod may take to get ready.
const REFUSED: Duration = Duration::from_secs(10);

/// What there is to watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Lists that have to be complete.
    pub lists: BTreeSet<(Kind, Scope)>,
    /// Where the list of Secrets comes from; none before the first lane document.
    pub keyring: Option<Keyring>,
}

impl Wanted {
    /// What a lane document makes necessary.
    #[must_use]
    pub fn of(lane: &LaneDocument) -> Self {
        Self { lists: lists(&lane.scope.namespaces), keyring: Some(Keyring::of(lane)) }
    }
}

/// Every list that `namespaces` makes necessary.
#[must_use]
pub fn lists(namespaces: &NamespaceSet) -> BTreeSet<(Kind, Scope)> {
    let scopes: Vec<Scope> = match namespaces {
        NamespaceSet::All => vec![Scope::All],
        NamespaceSet::Names(names) => names.iter().cloned().map(Scope::Namespace).collect(),
    };
    let namespaced = [Kind::Ingress, Kind::Service, Kind::EndpointSlice];
    let pairs = scopes.into_iter().flat_map(|scope| namespaced.map(|kind| (kind, scope.clone())));
    let whole = std::iter::once(Kind::IngressClass).chain(keyring::COPIED).map(|kind| (kind, Scope::All));
    pairs.chain(whole).collect()
}

/// Watches what `wanted` says until its sender is dropped.
pub async fn follow(client: Client, mut wanted: signal::Receiver<Wanted>, events: Events) {
    let mut tasks = JoinSet::new();
    let mut running = HashMap::new();
    let mut keyring: Option<(Keyring, AbortHandle)> = None;
    loop {
        let Wanted { lists, keyring: keyring_wanted } = wanted.borrow_and_update().clone();
        running.retain(|list, task: &mut AbortHandle| {
            let keep = lists.contains(list);
            if !keep {
                task.abort();
            }
            keep
        });
        if keyring.as_ref().map(|(running, _)| running) != keyring_wanted.as_ref() {
            if let Some((_, task)) = keyring.take() {
                task.abort();
            }
            keyring = keyring_wanted.map(|keyring| {
                let task = tasks.spawn(keyring::follow(client.clone(), keyring.clone(), events.clone()));
                (keyring, task)
            });
        }
        for (kind, scope) in lists.into_iter().filter(|(kind, _)| !keyring::COPIED.contains(kind)) {
            running
                .entry((kind, scope.clone()))
                .or_insert_with(|| tasks.spawn(follow_list(client.clone(), kind, scope, events.clone())));
        }
        while tasks.try_join_next().is_some() {}
        if wanted.changed().await.is_err() {
            return;
        }
    }
}

async fn follow_list(client: Client, kind: Kind, scope: Scope, events: Events) {
    // What users write may fail to decode, and one such object must not fail its whole list. EndpointSlices are written by
    // controllers and are many: they are not decoded twice.
    let list = List { kind, scope: scope.clone(), events };
    let ended = match kind {
        Kind::Ingress => list.run(namespaced(client, &scope), guarded::<Ingress>).await,
        Kind::Service => list.run(namespaced(client, &scope), guarded::<Service>).await,
        Kind::IngressClass => list.run(Api::all(client), guarded::<IngressClass>).await,
        Kind::EndpointSlice => list.run(namespaced(client, &scope), |slice: EndpointSlice| Ok(slice.into())).await,
        // Read from the keyring alone.
        Kind::Secret | Kind::ConfigMap => Ok(()),
    };
    if ended.is_err() {
        tracing::debug!(kind = kind.as_str(), "nobody listens any more, the watch ends");
    }
}

fn namespaced<K>(client: Client, scope: &Scope) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    match scope {
        Scope::All => Api::all(client),
        Scope::Namespace(namespace) => Api::namespaced(client, namespace),
    }
}

fn guarded<K: Into<Object>>(guard: DeserializeGuard<K>) -> Result<Object, String> {
    guard.0.map(Into::into).map_err(|error| error.error)
}

/// Nobody listens any more.
struct Closed;

/// One list that is followed.
struct List {
    kind: Kind,
    scope: Scope,
    events: Events,
}

impl List {
    async fn run<K>(self, api: Api<K>, decode: impl Fn(K) -> Result<Object, String>) -> Result<(), Closed>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
    {
        let mut watch = Watch::new(api, watcher::Config::default());
        let (mut troubled, mut listed, mut forbidden_since) = (false, false, None);
        loop {
            match watch.next().await {
                Ok(News::Event(event)) => {
                    let answered = !matches!(event, watcher::Event::Init);
                    listed |= matches!(event, watcher::Event::InitDone);
                    self.send(self.translate(event, &decode)).await?;
                    if answered && std::mem::take(&mut troubled) {
                        forbidden_since = None;
                        self.send(self.problem(None)).await?;
                    }
                }
                Ok(News::Well) => {
                    (troubled, forbidden_since) = (false, None);
                    self.send(self.problem(None)).await?;
                }
                Err(trouble) => {
                    troubled = true;
                    tracing::warn!(kind = self.kind.as_str(), scope = %self.scope, error = %trouble, "a watch failed, it is tried again");
                    self.send(self.problem(Some(trouble.to_string()))).await?;
                    if !trouble.is_forbidden() {
                        continue;
                    }
                    let now = Instant::now();
                    let missing = now.duration_since(*forbidden_since.get_or_insert(now));
                    if !listed && self.is_refused(missing) {
                        self.send(Event::Refused { kind: self.kind, scope: self.scope.clone() }).await?;
                    }
                    if self.is_withdrawn(missing) {
                        self.send(Event::Forbidden { kind: self.kind, scope: self.scope.clone() }).await?;
                        // The next success must be a complete list: what was forgotten has to come back.
                        watch.restart();
                    }
                }
            }
        }
    }

    /// Whether a right to read that has been `missing` for so long counts as withdrawn. Only IngressClasses say who may
    /// be served at all: the rest keeps its last good state.
    fn is_withdrawn(&self, missing: Duration) -> bool {
        self.kind == Kind::IngressClass && missing >= FORBIDDEN
    }

    /// Whether others go on without this list. What is read in the whole cluster is not one of several.
    fn is_refused(&self, missing: Duration) -> bool {
        self.scope != Scope::All && missing >= REFUSED
    }

    fn translate<K>(&self, event: watcher::Event<K>, decode: &impl Fn(K) -> Result<Object, String>) -> Event
    where
        K: Resource<DynamicType = ()>,
    {
        match event {
            watcher::Event::Init => Event::Restarted { kind: self.kind, scope: self.scope.clone() },
            watcher::Event::InitDone => Event::Completed { kind: self.kind, scope: self.scope.clone() },
            watcher::Event::Delete(object) => Event::Deleted(self.key(&object)),
            watcher::Event::InitApply(object) | watcher::Event::Apply(object) => {
                let key = self.key(&object);
                match decode(object) {
                    Ok(mut object) => {
                        object.trim();
                        Event::Applied(object)
                    }
                    Err(reason) => Event::Undecodable { key, reason },
                }
            }
        }
    }

    fn key<K: Resource<DynamicType = ()>>(&self, object: &K) -> Key {
        Key { kind: self.kind, namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
    }

    fn problem(&self, problem: Option<String>) -> Event {
        let subject = format!("watch of kind {} in {}", self.kind.as_str(), self.scope);
        Event::Problem { subject, problem }
    }

    async fn send(&self, event: Event) -> Result<(), Closed> {
        self.events.send(vec![event]).await.map_err(|_| Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::watch::Trouble;
    use super::*;

    fn list() -> List {
        List { kind: Kind::Ingress, scope: Scope::All, events: tokio::sync::mpsc::channel(1).0 }
    }

    fn guard(port: serde_json::Value) -> DeserializeGuard<Ingress> {
        let backend = serde_json::json!({"service": {"name": "crane", "port": {"number": port}}});
        let metadata =
            serde_json::json!({"name": "crane", "namespace": "quay", "managedFields": [{"manager": "kubectl"}]});
        serde_json::from_value(serde_json::json!({"metadata": metadata, "spec": {"defaultBackend": backend}})).unwrap()
    }

    #[test]
    fn an_object_that_does_not_decode_is_named_and_fails_no_other() {
        let good = list().translate(watcher::Event::Apply(guard(80.into())), &guarded::<Ingress>);
        assert!(matches!(good, Event::Applied(Object::Ingress(ingress)) if ingress.metadata.managed_fields.is_none()));
        let bad = list().translate(watcher::Event::InitApply(guard("eighty".into())), &guarded::<Ingress>);
        let Event::Undecodable { key, reason } = bad else { panic!("it does not decode: {bad:?}") };
        assert_eq!(crate::source::describe(&key), "Ingress quay/crane");
        assert!(reason.contains("i32"), "{reason}");
    }

    #[test]
    fn a_right_that_stays_away_ends_classes_and_lets_others_go_on_without_a_namespace() {
        let named = List { scope: Scope::Namespace("quay".to_owned()), ..list() };
        let classes = List { kind: Kind::IngressClass, ..list() };
        let short = Duration::from_secs(1);
        for (list, missing, withdrawn, refused) in [
            (&classes, short, false, false),
            (&classes, FORBIDDEN, true, false),
            (&list(), FORBIDDEN, false, false),
            (&named, short, false, false),
            (&named, REFUSED, false, true),
            (&named, FORBIDDEN, false, true),
        ] {
            let told = (list.is_withdrawn(missing), list.is_refused(missing));
            assert_eq!(told, (withdrawn, refused), "{:?} in {} after {missing:?}", list.kind, list.scope);
        }
    }

    #[test]
    fn only_a_refusal_of_the_api_server_speaks_of_rights() {
        let status = kube::core::Status::failure("no", "Forbidden").with_code(403);
        let forbidden = Trouble::Watch(watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status))));
        assert!(forbidden.is_forbidden());
        assert!(!Trouble::Slow.is_forbidden(), "an API server that does not answer takes nothing away");
    }

    #[test]
    fn a_scope_of_names_lists_each_of_them_and_the_classes_of_the_cluster() {
        let names = NamespaceSet::Names(["a".to_owned(), "b".to_owned()].into());
        let named = |name: &str| Scope::Namespace(name.to_owned());
        let expected = [
            (Kind::Ingress, named("a")),
            (Kind::Ingress, named("b")),
            (Kind::Service, named("a")),
            (Kind::Service, named("b")),
            (Kind::EndpointSlice, named("a")),
            (Kind::EndpointSlice, named("b")),
            (Kind::IngressClass, Scope::All),
            (Kind::Secret, Scope::All),
            (Kind::ConfigMap, Scope::All),
        ];
        assert_eq!(lists(&names), expected.into());
        assert_eq!(lists(&NamespaceSet::All).len(), Kind::ALL.len());
    }
}
