//! An operator with its webhook, reached as in a cluster.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use bulkhead_operator::webhook::configuration::NAME;
use bulkhead_operator::webhook::keeper::SECRET;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::places;
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use serde_json::Value;

use crate::world::operator::{NAMESPACE, Operator};
use crate::world::routes::ingress;
use crate::world::{SOON, address};

/// Where the webhook listens, at an address of its own.
pub(super) const PORT: u16 = 9443;
/// Reviews of Ingresses, whatever became of them.
pub(super) const REVIEWS: &str = "bulkhead_operator_reviews_total{resource=\"ingresses\"";
/// Names the class of an Ingress that has no field for it.
pub(super) const CLASS: &str = "kubernetes.io/ingress.class";

/// A replica with a webhook.
pub(super) struct Hook {
    pub(super) operator: Operator,
    pub(super) ip: Ipv4Addr,
    port: u16,
}

/// One that was stopped.
pub(super) struct Stopped {
    ip: Ipv4Addr,
    port: u16,
}

impl Hook {
    /// The only replica.
    pub(super) async fn start(cluster: &Cluster, port: u16) -> Result<Self> {
        Stopped { ip: address(), port }.again(cluster).await
    }

    /// The replica of this name, with this failure policy. Endpoints are for the caller to set.
    pub(super) async fn replica(cluster: &Cluster, name: &str, port: u16, policy: &str) -> Result<Self> {
        Self::at(cluster, name, (address(), port), policy).await
    }

    async fn at(cluster: &Cluster, name: &str, (ip, port): (Ipv4Addr, u16), policy: &str) -> Result<Self> {
        for file in ["service.yaml", "network-policy.yaml"] {
            let path = Path::new("olm/webhook").join(file);
            let yaml = std::fs::read_to_string(places::repository().join(&path));
            cluster.apply(NAMESPACE, &yaml.with_context(|| format!("read {}", path.display()))?).await?;
        }
        let listen = format!("{ip}:{PORT}");
        let settings = [
            ("BULKHEAD_WEBHOOK", "true"),
            ("BULKHEAD_WEBHOOK_LISTEN", listen.as_str()),
            ("BULKHEAD_WEBHOOK_FAILURE_POLICY", policy),
        ];
        let operator = Operator::start_set(cluster, name, port, &settings).await?;
        Ok(Self { operator, ip, port })
    }

    /// Ends it.
    pub(super) fn stop(self) -> Stopped {
        Stopped { ip: self.ip, port: self.port }
    }

    /// Starts an operator without a webhook in its place, and awaits that nothing of the webhook is left.
    pub(super) async fn off(self, cluster: &Cluster) -> Result<()> {
        let Stopped { port, .. } = self.stop();
        let _operator = Operator::start(cluster, port).await?;
        wait_for("no trace of the webhook", SOON, async || {
            let secret = secrets(cluster).get_opt(SECRET).await?;
            let left = (configuration(cluster).await?.is_some(), secret.is_some());
            ensure!(left == (false, false), "configuration and Secret are there: {left:?}");
            Ok(())
        })
        .await
    }
}

impl Stopped {
    /// Starts it once more, at the same place.
    pub(super) async fn again(self, cluster: &Cluster) -> Result<Hook> {
        let hook = Hook::at(cluster, "operator", (self.ip, self.port), "Ignore").await?;
        cluster.set_endpoints(NAMESPACE, SECRET, "webhook", PORT, &[hook.ip]).await?;
        Ok(hook)
    }
}

/// Secrets beside the operator.
pub(super) fn secrets(cluster: &Cluster) -> Api<Secret> {
    Api::namespaced(cluster.admin.clone(), NAMESPACE)
}

/// What API servers are told.
pub(super) async fn configuration(cluster: &Cluster) -> Result<Option<ValidatingWebhookConfiguration>> {
    let api = Api::<ValidatingWebhookConfiguration>::all(cluster.admin.clone());
    Ok(api.get_opt(NAME).await?)
}

/// An Ingress with one annotation of ingress-nginx.
pub(super) fn annotated(name: &str, class: &str, (key, value): (&str, &str)) -> String {
    let annotation = format!("metadata: {{annotations: {{nginx.ingress.kubernetes.io/{key}: {value}}}, ");
    ingress(name, class, &format!("{name}.example"), "web").replacen("metadata: {", &annotation, 1)
}

/// What is said when these manifests are applied; an error when they are taken.
pub(super) async fn refusal(cluster: &Cluster, namespace: &str, yaml: &str) -> Result<String> {
    match cluster.dry_run(namespace, yaml).await {
        Ok(_) => anyhow::bail!("it is taken"),
        Err(error) => match error.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) => {
                ensure!(status.code == 422, "it is refused with {}: {}", status.code, status.message);
                Ok(status.message.clone())
            }
            _ => Err(error),
        },
    }
}

/// The warnings that come with an answer when an Ingress is tried.
pub(super) async fn warnings(cluster: &Cluster, namespace: &str, yaml: &str) -> Result<Vec<String>> {
    let object: Value = serde_saphyr::from_str(yaml)?;
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses?dryRun=All");
    let request = hyper::Request::post(path).header("content-type", "application/json");
    let request = request.body(serde_json::to_vec(&object)?.into()).context("make a request")?;
    let answer = cluster.admin.send(request).await.context("try an Ingress")?;
    ensure!(answer.status().is_success(), "it is answered {}", answer.status());
    let fields = answer.headers().get_all("warning").iter();
    Ok(fields.map(|field| String::from_utf8_lossy(field.as_bytes()).into_owned()).collect())
}
