//! The page of the API: one table per object of the schema. In: the CustomResourceDefinition. Out: Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bulkhead_crds::names::LaneName;
use bulkhead_crds::not_obeyed;
use serde_json::{Map, Value};

use super::{HEADER, cell};

type Schema = Map<String, Value>;

/// Kubernetes types inside our own, which have documentation of their own: one row, by path from the root.
const EMBEDDED: &[(&str, &str)] = &[
    ("spec.scope.namespaces.selector", "Kubernetes `LabelSelector`"),
    ("spec.northSouth.autoscaling.behavior", "Kubernetes `HorizontalPodAutoscalerBehavior`"),
    ("spec.northSouth.networkPolicy.from", "list of Kubernetes `NetworkPolicyPeer`"),
    ("spec.northSouth.placement.affinity", "Kubernetes `Affinity`"),
    ("spec.northSouth.placement.tolerations", "list of Kubernetes `Toleration`"),
    ("spec.northSouth.resources", "Kubernetes `ResourceRequirements`"),
];

/// Patterns that words tell better.
const PATTERNS: &[(&str, &str)] = &[
    ("^([0-9]{1,5}(h|m|s|ms)){1,4}$", "duration such as `1m30s`"),
    ("^[0-9]+(Ki|Mi|Gi)?$", "bytes, such as `64Ki`"),
    ("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "DNS name"),
    ("^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", "DNS name"),
];

/// What every field means, from the schema that API servers enforce.
pub(super) fn page(crd: &Value) -> String {
    let mut page = format!(
        "{HEADER}# GatewayInstance\n\nEvery field of `apiVersion: bulkhead.io/v1alpha1`, `kind: GatewayInstance`, with the bounds that the API \
         server enforces. An empty default means that the field is unset. Where no default of an object is given, its fields have their own. \
         **Not obeyed yet** marks fields that are accepted and not acted on, and says what happens instead; see [the list of \
         them](fields-not-obeyed.md). `kubectl explain gwi.spec` prints the same text. Programs find the schema in \
         [gatewayinstances.yaml](../../crds/gatewayinstances.yaml).\n"
    );
    let Some(root) = crd.pointer("/spec/versions/0/schema/openAPIV3Schema").and_then(Value::as_object) else {
        return page;
    };
    let of_root = rules(root);
    if !of_root.is_empty() {
        page.push_str("\nRules:\n\n");
        of_root.iter().for_each(|message| list(&mut page, None, message));
    }
    for part in ["spec", "status"] {
        if let Some(schema) = properties(root).get(part) {
            section(&mut page, root, part, schema, &description(schema));
        }
    }
    page
}

/// One object and, behind it, the objects that it is made of.
fn section(page: &mut String, root: &Schema, path: &str, schema: &Schema, meaning: &str) {
    let title = shown(path);
    // Everything of a lane belongs under the heading of the lane.
    let level = if path.matches(['.', '[']).count() < 2 { "##" } else { "###" };
    let _ = write!(page, "\n{level} `{title}`\n\n");
    if path == lane_path(LaneName::NorthSouth) {
        let _ = writeln!(
            page,
            "A lane; `<lane>` stands for `{}` or `{}`.",
            LaneName::NorthSouth.field(),
            LaneName::EastWest.field()
        );
    } else {
        let _ = writeln!(page, "{meaning}");
    }
    if let Some(instead) = instead(path) {
        let _ = write!(page, "\n**Not obeyed yet:** {instead}.\n");
    }
    page.push_str("\n| field | type and bounds | default | meaning |\n|---|---|---|---|\n");
    let fields = properties(schema);
    let mut of_fields = Vec::new();
    for (name, field) in &fields {
        let path = format!("{path}.{name}");
        let mark = instead(&path).map(|instead| format!(" **Not obeyed yet:** {instead}.")).unwrap_or_default();
        let meaning = cell(&format!("{}{mark}", description(field)));
        let _ = writeln!(
            page,
            "| `{name}` | {} | {} | {meaning} |",
            type_cell(&path, field),
            default_cell(root, schema, &path, field)
        );
        let rules = rules(field).into_iter().filter(|_| children(field).is_none());
        of_fields.extend(rules.filter(|message| bound_of(message).is_none()).map(|message| (*name, message)));
    }
    let own = rules(schema);
    if !own.is_empty() || !of_fields.is_empty() {
        page.push_str("\nRules:\n\n");
        own.iter().for_each(|message| list(page, None, message));
        of_fields.iter().for_each(|(name, message)| list(page, Some(name), message));
    }
    for (name, field) in fields {
        let path = format!("{path}.{name}");
        // Both lanes are of one type.
        if path == lane_path(LaneName::EastWest) || embedded(&path).is_some() {
            continue;
        }
        if let Some((suffix, child)) = children(field) {
            let meaning = [child, field].map(description).into_iter().find(|text| !text.is_empty()).unwrap_or_default();
            section(page, root, &format!("{path}{suffix}"), child, &meaning);
        }
    }
}

fn list(page: &mut String, field: Option<&str>, message: &str) {
    let _ = match field {
        Some(field) => writeln!(page, "- `{field}`: {message}."),
        None => writeln!(page, "- {message}."),
    };
}

/// The object that a field is, or a list of which it is, with what stands behind its path.
fn children(field: &Schema) -> Option<(&'static str, &Schema)> {
    if field.contains_key("properties") {
        return Some(("", field));
    }
    let items = field.get("items")?.as_object()?;
    items.contains_key("properties").then_some(("[]", items))
}

/// Fields in order, whatever order serde_json was built to keep.
fn properties(schema: &Schema) -> BTreeMap<&str, &Schema> {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.filter_map(|(name, field)| Some((name.as_str(), field.as_object()?))).collect()
}

fn description(schema: &Schema) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().replace("\n\n", " ")
}

/// Messages of the rules of one schema.
fn rules(schema: &Schema) -> Vec<&str> {
    let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array);
    rules.into_iter().flatten().filter_map(|rule| rule.get("message")?.as_str()).collect()
}

/// A rule that says no more than between which values a field lies.
fn bound_of(message: &str) -> Option<&str> {
    message.strip_prefix("must be ").filter(|bound| bound.starts_with("between "))
}

fn type_cell(path: &str, field: &Schema) -> String {
    if path == lane_path(LaneName::EastWest) {
        return type_cell(&lane_path(LaneName::NorthSouth), field);
    }
    if let Some(name) = embedded(path) {
        return name.to_owned();
    }
    match children(field) {
        Some(("", _)) => format!("[object](#{})", anchor(path)),
        Some((suffix, _)) => {
            format!("[list of objects](#{}){}", anchor(&format!("{path}{suffix}")), most(field, "maxItems", ""))
        }
        None => cell(&plain_type(field)),
    }
}

/// A type that has no section of its own, in words.
fn plain_type(field: &Schema) -> String {
    if let Some(words) = field.get("enum").and_then(Value::as_array) {
        let words: Vec<_> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    let of = |key| field.get(key).and_then(Value::as_object).map(plain_type).unwrap_or_default();
    let mut text = match field.get("type").and_then(Value::as_str) {
        Some("string") => string(field),
        Some("integer") => format!("integer{}", range(field)),
        Some("array") => format!("list{}: {}", up_to(field, "maxItems"), of("items")),
        Some("object") => format!("map{}: {}", up_to(field, "maxProperties"), of("additionalProperties")),
        Some(other) => other.to_owned(),
        None => "integer or string".to_owned(),
    };
    for bound in rules(field).into_iter().filter_map(bound_of) {
        let _ = write!(text, ", {bound}");
    }
    text
}

fn string(field: &Schema) -> String {
    let pattern = field.get("pattern").and_then(Value::as_str);
    let word = pattern.and_then(|pattern| PATTERNS.iter().find(|(known, _)| *known == pattern)).map(|(_, word)| *word);
    match (word, pattern, field.get("format").and_then(Value::as_str)) {
        // Their length follows from what they are.
        (Some(word), ..) if word != "DNS name" => word.to_owned(),
        (Some(word), ..) => format!("{word}{}", most(field, "maxLength", " characters")),
        (None, Some(pattern), _) => format!("string{}, `{pattern}`", most(field, "maxLength", " characters")),
        (None, None, Some("date-time")) => "time".to_owned(),
        (None, None, _) => format!("string{}", most(field, "maxLength", " characters")),
    }
}

fn most(field: &Schema, key: &str, unit: &str) -> String {
    field.get(key).map(|most| format!(", at most {most}{unit}")).unwrap_or_default()
}

fn up_to(field: &Schema, key: &str) -> String {
    field.get(key).map(|most| format!(" of up to {most}")).unwrap_or_default()
}

fn range(field: &Schema) -> String {
    match (field.get("minimum"), field.get("maximum")) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    }
}

/// The default, of both lanes where they differ.
fn default_cell(root: &Schema, parent: &Schema, path: &str, field: &Schema) -> String {
    let required = parent.get("required").and_then(Value::as_array).into_iter().flatten();
    if required.into_iter().any(|name| name.as_str() == path.rsplit('.').next()) {
        return "required".to_owned();
    }
    let twin = path.strip_prefix(&lane_path(LaneName::NorthSouth)).and_then(|rest| {
        rest.split('.')
            .skip(1)
            .try_fold(at(root, &lane_path(LaneName::EastWest))?, |schema, name| properties(schema).get(name).copied())
    });
    let here = value(field.get("default"));
    match twin.map(|twin| value(twin.get("default"))) {
        Some(there) if there != here => {
            format!("{here} in `{}`, {there} in `{}`", LaneName::NorthSouth.field(), LaneName::EastWest.field())
        }
        _ => here,
    }
}

fn at<'a>(root: &'a Schema, path: &str) -> Option<&'a Schema> {
    path.split('.').try_fold(root, |schema, name| properties(schema).get(name).copied())
}

fn value(default: Option<&Value>) -> String {
    match default {
        None => String::new(),
        Some(Value::String(text)) if text.is_empty() => "`\"\"`".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        // Of an object: its fields have their own.
        Some(Value::Object(map)) if map.is_empty() => String::new(),
        Some(other) => format!("`{other}`"),
    }
}

fn lane_path(lane: LaneName) -> String {
    format!("spec.{}", lane.field())
}

/// A path as readers see it: what is said of one lane holds of both.
fn shown(path: &str) -> String {
    path.replacen(&lane_path(LaneName::NorthSouth), "spec.<lane>", 1)
}

/// Where the heading of a path is linked to: GitHub drops everything but letters and digits.
fn anchor(path: &str) -> String {
    shown(path).chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn embedded(path: &str) -> Option<&'static str> {
    EMBEDDED.iter().find(|(known, _)| *known == path).map(|(_, name)| *name)
}

fn instead(path: &str) -> Option<&'static str> {
    not_obeyed::rows().find(|row| row.paths.contains(&path)).map(|row| row.instead)
}

#[cfg(test)]
mod tests;
