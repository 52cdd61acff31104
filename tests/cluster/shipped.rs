//! What a user sees and sends: the definition, its columns, the examples and what `render` makes of them.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use bulkhead_tests::binaries::Binary;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::places;
use bulkhead_tests::suite::{Test, test};
use serde_json::Value;

use crate::world::operator::Operator;
use crate::world::{Fleet, SMALL};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(a_list_of_instances_shows_phase_readiness_and_lanes), test(the_examples_and_what_they_render_are_taken)]
}

async fn a_list_of_instances_shows_phase_readiness_and_lanes(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "columns", SMALL).await?;
    let path = format!("/apis/bulkhead.io/v1alpha1/namespaces/{}/gatewayinstances", fleet.namespace);
    let request = hyper::Request::get(path).header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
    let text = cluster.admin.request_text(request.body(Vec::new()).context("ask for a table")?).await?;
    let table: Value = serde_json::from_str(&text)?;
    let columns = table["columnDefinitions"].as_array().context("no columns")?;
    let names: Vec<_> =
        columns.iter().filter(|column| column["priority"] == 0).filter_map(|column| column["name"].as_str()).collect();
    ensure!(names == ["Name", "Phase", "Ready", "N-S", "E-W", "Age"], "the columns are {names:?}");
    let cells = table["rows"][0]["cells"].as_array().context("no row")?;
    let cell =
        |name: &str| columns.iter().position(|column| column["name"] == name).and_then(|place| cells[place].as_str());
    ensure!(cell("Name") == Some(&fleet.name), "the row is {cells:?}");
    for (name, wanted) in [("Phase", "Listening"), ("Ready", "True"), ("N-S", "1/1"), ("E-W", "1/1")] {
        ensure!(cell(name) == Some(wanted), "{name} is {:?} in {cells:?}", cell(name));
    }
    Ok(())
}

async fn the_examples_and_what_they_render_are_taken(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let examples = places::repository().join("docs/examples/shop");
    let mut files = Vec::new();
    for folder in std::fs::read_dir(&examples)?.flatten().filter(|entry| entry.path().is_dir()) {
        files.extend(std::fs::read_dir(folder.path())?.flatten().map(|file| file.path()));
    }
    // A namespace is needed before what lies in it, and only a real one will do for a dry run.
    for file in files.iter().filter(|file| file.ends_with("namespace.yaml")) {
        cluster.apply("default", &std::fs::read_to_string(file)?).await?;
    }
    for file in &files {
        let dry = cluster.dry_run("default", &std::fs::read_to_string(file)?).await;
        let objects = dry.with_context(|| format!("try {}", file.display()))?;
        ensure!(!objects.is_empty(), "{} holds nothing", file.display());
    }

    let output =
        Command::new(Binary::Cli.path()?).arg("render").arg(&examples).output().context("run `bulkhead render`")?;
    ensure!(output.status.success(), "`bulkhead render` failed: {}", String::from_utf8_lossy(&output.stderr));
    let rendered = cluster.dry_run("default", &String::from_utf8(output.stdout)?).await?;
    let classes = rendered
        .iter()
        .filter(|object| object.types.as_ref().is_some_and(|types| types.kind == "IngressClass"))
        .count();
    ensure!(classes >= 2, "there are {} objects and {classes} classes", rendered.len());
    Ok(())
}
