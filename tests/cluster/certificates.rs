//! Certificates, from Secrets of a team to handshakes with a gateway that can read none of them.

use anyhow::{Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams};

use crate::world::routes::{backend, ingress};
use crate::world::tls::{Authority, connect, shown};
use crate::world::{Fleet, SMALL};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(a_replaced_certificate_is_shown_to_new_connections_and_cuts_no_old_one),
        test(issuers_of_clients_are_copied_alone_and_close_their_host_when_they_go),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;

async fn a_replaced_certificate_is_shown_to_new_connections_and_cuts_no_old_one(
    cluster: &'static Cluster,
) -> Result<()> {
    let fleet = Fleet::listening(cluster, "shown", SMALL).await?;
    let team = cluster.namespace("team").await?;
    let _backend = backend(cluster, &team, "web").await?;
    let (authority, host) = (Authority::new("servers")?, "shown.example");
    let (first, second) = (authority.sign(host)?, authority.sign(host)?);
    cluster.apply(&team, &first.secret("web")).await?;
    let written =
        format!("{}  tls: [{{hosts: [{host}], secretName: web}}]\n", ingress("web", &fleet.class(LANE), host, "web"));
    cluster.apply(&team, &written).await?;

    // Verified by the client, as any other does: until then it is shown a certificate of nobody it knows.
    let mut old = shown(&fleet, LANE, &authority, host, &first).await?;
    ensure!(old.get(host)? == 200);
    cluster.apply(&team, &second.secret("web")).await?;
    let mut new = shown(&fleet, LANE, &authority, host, &second).await?;
    ensure!(new.get(host)? == 200, "a connection under the second certificate is not served");
    ensure!(old.get(host)? == 200, "the connection under the first certificate is not served any more");
    ensure!(old.shown()? == first.der, "the old connection is another one");
    Ok(())
}

async fn issuers_of_clients_are_copied_alone_and_close_their_host_when_they_go(
    cluster: &'static Cluster,
) -> Result<()> {
    let fleet = Fleet::listening(cluster, "issuers", SMALL).await?;
    let team = cluster.namespace("team").await?;
    let _backend = backend(cluster, &team, "web").await?;
    let (servers, clients, host) = (Authority::new("servers")?, Authority::new("clients")?, "issuers.example");
    let certificate = servers.sign(host)?;
    cluster.apply(&team, &certificate.secret("web")).await?;
    let tls = format!("  tls: [{{hosts: [{host}], secretName: web}}]\n");
    let wants = "metadata: {annotations: {nginx.ingress.kubernetes.io/auth-tls-secret: issuers}, ";
    let written = ingress("web", &fleet.class(LANE), host, "web").replacen("metadata: {", wants, 1) + &tls;
    cluster.apply(&team, &written).await?;
    fleet.wait_status(LANE, host, 503).await?;

    let issuers = format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: issuers}}, stringData: {{ca.crt: {:?}, password: not-yours}}}}",
        clients.issuer.pem()
    );
    cluster.apply(&team, &issuers).await?;
    // In clear text there are no certificates.
    fleet.wait_status(LANE, host, 403).await?;
    let copied = keyring(&fleet).await?;
    let copied: Vec<_> = copied.iter().filter(|key| key.contains("_issuers_")).collect();
    ensure!(copied == [&format!("{team}_issuers_ca.crt")], "the keyring has {copied:?} of it");

    let (alice, mallory) = (clients.sign("alice")?, servers.sign("mallory")?);
    let status = |identity| anyhow::Ok(connect(&fleet, LANE, &servers, host, identity)?.get(host)?);
    ensure!(status(Some(&alice))? == 200, "a client with a certificate of the issuers is not served");
    ensure!(status(None)? == 400, "a client without a certificate is served");
    ensure!(status(Some(&mallory))? == 400, "a client with a certificate of others is served");

    Api::<Secret>::namespaced(cluster.admin.clone(), &team).delete("issuers", &DeleteParams::default()).await?;
    fleet.wait_status(LANE, host, 503).await?;
    ensure!(status(Some(&alice))? == 503, "a host whose issuers are gone is served");
    Ok(())
}

/// Names of all entries of the lane's keyring.
async fn keyring(fleet: &Fleet) -> Result<Vec<String>> {
    let secrets = Api::<Secret>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    let prefix = format!("{}-keyring-", fleet.class(LANE));
    let all = secrets.list(&ListParams::default()).await?.into_iter();
    let shards = all.filter(|secret| secret.metadata.name.as_ref().is_some_and(|name| name.starts_with(&prefix)));
    Ok(shards.flat_map(|secret| secret.data.unwrap_or_default().into_keys()).collect())
}
