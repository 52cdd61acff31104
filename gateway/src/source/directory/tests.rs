use std::fs;
use std::path::Path;

use bulkhead_compile::Object;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;
use crate::source::{BATCHES, describe};

/// Far longer than anything here takes, so that only a hang fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A followed directory, and what was learnt of it so far.
struct Followed {
    directory: TempDir,
    events: mpsc::Receiver<Batch>,
    /// Object → value of its label `mark`.
    objects: BTreeMap<String, String>,
    problems: BTreeMap<String, String>,
}

fn service(name: &str, mark: &str) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, labels: {{mark: {mark}}}}}\n---\n")
}

fn mark(object: &Object) -> String {
    let Object::Service(service) = object else { panic!("only Services are written here: {object:?}") };
    service.metadata.labels.as_ref().and_then(|labels| labels.get("mark")).cloned().unwrap_or_default()
}

impl Followed {
    /// Follows a directory that holds `files` from the start.
    async fn start(files: &[(&str, String)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let (send, events) = mpsc::channel(BATCHES);
        follow(vec![directory.path().to_owned()], send).unwrap();
        let mut this = Self { directory, events, objects: BTreeMap::new(), problems: BTreeMap::new() };
        let first = this.next().await;
        let completed = first.iter().filter(|event| matches!(event, Event::Completed { .. })).count();
        assert_eq!(completed, Kind::ALL.len(), "the first batch is a complete list of every kind");
        this
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// Writes elsewhere, then renames into place.
    fn replace(&self, name: &str, text: &str) {
        let staged = self.path(".staged");
        fs::write(&staged, text).unwrap();
        fs::rename(staged, self.path(name)).unwrap();
    }

    async fn next(&mut self) -> Batch {
        let batch = timeout(PATIENCE, self.events.recv()).await.expect("something is learnt").expect("it goes on");
        for event in batch.clone() {
            match event {
                Event::Applied(object) => {
                    self.objects.insert(describe(&object.key()), mark(&object));
                }
                Event::Deleted(key) => {
                    self.objects.remove(&describe(&key));
                }
                Event::Problem { subject, problem: Some(problem) } => {
                    self.problems.insert(self.local(&subject), problem);
                }
                Event::Problem { subject, problem: None } => {
                    self.problems.remove(&self.local(&subject));
                }
                _ => {}
            }
        }
        batch
    }

    fn local(&self, subject: &str) -> String {
        let directory: &Path = &self.directory.path().canonicalize().unwrap();
        subject.replace(&format!("{}/", directory.display()), "")
    }

    /// Waits until the Services are exactly these, by name and mark.
    async fn until(&mut self, expected: &[(&str, &str)]) {
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(name, mark)| (format!("Service default/{name}"), (*mark).to_owned())).collect();
        while self.objects != expected {
            self.next().await;
        }
    }
}

#[tokio::test]
async fn what_is_there_is_listed_and_what_is_written_is_seen() {
    let mut followed = Followed::start(&[("a.yaml", service("crane", "one"))]).await;
    followed.until(&[("crane", "one")]).await;
    fs::write(followed.path("b.yml"), service("winch", "one")).unwrap();
    followed.until(&[("crane", "one"), ("winch", "one")]).await;
    followed.replace("a.yaml", &service("crane", "two"));
    followed.until(&[("crane", "two"), ("winch", "one")]).await;
}

#[tokio::test]
async fn a_file_moved_or_removed_moves_or_removes_its_objects() {
    let mut followed = Followed::start(&[("a.yaml", service("crane", "one") + &service("winch", "one"))]).await;
    fs::rename(followed.path("a.yaml"), followed.path("b.json")).unwrap();
    fs::write(followed.path("c.yaml"), service("tug", "one")).unwrap();
    followed.until(&[("crane", "one"), ("winch", "one"), ("tug", "one")]).await;
    fs::remove_file(followed.path("b.json")).unwrap();
    followed.until(&[("tug", "one")]).await;
    fs::rename(followed.path("c.yaml"), followed.path("c.yaml.off")).unwrap();
    followed.until(&[]).await;
}

#[tokio::test]
async fn a_broken_file_keeps_its_last_good_state_and_harms_no_other() {
    let mut followed = Followed::start(&[("a.yaml", service("crane", "one"))]).await;
    followed.replace("a.yaml", &format!("{}kind: [\n", service("crane", "two")));
    while followed.problems.is_empty() {
        followed.next().await;
    }
    followed.replace("b.yaml", &service("winch", "one"));
    followed.until(&[("crane", "one"), ("winch", "one")]).await;
    assert!(followed.problems["a.yaml"].starts_with("line 5: "), "{:?}", followed.problems);
    followed.replace("a.yaml", &service("crane", "three"));
    followed.until(&[("crane", "three"), ("winch", "one")]).await;
    assert!(followed.problems.is_empty(), "{:?}", followed.problems);
}

#[tokio::test]
async fn names_that_begin_with_a_dot_and_other_files_are_left_alone() {
    let mut followed =
        Followed::start(&[(".a.yaml", service("crane", "one")), ("notes.txt", "kind: [".to_owned())]).await;
    fs::create_dir(followed.path(".git")).unwrap();
    fs::write(followed.path(".git/b.yaml"), service("winch", "one")).unwrap();
    fs::write(followed.path("z.yaml"), service("tug", "one")).unwrap();
    followed.until(&[("tug", "one")]).await;
    assert!(followed.problems.is_empty(), "{:?}", followed.problems);
}

#[tokio::test]
async fn directories_below_are_read_when_they_appear_and_forgotten_when_they_go() {
    let mut followed = Followed::start(&[]).await;
    fs::create_dir(followed.path("pier")).unwrap();
    fs::write(followed.path("pier/a.yaml"), service("crane", "one")).unwrap();
    followed.until(&[("crane", "one")]).await;
    fs::rename(followed.path("pier"), followed.path(".pier")).unwrap();
    followed.until(&[]).await;
}

#[tokio::test]
async fn links_that_are_swapped_as_in_a_mounted_config_map_are_followed() {
    let mut followed = Followed::start(&[]).await;
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, followed.path(name)).unwrap();
    for (directory, mark) in [("..one", "one"), ("..two", "two")] {
        fs::create_dir(followed.path(directory)).unwrap();
        fs::write(followed.path(directory).join("a.yaml"), service("crane", mark)).unwrap();
    }
    link("..one", "..data");
    link("..data/a.yaml", "a.yaml");
    followed.until(&[("crane", "one")]).await;
    std::os::unix::fs::symlink("..two", followed.path("..next")).unwrap();
    fs::rename(followed.path("..next"), followed.path("..data")).unwrap();
    followed.until(&[("crane", "two")]).await;
}

#[tokio::test]
async fn what_is_no_file_or_leads_elsewhere_is_told_and_holds_up_nothing() {
    let mut followed = Followed::start(&[]).await;
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, followed.path(name)).unwrap();
    link("/proc/kmsg", "log.yaml");
    link("/proc/self/environ", "environment.yaml");
    assert!(std::process::Command::new("mkfifo").arg(followed.path("pipe.yaml")).status().unwrap().success());
    while followed.problems.len() < 3 {
        followed.next().await;
    }
    for (name, problem) in [("log", "leads out of"), ("environment", "leads out of"), ("pipe", "not a regular file")] {
        let said = &followed.problems[&format!("{name}.yaml")];
        assert!(said.contains(problem), "{name}: {said}");
    }
    fs::write(followed.path("z.yaml"), service("tug", "one")).unwrap();
    followed.until(&[("tug", "one")]).await;
    fs::remove_file(followed.path("log.yaml")).unwrap();
    followed.replace("pipe.yaml", &service("crane", "one"));
    followed.until(&[("crane", "one"), ("tug", "one")]).await;
    assert_eq!(followed.problems.len(), 1, "{:?}", followed.problems);
}

#[tokio::test]
async fn the_first_file_by_name_wins_an_object_and_the_others_are_told() {
    let mut followed = Followed::start(&[("b.yaml", service("crane", "b"))]).await;
    followed.until(&[("crane", "b")]).await;
    followed.replace("a.yaml", &service("crane", "a"));
    followed.until(&[("crane", "a")]).await;
    assert!(followed.problems["b.yaml: Service default/crane"].contains("a.yaml"), "{:?}", followed.problems);
    fs::remove_file(followed.path("a.yaml")).unwrap();
    followed.until(&[("crane", "b")]).await;
    assert!(followed.problems.is_empty(), "{:?}", followed.problems);
}

#[test]
fn a_directory_that_does_not_exist_is_an_error_and_not_an_empty_one() {
    let directory = tempfile::tempdir().unwrap();
    let (send, _events) = mpsc::channel(1);
    let error = follow(vec![directory.path().join("missing")], send).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}
