//! Finds installations of ingress-nginx: a Deployment or DaemonSet with its flags, and the ConfigMap that they name.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::networking::v1::IngressClass;
use serde_json::Value;

use super::instance::Draft;
use super::{ControllerReport, SettingReport, flags, keys};
use crate::audit::material::{ConfigMap, Material, Place};
use crate::audit::verdict::Verdict;
use crate::table::printable;

/// What `--controller-class` is unless it is written.
const CONTROLLER_CLASS: &str = "k8s.io/ingress-nginx";
/// What `--ingress-class` is unless it is written.
const INGRESS_CLASS: &str = "nginx";
/// Installations that are looked at: a cluster has a handful.
const MOST: usize = 32;
/// Ports of TCP or UDP that are shown of one ConfigMap.
const STREAMS: usize = 32;

/// Every installation, with what becomes of its settings. `wanted`: only of this class.
pub(crate) fn controllers(material: &Material, wanted: Option<&str>) -> Vec<ControllerReport> {
    let mut found: Vec<Controller<'_>> =
        material.workloads.iter().filter_map(|(place, value)| Controller::of(place, value)).collect();
    let named: BTreeSet<Place> = found.iter().filter_map(Controller::config_map).collect();
    let lone = material
        .config_maps
        .iter()
        .filter(|(place, map)| found.is_empty() && named.is_empty() && is_configuration(place, map));
    let lone: Vec<Controller<'_>> = lone.map(|(place, _)| Controller::of_config_map(place)).collect();
    found.extend(lone);
    let reports =
        found.iter().filter(|controller| wanted.is_none_or(|wanted| controller.classes(material).contains(wanted)));
    reports.take(MOST).map(|controller| controller.report(material)).collect()
}

/// The ConfigMaps that the installations name.
pub(crate) fn config_maps(material: &Material) -> BTreeSet<Place> {
    let found = material.workloads.iter().filter_map(|(place, value)| Controller::of(place, value));
    let of = |controller: Controller<'_>| {
        let streams = ["tcp", "udp"].map(|kind| controller.streams(kind));
        streams.into_iter().flatten().chain(controller.config_map()).collect::<Vec<_>>()
    };
    found.flat_map(of).take(MOST * 3).collect()
}

/// Whether a ConfigMap is the controller's, where no Deployment says which one is.
fn is_configuration((_, name): &Place, map: &ConfigMap) -> bool {
    let is_labelled = map.labels.get("app.kubernetes.io/name").is_some_and(|name| name == "ingress-nginx");
    let is_named =
        ["ingress-nginx-controller", "nginx-configuration", "nginx-ingress-controller"].contains(&name.as_str());
    // Installations label these as well: ports that are forwarded, and fields that a key of the configuration names.
    let is_another = ["tcp", "udp"].iter().any(|kind| name.ends_with(kind) || name.starts_with(kind))
        || ["-headers", "-custom-error-pages"].iter().any(|kind| name.ends_with(kind));
    (is_named || is_labelled) && !is_another
}

struct Controller<'a> {
    kind: &'a str,
    place: &'a Place,
    /// Flags without hyphens before them, the last of each.
    flags: BTreeMap<String, String>,
    replicas: Option<i64>,
    /// The ConfigMap, where no flag names it.
    lone: bool,
}

impl<'a> Controller<'a> {
    fn of(place: &'a Place, value: &'a Value) -> Option<Self> {
        let containers = value.pointer("/spec/template/spec/containers")?.as_array()?;
        let container = containers.iter().find(|container| is_controller(container))?;
        let words = ["command", "args"].into_iter().filter_map(|field| container.get(field)?.as_array()).flatten();
        let words: Vec<String> = words.filter_map(Value::as_str).map(|word| expanded(word, place)).collect();
        let kind = value.get("kind").and_then(Value::as_str).unwrap_or("Deployment");
        let replicas = value.pointer("/spec/replicas").and_then(Value::as_i64);
        Some(Self { kind, place, flags: parse(&words), replicas, lone: false })
    }

    const fn of_config_map(place: &'a Place) -> Self {
        Self { kind: "ConfigMap", place, flags: BTreeMap::new(), replicas: None, lone: true }
    }

    fn flag(&self, name: &str) -> Option<&str> {
        self.flags.get(name).map(String::as_str)
    }

    fn config_map(&self) -> Option<Place> {
        if self.lone { Some(self.place.clone()) } else { named(self.flag("configmap")?) }
    }

    /// The ConfigMap of ports of TCP or UDP.
    fn streams(&self, kind: &str) -> Option<Place> {
        named(self.flag(&format!("{kind}-services-configmap"))?)
    }

    /// The classes that name this controller, or the one that its flag names.
    fn classes(&self, material: &Material) -> BTreeSet<String> {
        let controller = self.flag("controller-class").unwrap_or(CONTROLLER_CLASS);
        let is_of =
            |class: &IngressClass| class.spec.as_ref().and_then(|spec| spec.controller.as_deref()) == Some(controller);
        let mut classes: BTreeSet<String> =
            material.classes.iter().filter(|(_, class)| is_of(class)).map(|(name, _)| name.clone()).collect();
        if let Some(named) = self.flag("ingress-class") {
            classes.insert(named.to_owned());
        }
        if classes.is_empty() {
            classes.insert(INGRESS_CLASS.to_owned());
        }
        classes
    }

    fn report(&self, material: &Material) -> ControllerReport {
        let classes = self.classes(material);
        let mut draft = Draft::new(&self.place.0, &classes);
        if let Some(replicas) = self.replicas {
            draft.set("northSouth.replicas", replicas.into());
        }
        let mut settings = Vec::new();
        for (flag, value) in self.flags.iter().filter(|(flag, _)| *flag != "ingress-class") {
            let known = flags().find(|row| row.key == flag);
            settings.push(draft.take(format!("--{flag}={value}"), known, value));
        }
        let written = self.config_map().and_then(|place| material.config_maps.get(&place));
        let data = written.map(|map| &map.data);
        for (key, value) in data.into_iter().flatten() {
            settings.push(draft.take(format!("{key}: {value}"), keys().find(|row| row.key == key), value));
        }
        draft.trust(data);
        for kind in ["tcp", "udp"] {
            let map = self.streams(kind).and_then(|place| material.config_maps.get(&place));
            settings.extend(map.into_iter().flat_map(|map| streams(kind, map)));
        }
        settings.sort_by_key(|setting| std::cmp::Reverse(setting.verdict));
        ControllerReport {
            object: printable(&format!("{} {}/{}", self.kind, self.place.0, self.place.1)),
            classes: classes.iter().map(|class| printable(class)).collect(),
            settings,
            instance: draft.yaml(),
        }
    }
}

fn streams<'m>(kind: &'m str, map: &'m ConfigMap) -> impl Iterator<Item = SettingReport> + 'm {
    map.data.iter().take(STREAMS).map(move |(port, service)| SettingReport {
        setting: super::instance::shortened(&format!("{kind} port {port}: {service}")),
        verdict: Verdict::Refused,
        field: String::new(),
        message: "Ports of TCP and UDP are not served: give the Service a LoadBalancer of its own.".to_owned(),
    })
}

fn is_controller(container: &Value) -> bool {
    let text = |field: &str| container.get(field).and_then(Value::as_str).unwrap_or_default();
    let words = ["command", "args"].into_iter().filter_map(|field| container.get(field)?.as_array()).flatten();
    let runs = words.filter_map(Value::as_str).any(|word| word.ends_with("/nginx-ingress-controller"));
    let image = text("image");
    runs || image.contains("ingress-nginx/controller") || image.contains("nginx-ingress-controller")
}

/// Kubernetes replaces these before a container starts.
fn expanded(word: &str, (namespace, _): &Place) -> String {
    word.replace("$(POD_NAMESPACE)", namespace)
}

fn named(text: &str) -> Option<Place> {
    let (namespace, name) = text.split_once('/')?;
    Some((namespace.to_owned(), name.to_owned()))
}

/// Flags as Go's pflag has them: `--flag=value`, `--flag value`, or `--flag` alone for one that is a switch.
fn parse(words: &[String]) -> BTreeMap<String, String> {
    let mut parsed = BTreeMap::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix('-').map(|rest| rest.strip_prefix('-').unwrap_or(rest)) else { continue };
        let (flag, value) = match flag.split_once('=') {
            Some((flag, value)) => (flag, value.to_owned()),
            None if is_switch(flag) => (flag, "true".to_owned()),
            None => (flag, words.next_if(|next| !next.starts_with('-')).cloned().unwrap_or_else(|| "true".to_owned())),
        };
        parsed.insert(flag.to_owned(), value);
    }
    parsed
}

fn is_switch(flag: &str) -> bool {
    flags().any(|row| row.key == flag && ["true", "false"].contains(&row.default))
}
