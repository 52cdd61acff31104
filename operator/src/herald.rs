//! Tells every Ingress what of it is not served as written: reads all findings of each lane from one of its gateways, soon after an Ingress of
//! its class has changed and whenever the gateways report others than before, and makes Events of what is news.
//!
//! Works beside the reconciles, for several instances at once. A gateway is asked for what has changed since it was last asked, so that a look
//! at which nothing has costs a hundred bytes. What it answers is not trusted: [`page`] bounds it, and [`choice`] takes from it only what is about
//! Ingresses of the lane.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::lane_spec::LaneSpec;
use bulkhead_crds::names::{ADMIN_PORT, LaneName};
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use kube::runtime::reflector::ObjectRef;
use tokio::time::Instant;
use tracing::{debug, error};

use crate::context::{Context, Reading};
use crate::events::{self, ONCE};
use crate::gather;
use crate::owner::InstanceId;
use crate::poll::{self, Answer, Question, ask};
use crate::watch::Requests;

mod choice;
mod page;
mod rounds;

use choice::Scope;
use page::Page;
use rounds::{Rest, Rounds};

/// Instances looked at together. Each may have a page of either lane in hand, of at most [`PAGE_BYTES`].
const AT_ONCE: usize = 4;
/// Most bytes of a page. What a gateway lists is some 5 MB at most; of more the first findings are read.
const PAGE_BYTES: usize = 8 << 20;
/// Longest time for one lane, with all its pods that are asked.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Pods of a lane that are asked until one answers.
const PODS: usize = 3;

type Instance = ObjectRef<GatewayInstance>;

/// Tells for ever.
pub async fn run(context: Arc<Context>) {
    let requests: Requests = context.heralded.clone();
    let mut rounds = Rounds::default();
    let mut looks = FuturesUnordered::new();
    loop {
        while looks.len() < AT_ONCE
            && let Some(instance) = rounds.take(Instant::now())
        {
            looks.push(guarded(instance, &context));
        }
        let next = rounds.next().filter(|_| looks.len() < AT_ONCE);
        let due = async {
            match next {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            asked = requests.all() => {
                let now = Instant::now();
                asked.into_iter().for_each(|instance| rounds.ask(instance, now));
            }
            Some((instance, rest)) = looks.next() => rounds.ended(&instance, rest, Instant::now()),
            () = due => {}
        }
    }
}

/// A look whose panic does not end the others.
async fn guarded(instance: Instance, context: &Context) -> (Instance, Rest) {
    let rest = AssertUnwindSafe(look(&instance, context)).catch_unwind().await.unwrap_or_else(|_| {
        context.metrics.failed("herald", "panic");
        error!(%instance, "telling of findings panicked; please report it with the log above");
        Rest { read: 0, is_unfinished: true }
    });
    (instance, rest)
}

/// Looks at both lanes of an instance.
async fn look(instance: &Instance, context: &Context) -> Rest {
    let Some(instance) = context.caches.instances.get(instance) else { return Rest::default() };
    if instance.metadata.deletion_timestamp.is_some() && !instance.spec.deletion_protection {
        return Rest::default();
    }
    let id = InstanceId::of(&instance.metadata);
    let lanes = instance.spec.enabled_lanes().map(|(lane, spec)| look_at(lane, spec, &instance, &id, context));
    join_all(lanes).await.into_iter().fold(Rest::default(), Rest::and)
}

/// Looks at one lane: reads its findings, if they may be others, and tells what is news.
async fn look_at(
    lane: LaneName,
    spec: &LaneSpec,
    instance: &GatewayInstance,
    id: &InstanceId,
    context: &Context,
) -> Rest {
    let now = Instant::now();
    let before = context.remember(id, |memory| memory.findings.get(&lane).cloned()).unwrap_or_default();
    let is_fresh = !before.unfinished && before.at.is_some_and(|at| now.saturating_duration_since(at) < ONCE);
    let known = Some(before.tag.as_str()).filter(|tag| is_fresh && !tag.is_empty());
    let read = tokio::time::timeout(TIMEOUT, read(lane, known, id, context)).await;
    let (content, is_whole, tag) = match read.unwrap_or_else(|_| {
        context.metrics.failed("findings", "timeout");
        Read::Silent
    }) {
        Read::Answered(Answer::Page { content, is_whole, tag }) => (content, is_whole, tag),
        Read::Answered(Answer::Same) => return Rest::default(),
        // The next report is news, whether it says the same or not.
        silence => {
            context.remember(id, |memory| memory.findings.entry(lane).or_default().reported = 0);
            return Rest { read: 0, is_unfinished: matches!(silence, Read::Silent) };
        }
    };
    let rest = Rest { read: content.len(), is_unfinished: true };
    let page = Page::of(&content, is_whole);
    drop(content);
    let is_own = page.identity.as_ref().is_none_or(|identity| identity.uid == id.uid && identity.lane == lane);
    let Ok(namespaces) = gather::namespaces(instance, id, context) else { return rest };
    if !is_own {
        debug!(instance = %id, %lane, "an address of this lane answers for another one");
        return rest;
    }
    let scope = Scope { classes: gather::classes(id, lane, spec, context), namespaces };
    let uid_of = |namespace: &str, name: &str| {
        scope.uid_of(context.caches.ingresses.get(&ObjectRef::new(name).within(namespace))?.as_ref())
    };
    let choice = choice::of(page.findings, uid_of, |print| context.ledger().told(id, print), now);
    let told = events::tell(choice.notices, id, context).await;
    context.metrics.not_told("unlisted", page.left_out);
    context.metrics.not_told("foreign", choice.foreign);
    context.metrics.not_told("later", told.later);
    let unfinished = told.later > 0 || told.failed > 0;
    context.remember(id, |memory| {
        let reading = memory.findings.entry(lane).or_default();
        *reading = Reading { reported: reading.reported, tag, at: Some(choice.oldest.unwrap_or(now)), unfinished };
    });
    Rest { is_unfinished: unfinished, ..rest }
}

/// What became of asking a lane.
enum Read {
    /// No pod is ready.
    Nobody,
    /// No pod answered.
    Silent,
    /// One did.
    Answered(Answer),
}

/// The page of the first ready pod that has one.
async fn read(lane: LaneName, known: Option<&str>, id: &InstanceId, context: &Context) -> Read {
    let pods = context.caches.pods_of(id, lane);
    let ready: Vec<_> = pods.iter().filter(|pod| poll::is_ready(pod)).take(PODS).collect();
    if ready.is_empty() {
        return Read::Nobody;
    }
    for pod in ready {
        let question = Question { path: "/v1/findings", known, most: PAGE_BYTES };
        let answer = async { ask(poll::address(pod, ADMIN_PORT)?, question).await };
        match answer.await {
            Ok(answer) => return Read::Answered(answer),
            Err(error) => {
                context.metrics.failed("findings", "unanswered");
                debug!(instance = %id, %lane, pod = pod.metadata.name, "{error}");
            }
        }
    }
    Read::Silent
}
