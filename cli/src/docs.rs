//! What the book says of this version is so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bulkhead_plan::Site;

use crate::folder::Folder;
use crate::planning::plan_all;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Asserts that a page has `text` between the two comments that name it. With WRITE_DOCS=1 in the environment, writes it there.
pub(crate) fn assert_generated(page: &str, name: &str, text: &str) {
    let (begin, end) =
        (format!("<!-- {name}: written by a test, see cli/src/docs.rs -->\n"), format!("\n<!-- end of {name} -->"));
    let before = read(page);
    let (head, rest) = before.split_once(&begin).unwrap_or_else(|| panic!("{page} lacks the comment {begin}"));
    let (shown, tail) = rest.split_once(&end).unwrap_or_else(|| panic!("{page} lacks the comment {end}"));
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(root().join(page), [head, &begin, text.trim_end(), &end, tail].concat()).unwrap();
        return;
    }
    assert!(shown == text.trim_end(), "{page}: run the tests of this crate with WRITE_DOCS=1 to write {name} anew");
}

fn read(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap()
}

#[test]
fn every_event_is_in_the_page_of_commands() {
    let source = include_str!("up/event.rs");
    let events = source.split("pub(crate) enum Event {").nth(1).unwrap().split("\nimpl ").next().unwrap();
    let page = read("docs/commands.md");
    let variants =
        events.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| line.starts_with(char::is_uppercase));
    for variant in variants {
        let name = variant.split(' ').next().unwrap().to_ascii_lowercase();
        assert!(page.contains(&format!("| `{name}` |")), "docs/commands.md lacks event {name}");
    }
}

/// Every page, by its path from the root.
fn pages() -> Vec<String> {
    let (mut pages, mut folders) = (vec!["README.md".to_owned()], vec![root().join("docs")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    pages.sort();
    pages
}

/// Targets of the links of a text, but not of what looks like one in code.
fn links(text: &str) -> Vec<String> {
    let prose: String = text.split('`').step_by(2).collect();
    prose.split("](").skip(1).filter_map(|rest| rest.split(')').next().map(str::to_owned)).collect()
}

/// What the headings of a text are linked to by: GitHub keeps letters, digits and hyphens, and makes hyphens of spaces.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |character: &char| character.is_alphanumeric() || "-_ ".contains(*character);
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn the_links_between_pages_lead_somewhere() {
    for page in pages() {
        let text = read(&page);
        for target in links(&text).into_iter().filter(|target| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
            let path = root().join(&page).parent().unwrap().join(file);
            assert!(file.is_empty() || path.exists(), "{page} links to {target}");
            if !heading.is_empty() {
                let there = if file.is_empty() { text.clone() } else { std::fs::read_to_string(path).unwrap() };
                assert!(anchors(&there).iter().any(|anchor| anchor == heading), "{page} links to {target}");
            }
        }
    }
}

#[test]
fn the_index_of_the_book_has_every_page() {
    let index = links(&read("docs/README.md"));
    for page in pages().iter().filter_map(|page| page.strip_prefix("docs/")).filter(|page| *page != "README.md") {
        assert!(index.iter().any(|target| target == page), "docs/README.md lacks {page}");
    }
}

/// Text of every source file below a folder, as one.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text += &std::fs::read_to_string(&path).unwrap();
        }
    }
    text
}

/// Whether a function of this name is run as a test: by cargo, in the list of the cluster tests, or as an attack.
fn is_test(code: &str, name: &str) -> bool {
    let by_cargo = code.match_indices(&format!("fn {name}(")).any(|(at, _)| {
        let before = code.get(..at).unwrap_or_default();
        let own = before.rsplit("\n\n").next().unwrap_or_default();
        own.contains("#[test]") || own.contains("#[tokio::test")
    });
    by_cargo || code.contains(&format!("test({name})")) || code.contains(&format!("attack(\"{name}\""))
}

/// Names of tests in a piece of a page. Those of metrics begin as ours do.
fn tests_named(text: &str) -> Vec<&str> {
    let is_name = |word: &&str| {
        word.contains('_')
            && !word.starts_with("bulkhead_")
            && word.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.split('`').skip(1).step_by(2).filter(is_name).collect()
}

#[test]
fn every_test_that_the_page_on_security_names_is_one() {
    let rooms = ["cli/src", "crds/src", "gateway", "operator", "tests"];
    let code: String = rooms.iter().map(|room| sources(&root().join(room))).collect();
    let page = read("docs/security.md");
    let named = tests_named(&page);
    assert!(named.len() > 50, "{named:?}");
    for name in named {
        assert!(is_test(&code, name), "docs/security.md names {name}, which no test is called");
    }
    assert!(!is_test(&code, "tests_named"), "this function is no test");
}

#[test]
fn every_attack_and_mistake_on_the_page_on_security_has_a_test() {
    let page = read("docs/security.md");
    for (title, least) in
        [("| attack | defence | shown by |", 30), ("| mistake | for example | defence | shown by |", 10)]
    {
        let table = page.split_once(title).unwrap().1;
        let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
        assert!(rows.len() >= least, "{} rows below {title}", rows.len());
        for row in rows {
            let shown = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap();
            assert!(!tests_named(shown).is_empty(), "nothing shows {row}");
        }
    }
}

#[test]
fn the_manifests_in_the_page_about_manifests_are_accepted() {
    let page = read("docs/writing-manifests.md");
    let directory = tempfile::tempdir().unwrap();
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    for (number, block) in blocks.enumerate() {
        std::fs::write(directory.path().join(format!("{number}.yaml")), block).unwrap();
    }
    let inventory = Folder::open(directory.path()).unwrap().inventory();
    assert!(inventory.problems.is_empty(), "{:?}", inventory.problems);
    let planned = plan_all(&inventory, &Site::default());
    let lanes: Vec<_> =
        planned.into_iter().map(|(name, planned)| (name.to_string(), planned.unwrap().lanes.len())).collect();
    assert_eq!(lanes, [("demo/demo".to_owned(), 1)]);
}

#[test]
fn the_example_is_accepted_as_it_is() {
    let inventory = Folder::open(&root().join("docs/examples/shop")).unwrap().inventory();
    assert!(inventory.problems.is_empty(), "{:?}", inventory.problems);
    let lanes: BTreeMap<String, usize> = plan_all(&inventory, &Site::default())
        .into_iter()
        .map(|(name, planned)| (name.to_string(), planned.unwrap().lanes.len()))
        .collect();
    assert_eq!(lanes, [("payments/payments".to_owned(), 2), ("shop/storefront".to_owned(), 2)].into());
}

#[test]
fn the_audit_of_the_example_is_what_the_page_shows() {
    let text = crate::audit::example(&root().join("docs/examples/from-ingress-nginx"));
    let shown = format!("```text\n{}```\n", text);
    assert_generated("docs/examples/from-ingress-nginx/README.md", "audit", &shown);
}
