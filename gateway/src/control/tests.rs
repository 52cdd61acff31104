use std::fs;
use std::path::Path;

use tokio::time::timeout;

use super::*;
use crate::testing::{lane_document, manifests};

/// Far longer than anything here takes, so that only a hang fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn start_in(directory: &Path) -> Control {
    let objects = Objects::Directories(vec![directory.join("manifests")]);
    start(Inputs {
        lane: LaneSource::File(directory.join("lane.json")),
        objects,
        own_admin: Vec::new(),
        zone: None,
        publication: Publication::new(),
    })
    .unwrap()
}

fn write(directory: &Path, name: &str, text: &str) {
    let staged = directory.join(".staged");
    fs::write(&staged, text).unwrap();
    fs::rename(staged, directory.join(name)).unwrap();
}

async fn until(control: &mut Control, what: impl FnMut(&Arc<ControlState>) -> bool) -> Arc<ControlState> {
    let state =
        timeout(PATIENCE, control.state.wait_for(what)).await.expect("it happens in time").expect("the thread runs");
    Arc::clone(&state)
}

#[tokio::test]
async fn objects_that_are_known_before_the_lane_document_are_served_once_it_comes() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("manifests")).unwrap();
    write(directory.path(), "manifests/a.yaml", &manifests(9999));
    let mut control = start_in(directory.path());
    until(&mut control, |state| {
        state.waiting_for.len() == 1 && state.waiting_for[0].starts_with("the lane document (")
    })
    .await;
    write(directory.path(), "lane.json", &serde_json::to_string(&lane_document()).unwrap());
    let state = until(&mut control, |state| state.published > 0).await;
    assert_eq!((state.counts.routes, state.counts.endpoints), (1, 1), "{:?}", state.findings);
    assert!(state.waiting_for.is_empty(), "{:?}", state.waiting_for);

    let (question, answer) = oneshot::channel();
    control.routes.try_send(question).unwrap();
    let routes = timeout(PATIENCE, answer).await.unwrap().unwrap();
    assert_eq!(routes.iter().map(|route| route.host.as_str()).collect::<Vec<_>>(), ["crane.example"]);
}

#[tokio::test]
async fn settings_and_routes_change_while_the_thread_runs() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("manifests")).unwrap();
    write(directory.path(), "manifests/a.yaml", &manifests(9999));
    let mut lane = lane_document();
    write(directory.path(), "lane.json", &serde_json::to_string(&lane).unwrap());
    let mut control = start_in(directory.path());
    let first = until(&mut control, |state| state.published > 0).await;

    lane.config_generation += 1;
    write(directory.path(), "lane.json", &serde_json::to_string(&lane).unwrap());
    let generation = lane.config_generation;
    let state =
        until(&mut control, |state| state.generations.last().is_some_and(|(_, last)| *last == generation)).await;
    assert!(state.published > first.published);

    let foreign = manifests(9999).replace("ingressClassName: harbour", "ingressClassName: elsewhere");
    write(directory.path(), "manifests/a.yaml", &foreign);
    until(&mut control, |state| state.counts.ingresses == 0 && state.counts.routes == 0).await;
}
