//! Objects that anybody may write, decoded without what nobody reads: an author can make each as large as an API server takes (1.5 MiB), and
//! as a tree of values ten times that. What is skipped here is never held but as text, one page at a time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use bulkhead_compile::is_reference;
use bulkhead_crds::status::ADDRESSES;
use k8s_openapi::api::networking::v1::{
    Ingress, IngressLoadBalancerIngress, IngressLoadBalancerStatus, IngressPortStatus, IngressSpec, IngressStatus,
    IngressTLS,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta, Time};
use kube::Resource;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::publish::changes::is_ours;

mod fields;

use fields::{Has, InStatus};

/// Names the class of an Ingress where `spec.ingressClassName` does not (Kubernetes reference, well-known annotations).
const LEGACY_CLASS: &str = "kubernetes.io/ingress.class";
/// Longest name of a Secret, in bytes (Kubernetes: `DNS1123SubdomainMaxLength`).
const NAME_BYTES: usize = 253;
/// Entries of `spec.tls` that are kept: as many as are looked at for references.
const TLS: usize = 2_000;
/// Of an annotation's value so much is kept, in bytes. The longest that means anything is a namespace and a name (63 and 253 bytes), and
/// what is longer than that means as little when it is cut.
const VALUE_BYTES: usize = 1024;
/// Lanes that are known to have a say in one Ingress: few serve the same.
const SPEAKERS: usize = 64;
/// Ports that are kept of one address: a lane publishes two.
const PORTS: usize = 16;

/// Of an Ingress its class, what it refers to, and what its status says and which of our lanes say it.
#[derive(Clone, Debug)]
pub struct LeanIngress(pub Ingress);

/// Namespace and name of an object of which nothing else matters.
#[derive(Clone, Debug)]
pub struct Named<K> {
    meta: ObjectMeta,
    kind: PhantomData<fn() -> K>,
}

impl<'de> Deserialize<'de> for LeanIngress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Whole { metadata, spec, status } = Whole::deserialize(deserializer)?;
        let spec = spec.map(|spec| IngressSpec {
            ingress_class_name: spec.ingress_class_name.map(short),
            tls: spec.tls,
            ..IngressSpec::default()
        });
        let points = status.and_then(|status| status.load_balancer).and_then(|balancer| balancer.ingress);
        let status = points
            .map(|points| IngressStatus { load_balancer: Some(IngressLoadBalancerStatus { ingress: Some(points) }) });
        let metadata = ObjectMeta {
            name: metadata.name,
            namespace: metadata.namespace,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            generation: metadata.generation,
            creation_timestamp: metadata.creation_timestamp,
            deletion_timestamp: metadata.deletion_timestamp,
            annotations: metadata.annotations,
            managed_fields: metadata.managed_fields,
            ..ObjectMeta::default()
        };
        Ok(Self(Ingress { metadata, spec, status }))
    }
}

impl<'de, K> Deserialize<'de> for Named<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let NamedWhole { metadata: Name { name, namespace, resource_version } } =
            NamedWhole::deserialize(deserializer)?;
        Ok(Self { meta: ObjectMeta { name, namespace, resource_version, ..ObjectMeta::default() }, kind: PhantomData })
    }
}

#[derive(Deserialize)]
struct NamedWhole {
    metadata: Name,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Name {
    name: Option<String>,
    namespace: Option<String>,
    resource_version: Option<String>,
}

#[derive(Deserialize)]
struct Whole {
    metadata: Meta,
    spec: Option<Spec>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    #[serde(default, deserialize_with = "annotations")]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "speakers")]
    managed_fields: Option<Vec<ManagedFieldsEntry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    ingress_class_name: Option<String>,
    #[serde(default, deserialize_with = "tls")]
    tls: Option<Vec<IngressTLS>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    load_balancer: Option<Balancer>,
}

#[derive(Deserialize)]
struct Balancer {
    #[serde(default, deserialize_with = "points")]
    ingress: Option<Vec<IngressLoadBalancerIngress>>,
}

#[derive(Deserialize)]
struct Point {
    hostname: Option<String>,
    ip: Option<String>,
    #[serde(default, deserialize_with = "ports")]
    ports: Option<Vec<IngressPortStatus>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tls {
    secret_name: Option<String>,
}

/// Who wrote what.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    manager: Option<String>,
    operation: Option<String>,
    subresource: Option<String>,
    fields_v1: Option<Has<InStatus>>,
}

fn short(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(VALUE_BYTES));
    text.shrink_to_fit();
    text
}

fn annotations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    deserializer.deserialize_any(Annotations).map(Some)
}

fn speakers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<ManagedFieldsEntry>>, D::Error> {
    let ours = |entry: Entry| {
        let says = entry.fields_v1.is_some_and(|fields| fields.found());
        let of_status = entry.subresource.as_deref() == Some("status") && entry.operation.as_deref() == Some("Apply");
        let manager = entry.manager.filter(|manager| says && of_status && is_ours(manager))?;
        Some(ManagedFieldsEntry { manager: Some(manager), ..ManagedFieldsEntry::default() })
    };
    let entries = few(deserializer, SPEAKERS, ours)?;
    Ok(Some(entries).filter(|entries| !entries.is_empty()))
}

fn tls<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<IngressTLS>>, D::Error> {
    let named = |entry: Tls| {
        let secret_name = entry.secret_name.filter(|name| name.len() <= NAME_BYTES)?;
        Some(IngressTLS { secret_name: Some(secret_name), hosts: None })
    };
    few(deserializer, TLS, named).map(Some)
}

/// One more than we ever write is kept, which shows that there are others.
fn points<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<IngressLoadBalancerIngress>>, D::Error> {
    let point = |Point { hostname, ip, ports }| Some(IngressLoadBalancerIngress { hostname, ip, ports });
    few(deserializer, ADDRESSES + 1, point).map(Some)
}

fn ports<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<IngressPortStatus>>, D::Error> {
    few(deserializer, PORTS, Some).map(Some)
}

/// Of a list, or of nothing, the first `most` that `pick` makes something of.
fn few<'de, D, T, R>(deserializer: D, most: usize, pick: fn(T) -> Option<R>) -> Result<Vec<R>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(Few { most, pick })
}

struct Few<T, R> {
    most: usize,
    pick: fn(T) -> Option<R>,
}

impl<'de, T: Deserialize<'de>, R> Visitor<'de> for Few<T, R> {
    type Value = Vec<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<R>, A::Error> {
        let mut few = Vec::new();
        while few.len() < self.most {
            let Some(one) = list.next_element()? else { return Ok(few) };
            few.extend((self.pick)(one));
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(few)
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<R>, E> {
        Ok(Vec::new())
    }
}

/// Those that say which class it is or what is referred to.
struct Annotations;

impl<'de> Visitor<'de> for Annotations {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("annotations")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kept = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == LEGACY_CLASS || is_reference(&key) {
                kept.insert(key, short(map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(kept)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }
}

impl Resource for LeanIngress {
    type DynamicType = ();
    type Scope = <Ingress as Resource>::Scope;

    fn kind(which: &Self::DynamicType) -> Cow<'_, str> {
        Ingress::kind(which)
    }

    fn group(which: &Self::DynamicType) -> Cow<'_, str> {
        Ingress::group(which)
    }

    fn version(which: &Self::DynamicType) -> Cow<'_, str> {
        Ingress::version(which)
    }

    fn plural(which: &Self::DynamicType) -> Cow<'_, str> {
        Ingress::plural(which)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.0.metadata
    }
}

impl<K: Resource> Resource for Named<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn metadata_api() -> bool {
        true
    }

    fn kind(which: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(which)
    }

    fn group(which: &Self::DynamicType) -> Cow<'_, str> {
        K::group(which)
    }

    fn version(which: &Self::DynamicType) -> Cow<'_, str> {
        K::version(which)
    }

    fn plural(which: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(which)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

#[cfg(test)]
mod tests;
