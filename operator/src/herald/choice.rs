//! What of the findings of a lane there is to tell, and in which order. Pure: which Ingresses are the lane's, and what was told when, come in.

use std::collections::{BTreeSet, HashMap};

use bulkhead_compile::class_of;
use bulkhead_crds::finding::Finding;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::networking::v1::Ingress;
use tokio::time::Instant;

use crate::events::{Notice, ONCE, print};

/// Which Ingresses are a lane's, as the operator knows it and not as a gateway says.
#[derive(Debug)]
pub(super) struct Scope {
    /// The classes that the lane serves now.
    pub(super) classes: BTreeSet<String>,
    /// The namespaces it serves; everywhere when absent.
    pub(super) namespaces: Option<BTreeSet<String>>,
}

impl Scope {
    /// The UID of an Ingress of the lane; nothing of any other.
    pub(super) fn uid_of(&self, ingress: &Ingress) -> Option<String> {
        let namespace = ingress.metadata.namespace.as_deref().unwrap_or_default();
        let is_served = class_of(ingress).is_some_and(|class| self.classes.contains(class))
            && self.namespaces.as_ref().is_none_or(|namespaces| namespaces.contains(namespace));
        ingress.metadata.uid.clone().filter(|_| is_served)
    }
}

/// What there is to tell.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// What was not told lately, in the order in which it is to be told.
    pub(super) notices: Vec<Notice>,
    /// Findings about Ingresses that are not the lane's or not there any more, and those that are none.
    pub(super) foreign: usize,
    /// When what is left out because it was told lately was told first.
    pub(super) oldest: Option<Instant>,
}

/// Chooses from `findings`. `uid_of` knows the UID of an Ingress of the lane by namespace and name; `told` when what has this print was last told.
///
/// What was never told comes first. Then the first finding of every Ingress before the second of any, so that one with many does not hide the
/// others. Findings about anything but an Ingress are told nowhere.
pub(super) fn of(
    findings: Vec<Finding>,
    uid_of: impl Fn(&str, &str) -> Option<String>,
    told: impl Fn(u64) -> Option<Instant>,
    now: Instant,
) -> Choice {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut choice = Choice::default();
    let mut ordered = Vec::new();
    for finding in findings.into_iter().filter(|finding| finding.object.kind == "Ingress") {
        let uid = uid_of(&finding.object.namespace, &finding.object.name).filter(|_| is_word(&finding.code));
        let Some(uid) = uid else {
            choice.foreign += 1;
            continue;
        };
        let place = seen.entry(uid.clone()).or_default();
        *place += 1;
        let notice = notice(finding, uid);
        let before = told(print(&notice));
        match before.filter(|when| now.saturating_duration_since(*when) < ONCE) {
            Some(lately) => choice.oldest = Some(choice.oldest.map_or(lately, |oldest| oldest.min(lately))),
            None => ordered.push(((before, *place), notice)),
        }
    }
    ordered.sort_by_key(|(order, _)| *order);
    choice.notices = ordered.into_iter().map(|(_, notice)| notice).collect();
    choice
}

fn notice(finding: Finding, uid: String) -> Notice {
    let Finding { object, field, code, message, remedy, .. } = finding;
    Notice {
        regarding: ObjectReference {
            api_version: Some("networking.k8s.io/v1".to_owned()),
            kind: Some("Ingress".to_owned()),
            namespace: Some(object.namespace),
            name: Some(object.name),
            uid: Some(uid),
            ..ObjectReference::default()
        },
        warning: true,
        reason: code,
        action: "Compile",
        note: format!("{field}: {message} {remedy}"),
        since: String::new(),
    }
}

/// Whether a code may be a reason: what gateways say is not trusted.
fn is_word(code: &str) -> bool {
    !code.is_empty() && code.len() <= 64 && code.chars().all(|character| character.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bulkhead_crds::finding::{ObjectRef, Severity};
    use serde_json::json;

    use super::super::page::Page;
    use super::*;

    fn finding(kind: &str, name: &str, code: &str, field: &str) -> Finding {
        Finding {
            object: ObjectRef::new(kind, "team", name),
            field: field.to_owned(),
            severity: Severity::Error,
            code: code.to_owned(),
            message: "It is not served.".to_owned(),
            remedy: "Change it.".to_owned(),
        }
    }

    type Chosen = (Vec<String>, usize, Option<Instant>);

    fn chosen(findings: Vec<Finding>, told: impl Fn(u64) -> Option<Instant>, now: Instant) -> Chosen {
        let uid_of = |_: &str, name: &str| (name != "gone").then(|| format!("uid of {name}"));
        let choice = of(findings, uid_of, told, now);
        let brief = |notice: Notice| {
            let name = notice.regarding.name.unwrap_or_default();
            assert_eq!(notice.regarding.uid, Some(format!("uid of {name}")));
            format!("{name} {}", notice.note)
        };
        (choice.notices.into_iter().map(brief).collect(), choice.foreign, choice.oldest)
    }

    #[test]
    fn findings_are_told_on_ingresses_of_the_lane_and_words_that_are_none_are_not() {
        let findings = vec![
            finding("Ingress", "web", "BackendMissing", "spec"),
            finding("Ingress", "gone", "BackendMissing", "spec"),
            finding("Service", "web", "BackendMissing", "spec"),
            finding("Ingress", "web", "not a word", "spec"),
        ];
        let (notes, foreign, oldest) = chosen(findings, |_| None, Instant::now());
        assert_eq!(notes, ["web spec: It is not served. Change it."]);
        assert_eq!((foreign, oldest), (2, None));
    }

    /// As a gateway in the wrong hands may write its page.
    #[test]
    fn a_forged_page_reaches_no_ingress_of_others_and_nothing_that_steers_a_terminal() {
        let ingress = |namespace: &str, name: &str, class: &str| -> Ingress {
            serde_json::from_value(json!({
                "metadata": { "namespace": namespace, "name": name, "uid": format!("{namespace}/{name}") },
                "spec": { "ingressClassName": class },
            }))
            .expect("an Ingress")
        };
        let known =
            [ingress("team", "ours", "edge"), ingress("team", "theirs", "nginx"), ingress("bank", "far", "edge")];
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        let scope = Scope { classes: set("edge"), namespaces: Some(set("team")) };
        let uid_of = |namespace: &str, name: &str| {
            let of = |one: &&Ingress| {
                (one.metadata.namespace.as_deref(), one.metadata.name.as_deref()) == (Some(namespace), Some(name))
            };
            scope.uid_of(known.iter().find(of)?)
        };
        let text = "\u{1b}[2J\u{7}\r\n".to_owned() + &"ä".repeat(3000);
        let forged = |namespace: &str, name: &str| Finding {
            object: ObjectRef::new("Ingress", namespace, name),
            field: text.clone(),
            message: text.clone(),
            ..finding("Ingress", name, "Urgent", "")
        };
        let list =
            [("team", "ours"), ("team", "theirs"), ("bank", "far"), ("kube-system", "none"), ("team", "ours\u{0}")];
        let list: Vec<_> = list.into_iter().map(|(namespace, name)| forged(namespace, name)).collect();
        let content = serde_json::to_vec(&json!({ "leftOut": 0, "findings": list })).expect("a page");
        let choice = of(Page::of(&content, true).findings, uid_of, |_| None, Instant::now());
        // A name that is one without its control characters is taken for it.
        let told: Vec<_> = choice.notices.iter().filter_map(|notice| notice.regarding.uid.as_deref()).collect();
        assert_eq!((told, choice.foreign), (vec!["team/ours", "team/ours"], 3));
        assert!(choice.notices.iter().all(|notice| !notice.note.contains(char::is_control)));
        assert!(choice.notices.iter().all(|notice| notice.note.chars().count() < 256 + 2 * 1024 + 4));
    }

    #[test]
    fn an_ingress_with_many_does_not_hide_the_others() {
        let many = (0..3).map(|number| finding("Ingress", "many", "Bad", &number.to_string()));
        let few = ["a", "b"].map(|name| finding("Ingress", name, "Bad", "0"));
        let (notes, ..) = chosen(many.chain(few).collect(), |_| None, Instant::now());
        let order: Vec<_> = notes.iter().filter_map(|note| note.split_once(':')).map(|(order, _)| order).collect();
        assert_eq!(order, ["many 0", "a 0", "b 0", "many 1", "many 2"]);
    }

    #[test]
    fn what_was_told_lately_is_left_out_and_what_was_told_long_ago_comes_last() {
        let all = || ["a", "b", "c"].map(|name| finding("Ingress", name, "Bad", "0")).to_vec();
        let print_of = |at: usize| print(&notice(all()[at].clone(), format!("uid of {}", ["a", "b", "c"][at])));
        let (lately, long_ago) = (print_of(1), print_of(0));
        let start = Instant::now();
        let now = start + ONCE;
        let told = |print: u64| match print {
            print if print == lately => Some(start + Duration::from_secs(1)),
            print if print == long_ago => Some(start),
            _ => None,
        };
        let (notes, _, oldest) = chosen(all(), told, now);
        let names: Vec<_> = notes.iter().map(|note| &note[..1]).collect();
        assert_eq!(names, ["c", "a"]);
        assert_eq!(oldest, Some(start + Duration::from_secs(1)));
    }
}
