use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;
use crate::testing::lane_document;

/// Far longer than anything here takes, so that only a hang fails.
const PATIENCE: Duration = Duration::from_secs(10);

fn text() -> String {
    serde_json::to_string(&lane_document()).unwrap()
}

#[test]
fn a_document_of_another_version_is_named_as_such_even_when_its_fields_differ() {
    let error = parse(r#"{"version": "bulkhead.io/lane/v9", "hull": "steel"}"#).unwrap_err();
    assert!(matches!(&error, LaneError::Version { found } if found == "bulkhead.io/lane/v9"), "{error}");
}

#[test]
fn a_field_that_is_not_known_refuses_the_document() {
    let text = text().replacen('{', r#"{"hull": "steel","#, 1);
    assert!(parse(&text).unwrap_err().to_string().contains("cannot understand"));
}

#[tokio::test]
async fn a_file_is_read_again_whenever_it_is_written_or_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lane.json");
    let (send, mut updates) = mpsc::channel(8);
    file::follow(path.clone(), send).unwrap();
    let mut next = async || timeout(PATIENCE, updates.recv()).await.unwrap().unwrap();
    assert!(matches!(next().await, Err(LaneError::Missing { .. })));

    let staged = directory.path().join(".lane.json");
    std::fs::write(&staged, text()).unwrap();
    std::fs::rename(&staged, &path).unwrap();
    assert_eq!(*next().await.unwrap(), lane_document());

    let mut changed = lane_document();
    changed.config_generation += 1;
    std::fs::write(&staged, serde_json::to_string(&changed).unwrap()).unwrap();
    std::fs::rename(&staged, &path).unwrap();
    assert_eq!(*next().await.unwrap(), changed);

    std::fs::write(&staged, "{").unwrap();
    std::fs::rename(&staged, &path).unwrap();
    assert!(matches!(next().await, Err(LaneError::Malformed(_))));
}
