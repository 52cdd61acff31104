//! Findings while they are gathered: bounded, ordered, kept by where they come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_crds::finding::{Finding, ObjectRef};
use bulkhead_crds::text;
use bulkhead_model::HostPattern;

use crate::code::FindingCode;
use crate::name::Name;

/// Findings kept of one object. A hostile object could have tens of thousands; nobody reads more than a screen.
pub(crate) const MAX_PER_OBJECT: usize = 64;
/// Characters of a remedy, as the schema of [`Finding`] allows.
pub(crate) const REMEDY: usize = 1024;
/// Characters of a user's text that a message repeats.
const MAX_QUOTE_CHARS: usize = 120;

/// A finding about `object`, its texts cut to what the schema of [`Finding`] allows, each on one line.
pub(crate) fn finding(code: FindingCode, object: &ObjectRef, field: &str, message: &str) -> Finding {
    Finding {
        object: ObjectRef {
            kind: cut(&object.kind, 63),
            namespace: cut(&object.namespace, 63),
            name: cut(&object.name, 253),
        },
        field: cut(field, 256),
        severity: code.severity(),
        code: code.as_str().to_owned(),
        message: cut(message, 1024),
        remedy: code.remedy().to_owned(),
    }
}

/// The first `max` characters. Texts hold names that an API server would have refused and a file need not have: what steers a
/// terminal or begins a line of a log must not get there.
fn cut(whole: &str, max: usize) -> String {
    whole.chars().take(max).map(text::shown).collect()
}

/// A user's text as a message may repeat it: short, on one line, in quotes.
pub(crate) fn quote(text: &str) -> String {
    let shown: String = text.chars().take(MAX_QUOTE_CHARS).flat_map(char::escape_debug).collect();
    let more = if text.chars().nth(MAX_QUOTE_CHARS).is_some() { "…" } else { "" };
    format!("\"{shown}{more}\"")
}

/// Findings about one object, the first [`MAX_PER_OBJECT`] of them.
#[derive(Debug)]
pub(crate) struct Notes<'a> {
    kind: &'static str,
    name: &'a Name,
    list: Vec<Finding>,
}

impl<'a> Notes<'a> {
    pub(crate) const fn new(kind: &'static str, name: &'a Name) -> Self {
        Self { kind, name, list: Vec::new() }
    }

    /// `message` is only made if it is kept.
    pub(crate) fn add(&mut self, code: FindingCode, field: &str, message: impl FnOnce() -> String) {
        self.advise(code, field, message, || None);
    }

    /// The same with a remedy that is this finding's own, where there is one.
    pub(crate) fn advise(
        &mut self,
        code: FindingCode,
        field: &str,
        message: impl FnOnce() -> String,
        remedy: impl FnOnce() -> Option<String>,
    ) {
        // One more than is shown, so that it is known that there are more.
        if self.list.len() <= MAX_PER_OBJECT {
            let object = ObjectRef::new(self.kind, &self.name.namespace, &self.name.name);
            let mut found = finding(code, &object, field, &message());
            if let Some(remedy) = remedy() {
                found.remedy = cut(&remedy, REMEDY);
            }
            self.list.push(found);
        }
    }

    pub(crate) fn into_list(self) -> Vec<Finding> {
        self.list
    }
}

/// Where findings come from, and with what they go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Lane,
    DefaultCertificate,
    Ingress(Name),
    Host(HostPattern),
    Certificate(HostPattern),
    Service(Name),
}

/// All findings now.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    by_origin: BTreeMap<Origin, Vec<Finding>>,
    /// What was there when findings were last taken, where it may be otherwise now.
    before: BTreeMap<Origin, Vec<Finding>>,
}

impl Ledger {
    /// Replaces what `origin` has found.
    pub(crate) fn set(&mut self, origin: Origin, mut list: Vec<Finding>) {
        list.sort();
        let before =
            if list.is_empty() { self.by_origin.remove(&origin) } else { self.by_origin.insert(origin.clone(), list) };
        self.before.entry(origin).or_insert_with(|| before.unwrap_or_default());
    }

    /// Whether any finding has come or gone since they were last taken.
    pub(crate) fn has_changed(&self) -> bool {
        let now = |origin| self.by_origin.get(origin).map(Vec::as_slice).unwrap_or_default();
        self.before.iter().any(|(origin, before)| *before != now(origin))
    }

    /// Every finding in order, if any has come or gone since the last call.
    pub(crate) fn take_changed(&mut self) -> Option<Arc<[Finding]>> {
        let changed = self.has_changed();
        self.before.clear();
        changed.then(|| self.all())
    }

    fn all(&self) -> Arc<[Finding]> {
        let mut sorted: Vec<&Finding> = self.by_origin.values().flatten().collect();
        sorted.sort();
        sorted.dedup();
        sorted.chunk_by(|a, b| a.object == b.object).flat_map(shown).collect()
    }
}

/// What is shown of the findings of one object.
fn shown(list: &[&Finding]) -> Vec<Finding> {
    let mut shown: Vec<Finding> = list.iter().take(MAX_PER_OBJECT).map(|finding| (*finding).clone()).collect();
    if let (Some(first), true) = (list.first(), list.len() > MAX_PER_OBJECT) {
        let message = format!("There are more findings about this object than the {MAX_PER_OBJECT} that are shown.");
        shown.push(finding(FindingCode::MoreFindings, &first.object, "", &message));
        shown.sort();
    }
    shown
}
