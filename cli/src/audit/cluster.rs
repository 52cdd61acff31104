//! The objects of a cluster, read once: lists only, nothing is watched and nothing is written.

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;

use bulkhead_compile::Object;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{ConfigMap as WireConfigMap, Service};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::DeserializeGuard;
use kube::{Api, Client, Config, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;

use super::material::{ConfigMap, Material, place};
use crate::args::ClusterArgs;

/// Objects of one page of a list: what API servers hand out at ease.
const PAGE: u32 = 500;
/// Most objects of one kind: above what a cluster is made for (150,000 Pods). It ends a list that never does.
const MOST: usize = 200_000;
/// How installations of ingress-nginx label their objects.
const LABEL: &str = "app.kubernetes.io/name=ingress-nginx";

/// Why a cluster cannot be read.
#[derive(Debug, Error)]
pub(crate) enum ClusterError {
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot read the kubeconfig {0}")]
    Kubeconfig(PathBuf, #[source] Box<kube::config::KubeconfigError>),
    #[error("cannot use this context: `kubectl config get-contexts` lists those there are")]
    Context(#[source] Box<kube::config::KubeconfigError>),
    #[error("cannot find a cluster: name one with --context or --kubeconfig, or a directory of manifests")]
    Infer(#[source] Box<kube::config::InferConfigError>),
    #[error("cannot connect to the API server")]
    Connect(#[source] Box<kube::Error>),
    #[error(
        "cannot list {0}: check that the cluster answers and that you may list them (`kubectl auth can-i list {0} -A`)"
    )]
    List(String, #[source] Box<kube::Error>),
}

/// Everything that an audit needs of a cluster. Secrets are not asked for.
///
/// # Errors
/// When Ingresses, IngressClasses or Services cannot be listed. A controller's own objects are left out when they cannot.
pub(crate) fn material(arguments: &ClusterArgs) -> Result<Material, ClusterError> {
    // Of two providers rustls could not choose; an earlier choice is the same one.
    let _ = rustls_provider();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ClusterError::Runtime)?;
    runtime.block_on(gather(arguments))
}

fn rustls_provider() -> Result<(), ()> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().map_err(drop)
}

async fn gather(arguments: &ClusterArgs) -> Result<Material, ClusterError> {
    let client = Client::try_from(config(arguments).await?).map_err(|error| ClusterError::Connect(Box::new(error)))?;
    let mut material = Material { has_services: true, ..Material::default() };
    let every = ListParams::default();
    for ingress in list::<Ingress>(&client, &every, &mut material).await? {
        material.add(Object::Ingress(Box::new(ingress)));
    }
    for class in list::<IngressClass>(&client, &every, &mut material).await? {
        material.add(Object::IngressClass(Box::new(class)));
    }
    for service in list::<Service>(&client, &every, &mut material).await? {
        material.add(Object::Service(Box::new(service)));
    }
    // What a controller is made of is a help, and not every reader of Ingresses may see it.
    let labelled = ListParams::default().labels(LABEL);
    if let Err(error) = controllers(&client, &labelled, &mut material).await {
        material.remarks.insert(format!("The controller's settings are left out: {error}."));
    }
    Ok(material)
}

async fn controllers(client: &Client, labelled: &ListParams, material: &mut Material) -> Result<(), ClusterError> {
    for deployment in list::<Deployment>(client, labelled, material).await? {
        let place = place(&deployment.metadata);
        material.workloads.insert(place, written(&deployment, "Deployment"));
    }
    for daemons in list::<DaemonSet>(client, labelled, material).await? {
        let place = place(&daemons.metadata);
        material.workloads.insert(place, written(&daemons, "DaemonSet"));
    }
    for named in super::settings::config_maps(material) {
        let maps: Api<WireConfigMap> = Api::namespaced(client.clone(), &named.0);
        let failed = |error| ClusterError::List("configmaps".to_owned(), Box::new(error));
        if let Some(map) = maps.get_opt(&named.1).await.map_err(failed)? {
            let labels = map.metadata.labels.unwrap_or_default();
            material.config_maps.insert(named, ConfigMap { labels, data: map.data.unwrap_or_default() });
        }
    }
    Ok(())
}

/// As a manifest has it; lists leave the kind out.
fn written(object: &impl Serialize, kind: &str) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        fields.insert("kind".to_owned(), json!(kind));
    }
    value
}

async fn config(arguments: &ClusterArgs) -> Result<Config, ClusterError> {
    let options = KubeConfigOptions { context: arguments.context.clone(), ..KubeConfigOptions::default() };
    let context = |error| ClusterError::Context(Box::new(error));
    match (&arguments.kubeconfig, &arguments.context) {
        (Some(path), _) => {
            let read = Kubeconfig::read_from(path);
            let read = read.map_err(|error| ClusterError::Kubeconfig(path.clone(), Box::new(error)))?;
            Config::from_custom_kubeconfig(read, &options).await.map_err(context)
        }
        (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(context),
        (None, None) => Config::infer().await.map_err(|error| ClusterError::Infer(Box::new(error))),
    }
}

/// All objects of a kind, page by page. One that cannot be read is a problem and leaves the others alone.
async fn list<K>(client: &Client, wanted: &ListParams, material: &mut Material) -> Result<Vec<K>, ClusterError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let api: Api<DeserializeGuard<K>> = Api::all(client.clone());
    let mut wanted = wanted.clone().limit(PAGE);
    let mut all = Vec::new();
    loop {
        let failed = |error| ClusterError::List(K::plural(&()).into_owned(), Box::new(error));
        let page = api.list(&wanted).await.map_err(failed)?;
        for guard in page.items {
            let name = format!("{} {}/{}", K::kind(&()), guard.namespace().unwrap_or_default(), guard.name_any());
            match guard.0 {
                Ok(object) => all.push(object),
                Err(error) => {
                    material.problems.insert(format!("{name}: {}", error.error));
                }
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) if all.len() < MOST => wanted = wanted.continue_token(&token),
            Some(_) => {
                material.problems.insert(format!("there are more {} than {MOST}", K::plural(&())));
                return Ok(all);
            }
            None => return Ok(all),
        }
    }
}
