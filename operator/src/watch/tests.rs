use futures::{FutureExt, stream};
use k8s_openapi::api::core::v1::ConfigMap;

use super::*;

/// More than any channel between watches and reconciles ever held.
const MANY: usize = 5000;

fn edge() -> GatewayInstance {
    let mut edge = GatewayInstance::new("edge", Default::default());
    edge.metadata.namespace = Some("infra".to_owned());
    edge
}

fn list(count: usize) -> Vec<Event<ConfigMap>> {
    let one = |number: usize| {
        let mut map = ConfigMap::default();
        map.metadata.name = Some(format!("map-{number}"));
        map.metadata.namespace = Some("team".to_owned());
        Event::InitApply(map)
    };
    std::iter::once(Event::Init).chain((0..count).map(one)).chain([Event::InitDone]).collect()
}

/// Every event concerns `edge`, which exists, and an instance of its own that does not.
fn concerned(event: &Event<ConfigMap>) -> Vec<ObjectRef<GatewayInstance>> {
    let made_up = object(event).map(|map| ObjectRef::new(&map.name_any()).within("made-up"));
    object(event).map(|_| ObjectRef::from_obj(&edge())).into_iter().chain(made_up).collect()
}

/// Follows `events` to their end with nobody reading, then takes what was asked for.
async fn asked(events: Vec<Event<ConfigMap>>) -> Vec<String> {
    let mut instances = Writer::default();
    instances.apply_watcher_event(&Event::Apply(edge()));
    let requests = Requests::new(instances.as_reader());
    follow(stream::iter(events).boxed(), Writer::default(), trim, concerned, [requests.clone()]).await;
    let all = requests.all().now_or_never().unwrap_or_default();
    all.into_iter().map(|instance| instance.name).collect()
}

#[tokio::test]
async fn a_long_first_list_is_read_to_its_end_before_anybody_reconciles_and_asks_for_nothing() {
    assert_eq!(asked(list(MANY)).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_later_list_asks_once_for_each_instance_that_exists() {
    assert_eq!(asked([list(1), list(MANY)].concat()).await, ["edge"]);
}

#[tokio::test]
async fn events_ask_once_until_the_request_is_taken_and_never_for_an_instance_that_is_not() {
    let changes = list(MANY).into_iter().map(|event| match event {
        Event::InitApply(map) => Event::Apply(map),
        other => other,
    });
    assert_eq!(asked(changes.collect()).await, ["edge"]);
}

#[tokio::test]
async fn a_reader_is_woken_by_a_request() {
    let mut instances = Writer::default();
    instances.apply_watcher_event(&Event::Init);
    instances.apply_watcher_event(&Event::InitApply(edge()));
    instances.apply_watcher_event(&Event::InitDone);
    let requests = Requests::new(instances.as_reader());
    let reader = tokio::spawn({
        let requests = requests.clone();
        async move { requests.all().await.pop() }
    });
    tokio::task::yield_now().await;
    requests.ask_all();
    assert_eq!(reader.await.expect("a request").map(|instance| instance.name).as_deref(), Some("edge"));
}

#[test]
fn what_tenants_write_into_metadata_is_not_kept_without_end() {
    let many =
        |prefix: &str| (0..5000).map(|number| (format!("{prefix}{number}"), "x".repeat(100))).collect::<Vec<_>>();
    let mut labels = many("l");
    labels.push((bulkhead_crds::names::LABEL_INSTANCE.to_owned(), "edge".to_owned()));
    let mut annotations = many("a");
    let image = (bulkhead_plan::labels::ANNOTATION_ROLLED_BACK.to_owned(), "image".to_owned());
    annotations.extend([image.clone(), ("long".to_owned(), "x".repeat(100_000))]);
    let metadata = ObjectMeta {
        labels: Some(labels.into_iter().collect()),
        annotations: Some(annotations.into_iter().collect()),
        finalizers: Some(vec!["x".repeat(100); 5000]),
        owner_references: Some(vec![Default::default(); 5000]),
        ..ObjectMeta::default()
    };
    let mut map = ConfigMap { metadata, ..ConfigMap::default() };
    bound(&mut map);
    let ObjectMeta { labels, annotations, finalizers, owner_references, .. } = map.metadata;
    assert_eq!(labels.map(|labels| labels.into_values().collect::<Vec<_>>()), Some(vec!["edge".to_owned()]));
    let annotations = annotations.expect("annotations");
    assert_eq!((annotations.len(), annotations.get(&image.0)), (ANNOTATIONS, Some(&image.1)));
    assert_eq!((finalizers, owner_references.map(|owners| owners.len())), (None, Some(OWNERS)));
}
