//! Backends and the Ingresses that lead to them.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::echo::EchoBackend;

use super::address;

/// The port that backends listen on.
pub(crate) const PORT: u16 = 8080;

/// A backend named NAMESPACE/SERVICE behind a Service without selector.
pub(crate) async fn backend(cluster: &Cluster, namespace: &str, service: &str) -> Result<EchoBackend> {
    let ip = address();
    let backend = EchoBackend::start(&format!("{namespace}/{service}"), SocketAddr::from((ip, PORT))).await?;
    serve(cluster, namespace, service, &[ip]).await?;
    Ok(backend)
}

/// A Service whose endpoints are these addresses.
pub(crate) async fn serve(cluster: &Cluster, namespace: &str, service: &str, ips: &[Ipv4Addr]) -> Result<()> {
    let yaml = format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {service}}}, spec: {{ports: [{{name: http, port: 80, targetPort: {PORT}}}]}}}}"
    );
    cluster.apply(namespace, &yaml).await?;
    cluster.set_endpoints(namespace, service, "http", PORT, ips).await
}

/// An Ingress of this class that leads everything of a host to a Service.
pub(crate) fn ingress(name: &str, class: &str, host: &str, service: &str) -> String {
    format!(
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}}}
spec:
  ingressClassName: {class}
  rules: [{{host: {host}, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {service}, port: {{name: http}}}}}}}}]}}}}]
"
    )
}

/// Applies [`ingress`].
pub(crate) async fn route(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    class: &str,
    host: &str,
    service: &str,
) -> Result<()> {
    cluster.apply(namespace, &ingress(name, class, host, service)).await.map(|_| ())
}
