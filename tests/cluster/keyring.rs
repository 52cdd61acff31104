//! The keyring: a lane gets the keys that its own Ingresses refer to, for as long as they do.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, ListParams};

use crate::world::routes::ingress;
use crate::world::{Fleet, SMALL, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(a_key_is_copied_while_an_ingress_of_the_lane_refers_to_it),
        test(a_lane_reads_its_own_keyring_by_name_and_no_other_secret),
        test(of_users_and_fields_only_what_serving_takes_is_copied),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;

async fn a_key_is_copied_while_an_ingress_of_the_lane_refers_to_it(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "keys", SMALL).await?;
    let (team, other) = (cluster.namespace("team").await?, cluster.namespace("team").await?);
    cluster.apply(&team, &tls("shop", "first")).await?;
    cluster.apply(&team, &tls("unused", "never")).await?;
    cluster.apply(&other, &tls("foreign", "never")).await?;
    let entry = |secret: &str, key: &str| format!("{team}_{secret}_{key}");
    let shop = |content: &str| {
        BTreeMap::from([
            (entry("shop", "tls.crt"), format!("{content} certificate")),
            (entry("shop", "tls.key"), format!("{content} key")),
        ])
    };

    // Another namespace's Secret by name alone, and by what a path would look like, which no API server takes.
    cluster.apply(&team, &with_tls("web", &fleet.class(LANE), &["shop", "foreign"])).await?;
    let path = cluster.apply(&team, &with_tls("path", &fleet.class(LANE), &[&format!("{other}/foreign")])).await;
    ensure!(path.is_err(), "the API server takes a Secret of another namespace");
    wait_keyring(&fleet, LANE, &shop("first")).await?;
    wait_keyring(&fleet, LaneName::EastWest, &BTreeMap::new()).await?;

    cluster.apply(&team, &tls("shop", "second")).await?;
    wait_keyring(&fleet, LANE, &shop("second")).await?;

    // The Ingress moves to the other lane, and the key with it.
    cluster.apply(&team, &with_tls("web", &fleet.class(LaneName::EastWest), &["shop"])).await?;
    wait_keyring(&fleet, LaneName::EastWest, &shop("second")).await?;
    wait_keyring(&fleet, LANE, &BTreeMap::new()).await?;

    cluster.apply(&team, &with_tls("web", &fleet.class(LaneName::EastWest), &[])).await?;
    wait_keyring(&fleet, LaneName::EastWest, &BTreeMap::new()).await?;

    // Referred to before it exists.
    cluster.apply(&team, &with_tls("web", &fleet.class(LANE), &["late"])).await?;
    cluster.apply(&team, &tls("late", "late")).await?;
    let late = [("tls.crt", "certificate"), ("tls.key", "key")];
    let late = late.map(|(key, what)| (entry("late", key), format!("late {what}")));
    wait_keyring(&fleet, LANE, &late.into()).await?;
    Api::<Secret>::namespaced(cluster.admin.clone(), &team).delete("late", &Default::default()).await?;
    wait_keyring(&fleet, LANE, &BTreeMap::new()).await
}

async fn a_lane_reads_its_own_keyring_by_name_and_no_other_secret(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "token", SMALL).await?;
    let team = cluster.namespace("team").await?;
    cluster.apply(&team, &tls("shop", "shop")).await?;
    cluster.apply(&team, &with_tls("web", &fleet.class(LANE), &["shop"])).await?;
    wait_for("a filled keyring", SOON, async || {
        ensure!(!keyring(&fleet, LANE).await?.is_empty(), "it is empty");
        Ok(())
    })
    .await?;

    let lane = cluster.client_for_service_account(&fleet.namespace, &fleet.class(LANE)).await?;
    let own = Api::<Secret>::namespaced(lane.clone(), &fleet.namespace);
    let document = Api::<ConfigMap>::namespaced(lane.clone(), &fleet.namespace);
    ensure!(!own.get(&shard(&fleet, LANE)).await?.data.unwrap_or_default().is_empty(), "its keyring looks empty");
    document.get(&fleet.class(LANE)).await?;

    let by_name = ListParams::default().fields(&format!("metadata.name={}", shard(&fleet, LANE)));
    ensure!(own.list(&by_name).await?.items.len() == 1, "its keyring cannot be listed by name");
    for (what, denied) in [
        ("list Secrets of its namespace", own.list(&ListParams::default()).await.err()),
        ("list Secrets of the cluster", Api::<Secret>::all(lane.clone()).list(&ListParams::default()).await.err()),
        ("read the keyring of the other lane", own.get(&shard(&fleet, LaneName::EastWest)).await.err()),
        ("read the document of the other lane", document.get(&fleet.class(LaneName::EastWest)).await.err()),
        ("read the Secret that was copied", Api::<Secret>::namespaced(lane.clone(), &team).get("shop").await.err()),
        ("delete its keyring", own.delete(&shard(&fleet, LANE), &Default::default()).await.err()),
    ] {
        let denied = denied.with_context(|| format!("a lane's token may {what}"))?;
        ensure!(matches!(&denied, kube::Error::Api(status) if status.is_forbidden()), "{what}: {denied:?}");
    }
    Ok(())
}

async fn of_users_and_fields_only_what_serving_takes_is_copied(cluster: &'static Cluster) -> Result<()> {
    const HASH: &str = "{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=";
    let fleet = Fleet::listening(cluster, "users", SMALL).await?;
    let team = cluster.namespace("team").await?;
    let people = |lines: &str| {
        format!(
            "{{apiVersion: v1, kind: Secret, metadata: {{name: people}}, stringData: {{auth: \"{lines}\", token: secret}}}}"
        )
    };
    let fields = |value: &str| {
        format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: people}}, data: {{X-Frame-Options: {value}}}}}")
    };
    let annotations = ["auth-type: basic", "auth-secret: people", "custom-headers: people"];
    let annotations: Vec<_> = annotations.iter().map(|text| format!("nginx.ingress.kubernetes.io/{text}")).collect();
    let plain = ingress("web", &fleet.class(LANE), "web.example", "web");
    let asks = plain.replacen("name: web", &format!("name: web, annotations: {{{}}}", annotations.join(", ")), 1);
    ensure!(asks != plain, "the Ingress has no annotations");
    let file = format!("{team}_people_auth");
    let field = format!("ConfigMap_{team}_people_X-Frame-Options");
    let wanted = |lines: &str, value: &str| {
        BTreeMap::from([(file.clone(), lines.to_owned()), (field.clone(), value.to_owned())])
    };

    cluster.apply(&team, &people(&format!("# made in May\\nzoe:{HASH}\\nadam:hunter2\\n"))).await?;
    cluster.apply(&team, &fields("DENY")).await?;
    cluster.apply(&team, &asks).await?;
    wait_keyring(&fleet, LANE, &wanted(&format!("zoe:{HASH}\n"), "DENY")).await?;

    cluster.apply(&team, &fields("SAMEORIGIN")).await?;
    wait_keyring(&fleet, LANE, &wanted(&format!("zoe:{HASH}\n"), "SAMEORIGIN")).await?;
    cluster.apply(&team, &people(&format!("eve:{HASH}"))).await?;
    wait_keyring(&fleet, LANE, &wanted(&format!("eve:{HASH}\n"), "SAMEORIGIN")).await?;

    cluster.apply(&team, &plain).await?;
    wait_keyring(&fleet, LANE, &BTreeMap::new()).await
}

/// A TLS Secret of this content. Nothing parses it in this version.
fn tls(name: &str, content: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {{name: {name}}}, stringData: {{tls.crt: {content} certificate, tls.key: {content} key}}}}"
    )
}

/// An Ingress that refers to these Secrets.
fn with_tls(name: &str, class: &str, secrets: &[&str]) -> String {
    let list: Vec<_> =
        secrets.iter().map(|secret| format!("{{hosts: [{name}.example], secretName: {secret}}}")).collect();
    format!("{}  tls: [{}]\n", ingress(name, class, &format!("{name}.example"), "web"), list.join(", "))
}

fn shard(fleet: &Fleet, lane: LaneName) -> String {
    bulkhead_plan::names::keyring(&fleet.name, lane, 0)
}

/// Everything in a lane's keyring, as text.
async fn keyring(fleet: &Fleet, lane: LaneName) -> Result<BTreeMap<String, String>> {
    let secrets = Api::<Secret>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    let all = secrets.list(&ListParams::default()).await?;
    let prefix = format!("{}-keyring-", fleet.class(lane));
    let shards =
        all.into_iter().filter(|secret| secret.metadata.name.as_ref().is_some_and(|name| name.starts_with(&prefix)));
    let entries = shards.flat_map(|secret| secret.data.unwrap_or_default());
    Ok(entries.map(|(name, content)| (name, String::from_utf8_lossy(&content.0).into_owned())).collect())
}

async fn wait_keyring(fleet: &Fleet, lane: LaneName, wanted: &BTreeMap<String, String>) -> Result<()> {
    wait_for(&format!("the keyring of the {lane} lane"), SOON, async || {
        let found = keyring(fleet, lane).await?;
        ensure!(found == *wanted, "it holds {found:?} instead of {wanted:?}");
        Ok(())
    })
    .await
}
