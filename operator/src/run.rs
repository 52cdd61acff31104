//! The operator at work: connect, watch, reconcile, and leave when asked to.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_plan::Site;
use futures::FutureExt;
use kube::Client;
use kube::runtime::reflector::ObjectRef;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::call::call;
use crate::context::Context;
use crate::election::{Election, Lost};
use crate::fence::Fence;
use crate::fleet::{self, Pace};
use crate::health::{self, Health};
use crate::publish::Publisher;
use crate::reconcile::{after_failure, reconcile};
use crate::turns::{self, Again, Turns};
use crate::{herald, sweep, watch, webhook};

/// Instances reconciled at once: one that waits for a slow call must not keep many others waiting, nor may a storm flood the API server.
const AT_ONCE: usize = 8;
/// Events of one change come in a bunch; this takes them together and is too short to be noticed.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// How long reconciles may take to end after a signal: less than the 30 s a pod gets.
const LEAVE: Duration = Duration::from_secs(20);

/// One of the replicas of an operator.
pub struct Replica {
    /// Its name, which no other running replica has.
    pub name: String,
    /// What keeps the writes of `client` back while another one leads.
    pub fence: Fence,
    /// Where probes and metrics are served.
    pub health: SocketAddr,
    /// How fast a new default image reaches the fleet.
    pub pace: Pace,
    /// Namespaces whose instances may serve others too; nothing when all may.
    pub platform_namespaces: Option<BTreeSet<String>>,
    /// The admission webhook, if there is to be one.
    pub webhook: Option<webhook::Options>,
}

/// Runs until `leave` is done. `client` is behind the fence of the replica.
///
/// # Errors
/// When a port cannot be had, the controller ends by itself, or another replica leads after this one did.
pub async fn run(client: Client, site: Site, replica: Replica, leave: impl Future<Output = ()>) -> anyhow::Result<()> {
    let Replica { name, fence, health, pace, platform_namespaces, webhook } = replica;
    let listener = TcpListener::bind(health).await.with_context(|| format!("listening on {health} for probes"))?;
    let kubernetes_minor = kubernetes_minor(&client).await;
    info!(version = site.version, image = site.image, namespace = site.operator_namespace, kubernetes_minor, health = %health, "starting");

    let watch::Watches { caches, readiness, requests, published, heralded, tasks: _watches, context: announce } =
        watch::start(&client);
    let mut election = Election::new(client.clone(), &site.operator_namespace, name, fence.clone());
    let context = Arc::new(Context::new(client, site, kubernetes_minor, platform_namespaces, caches.clone(), heralded));
    announce.send_replace(Some(Arc::clone(&context)));
    let mut tasks = JoinSet::new();
    let webhook = match webhook {
        Some(options) => Some(webhook::Running::start(options, &context, &mut tasks).await?),
        None => None,
    };
    let health = Health {
        readiness: readiness.clone(),
        context: Arc::clone(&context),
        instances: caches.instances.clone(),
        fence,
        identity: webhook.as_ref().map(|webhook| Arc::clone(&webhook.identity)),
    };
    tasks.spawn(health::serve(listener, Arc::new(health)));

    tokio::pin!(leave);
    tokio::select! {
        // A replica that cannot see the cluster must not keep one that can from leading.
        () = async { all_listed(&readiness).await; election.won().await } => info!("reconciling"),
        error = ended(&mut tasks) => return Err(error),
        () = &mut leave => {
            end(webhook).await;
            return Ok(());
        }
    }
    match &webhook {
        Some(webhook) => tasks.spawn(webhook.keeper(&context).run()),
        None => {
            let context = Arc::clone(&context);
            tasks.spawn(async {
                webhook::leftover::remove(context).await;
                std::future::pending().await
            })
        }
    };
    tasks.spawn(sweep::run(Arc::clone(&context)));
    tasks.spawn(Publisher::new(Arc::clone(&context), published.clone()).run());
    tasks.spawn(herald::run(Arc::clone(&context)));
    tasks.spawn(fleet::run(Arc::clone(&context), pace, requests.clone()));
    requests.ask_all();
    published.ask_all();
    context.heralded.ask_all();

    let (stop, stopped) = oneshot::channel::<()>();
    let instances = caches.instances;
    let turn = |who| {
        let (instance, context) = (instances.get(&who), Arc::clone(&context));
        async move {
            // A request for one that is gone meanwhile asks for nothing.
            let Some(instance) = instance else { return Again::OnChange };
            match reconcile(&instance, &context).await {
                Ok(again) => again,
                Err(error) => after_failure(&instance, &error, &context),
            }
        }
    };
    let noted = |instance: &ObjectRef<GatewayInstance>| {
        context.metrics.asked(instance.namespace.as_deref().unwrap_or_default(), &instance.name);
    };
    let mut work = turns::run(Turns::new(AT_ONCE), &requests, noted, DEBOUNCE, turn, stopped).boxed();
    {
        let lost = election.lost();
        tokio::pin!(lost);
        tokio::select! {
            () = &mut work => anyhow::bail!("the controller ended by itself"),
            error = ended(&mut tasks) => return Err(error),
            lost = &mut lost => return Err(stop_at_once(lost)),
            () = &mut leave => info!("asked to leave; ending what runs"),
        }
        drop(stop);
        let all = async { tokio::join!(tokio::time::timeout(LEAVE, work), end(webhook)) };
        tokio::select! {
            (ended, ()) = all => if ended.is_err() {
                warn!("left with reconciles still running; the next leader finishes them");
            },
            lost = &mut lost => return Err(stop_at_once(lost)),
        }
    }
    tasks.shutdown().await;
    election.resign().await;
    Ok(())
}

/// Waits until one of the tasks that go on for ever has ended: without it the process would look well and do half of its work.
async fn ended(tasks: &mut JoinSet<()>) -> anyhow::Error {
    match tasks.join_next().await {
        Some(Ok(())) => anyhow::anyhow!("a task that goes on for ever has ended by itself"),
        Some(Err(error)) => anyhow::Error::new(error).context("a task that goes on for ever has ended"),
        None => std::future::pending().await,
    }
}

/// Lets the webhook answer what it was asked.
async fn end(webhook: Option<webhook::Running>) {
    if let Some(webhook) = webhook {
        webhook.leave().await;
    }
}

/// Whoever led must end: what it remembers may be wrong by now.
fn stop_at_once(lost: Lost) -> anyhow::Error {
    error!("{lost}");
    lost.into()
}

/// Waits until every cache has seen its first list.
async fn all_listed(readiness: &watch::Readiness) {
    /// How often to look: start-up takes seconds at best.
    const LOOK: Duration = Duration::from_millis(50);
    while !readiness.waiting().is_empty() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Minor version of the API server; nothing when it does not tell, which must not keep the operator from starting.
async fn kubernetes_minor(client: &Client) -> Option<u32> {
    match call("asking for the version of the API server", client.apiserver_version()).await {
        // Some distributions append a plus sign.
        Ok(version) => version.minor.trim_end_matches('+').parse().ok(),
        Err(error) => {
            warn!("{error}; fields that need a later Kubernetes are not refused");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_or_panics_is_noticed_while_others_go_on() {
        let mut tasks = JoinSet::new();
        tasks.spawn(std::future::pending());
        tasks.spawn(async {});
        assert_eq!(ended(&mut tasks).await.to_string(), "a task that goes on for ever has ended by itself");
        tasks.spawn(async { assert!(std::env::args().count() == 0, "as a mistake would") });
        let told = format!("{:#}", ended(&mut tasks).await);
        assert!(told.starts_with("a task that goes on for ever has ended: ") && told.contains("panicked"), "{told}");
    }
}
