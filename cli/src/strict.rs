//! What a manifest says in vain: fields that its kind does not have, and kinds that its group does not have.
//!
//! An API server refuses such an object. A gateway takes what it understands of it; here the rest is told.

use serde::Serialize;
use serde_json::Value;

use bulkhead_compile::Object;
use bulkhead_gateway::source::manifest::{Content, Manifest};

use crate::instance::unknown_fields;
use crate::locate::line_of;
use bulkhead_compile::near;

/// Fields of the kinds that a gateway serves, to find the one that was meant.
const FIELDS: [&str; 46] = [
    "addressType",
    "addresses",
    "annotations",
    "apiGroup",
    "apiVersion",
    "appProtocol",
    "backend",
    "clusterIP",
    "conditions",
    "controller",
    "defaultBackend",
    "endpoints",
    "externalName",
    "hints",
    "host",
    "hostname",
    "hosts",
    "http",
    "ingressClassName",
    "kind",
    "labels",
    "metadata",
    "name",
    "namespace",
    "nodeName",
    "number",
    "parameters",
    "path",
    "pathType",
    "paths",
    "port",
    "ports",
    "protocol",
    "ready",
    "resource",
    "rules",
    "scope",
    "secretName",
    "selector",
    "service",
    "serving",
    "spec",
    "targetPort",
    "terminating",
    "tls",
    "trafficDistribution",
];

/// Groups whose kinds a gateway serves, their one version, and all their kinds (Kubernetes 1.35). Of the core group only what is
/// served and what is spelt like it.
const GROUPS: [(&str, &str, &[&str]); 3] = [
    (
        "networking.k8s.io",
        "networking.k8s.io/v1",
        &["IPAddress", "Ingress", "IngressClass", "NetworkPolicy", "ServiceCIDR"],
    ),
    ("discovery.k8s.io", "discovery.k8s.io/v1", &["EndpointSlice"]),
    ("", "v1", &["Namespace", "Service"]),
];

/// Most remarks about one file: a file could be made of nothing else.
const REMARKS: usize = 32;

/// Something that an object says in vain: a sentence that begins with the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) text: String,
    /// The whole object is passed over, for there is no such kind.
    pub(crate) is_passed_over: bool,
}

/// What the objects of a file say in vain. `manifests` are those of `text`, all of them.
pub(crate) fn remarks(text: &str, manifests: &[Manifest]) -> Vec<Remark> {
    let documents = manifests.chunk_by(|a, b| a.line == b.line);
    let mut remarks: Vec<Remark> =
        documents.flat_map(|document| of_document(text, document)).take(REMARKS + 1).collect();
    if remarks.len() > REMARKS {
        remarks.truncate(REMARKS);
        let text = "there are more fields that do not exist".to_owned();
        remarks.push(Remark { text, is_passed_over: false });
    }
    remarks
}

/// Remarks about the objects of one document: one, or the items of a List.
fn of_document(text: &str, manifests: &[Manifest]) -> Vec<Remark> {
    let Some(line) = manifests.first().map(|manifest| manifest.line) else { return Vec::new() };
    let begin = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let lines =
        text.lines().skip(begin).enumerate().take_while(|(number, line)| *number == 0 || !line.starts_with("---"));
    let document: String = lines.flat_map(|(_, line)| [line, "\n"]).collect();
    // It has been read before, and so can be again; if not, there is nothing to compare with.
    let Ok(mut value) = serde_saphyr::from_str::<Value>(&document) else { return Vec::new() };
    let is_list = value.get("kind").and_then(Value::as_str) == Some("List");
    let items = match value.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if is_list => items,
        _ => vec![value],
    };
    let mut remarks = Vec::new();
    for (index, (written, manifest)) in items.iter().zip(manifests).enumerate() {
        let prefix = if is_list { format!("items[{index}].") } else { String::new() };
        let place = |path: &str| line_of(text, line, &format!("{prefix}{path}"));
        if let Content::Other(other) = &manifest.content {
            let strange = strange_kind(&other.api_version, &other.kind);
            let told = strange.map(|reason| format!("line {}: {reason}", place("kind")));
            remarks.extend(told.map(|text| Remark { text, is_passed_over: true }));
        }
        for path in vain(written, &manifest.content) {
            let object = title(written);
            let text = format!("line {}: {object}: {}", place(&path), no_field(&path, FIELDS));
            remarks.push(Remark { text, is_passed_over: false });
        }
    }
    remarks
}

/// The sentence about a field that does not exist.
pub(crate) fn no_field<'a>(path: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    match near(name, known) {
        Some(meant) if meant != name => format!("there is no field {path}: did you mean {meant}?"),
        _ => format!("there is no field {path}, check its spelling and its place"),
    }
}

/// Kind, namespace and name of an object as it is written.
pub(crate) fn title(written: &Value) -> String {
    let text = |path: &str| written.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let namespace = match written.pointer("/metadata/namespace") {
        None | Some(Value::Null) => "default".to_owned(),
        Some(Value::String(namespace)) if namespace.is_empty() => "default".to_owned(),
        Some(Value::String(namespace)) => namespace.clone(),
        Some(other) => other.to_string(),
    };
    match text("/kind") {
        kind @ "IngressClass" => format!("{kind} {}", text("/metadata/name")),
        kind => format!("{kind} {namespace}/{}", text("/metadata/name")),
    }
}

/// Paths of fields of a served kind that it does not have.
fn vain(written: &Value, content: &Content) -> Vec<String> {
    let Content::Object(object) = content else { return Vec::new() };
    let understood = match object {
        Object::Ingress(object) => value(&**object),
        Object::IngressClass(object) => value(&**object),
        Object::Service(object) => value(&**object),
        Object::EndpointSlice(object) => value(&**object),
        // Nothing of a Secret is repeated, not even a misspelt field.
        Object::Secret(_) => None,
        // All of it is data.
        Object::ConfigMap(_) => None,
    };
    understood.map(|understood| unknown_fields(written, &understood)).unwrap_or_default()
}

fn value(object: &impl Serialize) -> Option<Value> {
    serde_json::to_value(object).ok()
}

/// Why an object that is not served looks as if it should be.
fn strange_kind(version: &str, kind: &str) -> Option<String> {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let served = GROUPS.iter().find_map(|(_, version, kinds)| kinds.contains(&kind).then_some(*version));
    if let Some((_, right, kinds)) = GROUPS.iter().find(|(name, _, _)| *name == group) {
        if kinds.contains(&kind) {
            let unserved = version != *right;
            return unserved.then(|| format!("there is no {kind} of {version}, write apiVersion {right}"));
        }
        if let Some(meant) = near(kind, kinds.iter().copied()) {
            return Some(format!("there is no kind {kind} of {version}: did you mean {meant}?"));
        }
        let all = !group.is_empty() && served.is_none();
        return match served {
            Some(right) => Some(format!("there is no {kind} of {version}, write apiVersion {right}")),
            None => all.then(|| format!("there is no kind {kind} of {version}: its kinds are {}", kinds.join(", "))),
        };
    }
    // A group with a dot is somebody's own, and may have kinds of the same names.
    let right = served.filter(|_| !group.contains('.'))?;
    Some(format!("there is no {kind} of {version}, write apiVersion {right}"))
}

#[cfg(test)]
mod tests {
    use bulkhead_gateway::source::manifest::parse;

    use super::*;

    fn told(text: &str) -> Vec<String> {
        remarks(text, &parse(text).unwrap()).into_iter().map(|remark| remark.text).collect()
    }

    #[test]
    fn a_misspelt_field_of_a_served_kind_is_told_with_its_line_and_the_field_that_was_meant() {
        let text = "# a\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: quay\n  namespace: port\nspec:\n  ingressClasName: harbour\n---\napiVersion: v1\nkind: Service\nmetadata: {name: pier}\nspec:\n  ports:\n    - port: 80\n      weight: 3\n";
        assert_eq!(
            told(text),
            [
                "line 8: Ingress port/quay: there is no field spec.ingressClasName: did you mean ingressClassName?",
                "line 16: Service default/pier: there is no field spec.ports[0].weight, check its spelling and its place",
            ]
        );
    }

    #[test]
    fn an_item_of_a_list_is_told_of_like_an_object_of_its_own() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: pier}\n- apiVersion: networking.k8s.io/v1\n  kind: IngressClass\n  metadata: {name: sea}\n  spec:\n    controler: x\n";
        assert_eq!(
            told(text),
            ["line 11: IngressClass sea: there is no field spec.controler: did you mean controller?"]
        );
    }

    #[test]
    fn a_kind_that_its_group_does_not_have_is_told() {
        let cases = [
            ("networking.k8s.io/v1", "Ingres", Some("did you mean Ingress?")),
            ("networking.k8s.io/v1", "NetworkPolicy", None),
            ("networking.k8s.io/v1", "Service", Some("write apiVersion v1")),
            ("networking.k8s.io/v2", "Ingress", Some("write apiVersion networking.k8s.io/v1")),
            ("v1", "Ingress", Some("write apiVersion networking.k8s.io/v1")),
            ("v1", "Services", Some("did you mean Service?")),
            ("v1", "Secret", None),
            ("networking/v1", "Ingress", Some("write apiVersion networking.k8s.io/v1")),
            ("config.example.io/v1", "Ingress", None),
            ("apps/v1", "Deployment", None),
        ];
        for (version, kind, expected) in cases {
            let told = told(&format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n"));
            match expected {
                Some(words) => assert!(told.len() == 1 && told[0].contains(words), "{version} {kind}: {told:?}"),
                None => assert_eq!(told, Vec::<String>::new(), "{version} {kind}"),
            }
        }
    }

    #[test]
    fn what_a_cluster_writes_into_its_objects_is_no_mistake() {
        let text = "apiVersion: v1\nkind: Service\nmetadata: {name: pier, creationTimestamp: null, uid: a, managedFields: [{manager: x, fieldsV1: {\"f:spec\": {}}}]}\nspec: {clusterIP: None, ports: [{port: 80, targetPort: http}], sessionAffinity: None}\nstatus: {loadBalancer: {}}\n";
        assert_eq!(told(text), Vec::<String>::new());
    }
}
