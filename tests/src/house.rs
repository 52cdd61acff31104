//! The rules of the house as pure functions over text: which crates may be in a dependency tree, which of ours may use which,
//! what no file may say. `house.rs` beside `src` reads the real repository and asserts that they hold.

use std::collections::BTreeSet;

use anyhow::Context;
use serde_json::Value;

/// Crates that a group of packages must not have in its tree of normal dependencies.
#[derive(Debug)]
pub struct Ban {
    /// Packages the ban is for.
    pub packages: &'static [&'static str],
    /// Names that must not appear.
    pub banned: &'static [&'static str],
    /// Why, for the reader of a failure.
    pub reason: &'static str,
}

/// Every ban.
pub const BANS: &[Ban] = &[
    Ban {
        packages: &["bulkhead-crds", "bulkhead-plan", "bulkhead-model", "bulkhead-compile", "bulkhead-http1"],
        banned: &["tokio", "hyper", "kube-client", "socket2", "mio"],
        reason: "pure crates decide and never do input or output",
    },
    Ban {
        packages: &["bulkhead-proxy", "bulkhead-model"],
        banned: &["k8s-openapi"],
        reason: "the data plane's heart knows no Kubernetes types, which also dominate a cold build",
    },
    Ban {
        packages: &["bulkhead", "bulkhead-gateway", "bulkhead-operator"],
        banned: &[
            "ring",
            "openssl",
            "openssl-sys",
            "native-tls",
            "chrono",
            "serde_yaml",
            "serde_yml",
            "rustls-pemfile",
        ],
        reason: "a second TLS provider, or a crate without a maintainer, does not ship",
    },
];

/// Which of our packages each may use; the suites in `bulkhead-tests` may use any.
pub const ARROWS: &[(&str, &[&str])] = &[
    ("bulkhead", &["bulkhead-plan", "bulkhead-gateway", "bulkhead-compile", "bulkhead-crds"]),
    ("bulkhead-operator", &["bulkhead-plan", "bulkhead-compile", "bulkhead-crds"]),
    ("bulkhead-gateway", &["bulkhead-compile", "bulkhead-model", "bulkhead-proxy", "bulkhead-crds"]),
    ("bulkhead-plan", &["bulkhead-crds"]),
    ("bulkhead-compile", &["bulkhead-model", "bulkhead-crds"]),
    ("bulkhead-proxy", &["bulkhead-model", "bulkhead-http1"]),
    ("bulkhead-crds", &[]),
    ("bulkhead-model", &[]),
    ("bulkhead-http1", &[]),
];

/// The one suite that may use every package.
const SUITE: &str = "bulkhead-tests";

/// Lines a source file may have: past this it holds more than one idea.
pub const LINES: usize = 400;

/// The one registry address that may stand in a file: Cargo itself writes it to the lock file.
const LOCK_SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What no file may contain, in two halves so that this one does not.
const FOREIGN: &[[&str; 2]] = &[
    ["/wo", "rk/"],
    ["/ro", "ot/"],
    ["DESIGN ", "§"],
    ["crates", ".io"],
    ["proxy.golang", ".org"],
    ["sum.golang", ".org"],
    ["pypi", ".org"],
    ["pythonhosted", ".org"],
    ["registry.npmjs", ".org"],
    ["maven.apache", ".org"],
    ["deb.debian", ".org"],
];

/// The banned packages that are in a tree, which is the text of `cargo tree -e normal --prefix none`.
pub fn banned_in(tree: &str, banned: &[&'static str]) -> Vec<&'static str> {
    let packages: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    banned.iter().copied().filter(|name| packages.contains(name)).collect()
}

/// The uses between our packages that [`ARROWS`] does not list, each as `user → used`, from `cargo metadata --no-deps`.
/// Dependencies of tests count as well: a test that needs more belongs to [`SUITE`].
///
/// # Errors
/// When the document is not what Cargo writes.
pub fn foreign_arrows(metadata: &Value) -> anyhow::Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("metadata without packages")?;
    let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut foreign = Vec::new();
    for package in packages {
        let user = package["name"].as_str().context("a package without name")?;
        let dependencies = package["dependencies"].as_array().context("a package without dependencies")?;
        let used = dependencies.iter().filter_map(|dependency| dependency["name"].as_str());
        foreign.extend(
            used.filter(|used| ours.contains(used) && !may_use(user, used)).map(|used| format!("{user} → {used}")),
        );
    }
    Ok(foreign)
}

fn may_use(user: &str, used: &str) -> bool {
    user == SUITE || ARROWS.iter().any(|(known, allowed)| *known == user && allowed.contains(&used))
}

/// What a file says that it must not: paths of the machine it was written on, hosts of package registries.
pub fn foreign_words(text: &str) -> Vec<String> {
    let text = text.replace(LOCK_SOURCE, "");
    FOREIGN.iter().map(|halves| halves.concat()).filter(|word| says(&text, word)).collect()
}

/// Whether a word stands in a text by itself: `/a/` is not said by `b/a/`.
fn says(text: &str, word: &str) -> bool {
    let continues =
        |at: usize| text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(is_path_character);
    text.match_indices(word).any(|(at, _)| !word.starts_with('/') || !continues(at))
}

fn is_path_character(character: char) -> bool {
    character.is_alphanumeric() || "._-}*".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tree_with_a_banned_crate_is_refused() {
        let tree = "bulkhead-plan v0.1.0 (/src/operator/plan)\nserde v1.0.1\ntokio v1.54.1 (*)\nsocket2-ext v0.1.0\n";
        assert_eq!(banned_in(tree, &["tokio", "hyper", "socket2"]), ["tokio"]);
    }

    #[test]
    fn a_tree_that_only_looks_like_a_banned_crate_is_taken() {
        let tree = "bulkhead-http1 v0.1.0\ntokio-util v0.7.20\nhttparse v1.10.1\nstring v0.3.0\n";
        assert!(banned_in(tree, &["tokio", "ring", "http"]).is_empty());
    }

    #[test]
    fn a_use_against_the_arrows_is_named() {
        let package = |name: &str, uses: &[&str]| {
            let dependencies: Vec<Value> = uses.iter().map(|used| json!({"name": used})).collect();
            json!({"name": name, "dependencies": dependencies})
        };
        let metadata = json!({"packages": [
            package("bulkhead-plan", &["bulkhead-crds", "serde", "bulkhead-compile"]),
            package("bulkhead-compile", &["bulkhead-crds"]),
            package("bulkhead-crds", &[]),
            package("bulkhead-tests", &["bulkhead-plan"]),
        ]});
        assert_eq!(foreign_arrows(&metadata).unwrap(), ["bulkhead-plan → bulkhead-compile"]);
    }

    #[test]
    fn a_file_that_names_a_machine_or_a_registry_is_found() {
        let path = ["see /wo", "rk/notes"].concat();
        let host = ["https://crates", ".io/x"].concat();
        assert_eq!(foreign_words(&path), [["/wo", "rk/"].concat()]);
        assert_eq!(foreign_words(&host), [["crates", ".io"].concat()]);
    }

    #[test]
    fn a_lock_file_and_a_longer_path_say_nothing_foreign() {
        let longer = ["api/wo", "rk/item"].concat();
        assert!(foreign_words(&longer).is_empty());
        assert!(foreign_words(&format!("source = \"{LOCK_SOURCE}\"")).is_empty());
    }
}
