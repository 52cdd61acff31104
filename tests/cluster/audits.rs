//! What `bulkhead audit` reads of a cluster, with which rights.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bulkhead_tests::binaries::Binary;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use serde_json::{Value, json};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(a_cluster_is_audited_with_the_right_to_list_and_nothing_else)]
}

/// Another controller's class, an Ingress that would be served and one that would not, the controller itself (without pods), and an
/// account that may list what an audit cannot do without.
const OBJECTS: &str = r"
{apiVersion: v1, kind: Namespace, metadata: {name: audited}}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: audited}
spec: {controller: example.com/audited}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: audited}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: good
  namespace: audited
  annotations: {nginx.ingress.kubernetes.io/proxy-body-size: 8m}
spec: {ingressClassName: audited, defaultBackend: {service: {name: web, port: {number: 80}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: bad
  namespace: audited
  annotations: {nginx.ingress.kubernetes.io/server-snippet: deny all;}
spec:
  ingressClassName: audited
  rules: [{host: audited.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: audited}
data: {proxy-body-size: 20m}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: controller, namespace: audited, labels: {app.kubernetes.io/name: ingress-nginx}}
spec:
  replicas: 0
  selector: {matchLabels: {app: controller}}
  template:
    metadata: {labels: {app: controller}}
    spec:
      containers:
      - name: controller
        image: example.com/ingress-nginx/controller:v1
        args: [/nginx-ingress-controller, --ingress-class=audited, --configmap=audited/settings]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: audited}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: audited-reader}
rules:
- {apiGroups: [networking.k8s.io], resources: [ingresses, ingressclasses], verbs: [list]}
- {apiGroups: [''], resources: [services], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: audited-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: audited-reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: audited}]
";

async fn a_cluster_is_audited_with_the_right_to_list_and_nothing_else(cluster: &'static Cluster) -> Result<()> {
    cluster.apply("default", OBJECTS).await?;
    let everything = audit(&cluster.admin_kubeconfig)?;
    let reader = cluster.kubeconfig_for_service_account("audited", "reader").await?;
    let listed = audit(&reader)?;
    for audit in [&everything, &listed] {
        let verdicts: Vec<_> = audit["ingresses"].as_array().context("no Ingresses")?.iter().collect();
        let verdicts: Vec<_> = verdicts.iter().map(|one| (&one["name"], &one["verdict"])).collect();
        ensure!(verdicts == [(&json!("bad"), &json!("refused")), (&json!("good"), &json!("honoured"))], "{verdicts:?}");
    }
    let instance = everything["controllers"][0]["instance"].as_str().context("no GatewayInstance")?;
    ensure!(instance.contains("requestContentBytes: 20Mi"), "{instance}");
    cluster.dry_run("audited", instance).await.context("try the GatewayInstance")?;
    let remark = listed["remarks"][0].as_str().context("no remark")?;
    ensure!(listed["controllers"] == json!([]) && remark.contains("cannot list deployments"), "{remark}");
    Ok(())
}

fn audit(kubeconfig: &Path) -> Result<Value> {
    let mut command = Command::new(Binary::Cli.path()?);
    command.args(["audit", "--class", "audited", "--output", "json", "--kubeconfig"]).arg(kubeconfig);
    let output = command.output().context("run `bulkhead audit`")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1), "it ended with {}: {errors}", output.status);
    serde_json::from_slice(&output.stdout).context("read the audit")
}
