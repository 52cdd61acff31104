//! Why a Service has no address yet: whoever should assign one says so in Events, and nowhere else.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Service};
use kube::api::{Api, ListParams};
use tracing::debug;

use crate::call::call;
use crate::context::Context;

/// Most Events of a Service that are looked at: the API server keeps those of an hour, and what is repeated is one.
const MOST_EVENTS: u32 = 50;

/// What the cluster last said of the Service, as `Reason: message`; nothing when it said nothing, or cannot be asked: that is no reason to
/// hold up anything else.
pub async fn trouble(service: &Service, context: &Context) -> Option<String> {
    let (namespace, name) = (service.metadata.namespace.as_deref()?, service.metadata.name.as_deref()?);
    let uid = service.metadata.uid.as_deref()?;
    let of_it = ListParams::default().fields(&format!("involvedObject.uid={uid}")).limit(MOST_EVENTS);
    let api: Api<Event> = Api::namespaced(context.client.clone(), namespace);
    match call(format!("reading the Events of Service {namespace}/{name}"), api.list(&of_it)).await {
        Ok(events) => gravest(&events.items),
        Err(error) => {
            context.metrics.failed("balancer", error.kind());
            debug!("{error}");
            None
        }
    }
}

/// The latest warning, or the latest of all when nobody warns: what is tried again and again says by turns that it tries and that it failed.
fn gravest(events: &[Event]) -> Option<String> {
    let is_warning = |event: &&Event| event.type_.as_deref() == Some("Warning");
    let latest = events.iter().max_by_key(|event| (is_warning(event), time(event)))?;
    let told = [&latest.reason, &latest.message].map(|part| part.as_deref().map(str::trim).unwrap_or_default());
    let told: Vec<&str> = told.into_iter().filter(|part| !part.is_empty()).collect();
    (!told.is_empty()).then(|| told.join(": "))
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
}
