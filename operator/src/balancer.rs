//! Why a Service has no address yet: whoever should assign one says so in Events, and nowhere else.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Service};
use kube::api::{Api, ListParams};
use tracing::debug;

use crate::call::call;
use crate::context::Context;

/// Events read at once. An Event of the core group is as long as its author likes, up to what an API server takes (1.5 MiB), and a page is
/// held whole.
const PAGE: u32 = 5;
/// Pages of the Events of one Service that are looked at: an API server keeps those of an hour, what is repeated is one, and they come in the
/// order of their names.
const PAGES: usize = 20;
/// What is kept of the reason and of the message of an Event, in bytes: both are shown in a status.
const TOLD_BYTES: usize = 1024;

/// What the cluster last said of the Service, as `Reason: message`; nothing when it said nothing, or cannot be asked: that is no reason to
/// hold up anything else.
pub async fn trouble(service: &Service, context: &Context) -> Option<String> {
    let (namespace, name) = (service.metadata.namespace.as_deref()?, service.metadata.name.as_deref()?);
    let uid = service.metadata.uid.as_deref()?;
    let mut of_it = ListParams::default().fields(&format!("involvedObject.uid={uid}")).limit(PAGE);
    let api: Api<Event> = Api::namespaced(context.client.clone(), namespace);
    let mut gravest: Option<Said> = None;
    for _ in 0..PAGES {
        match call(format!("reading the Events of Service {namespace}/{name}"), api.list(&of_it)).await {
            Ok(events) => {
                gravest = graver(gravest, &events.items);
                let Some(next) = events.metadata.continue_.filter(|next| !next.is_empty()) else { break };
                of_it.continue_token = Some(next);
            }
            Err(error) => {
                context.metrics.failed("balancer", error.kind());
                debug!("{error}");
                break;
            }
        }
    }
    gravest.and_then(|said| said.words)
}

/// What one Event says.
struct Said {
    rank: (bool, Timestamp),
    words: Option<String>,
}

/// The latest warning, or the latest of all when nobody warns: what is tried again and again says by turns that it tries and that it failed.
fn graver(before: Option<Said>, events: &[Event]) -> Option<Said> {
    let rank = |event: &Event| (event.type_.as_deref() == Some("Warning"), time(event));
    let Some(latest) = events.iter().max_by_key(|event| rank(event)) else { return before };
    if before.as_ref().is_some_and(|before| before.rank > rank(latest)) {
        return before;
    }
    let told = [&latest.reason, &latest.message].map(|part| cut(part.as_deref().unwrap_or_default()));
    let told: Vec<&str> = told.into_iter().filter(|part| !part.is_empty()).collect();
    Some(Said { rank: rank(latest), words: (!told.is_empty()).then(|| told.join(": ")) })
}

fn cut(text: &str) -> &str {
    let text = text.trim();
    text.get(..text.floor_char_boundary(TOLD_BYTES)).unwrap_or_default()
}

/// When it was last said. There are three fields for it, each of which some reporter leaves out.
fn time(event: &Event) -> Timestamp {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let plain = event.last_timestamp.as_ref().map(|time| time.0);
    let micro = event.event_time.as_ref().map(|time| time.0);
    series.or(plain).or(micro).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gravest(events: &[Event]) -> Option<String> {
        graver(None, events)?.words
    }

    fn event(kind: &str, reason: &str, at: &str) -> Event {
        serde_json::from_value(json!({
            "metadata": {}, "involvedObject": {}, "type": kind, "reason": reason, "message": "quota exceeded ", "lastTimestamp": at,
        }))
        .expect("an Event")
    }

    #[test]
    fn the_latest_warning_is_told_whatever_is_tried_since() {
        let all = [
            event("Warning", "SyncLoadBalancerFailed", "2026-01-01T00:00:00Z"),
            event("Warning", "UnAvailableLoadBalancer", "2026-01-01T00:01:00Z"),
            event("Normal", "EnsuringLoadBalancer", "2026-01-01T00:02:00Z"),
        ];
        assert_eq!(gravest(&all).as_deref(), Some("UnAvailableLoadBalancer: quota exceeded"));
        assert_eq!(gravest(&all[2..]).as_deref(), Some("EnsuringLoadBalancer: quota exceeded"));
        assert_eq!(gravest(&[]), None);
    }

    #[test]
    fn an_event_without_words_says_nothing() {
        let silent = Event { reason: None, message: None, ..event("Warning", "", "2026-01-01T00:00:00Z") };
        assert_eq!(gravest(&[silent]), None);
    }

    #[test]
    fn the_gravest_is_found_on_whichever_page_it_is_and_not_told_at_any_length() {
        let old = event("Warning", "Old", "2026-01-01T00:00:00Z");
        let new = Event { message: Some("x".repeat(100_000)), ..event("Warning", "New", "2026-01-01T00:01:00Z") };
        let plain = event("Normal", "Newest", "2026-01-01T00:02:00Z");
        for pages in [[&old, &new, &plain], [&plain, &new, &old], [&new, &plain, &old]] {
            let said = pages.into_iter().fold(None, |before, event| graver(before, std::slice::from_ref(event)));
            let words = graver(said, &[]).and_then(|said| said.words).expect("words");
            assert!(words.starts_with("New: xxx") && words.len() < 2 * TOLD_BYTES, "{}", words.len());
        }
    }
}
