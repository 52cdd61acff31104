//! Starts every watch. Which kinds there are, what is kept of them and whom they concern stands here and nowhere else.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bulkhead_compile::ReferenceKind;
use bulkhead_crds::names;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service};
use k8s_openapi::api::networking::v1::Ingress;
use kube::Client;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::*;
use crate::caches::Caches;
use crate::context::Context;
use crate::kind::Kind;
use crate::lean::{LeanIngress, Named};
use crate::version;

/// Selects what the operator made.
const OURS: &str = "app.kubernetes.io/managed-by=bulkhead-operator";

/// Objects per page of a list of what tenants may write. They may make each as large as an object can be (1.5 MiB), and a page is held
/// whole, twice while it is decoded.
const PAGE: u32 = 10;

/// Watches that were started, and what they fill.
pub struct Watches {
    /// The stores.
    pub caches: Caches,
    /// Which stores are still empty.
    pub readiness: Readiness,
    /// Reconciles that the watches ask for.
    pub requests: Requests,
    /// Instances whose Ingresses may have to be told something else.
    pub published: Requests,
    /// Instances whose findings may be others.
    pub heralded: Requests,
    /// The running watches; they end when this is dropped.
    pub tasks: JoinSet<()>,
    /// Gives the watches the context, once it exists: they need to know what instances refer to.
    pub context: watch::Sender<Option<Arc<Context>>>,
}

type IsReady = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Says which stores have not seen their first list.
#[derive(Clone, Default)]
pub struct Readiness {
    waiting: Arc<Mutex<Vec<&'static str>>>,
}

impl Readiness {
    /// Kinds whose first list is not complete, in order; empty when everything is known.
    #[must_use]
    pub fn waiting(&self) -> Vec<&'static str> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn expect(&self, what: &'static str, ready: IsReady, tasks: &mut JoinSet<()>) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        let waiting = Arc::clone(&self.waiting);
        tasks.spawn(async move {
            ready.await;
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            // Some kinds are watched twice, once whole and once as metadata: one is off the list, the other may still be on.
            if let Some(place) = waiting.iter().position(|known| *known == what) {
                waiting.remove(place);
            }
        });
    }
}

/// Starts all watches.
#[must_use]
pub fn start(client: &Client) -> Watches {
    let writer = Writer::default();
    let known_instances = writer.as_reader();
    let requests = Requests::new(writer.as_reader());
    let published = Requests::new(writer.as_reader());
    let heralded = Requests::new(writer.as_reader());
    let mut starting = Starting { tasks: JoinSet::new(), readiness: Readiness::default(), requests, published };
    let (context, known) = watch::channel(None::<Arc<Context>>);
    let all = watcher::Config::default;
    let ours = || watcher::Config::default().labels(OURS).page_size(PAGE);

    let mut changes = instances::Changes::default();
    let guarded_instances = guarded(Api::all(client.clone()), all().page_size(PAGE));
    let instances = starting.store("GatewayInstance", writer, guarded_instances, trim, move |event| {
        let freed = changes.freed(event);
        let mut concerned = changes.of(event);
        concerned.extend(freed.iter().flat_map(|class| concerns::of_class(class, &known_instances.state())));
        concerned
    });
    let known_instances = instances.clone();
    let classes = starting.store(
        "IngressClass",
        Writer::default(),
        guarded(Api::all(client.clone()), all()),
        trim,
        move |event| {
            let class = object(event).map(ResourceExt::name_any);
            class.map(|class| concerns::of_class(&class, &known_instances.state())).unwrap_or_default()
        },
    );
    let (known_instances, memory) = (instances.clone(), known.clone());
    let lean_ingresses = ingresses(Api::all(client.clone()), all().page_size(PAGE));
    let (to_publish, to_herald) = (starting.published.clone(), heralded.clone());
    let ingresses = starting.store(
        "Ingress",
        Writer::default(),
        lean_ingresses,
        |_| {},
        move |event| {
            let Some(ingress) = object(event) else { return Vec::new() };
            to_publish.ask(concerns::of_published(ingress, &known_instances.state()));
            to_herald.ask(concerns::of_served(ingress, &known_instances.state()));
            let this = (ingress.namespace().unwrap_or_default(), ingress.name_any());
            let mut concerned = concerns::of_ingress(ingress, &known_instances.state());
            // Those it concerned before: its class or its references may have changed away from them.
            concerned.extend(watchers(&memory, |watched| watched.ingresses.contains(&this)));
            concerned
        },
    );
    let known_instances = instances.clone();
    let namespaces =
        starting.store("Namespace", Writer::default(), events(Api::all(client.clone()), all()), trim, move |event| {
            let namespace = object(event).map(ResourceExt::name_any);
            namespace.map(|namespace| concerns::of_namespace(&namespace, &known_instances.state())).unwrap_or_default()
        });
    let lane_pods = all().page_size(PAGE).labels(&format!("{},{}", names::LABEL_INSTANCE, names::LABEL_LANE));
    let pods = starting.store(
        "Pod",
        Writer::default(),
        events(Api::all(client.clone()), lane_pods),
        trim_pod,
        |event: &Event<Pod>| object(event).map(|pod| concerns::of_pod(pod.meta())).unwrap_or_default(),
    );
    let deployments = starting.store(
        "Deployment",
        Writer::default(),
        children::admitted(Kind::Deployment, events(Api::all(client.clone()), ours())),
        bound,
        |event: &Event<Deployment>| {
            object(event).map(|object| concerns::of_child(Kind::Deployment, object.meta())).unwrap_or_default()
        },
    );
    let services = starting.store(
        "Service",
        Writer::default(),
        children::admitted(Kind::Service, events(Api::all(client.clone()), ours())),
        bound,
        |event: &Event<Service>| {
            object(event).map(|object| concerns::of_child(Kind::Service, object.meta())).unwrap_or_default()
        },
    );
    let mut children = BTreeMap::new();
    for kind in Kind::ALL {
        children.insert(kind, starting.children(kind, client));
    }
    starting.references::<Secret>(ReferenceKind::Secret, client, &known);
    starting.references::<ConfigMap>(ReferenceKind::ConfigMap, client, &known);

    let caches = Caches { instances, classes, ingresses, namespaces, pods, deployments, services, children };
    let Starting { tasks, readiness, requests, published } = starting;
    Watches { caches, readiness, requests, published, heralded, tasks, context }
}

/// Watches while they are started.
struct Starting {
    tasks: JoinSet<()>,
    readiness: Readiness,
    requests: Requests,
    published: Requests,
}

impl Starting {
    /// One watch with its store.
    fn store<K>(
        &mut self,
        what: &'static str,
        writer: Writer<K>,
        events: Events<K>,
        trim: impl FnMut(&mut K) + Send + 'static,
        concerned: impl FnMut(&Event<K>) -> Vec<ObjectRef<GatewayInstance>> + Send + 'static,
    ) -> Store<K>
    where
        K: Resource + Clone + Send + Sync + 'static,
        K::DynamicType: Hash + Eq + Clone + Send + Sync,
    {
        let store = writer.as_reader();
        let filled = store.clone();
        let ready = async move {
            if filled.wait_until_ready().await.is_ok() {
                info!(kind = what, "listed");
            }
        };
        self.readiness.expect(what, Box::pin(ready), &mut self.tasks);
        let requests = [self.requests.clone(), self.published.clone()];
        self.tasks.spawn(follow(events, writer, trim, concerned, requests));
        store
    }

    /// Metadata of what the operator made of one kind.
    fn children(&mut self, kind: Kind, client: &Client) -> Store<crate::caches::ChildMeta> {
        let resource = kind.resource();
        let api = Api::all_with(client.clone(), &resource);
        let stream = children::admitted(kind, events(api, watcher::Config::default().labels(OURS).page_size(PAGE)));
        let mut versions = children::Versions::new(kind);
        let seal = move |child: &mut crate::caches::ChildMeta| {
            version::seal(kind, &mut child.metadata);
            child.metadata.annotations = None;
            bound_meta(&mut child.metadata);
        };
        self.store(kind.as_str(), Writer::new(resource), stream, seal, move |event| versions.concerned(event))
    }

    /// Names of all objects of a kind that Ingresses may refer to. Nothing is kept: only events of what is referred to matter.
    fn references<K>(&mut self, kind: ReferenceKind, client: &Client, known: &watch::Receiver<Option<Arc<Context>>>)
    where
        K: Resource<DynamicType = ()> + Clone + Debug + Send + 'static,
    {
        let api = Api::<Named<K>>::all(client.clone());
        let mut stream = events(api, watcher::Config::default().page_size(PAGE));
        let (requests, known) = (self.requests.clone(), known.clone());
        self.tasks.spawn(async move {
            while let Some(event) = stream.next().await {
                let Some(object) = object(&event) else { continue };
                let this = (kind, object.namespace().unwrap_or_default(), object.name_any());
                // The first list asks too: it may be younger than what a reconcile has read already.
                requests.ask(watchers(&known, |watched| watched.references.contains(&this)));
            }
        });
    }
}

fn watchers(
    known: &watch::Receiver<Option<Arc<Context>>>,
    concerned: impl Fn(&crate::context::Watched) -> bool,
) -> Vec<ObjectRef<GatewayInstance>> {
    let context = known.borrow().clone();
    context.map(|context| concerns::of_ids(context.watchers(concerned))).unwrap_or_default()
}

/// Ingresses, of which only what is read is decoded. An API server has checked the types of all that is.
fn ingresses(api: Api<LeanIngress>, config: watcher::Config) -> Events<Ingress> {
    let whole = |event| match event {
        Event::Apply(LeanIngress(ingress)) => Event::Apply(ingress),
        Event::InitApply(LeanIngress(ingress)) => Event::InitApply(ingress),
        Event::Delete(LeanIngress(ingress)) => Event::Delete(ingress),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    };
    events(api, config).map(whole).boxed()
}

/// Of a pod only its labels, address and readiness are read.
fn trim_pod(pod: &mut Pod) {
    bound(pod);
    pod.metadata.annotations = None;
    pod.spec = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kind_that_is_watched_twice_is_waited_for_twice() {
        let (readiness, mut tasks) = (Readiness::default(), JoinSet::new());
        let (first, listed) = tokio::sync::oneshot::channel::<()>();
        let ready = async move {
            let _ = listed.await;
        };
        readiness.expect("Service", Box::pin(ready), &mut tasks);
        readiness.expect("Service", Box::pin(std::future::pending()), &mut tasks);
        assert_eq!(readiness.waiting(), ["Service", "Service"]);
        drop(first);
        tasks.join_next().await;
        assert_eq!(readiness.waiting(), ["Service"]);
    }
}
