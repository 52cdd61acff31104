//! What is, beside what is planned.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::names::{LABEL_INSTANCE, LABEL_INSTANCE_UID, MANAGED_BY};
use bulkhead_operator::kind::Kind;
use bulkhead_plan::{Gathered, Site};
use bulkhead_tests::cluster::Cluster;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::world::objects::{Id, id};

/// Every object that an operator made, by the name of its instance.
#[derive(Default)]
pub(super) struct Picture {
    objects: BTreeMap<String, BTreeMap<Id, Value>>,
}

/// Takes a picture again and again until it is dropped: one for all who look.
pub(super) struct Camera {
    pictures: watch::Receiver<(Instant, Arc<Picture>)>,
    task: JoinHandle<()>,
}

impl Camera {
    pub(super) fn start(cluster: &'static Cluster) -> Self {
        let (sender, pictures) = watch::channel((Instant::now(), Arc::default()));
        let task = tokio::spawn(async move {
            loop {
                let begun = Instant::now();
                if let Ok(picture) = Picture::take(cluster).await {
                    sender.send_replace((begun, Arc::new(picture)));
                }
                sleep(Duration::from_millis(800)).await;
            }
        });
        Self { pictures, task }
    }

    /// A picture that was begun from now on.
    pub(super) async fn next(&self) -> Result<Arc<Picture>> {
        let now = Instant::now();
        let mut pictures = self.pictures.clone();
        let (_, picture) = &*pictures.wait_for(|(begun, _)| *begun >= now).await.context("nobody takes pictures")?;
        Ok(Arc::clone(picture))
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Picture {
    async fn take(cluster: &Cluster) -> Result<Self> {
        let ours = ListParams::default().labels(&format!("app.kubernetes.io/managed-by={MANAGED_BY}"));
        let mut objects: BTreeMap<String, BTreeMap<Id, Value>> = BTreeMap::new();
        for kind in Kind::ALL {
            let api = Api::<DynamicObject>::all_with(cluster.admin.clone(), &kind.resource());
            for mut object in api.list(&ours).await.with_context(|| format!("list {}", kind.plural()))? {
                let label = object.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_INSTANCE));
                let Some(instance) = label.cloned() else { continue };
                object.metadata.managed_fields = None;
                let mut value = serde_json::to_value(&object)?;
                // The entries of a list do not repeat what they are.
                value["kind"] = kind.as_str().into();
                value["apiVersion"] = kind.resource().api_version.into();
                objects.entry(instance).or_default().insert(id(&value), value);
            }
        }
        Ok(Self { objects })
    }

    /// The objects of an instance.
    pub(super) fn of(&self, instance: &str) -> Vec<Id> {
        self.objects.get(instance).into_iter().flat_map(|objects| objects.keys().cloned()).collect()
    }

    /// Whether everything is as the instance asks for, and its status says so.
    pub(super) fn shows(&self, instance: &GatewayInstance) -> Result<()> {
        let meta = &instance.metadata;
        let status = instance.status.clone().unwrap_or_default();
        ensure!(meta.deletion_timestamp.is_none(), "it is being deleted");
        ensure!(
            status.observed_generation == meta.generation,
            "it was looked at last at {:?}",
            status.observed_generation
        );
        let conditions = || status.conditions.iter().chain(status.lanes.iter().flat_map(|lane| &lane.conditions));
        ensure!(conditions().any(|one| one.type_ == "Accepted" && one.status == "True"), "it is not accepted");
        let failed = conditions().find(|one| one.reason.contains("ApplyFailed"));
        ensure!(failed.is_none(), "it says {failed:?}");

        let gathered = Gathered::default();
        let valid = bulkhead_plan::validate(instance, &gathered).map_err(|why| anyhow::anyhow!("{why:?}"))?;
        let site = Site { image: "local.test/gateway:1".to_owned(), ..Site::default() };
        let plan = bulkhead_plan::plan(&valid, &site, &gathered);
        let planned: BTreeMap<Id, Value> =
            plan.lanes.iter().flat_map(|lane| lane.to_values()).map(|value| (id(&value), value)).collect();
        let empty = BTreeMap::new();
        let there = self.objects.get(meta.name.as_deref().unwrap_or_default()).unwrap_or(&empty);
        for (id, value) in &planned {
            let live = there.get(id).with_context(|| format!("there is no {id:?}"))?;
            covers(live, value, "").with_context(|| format!("{id:?}"))?;
        }
        for (id, live) in there {
            ensure!(planned.contains_key(id), "there is still {id:?}");
            let uid = live["metadata"]["labels"].get(LABEL_INSTANCE_UID).and_then(Value::as_str);
            ensure!(uid == meta.uid.as_deref(), "{id:?} is of {uid:?}");
            ensure!(live["metadata"].get("deletionTimestamp").is_none(), "{id:?} is being deleted");
        }
        Ok(())
    }
}

/// Whether `live` has all that `planned` says; others may have added something.
fn covers(live: &Value, planned: &Value, place: &str) -> Result<()> {
    match (live, planned) {
        (_, Value::Null) => {}
        (Value::Object(live), Value::Object(planned)) => {
            for (key, planned) in planned {
                let place = format!("{place}/{key}");
                covers(live.get(key).unwrap_or(&Value::Null), planned, &place)?;
            }
        }
        (Value::Array(live), Value::Array(planned)) => {
            ensure!(live.len() == planned.len(), "{place} has {} entries and not {}", live.len(), planned.len());
            for (nth, (live, planned)) in live.iter().zip(planned).enumerate() {
                covers(live, planned, &format!("{place}/{nth}"))?;
            }
        }
        // What says nothing is not kept.
        (Value::Null, planned) if is_empty(planned) => {}
        _ => ensure!(live == planned, "{place} is {live} and not {planned}"),
    }
    Ok(())
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}
