//! What happened, told where people look for it: Events on Ingresses and on instances. Told once an hour at most, and never so many that
//! they drown what else there is to read.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use bulkhead_crds::names::GROUP;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, PostParams};
use tokio::time::Instant;
use tracing::warn;

use crate::call::{CallError, call};
use crate::context::Context;
use crate::owner::InstanceId;

mod budget;
mod ledger;
pub mod notices;

pub(crate) use ledger::ONCE;
pub use ledger::{Ledger, Topic, Verdict};
pub use notices::Notice;

/// Who reports.
const CONTROLLER: &str = "bulkhead.io/operator";
/// Longest note (Kubernetes reference, `events.k8s.io/v1`).
const NOTE_BYTES: usize = 1024;
/// Events created at once: the API server takes a few milliseconds for each.
const AT_ONCE: usize = 8;
/// What is kept of the name of an object in the name of its Event, so that that fits.
const NAME_BYTES: usize = 200;

/// What became of what there was to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Things that were not told because there has been too much lately.
    pub later: usize,
    /// Things that could not be written, and that another look may try again.
    pub failed: usize,
}

/// Tells what is news of `notices`, all that one instance causes, in their order.
pub async fn tell(notices: Vec<Notice>, id: &InstanceId, context: &Context) -> Told {
    let now = Instant::now();
    let mut told = Told::default();
    let mut admitted = Vec::new();
    for notice in notices {
        let print = print(&notice);
        match context.ledger().admit(id, notice.topic(), print, now) {
            Verdict::Tell => admitted.push((print, notice)),
            Verdict::Known => {}
            Verdict::Later => told.later += 1,
        }
    }
    let mut unwritten: HashSet<_> = admitted.iter().map(|(print, _)| *print).collect();
    let writes = admitted.into_iter().map(async |(print, notice)| (print, create(notice, print, context).await));
    let mut writes = stream::iter(writes).buffer_unordered(AT_ONCE);
    while let Some((print, result)) = writes.next().await {
        match result {
            Ok(()) => {
                unwritten.remove(&print);
            }
            // What the API server understood and refused, such as an Event in a namespace that is going, it refuses again.
            Err(error) if matches!(error.kind(), "forbidden" | "invalid") => {
                unwritten.remove(&print);
                failed(&error, id, context);
            }
            Err(error) if matches!(error.kind(), "timeout" | "unreachable") => {
                failed(&error, id, context);
                break;
            }
            // It may be about this one, such as a quota of its namespace, and says nothing of the others.
            Err(error) => failed(&error, id, context),
        }
    }
    told.failed = unwritten.len();
    unwritten.into_iter().for_each(|print| context.ledger().was_not(id, print));
    told
}

fn failed(error: &CallError, id: &InstanceId, context: &Context) {
    context.metrics.failed("event", error.kind());
    warn!(instance = %id, "{error}");
}

async fn create(notice: Notice, print: u64, context: &Context) -> Result<(), CallError> {
    let namespace = notice.regarding.namespace.clone().unwrap_or_default();
    let event = event(notice, print, Timestamp::now());
    let name = event.metadata.name.clone().unwrap_or_default();
    let api: Api<Event> = Api::namespaced(context.client.clone(), &namespace);
    let attempt = format!("creating Event {namespace}/{name}");
    match call(attempt, api.create(&PostParams::default(), &event)).await {
        Ok(_) => {
            context.metrics.told();
            Ok(())
        }
        // Told by an earlier leader, or in a namespace that is gone.
        Err(error) if error.is_conflict() || error.is_not_found() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Equal for what need not be told twice.
#[must_use]
pub fn print(notice: &Notice) -> u64 {
    let mut hasher = DefaultHasher::new();
    let Notice { regarding, reason, note, since, .. } = notice;
    (&regarding.uid, &regarding.namespace, &regarding.name, reason, note, since).hash(&mut hasher);
    hasher.finish()
}

/// The Event. Its name follows from what it says, so that whoever leads next does not say it again.
fn event(notice: Notice, print: u64, now: Timestamp) -> Event {
    let Notice { regarding, warning, reason, action, note, since: _ } = notice;
    let object: String = regarding.name.clone().unwrap_or_default().chars().take(NAME_BYTES).collect();
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{}.{print:016x}", object.trim_end_matches(['.', '-']))),
            namespace: regarding.namespace.clone(),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(now)),
        reporting_controller: Some(CONTROLLER.to_owned()),
        reporting_instance: Some(CONTROLLER.to_owned()),
        action: Some(action.to_owned()),
        reason: Some(reason),
        type_: Some(if warning { "Warning" } else { "Normal" }.to_owned()),
        note: Some(cut(note)),
        regarding: Some(regarding),
        ..Event::default()
    }
}

fn cut(mut note: String) -> String {
    note.truncate(note.floor_char_boundary(NOTE_BYTES));
    note
}

/// Names an instance.
#[must_use]
pub fn instance(id: &InstanceId) -> ObjectReference {
    ObjectReference {
        api_version: Some(format!("{GROUP}/v1alpha1")),
        kind: Some("GatewayInstance".to_owned()),
        namespace: Some(id.namespace.clone()),
        name: Some(id.name.clone()),
        uid: Some(id.uid.clone()),
        ..ObjectReference::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(note: &str) -> Notice {
        let id = InstanceId { namespace: "infra".to_owned(), name: "edge".to_owned(), uid: "u1".to_owned() };
        Notice {
            regarding: instance(&id),
            warning: true,
            reason: "LaneDegraded".to_owned(),
            action: "Observe",
            note: note.to_owned(),
            since: String::new(),
        }
    }

    #[test]
    fn an_event_has_a_name_that_follows_from_what_it_says() {
        let name = |notice: Notice| {
            let print = print(&notice);
            event(notice, print, Timestamp::UNIX_EPOCH).metadata.name.expect("a name")
        };
        assert_eq!(name(notice("a")), name(notice("a")));
        assert_ne!(name(notice("a")), name(notice("b")));
        assert_ne!(name(notice("a")), name(Notice { since: "later".to_owned(), ..notice("a") }));
        let mut long = notice("a");
        long.regarding.name = Some("n".repeat(253));
        assert!(name(long).len() <= 253);
    }

    #[test]
    fn a_note_fits() {
        let event = event(notice(&"ä".repeat(600)), 1, Timestamp::UNIX_EPOCH);
        assert!(event.note.expect("a note").len() <= NOTE_BYTES);
        assert_eq!(event.type_.as_deref(), Some("Warning"));
        assert_eq!(event.metadata.namespace.as_deref(), Some("infra"));
    }
}
