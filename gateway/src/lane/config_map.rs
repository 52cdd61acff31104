//! The lane document in a ConfigMap.
//!
//! What a gateway's identity must be allowed: list and watch of ConfigMaps in its own namespace, restricted to this name.

use bulkhead_crds::names::LANE_DOCUMENT_KEY;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client};

use super::{LaneError, LaneUpdate, LaneUpdates, parse};
use crate::source::watch::{News, Watch};

/// Follows one ConfigMap until nobody listens to `updates` any more.
pub async fn follow(client: Client, namespace: String, name: String, updates: LaneUpdates) {
    let place = format!("key {LANE_DOCUMENT_KEY} of ConfigMap {namespace}/{name}");
    // A rule with resourceNames grants a list only when the list asks for that name.
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut watch = Watch::new(Api::<ConfigMap>::namespaced(client, &namespace), config);
    let mut last: Option<ConfigMap> = None;
    let mut listed = false;
    loop {
        let update = match watch.next().await {
            Ok(News::Event(Event::Init)) => {
                listed = false;
                None
            }
            Ok(News::Event(Event::InitApply(map) | Event::Apply(map))) => {
                listed = true;
                Some(read(last.insert(map), &place))
            }
            Ok(News::Event(Event::InitDone)) if listed => None,
            Ok(News::Event(Event::Delete(_) | Event::InitDone)) => {
                last = None;
                Some(Err(LaneError::Missing { place: place.clone() }))
            }
            // Nothing has changed, but what is said of the document has to be true again.
            Ok(News::Well) => last.as_ref().map(|map| read(map, &place)),
            Err(trouble) => Some(Err(LaneError::Unreadable { place: place.clone(), reason: trouble.to_string() })),
        };
        if let Some(update) = update
            && updates.send(update).await.is_err()
        {
            return;
        }
    }
}

fn read(map: &ConfigMap, place: &str) -> LaneUpdate {
    let text = map.data.as_ref().and_then(|data| data.get(LANE_DOCUMENT_KEY));
    text.map_or_else(|| Err(LaneError::Missing { place: place.to_owned() }), |text| parse(text))
}
