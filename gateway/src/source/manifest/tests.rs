use bulkhead_compile::Key;

use super::*;

const INGRESS: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: crane\n";

fn keys(text: &str) -> Vec<Key> {
    let objects = parse(text).unwrap().into_iter().filter_map(|manifest| match manifest.content {
        Content::Object(object) => Some(object.key()),
        Content::Other(_) => None,
    });
    objects.collect()
}

fn names(text: &str) -> Vec<String> {
    keys(text).iter().map(crate::source::describe).collect()
}

#[test]
fn every_document_of_a_file_is_read() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: crane, namespace: quay}\n";
    let slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: crane-1}\naddressType: IPv4\nendpoints: []\n";
    let class = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: harbour, namespace: ignored}\n";
    let cases = [
        ("nothing", String::new(), vec![]),
        ("only comments", "# nothing here\n---\n# nor here\n".to_owned(), vec![]),
        ("one", INGRESS.to_owned(), vec!["Ingress default/crane"]),
        ("a byte order mark", format!("\u{feff}{INGRESS}"), vec!["Ingress default/crane"]),
        ("a leading marker", format!("---\n{INGRESS}"), vec!["Ingress default/crane"]),
        ("Windows line ends", format!("{INGRESS}---\n{service}").replace('\n', "\r\n"), vec!["Ingress default/crane", "Service quay/crane"]),
        ("a directive", format!("%YAML 1.2\n---\n{INGRESS}"), vec!["Ingress default/crane"]),
        ("a document that ends", format!("{INGRESS}...\n---\n{service}"), vec!["Ingress default/crane", "Service quay/crane"]),
        (
            "several, with an empty one",
            format!("{INGRESS}---\n---\n{service}--- # the slice\n{slice}---\n{class}"),
            vec!["Ingress default/crane", "Service quay/crane", "EndpointSlice default/crane-1", "IngressClass harbour"],
        ),
        ("JSON", r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "crane"}}"#.to_owned(), vec!["Service default/crane"]),
        (
            "a list",
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a}}\n- {apiVersion: v1, kind: Service, metadata: {name: b}}\n".to_owned(),
            vec!["Service default/a", "Service default/b"],
        ),
        ("dashes inside a text", format!("{INGRESS}  annotations:\n    note: |\n      ---\n      not a document\n"), vec!["Ingress default/crane"]),
    ];
    for (case, text, expected) in cases {
        assert_eq!(names(&text), expected, "{case}");
    }
}

#[test]
fn objects_of_other_kinds_are_carried_whole() {
    let text = "apiVersion: bulkhead.io/v1alpha1\nkind: GatewayInstance\nmetadata: {name: harbour}\nspec: {}\n---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: other}\n";
    let others: Vec<_> = parse(text)
        .unwrap()
        .into_iter()
        .filter_map(|manifest| match manifest.content {
            Content::Other(other) => Some((other.api_version, other.kind, manifest.line)),
            Content::Object(_) => None,
        })
        .collect();
    let expected = [("bulkhead.io/v1alpha1", "GatewayInstance", 1), ("serving.knative.dev/v1", "Service", 6)];
    assert_eq!(others, expected.map(|(version, kind, line)| (version.to_owned(), kind.to_owned(), line)));
}

#[test]
fn a_mistake_is_named_with_its_line() {
    let cases = [
        ("no YAML", format!("{INGRESS}---\n# second\nkind: [\n"), 7, ""),
        (
            "a tab, named where the text begins that it breaks",
            format!("{INGRESS}---\nkind: Service\n\tname: x\n"),
            6,
            "tab",
        ),
        ("a key twice", "kind: Service\nkind: Service\n".to_owned(), 2, "duplicate mapping key: kind"),
        ("no kind", format!("{INGRESS}---\n\nfoo: 1\n"), 7, "this document has no kind"),
        ("no apiVersion", "kind: Ingress\n".to_owned(), 1, "this Ingress has no apiVersion"),
        ("no name", "\n\napiVersion: v1\nkind: Service\n".to_owned(), 3, "this Service has no metadata.name"),
        (
            "a wrong type",
            format!(
                "{INGRESS}---\napiVersion: v1\nkind: Service\nmetadata: {{name: crane}}\nspec:\n  ports:\n  - port: eighty\n"
            ),
            11,
            "Service crane: ",
        ),
        (
            "a removed version",
            "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: crane}\n".to_owned(),
            1,
            "Ingress of extensions/v1beta1 is no longer part of Kubernetes, write apiVersion networking.k8s.io/v1",
        ),
        (
            "a list inside a list",
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: []}\n".to_owned(),
            1,
            "a List inside a List is not read",
        ),
        ("not an object", "- 1\n- 2\n".to_owned(), 1, "this document has no kind"),
    ];
    for (case, text, line, reason) in cases {
        let error = parse(&text).unwrap_err();
        assert_eq!(error.line, line, "{case}: {error}");
        assert!(error.reason.contains(reason), "{case}: {error}");
        assert!(!error.to_string().contains('\n'), "{case}: {error}");
    }
}

#[test]
fn a_file_that_is_too_long_is_refused_unread() {
    let text = format!("{INGRESS}#{}", " ".repeat(FILE_BYTES));
    assert!(parse(&text).unwrap_err().reason.contains("longer than"));
}

/// As in Envoy Gateway CVE-2026-53716 and CVE-2026-53717: few bytes that become many when they are unpacked.
#[test]
fn aliases_that_multiply_are_refused_in_bounded_time() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    assert!(parse(&text).is_err());
}

#[test]
fn a_secret_is_read_with_its_text_over_its_data() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: b25l, b: dHdv}\nstringData: {b: three}\n";
    let manifests = parse(text).unwrap();
    let Content::Object(Object::Secret(entry)) = &manifests[0].content else { panic!("it is a Secret") };
    assert_eq!((entry.namespace.as_str(), entry.name.as_str()), ("default", "s"));
    assert_eq!(entry.data, [("a".to_owned(), b"one".to_vec()), ("b".to_owned(), b"three".to_vec())].into());
}

#[test]
fn what_is_wrong_with_a_secret_is_said_without_its_content() {
    for data in [
        "data: {k: \"hush-not-base64!\"}",
        "data: hush-not-base64!",
        "data: {k: [hush-not-base64!]}",
        "stringData: {k: {x: hush-not-base64!}}",
    ] {
        let text = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{data}\n");
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains("Secret s:") && !error.contains("hush"), "{error}");
    }
}

/// A document of another kind with `values` short texts, and the seven values around them.
fn document_of(values: usize) -> String {
    format!("---\napiVersion: a\nkind: B\nspec: [{}]\n", "a,".repeat(values))
}

#[test]
fn a_file_with_too_many_values_is_refused_however_they_are_spread_over_documents() {
    let half = FILE_VALUES / 2;
    for (case, text, fits) in [
        ("one document", document_of(FILE_VALUES - 7), true),
        ("one document and one value more", document_of(FILE_VALUES - 6), false),
        ("two documents", document_of(half - 7).repeat(2), true),
        ("two documents and one value more", document_of(half - 7) + &document_of(half - 6), false),
        ("many documents", document_of(93).repeat(FILE_VALUES / 100 + 1), false),
    ] {
        assert!(text.len() < FILE_BYTES, "{case} is short enough");
        let reason = parse(&text).map(drop).map_err(|error| error.reason).err();
        assert_eq!(reason.is_none(), fits, "{case}: {reason:?}");
        assert!(reason.is_none_or(|reason| reason.contains("more than 262144 values")), "{case}");
    }
}

#[test]
fn text_that_aliases_repeat_counts_each_time() {
    let text = |times: usize| {
        format!("apiVersion: a\nkind: B\ntext: &text {}\ncopies: [{}]\n", "x".repeat(100 << 10), "*text,".repeat(times))
    };
    assert!(parse(&text(10)).is_ok());
    let reason = parse(&text(30)).unwrap_err().reason;
    assert!(reason.contains("more than 2097152 bytes of text"), "{reason}");
}

#[test]
fn the_manifests_of_a_thousand_applications_fit_in_a_file() {
    let text = format!("---{}", crate::testing::manifests(8080)).repeat(1_000);
    assert!(text.len() < FILE_BYTES, "{}", text.len());
    assert_eq!(parse(&text).unwrap().len(), 4_000);
}

#[test]
fn an_annotation_or_label_without_quotes_is_named() {
    let cases = [
        (
            "  annotations:\n    a: b\n    limit-rps: 10\n",
            "line 7: Ingress crane: metadata.annotations[\"limit-rps\"] is read as the number 10: put it in quotes",
        ),
        (
            "  annotations: {z9: true, a: b}\n",
            "line 5: Ingress crane: metadata.annotations[\"z9\"] is read as the boolean true: put it in quotes",
        ),
        (
            "  labels:\n    b9: 1.5\n",
            "line 6: Ingress crane: metadata.labels[\"b9\"] is read as the number 1.5: put it in quotes",
        ),
        (
            "  annotations:\n    a: [1]\n    z: 10\n",
            "line 1: Ingress crane: metadata.annotations[\"a\"] is read as a list: put it in quotes",
        ),
    ];
    for (metadata, expected) in cases {
        let error = parse(&format!("{INGRESS}{metadata}")).unwrap_err().to_string();
        assert_eq!(error, expected);
    }
    let error = parse(&format!("{INGRESS}  annotations: {{a: b}}\nspec: {{rules: 1}}\n")).unwrap_err().to_string();
    assert!(!error.contains("quotes"), "{error}");
}
