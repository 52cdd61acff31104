//! Manifests as a user applies them: YAML of several documents, by server-side apply.

use std::time::Duration;

use anyhow::{Context, ensure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{self, Scope};
use kube::{Client, ResourceExt};

use super::Cluster;
use crate::wait::wait_for;

/// The field manager of what tests apply: a user's, as far as the operator can tell.
const MANAGER: &str = "bulkhead-tests";

/// A definition is served within a second or two of being created.
const ESTABLISHED_DEADLINE: Duration = Duration::from_secs(20);

impl Cluster {
    /// Applies every document in order as the admin; those of a namespaced kind that name no namespace go to `namespace`. A
    /// CustomResourceDefinition is awaited until it is served, so that objects of its kind may follow it.
    ///
    /// # Errors
    /// On the first document that is refused. The API server's answer is in the chain: `error.downcast_ref::<kube::Error>()`.
    pub async fn apply(&self, namespace: &str, yaml: &str) -> anyhow::Result<Vec<DynamicObject>> {
        apply_as(&self.admin, namespace, yaml, false).await
    }

    /// What [`Cluster::apply`] would do, through defaulting, schema, CEL rules and admission, with nothing kept.
    ///
    /// # Errors
    /// As for [`Cluster::apply`].
    pub async fn dry_run(&self, namespace: &str, yaml: &str) -> anyhow::Result<Vec<DynamicObject>> {
        apply_as(&self.admin, namespace, yaml, true).await
    }
}

/// [`Cluster::apply`] or [`Cluster::dry_run`] with the rights of any client.
///
/// # Errors
/// As for [`Cluster::apply`].
pub async fn apply_as(
    client: &Client,
    namespace: &str,
    yaml: &str,
    dry_run: bool,
) -> anyhow::Result<Vec<DynamicObject>> {
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(yaml).context("read the YAML of a test")?;
    let mut applied = Vec::with_capacity(documents.len());
    for document in documents {
        let object: DynamicObject = serde_json::from_value(document).context("read a document as an object")?;
        let answer = apply_one(client, namespace, &object, dry_run).await?;
        if !dry_run && object.types.as_ref().is_some_and(|types| types.kind == "CustomResourceDefinition") {
            wait_established(client, &answer.name_any()).await?;
        }
        applied.push(answer);
    }
    Ok(applied)
}

async fn apply_one(
    client: &Client,
    namespace: &str,
    object: &DynamicObject,
    dry_run: bool,
) -> anyhow::Result<DynamicObject> {
    let types = object.types.as_ref().context("a document without apiVersion and kind")?;
    let kind = GroupVersionKind::try_from(types).with_context(|| format!("read apiVersion {:?}", types.api_version))?;
    let what = format!("{} {}", kind.kind, object.name_any());
    let (resource, capabilities) = discover(client, &kind).await?;
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => {
            let namespace = object.metadata.namespace.as_deref().unwrap_or(namespace);
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
    };
    let params = PatchParams { dry_run, ..PatchParams::apply(MANAGER).force() };
    api.patch(&object.name_any(), &params, &Patch::Apply(object)).await.with_context(|| format!("apply {what}"))
}

/// Discovery follows a new definition by a moment.
async fn discover(
    client: &Client,
    kind: &GroupVersionKind,
) -> anyhow::Result<(ApiResource, discovery::ApiCapabilities)> {
    let what = format!("{}/{} {} in discovery", kind.group, kind.version, kind.kind);
    wait_for(&what, Duration::from_secs(5), async || Ok(discovery::pinned_kind(client, kind).await?)).await
}

async fn wait_established(client: &Client, name: &str) -> anyhow::Result<()> {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    wait_for(&format!("definition {name}"), ESTABLISHED_DEADLINE, async || {
        let conditions = api.get(name).await?.status.and_then(|status| status.conditions).unwrap_or_default();
        let established =
            conditions.iter().any(|condition| condition.type_ == "Established" && condition.status == "True");
        ensure!(established, "conditions are {conditions:?}");
        Ok(())
    })
    .await
}
