//! What a verdict on an Ingress may cost. It is bounded before it is begun, by counting alone: a thread that judges cannot be stopped, and
//! whoever waits has gone after two seconds.

use k8s_openapi::api::networking::v1::Ingress;

use super::verdict::Objection;

/// Regular expressions in paths, all lanes together. To find out that one can match in too many ways takes tens of milliseconds, and an
/// object is judged twice where it had errors before.
const EXPRESSIONS: usize = 32;
/// Hosts and paths: twice what a lane takes of one Ingress, in microseconds each.
const NAMES: usize = 4_000;
/// Bytes of annotations: as many as an API server stores (Kubernetes reference, `TotalAnnotationSizeLimitB`).
const ANNOTATION_BYTES: usize = 256 << 10;
/// Characters without which no expression has more than a few ways to match.
const MARKS: [char; 5] = ['*', '+', '?', '{', '|'];

/// Says what makes `ingress` too costly to be judged by so many lanes, as a warning.
#[must_use]
pub fn exceeded(ingress: &Ingress, lanes: usize) -> Option<Objection> {
    let spec = ingress.spec.as_ref()?;
    let rules = || spec.rules.iter().flatten();
    let paths = || rules().filter_map(|rule| rule.http.as_ref()).flat_map(|http| &http.paths);
    let texts = paths().filter_map(|path| path.path.as_deref());
    let expressions = texts.filter(|text| text.contains(MARKS)).count();
    let tls = spec.tls.iter().flatten().map(|tls| 1 + tls.hosts.as_ref().map_or(0, Vec::len)).sum::<usize>();
    let annotations = ingress.metadata.annotations.iter().flatten();
    let bytes = annotations.map(|(name, value)| name.len() + value.len()).sum::<usize>();
    [
        (expressions * lanes, EXPRESSIONS, "regular expressions in its paths"),
        (rules().count() + paths().count() + tls, NAMES, "hosts and paths"),
        (bytes, ANNOTATION_BYTES, "bytes of annotations"),
    ]
    .into_iter()
    .find(|(has, most, _)| has > most)
    .map(|(_, most, what)| Objection {
        code: String::new(),
        field: String::new(),
        message: format!("It was not reviewed: it has more than {most} {what}, so a review would take too long."),
        remedy: "Its Events and findings say what of it is not served as written.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// One with so many hosts, and so many paths of each.
    fn ingress(hosts: usize, paths: usize, path: &str) -> Ingress {
        let paths: Vec<_> = (0..paths)
            .map(|nth| json!({ "path": format!("{path}{nth}"), "pathType": "Prefix", "backend": {} }))
            .collect();
        let rule = |nth| json!({ "host": format!("h{nth}.example"), "http": { "paths": paths } });
        serde_json::from_value(json!({ "metadata": {}, "spec": { "rules": (0..hosts).map(rule).collect::<Vec<_>>() } }))
            .expect("an Ingress")
    }

    #[test]
    fn what_an_ingress_usually_has_is_judged_and_what_would_take_seconds_is_not() {
        let mut annotated = ingress(1, 1, "/");
        annotated.metadata.annotations = Some([("a".to_owned(), "x".repeat(ANNOTATION_BYTES))].into());
        let tls = json!({ "metadata": {}, "spec": { "tls": [{ "hosts": vec!["a.example"; NAMES] }] } });
        let cases = [
            (Ingress::default(), 1, None),
            (ingress(1, 1_999, "/shop/v1.2/"), 1, None),
            (ingress(2, 16, "/api/(.*)"), 1, None),
            (ingress(2, 16, "/api/(.*)"), 2, Some("32 regular expressions")),
            (ingress(125, 16, "/(a|b)*a(a|b){16}"), 1, Some("32 regular expressions")),
            (ingress(125, 32, "/shop/"), 1, Some("4000 hosts and paths")),
            (serde_json::from_value(tls).expect("an Ingress"), 1, Some("4000 hosts and paths")),
            (annotated, 1, Some("262144 bytes of annotations")),
        ];
        for (nth, (ingress, lanes, expected)) in cases.into_iter().enumerate() {
            let why = exceeded(&ingress, lanes).map(|objection| objection.message);
            assert_eq!(why.is_some(), expected.is_some(), "{nth}: {why:?}");
            assert!(why.unwrap_or_default().contains(expected.unwrap_or_default()), "{nth}");
        }
    }
}
