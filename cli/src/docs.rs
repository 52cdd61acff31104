//! What the book says of this version is so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bulkhead_plan::Site;

use crate::folder::Folder;
use crate::planning::plan_all;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
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

#[test]
fn the_links_between_pages_lead_somewhere() {
    for page in
        ["README.md", "docs/README.md", "docs/getting-started.md", "docs/limits.md", "docs/examples/shop/README.md"]
    {
        let folder = root().join(page).parent().unwrap().to_owned();
        for target in read(page).split("](").skip(1).filter_map(|rest| rest.split(')').next().map(str::to_owned)) {
            let outside = target.starts_with('#') || target.contains("://");
            assert!(outside || folder.join(&target).exists(), "{page} links to {target}");
        }
    }
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
