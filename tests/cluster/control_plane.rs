//! The harness itself: what every other test builds on.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::cluster::node::Kubelet;
use bulkhead_tests::echo::{Echo, EchoBackend};
use bulkhead_tests::exchange;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, ListParams};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(manifests_are_applied_and_a_dry_run_keeps_nothing),
        test(the_api_server_refuses_a_bad_manifest_and_says_why),
        test(a_service_account_is_denied_what_it_was_not_granted),
        test(a_deployment_becomes_available_and_its_pods_become_endpoints),
        test(a_backend_is_reached_at_the_address_of_its_pod),
        test(another_control_plane_shares_nothing),
    ]
}

async fn manifests_are_applied_and_a_dry_run_keeps_nothing(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace("manifests").await?;
    let yaml = "
apiVersion: v1
kind: ConfigMap
metadata: {name: first}
data: {colour: blue}
---
---
apiVersion: v1
kind: ConfigMap
metadata: {name: second}
";
    let maps = Api::<ConfigMap>::namespaced(cluster.admin.clone(), &namespace);

    let imagined = cluster.dry_run(&namespace, yaml).await?;
    ensure!(imagined.len() == 2 && maps.get_opt("first").await?.is_none(), "a dry run kept something");

    cluster.apply(&namespace, yaml).await?;
    let data = maps.get("first").await?.data.unwrap_or_default();
    ensure!(data.get("colour").is_some_and(|colour| colour == "blue"), "the data is {data:?}");
    maps.get("second").await?;
    Ok(())
}

async fn the_api_server_refuses_a_bad_manifest_and_says_why(cluster: &Cluster) -> Result<()> {
    let yaml = "{apiVersion: v1, kind: ConfigMap, metadata: {name: Not_A_Name}}";
    let error = cluster.dry_run("default", yaml).await.err().context("a bad name was taken")?;
    let kube::Error::Api(status) = error.downcast_ref().context("not an answer of the API server")? else {
        anyhow::bail!("not a status: {error:?}");
    };
    ensure!(status.is_invalid() && status.message.contains("metadata.name"), "the answer is {status:?}");
    Ok(())
}

async fn a_service_account_is_denied_what_it_was_not_granted(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace("rights").await?;
    let yaml = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader}]
";
    cluster.apply(&namespace, yaml).await?;
    let reader = cluster.client_for_service_account(&namespace, "reader").await?;

    let maps = Api::<ConfigMap>::namespaced(reader.clone(), &namespace);
    wait_for("the binding to take effect", Duration::from_secs(10), async || {
        Ok(maps.list(&ListParams::default()).await?)
    })
    .await?;
    let secrets = Api::<Secret>::namespaced(reader, &namespace);
    let denied = secrets.list(&ListParams::default()).await.err().context("a reader of config maps read Secrets")?;
    ensure!(matches!(&denied, kube::Error::Api(status) if status.is_forbidden()), "the answer is {denied:?}");
    Ok(())
}

async fn a_deployment_becomes_available_and_its_pods_become_endpoints(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace("pods").await?;
    let mut hosts = 1..=u8::MAX;
    let _kubelet = Kubelet::start(cluster, &namespace, move |_pod| Some(Ipv4Addr::new(10, 77, 200, hosts.next()?)));
    let yaml = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: main, image: 'local.test/shop:1'}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
";
    cluster.apply(&namespace, yaml).await?;

    let deployments = Api::<Deployment>::namespaced(cluster.admin.clone(), &namespace);
    wait_for("two available replicas", Duration::from_secs(30), async || {
        let status = deployments.get("shop").await?.status.unwrap_or_default();
        ensure!(status.available_replicas == Some(2), "status is {status:?}");
        Ok(())
    })
    .await?;
    wait_for("two endpoints", Duration::from_secs(30), async || {
        let found = endpoints(cluster, &namespace, "shop").await?;
        ensure!(found == ["10.77.200.1", "10.77.200.2"], "the endpoints are {found:?}");
        Ok(())
    })
    .await?;

    cluster.apply(&namespace, &yaml.replace("replicas: 2", "replicas: 0")).await?;
    wait_for("no endpoint", Duration::from_secs(30), async || {
        let left = endpoints(cluster, &namespace, "shop").await?;
        ensure!(left.is_empty(), "{left:?} are left");
        Ok(())
    })
    .await
}

async fn endpoints(cluster: &Cluster, namespace: &str, service: &str) -> Result<Vec<String>> {
    let slices = Api::<EndpointSlice>::namespaced(cluster.admin.clone(), namespace);
    let slices = slices.list(&ListParams::default().labels(&format!("kubernetes.io/service-name={service}"))).await?;
    let mut addresses: Vec<String> =
        slices.into_iter().flat_map(|slice| slice.endpoints).flat_map(|endpoint| endpoint.addresses).collect();
    addresses.sort();
    Ok(addresses)
}

async fn a_backend_is_reached_at_the_address_of_its_pod(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace("backends").await?;
    let ip = Ipv4Addr::new(10, 77, 3, 254);
    let backend = EchoBackend::start("blue", SocketAddr::from((ip, 8080))).await?;
    cluster.create_pod(&namespace, "blue", &[("app", "blue")], ip).await?;
    cluster.set_endpoints(&namespace, "by-hand", "http", 8080, &[ip]).await?;
    ensure!(endpoints(cluster, &namespace, "by-hand").await? == [ip.to_string()], "the endpoints are others");

    let echo: Echo = exchange::get(backend.address(), "blue.example", "/").await?.json()?;
    ensure!((echo.backend.as_str(), echo.host.as_str()) == ("blue", "blue.example"), "the backend saw {echo:?}");
    Ok(())
}

async fn another_control_plane_shares_nothing(cluster: &Cluster) -> Result<()> {
    cluster.apply("default", "{apiVersion: v1, kind: ConfigMap, metadata: {name: here}}").await?;
    let another = cluster.another().await?;
    let maps = Api::<ConfigMap>::namespaced(another.admin.clone(), "default");
    ensure!(maps.get_opt("here").await?.is_none(), "an object of one is in the other");
    ensure!(another.server != cluster.server, "both are at {}", cluster.server);
    Ok(())
}
