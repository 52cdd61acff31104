use super::*;

fn crd() -> Value {
    bulkhead_crds::crd::crd_json().expect("the definition is plain data")
}

fn rendered() -> String {
    page(&crd())
}

fn row<'a>(page: &'a str, section: &str, field: &str) -> &'a str {
    let section = page.split(&format!("# `{section}`\n")).nth(1).expect("the section").split("\n##").next();
    let start = format!("| `{field}` |");
    section.expect("its text").lines().find(|line| line.starts_with(&start)).expect("the row")
}

#[test]
fn a_row_says_type_bounds_and_default() {
    let page = rendered();
    for (section, field, expected) in [
        ("spec", "managementState", "`Managed`, `Paused` | `Managed` |"),
        ("spec.<lane>.service", "type", "| `LoadBalancer` in `northSouth`, `ClusterIP` in `eastWest` |"),
        ("spec.<lane>.drain", "lameduckSeconds", "integer, 0 to 600 | `15` |"),
        ("spec.<lane>.limits", "keepAliveAge", "duration such as `1m30s`, between 1s and 168h | `1h` |"),
        ("spec.<lane>.autoscaling", "maxReplicas", "integer, 1 to 1000 | required |"),
        ("spec.<lane>", "resources", "Kubernetes `ResourceRequirements` |"),
        ("spec.<lane>", "limits", "[object](#speclanelimits)"),
        ("status", "lanes", "[list of objects](#statuslanes), at most 2 |"),
    ] {
        let row = row(&page, section, field);
        assert!(row.contains(expected), "{section}: {row}");
    }
}

#[test]
fn every_message_of_a_rule_is_on_the_page() {
    fn messages(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if map.contains_key("rule")
                    && let Some(message) = map.get("message").and_then(Value::as_str)
                {
                    found.push(bound_of(message).unwrap_or(message).replace('|', "\\|"));
                }
                map.values().for_each(|value| messages(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| messages(item, found)),
            _ => {}
        }
    }
    let (page, mut found) = (rendered(), Vec::new());
    messages(&crd(), &mut found);
    assert!(found.len() > 40, "{}", found.len());
    for message in found {
        assert!(page.contains(&message), "missing: {message}");
    }
}

#[test]
fn every_field_that_is_not_obeyed_is_marked() {
    let marks = rendered().matches("**Not obeyed yet:**").count();
    let (mut objects, definition) = (0, crd());
    let root =
        definition.pointer("/spec/versions/0/schema/openAPIV3Schema").and_then(Value::as_object).expect("a schema");
    for row in not_obeyed::rows() {
        let schema = at(root, row.paths.first().expect("a path")).expect("the field exists");
        objects += usize::from(children(schema).is_some());
    }
    // An object is marked in its row and at its own heading.
    assert_eq!(marks, not_obeyed::rows().count() + objects);
}

#[test]
fn every_link_to_a_heading_has_its_heading() {
    let page = rendered();
    let headings: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("##"))
        .map(|line| line.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase())
        .collect();
    for link in page.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(headings.iter().any(|heading| heading == link), "#{link}");
    }
}

#[test]
fn kubernetes_types_are_one_row_and_every_other_field_is_described() {
    let (page, definition) = (rendered(), crd());
    let root =
        definition.pointer("/spec/versions/0/schema/openAPIV3Schema").and_then(Value::as_object).expect("a schema");
    for (path, name) in EMBEDDED {
        assert!(at(root, path).is_some(), "{path}");
        assert!(page.contains(name), "{name}");
    }
    assert!(!page.contains("matchExpressions"));
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        assert!(!row.ends_with("|  |"), "no meaning: {row}");
    }
    assert!(page.lines().count() < 600, "{}", page.lines().count());
}
