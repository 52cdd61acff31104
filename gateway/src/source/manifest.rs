//! The text of a manifest file → the objects in it.
//!
//! Pure. YAML or JSON, several documents, `kind: List` taken apart. Objects a gateway serves become [`Object`]s, everything
//! else is carried as it is for those who know what to do with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bulkhead_compile::Object;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::budget::{BudgetBreach, BudgetReport};
use thiserror::Error;

/// Most bytes of a file that is read. It holds any object that etcd takes (1.5 MiB), or some 7,000 Ingresses.
pub const FILE_BYTES: usize = 2 << 20;

/// Most values of a file: map keys, texts, numbers, lists and maps, as often as aliases repeat them. Manifests take six
/// bytes and more for one, endpoints the fewest. It is this number that bounds memory, not the length: a map with one entry
/// takes 640 bytes, so that a file of 5 bytes an entry would cost 130 times its size. This many values cost 60 MiB as they are read, and at
/// worst, as endpoints that say nothing, 200 MiB; a file full of Ingresses costs 33 MiB.
const FILE_VALUES: usize = FILE_BYTES / 8;

/// One object of a manifest file.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// What it is.
    pub content: Content,
    /// Line its document begins on, counted from 1.
    pub line: u64,
    /// Labels of a ConfigMap, of which [`Object::ConfigMap`] holds the content only; of any other object they are in it.
    pub labels: BTreeMap<String, String>,
}

/// What a manifest holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// An object that a gateway serves. Namespaced ones without a namespace are in `default`.
    Object(Object),
    /// Any other object, unread.
    Other(Other),
}

/// An object of a kind that a gateway does not serve.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its `kind`.
    pub kind: String,
    /// The whole object.
    pub value: Value,
}

/// Why a file is no manifest.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {reason}")]
pub struct ManifestError {
    /// Line, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Versions of served kinds that Kubernetes has removed, with what to write instead. Passing over them in silence would
/// look like a route that does not work.
const REMOVED: [(&str, &str, &str); 4] = [
    ("extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "Ingress", "networking.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "IngressClass", "networking.k8s.io/v1"),
    ("discovery.k8s.io/v1beta1", "EndpointSlice", "discovery.k8s.io/v1"),
];

/// Every object in the text of a file.
///
/// # Errors
/// When the text is no YAML, or an object in it is not what its kind says: the whole file is refused, with the line.
pub fn parse(text: &str) -> Result<Vec<Manifest>, ManifestError> {
    let Parsed { manifests, errors } = parse_up_to(text, 1);
    errors.into_iter().next().map_or(Ok(manifests), Err)
}

/// Every object in the text of a file that is what its kind says, and what is wrong with the first of the others. For who
/// looks at files and serves nothing by them.
#[must_use]
pub fn parse_each(text: &str) -> Parsed {
    parse_up_to(text, MOST_ERRORS)
}

/// Most errors of one file that are told, where reading goes on behind them: each takes as long as a document.
const MOST_ERRORS: usize = 16;

/// What was read of a file.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// In the order of the file.
    pub manifests: Vec<Manifest>,
    /// Documents and items of lists that are left out, in the same order. When there are as many as are told, nothing
    /// behind the last was read.
    pub errors: Vec<ManifestError>,
}

fn parse_up_to(text: &str, most: usize) -> Parsed {
    let mut parsed = Parsed::default();
    if text.len() > FILE_BYTES {
        let reason = format!("the file is longer than {FILE_BYTES} bytes: split it");
        parsed.errors.push(ManifestError { line: 1, reason });
        return parsed;
    }
    let mut allowance = Allowance::FILE;
    for document in documents(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        match read::<Value>(&document, &mut allowance) {
            Ok(values) => values.into_iter().for_each(|value| take(value, &document, most, &mut parsed)),
            Err(error) => parsed.errors.push(error),
        }
        if parsed.errors.len() >= most {
            break;
        }
    }
    parsed
}

/// A document of a file.
struct Document<'a> {
    text: &'a str,
    /// Lines of the file before `text`.
    lines_before: u64,
}

impl Document<'_> {
    /// Line of the file its first content is on.
    fn line(&self) -> u64 {
        let blank = self.text.lines().take_while(|line| is_blank(line) || line.trim_end() == "---").count();
        self.lines_before.saturating_add(blank as u64).saturating_add(1)
    }

    /// Line of the file that `key` is on; where none or several have it, the one the content begins on.
    fn line_of(&self, key: &str) -> u64 {
        let mut lines = (1..).zip(self.text.lines()).filter(|(_, line)| line.contains(key));
        match (lines.next(), lines.next()) {
            (Some((number, _)), None) => self.lines_before.saturating_add(number),
            _ => self.line(),
        }
    }

    fn error(&self, error: &serde_saphyr::Error) -> ManifestError {
        let line = error
            .location()
            .map(|place| self.lines_before.saturating_add(place.line()))
            .filter(|line| *line > self.lines_before)
            .unwrap_or_else(|| self.line());
        // The library puts its own line numbers, which count from the document, into the message as well.
        ManifestError { line, reason: reason(error) }
    }
}

/// Splits at the lines that begin with `---`: no YAML content can (YAML 1.2.2 section 9.1.2, forbidden content).
/// Documents are parsed one by one, so that limits hold for each.
fn documents(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let (mut begin, mut begin_line, mut has_content) = (0, 0, false);
    let (mut offset, mut number) = (0, 0);
    for line in text.split_inclusive('\n') {
        let marker =
            line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if marker && has_content {
            documents.push(Document { text: text.get(begin..offset).unwrap_or_default(), lines_before: begin_line });
            (begin, begin_line) = (offset, number);
        }
        // Directives belong to the document whose marker follows them.
        has_content |= marker || !(is_blank(line) || line.starts_with('%'));
        offset += line.len();
        number += 1;
    }
    documents.push(Document { text: text.get(begin..).unwrap_or_default(), lines_before: begin_line });
    documents
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// What the documents of a file that are still to be read may hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Allowance {
    values: usize,
    /// Bytes of keys and texts. A file has no more of them than bytes, unless aliases repeat them.
    text: usize,
}

impl Allowance {
    const FILE: Self = Self { values: FILE_VALUES, text: FILE_BYTES };
}

fn read<T: DeserializeOwned>(document: &Document<'_>, allowance: &mut Allowance) -> Result<Vec<T>, ManifestError> {
    let used = Rc::new(RefCell::new(BudgetReport::default()));
    let report = Rc::clone(&used);
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_nodes: allowance.values,
            // A list or map has an end besides its beginning; the rest is the begin and end of documents.
            max_events: allowance.values.saturating_mul(2).saturating_add(16),
            max_total_scalar_bytes: allowance.text,
        },
    }
    .with_budget_report(move |used| *report.borrow_mut() = used);
    let values = serde_saphyr::from_multiple_with_options(document.text, options);
    let used = used.take();
    allowance.values = allowance.values.saturating_sub(used.nodes);
    allowance.text = allowance.text.saturating_sub(used.total_scalar_bytes);
    values.map_err(|error| {
        let error = document.error(&error);
        ManifestError { reason: used.breached.as_ref().and_then(too_much).unwrap_or(error.reason), ..error }
    })
}

/// What a file has more of than is read.
fn too_much(breach: &BudgetBreach) -> Option<String> {
    let (most, of) = match breach {
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => (FILE_VALUES, "values"),
        BudgetBreach::ScalarBytes { .. } => (FILE_BYTES, "bytes of text"),
        _ => return None,
    };
    Some(format!("the file holds more than {most} {of}, each alias counted as what it stands for: split it"))
}

/// Takes an object, or each of a list, until there are too many errors.
fn take(mut value: Value, document: &Document<'_>, most: usize, into: &mut Parsed) {
    if !is_list(&value) {
        return add(one(value, document), into);
    }
    let Some(Value::Array(items)) = value.get_mut("items").map(Value::take) else { return };
    for item in items {
        if into.errors.len() >= most {
            return;
        }
        if is_list(&item) {
            let reason = "a List inside a List is not read: write its items into the outer one".to_owned();
            into.errors.push(ManifestError { line: document.line(), reason });
        } else {
            add(one(item, document), into);
        }
    }
}

fn add(read: Result<Manifest, ManifestError>, into: &mut Parsed) {
    match read {
        Ok(manifest) => into.manifests.push(manifest),
        Err(error) => into.errors.push(error),
    }
}

fn one(value: Value, document: &Document<'_>) -> Result<Manifest, ManifestError> {
    let wrong = |reason: String| ManifestError { line: document.line(), reason };
    let word = |name: &str| value.get(name).and_then(Value::as_str).filter(|word| !word.is_empty()).map(str::to_owned);
    let Some(kind) = word("kind") else { return Err(wrong("this document has no kind".to_owned())) };
    let Some(api_version) = word("apiVersion") else { return Err(wrong(format!("this {kind} has no apiVersion"))) };
    if let Some((_, _, instead)) = REMOVED.iter().find(|(version, of, _)| *version == api_version && *of == kind) {
        return Err(wrong(format!(
            "{kind} of {api_version} is no longer part of Kubernetes, write apiVersion {instead}"
        )));
    }
    let mut labels = BTreeMap::new();
    let content = match (api_version.as_str(), kind.as_str()) {
        ("networking.k8s.io/v1", "Ingress") => Content::Object(typed::<Ingress>(value, document)?.into()),
        ("networking.k8s.io/v1", "IngressClass") => Content::Object(typed::<IngressClass>(value, document)?.into()),
        ("v1", "Service") => Content::Object(typed::<Service>(value, document)?.into()),
        ("discovery.k8s.io/v1", "EndpointSlice") => Content::Object(typed::<EndpointSlice>(value, document)?.into()),
        ("v1", "Secret") => Content::Object(secret(value, document)?.into()),
        ("v1", "ConfigMap") => {
            let mut config_map = typed::<ConfigMap>(value, document)?;
            labels = config_map.metadata.labels.take().unwrap_or_default();
            Content::Object(config_map.into())
        }
        _ => Content::Other(Other { api_version, kind, value }),
    };
    Ok(Manifest { content, line: document.line(), labels })
}

fn is_list(value: &Value) -> bool {
    let is = |name, word| value.get(name).and_then(Value::as_str) == Some(word);
    is("kind", "List") && is("apiVersion", "v1")
}

/// An object of a known kind, with a name, and a namespace if its kind has one.
fn typed<K>(value: Value, document: &Document<'_>) -> Result<K, ManifestError>
where
    K: k8s_openapi::Metadata<Ty = ObjectMeta> + DeserializeOwned,
    K::Scope: Placed,
{
    let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let unquoted = unquoted(&value);
    let mut object: K = serde_json::from_value(value).map_err(|error| {
        let wrong = match unquoted {
            Some((key, reason)) => ManifestError { line: document.line_of(&key), reason },
            // Values know no lines. Reading the text again, as the type, finds the line of most mistakes.
            None => read::<K>(document, &mut Allowance::FILE.clone())
                .err()
                .unwrap_or_else(|| ManifestError { line: document.line(), reason: error.to_string() }),
        };
        wrong.of(K::KIND, &name)
    })?;
    let metadata = object.metadata_mut();
    if metadata.name.as_deref().is_none_or(str::is_empty) {
        return Err(ManifestError { line: document.line(), reason: format!("this {} has no metadata.name", K::KIND) });
    }
    K::Scope::place(metadata);
    Ok(object)
}

/// The first annotation or label that is no text, such as a number without quotes: where it stands, and what it is.
fn unquoted(value: &Value) -> Option<(String, String)> {
    let of = |map: &'static str| {
        let entries = value.get("metadata").and_then(|metadata| metadata.get(map)).and_then(Value::as_object);
        entries.into_iter().flatten().find_map(move |(key, value)| {
            let what = match value {
                Value::Number(number) => format!("the number {number}"),
                Value::Bool(truth) => format!("the boolean {truth}"),
                Value::Array(_) => "a list".to_owned(),
                Value::Object(_) => "a map".to_owned(),
                Value::Null | Value::String(_) => return None,
            };
            Some((key.clone(), format!("metadata.{map}[{key:?}] is read as {what}: put it in quotes")))
        })
    };
    of("annotations").or_else(|| of("labels"))
}

/// A Secret. What is wrong with its data is said without it: messages end up in logs.
fn secret(value: Value, document: &Document<'_>) -> Result<Secret, ManifestError> {
    let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    typed(value, document).map_err(|error| match name.as_str() {
        "" => error,
        name => ManifestError {
            line: document.line(),
            reason: format!("Secret {name}: its metadata, data (in base64) or stringData is not as it should be"),
        },
    })
}

impl ManifestError {
    fn of(self, kind: &str, name: &str) -> Self {
        Self { line: self.line, reason: format!("{kind} {name}: {}", self.reason) }
    }
}

/// Whether objects have a namespace.
trait Placed {
    fn place(metadata: &mut ObjectMeta);
}

impl Placed for k8s_openapi::NamespaceResourceScope {
    fn place(metadata: &mut ObjectMeta) {
        if metadata.namespace.as_deref().is_none_or(str::is_empty) {
            metadata.namespace = Some("default".to_owned());
        }
    }
}

impl Placed for k8s_openapi::ClusterResourceScope {
    fn place(metadata: &mut ObjectMeta) {
        metadata.namespace = None;
    }
}

/// What the library says, in one line, without its own place names and without advice to programmers.
fn reason(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let mut reason = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    for tail in [" at line ", ", set DuplicateKeyPolicy"] {
        reason = reason.split(tail).next().unwrap_or(reason);
    }
    reason.trim_end_matches(':').to_owned()
}

#[cfg(test)]
mod tests;
