//! The rules of the schema, for manifests that no API server has seen.
//!
//! An API server refuses what breaks them; `bulkhead up` and `bulkhead render` read files and ask here. Messages are those of the schema.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client_address::{NO_PEER_MAY_SPEAK, ProxyProtocol};
use crate::crd::crd_json;
use crate::instance::{GatewayInstanceSpec, NAME_BYTES};
use crate::lane_spec::LaneSpec;
use crate::names::LaneName;
use crate::scaling::DEFAULT_REPLICAS;
use crate::scope::{NamespaceScope, NamespaceSource};
use crate::service::{ServiceSpec, ServiceType};

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field or object that breaks it.
    pub field: String,
    /// What must hold, and what to do.
    pub message: String,
}

/// What is wrong with an instance of this name and specification: rules between fields, and bounds of numbers, texts, lists and maps.
///
/// Patterns of texts and bounds of durations and sizes are left to API servers.
#[must_use]
pub fn violations(name: &str, spec: &GatewayInstanceSpec) -> Vec<Violation> {
    let mut found = Found::default();
    name_rules(name, &mut found);
    scope_rules(&spec.scope.namespaces, &mut found);
    class_rules(name, spec, &mut found);
    instance_rules(spec, &mut found);
    for lane in LaneName::ALL {
        lane_rules(&format!("spec.{}", lane.field()), spec.lane(lane), &mut found);
        service_rules(&format!("spec.{}.service", lane.field()), lane, spec.lane(lane), &mut found);
    }
    if let (Ok(crd), Ok(value)) = (crd_json(), serde_json::to_value(spec))
        && let Some(schema) = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec")
    {
        bounds("spec", schema, &value, &mut found);
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    fn unless(&mut self, holds: bool, field: &str, message: &str) {
        if !holds {
            self.0.push(Violation { field: field.to_owned(), message: message.to_owned() });
        }
    }
}

fn name_rules(name: &str, found: &mut Found) {
    found.unless(
        name.len() <= NAME_BYTES,
        "metadata.name",
        "the name must not be longer than 40 characters, because the names of all its objects begin with it: choose a shorter one",
    );
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    found.unless(
        name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(rest),
        "metadata.name",
        "the name must begin with a letter and must not contain a dot, because Services are named after it: choose another one",
    );
}

fn scope_rules(scope: &NamespaceScope, found: &mut Found) {
    found.unless(
        (scope.from == NamespaceSource::Names) != scope.names.is_empty(),
        "spec.scope.namespaces",
        "names must be given exactly when from is Names: list at least one namespace, or remove names",
    );
    found.unless(
        (scope.from == NamespaceSource::Selector) == scope.selector.is_some(),
        "spec.scope.namespaces",
        "selector must be given exactly when from is Selector: add a selector, or remove it",
    );
}

/// No class is served twice, whether its name was chosen or is the one a lane has by default.
fn class_rules(name: &str, spec: &GatewayInstanceSpec, found: &mut Found) {
    let own = LaneName::ALL.map(|lane| (lane, spec.lane(lane).class_name(name, lane)));
    let chosen: BTreeSet<_> = own.iter().map(|(_, class)| class.as_str()).collect();
    found.unless(
        chosen.len() == own.len(),
        "spec",
        "the lanes must not share a class: give northSouth.ingressClass.name and eastWest.ingressClass.name different values",
    );
    let east_west = &spec.east_west.ingress_class.also_serve;
    found.unless(
        !spec.north_south.ingress_class.also_serve.iter().any(|class| east_west.contains(class)),
        "spec",
        "the lanes must not serve the same class: remove it from ingressClass.alsoServe of one lane",
    );
    for lane in LaneName::ALL {
        for (owner, class) in &own {
            let message = match (lane, owner) {
                (LaneName::NorthSouth, LaneName::EastWest) => {
                    "northSouth must not serve the class of eastWest: remove it from northSouth.ingressClass.alsoServe"
                }
                (LaneName::EastWest, LaneName::NorthSouth) => {
                    "eastWest must not serve the class of northSouth: remove it from eastWest.ingressClass.alsoServe"
                }
                _ => "alsoServe must not contain the lane's own class: remove it from alsoServe",
            };
            let serves = spec.lane(lane).ingress_class.also_serve.contains(class);
            found.unless(!serves, &format!("spec.{}.ingressClass", lane.field()), message);
        }
    }
    found.unless(
        !(spec.north_south.ingress_class.is_default && spec.east_west.ingress_class.is_default),
        "spec",
        "at most one lane's class may be the cluster's default: set ingressClass.default of one lane to false",
    );
}

fn instance_rules(spec: &GatewayInstanceSpec, found: &mut Found) {
    found.unless(
        spec.north_south.enabled || spec.east_west.enabled,
        "spec",
        "at least one lane must be enabled: set northSouth.enabled or eastWest.enabled to true, or delete the instance",
    );
    let longest = spec.north_south.min_ready_seconds.max(spec.east_west.min_ready_seconds);
    found.unless(
        longest < spec.rollout.progress_deadline_seconds,
        "spec",
        "rollout.progressDeadlineSeconds must be greater than minReadySeconds of both lanes, or no rollout can succeed: raise it",
    );
}

fn lane_rules(field: &str, lane: &LaneSpec, found: &mut Found) {
    found.unless(
        lane.replicas.is_none() || lane.autoscaling.is_none(),
        field,
        "replicas and autoscaling exclude each other: remove replicas to let the autoscaler decide",
    );
    found.unless(
        lane.autoscaling.as_ref().is_none_or(|scaling| scaling.min_replicas <= scaling.max_replicas),
        &format!("{field}.autoscaling"),
        &format!(
            "minReplicas ({DEFAULT_REPLICAS} when unset) must not be greater than maxReplicas: lower minReplicas or raise maxReplicas"
        ),
    );
    let client = &lane.client_address;
    found.unless(
        client.proxy_protocol == ProxyProtocol::Off || !client.trusted_cidrs.is_empty(),
        &format!("{field}.clientAddress"),
        NO_PEER_MAY_SPEAK,
    );
}

fn service_rules(field: &str, name: LaneName, lane: &LaneSpec, found: &mut Found) {
    let ServiceSpec { http_port, https_port, http_node_port, https_node_port, .. } = lane.service;
    let kind = lane.service_type(name);
    let balanced = kind == ServiceType::LoadBalancer;
    let outside = balanced || kind == ServiceType::NodePort;
    found.unless(
        http_port != https_port,
        field,
        "httpPort and httpsPort must differ: one port cannot serve both plain HTTP and TLS",
    );
    found.unless(
        http_node_port.is_none() || http_node_port != https_node_port,
        field,
        "httpNodePort and httpsNodePort must differ",
    );
    found.unless(
        outside || (http_node_port.is_none() && https_node_port.is_none()),
        field,
        "node ports need type LoadBalancer or NodePort: change the type, or remove httpNodePort and httpsNodePort",
    );
    found.unless(
        balanced || (lane.service.load_balancer_class.is_none() && lane.service.load_balancer_source_ranges.is_empty()),
        field,
        "loadBalancerClass and loadBalancerSourceRanges need type LoadBalancer: change the type, or remove them",
    );
    found.unless(
        outside || lane.service.external_traffic_policy.is_none(),
        field,
        "externalTrafficPolicy needs type LoadBalancer or NodePort: change the type, or remove it",
    );
}

/// Bounds of the schema on numbers and on lengths, at `value` and below it.
fn bounds(field: &str, schema: &Value, value: &Value, found: &mut Found) {
    let measure = match value {
        Value::Number(number) => number.as_i64().map(|number| (number, "minimum", "maximum", "")),
        Value::String(text) => length(text.chars().count(), "minLength", "maxLength", " characters"),
        Value::Array(items) => length(items.len(), "minItems", "maxItems", " items"),
        Value::Object(entries) => length(entries.len(), "minProperties", "maxProperties", " entries"),
        _ => None,
    };
    if let Some((measure, least, most, unit)) = measure {
        let bound = |keyword| schema.get(keyword).and_then(Value::as_i64);
        if let Some(least) = bound(least).filter(|least| measure < *least) {
            found.unless(false, field, &format!("must be at least {least}{unit}"));
        }
        if let Some(most) = bound(most).filter(|most| measure > *most) {
            found.unless(false, field, &format!("must be at most {most}{unit}"));
        }
    }
    match value {
        Value::Object(entries) => {
            for (name, entry) in entries {
                let declared = schema.get("properties").and_then(|properties| properties.get(name));
                if let Some(schema) = declared.or_else(|| schema.get("additionalProperties")) {
                    bounds(&format!("{field}.{name}"), schema, entry, found);
                }
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                if let Some(schema) = schema.get("items") {
                    bounds(&format!("{field}[{place}]"), schema, item, found);
                }
            }
        }
        _ => {}
    }
}

fn length(
    length: usize,
    least: &'static str,
    most: &'static str,
    unit: &'static str,
) -> Option<(i64, &'static str, &'static str, &'static str)> {
    i64::try_from(length).ok().map(|length| (length, least, most, unit))
}

#[cfg(test)]
mod tests;
