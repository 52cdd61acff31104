use std::fs;
use std::os::unix::fs::symlink;
use std::sync::mpsc::channel;
use std::time::Duration;

use tempfile::TempDir;

use super::*;

/// A directory with the file `data/a.yaml`, and its path without links.
fn directory() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    fs::create_dir(root.join("data")).unwrap();
    fs::write(root.join("data/a.yaml"), "a").unwrap();
    (directory, root)
}

/// What reading says, which must come at once.
fn reads(root: &Path, below: &str) -> Result<String, String> {
    let (root, below) = (root.to_owned(), PathBuf::from(below));
    let (send, read) = channel();
    std::thread::spawn(move || send.send(super::read(&root, &below).map_err(|error| error.to_string())));
    read.recv_timeout(Duration::from_secs(5)).expect("reading does not wait")
}

#[test]
fn links_are_followed_as_long_as_they_stay_below_the_directory() {
    let (_directory, root) = directory();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("a.yaml"), "outside").unwrap();
    symlink(outside.path(), root.join("away")).unwrap();
    symlink("data", root.join("..data")).unwrap();
    let name = root.file_name().unwrap().to_str().unwrap();
    let leads_out = "cannot read this file: it is a link that leads out of the source directory";
    for (target, expected) in [
        ("data/a.yaml".to_owned(), Ok("a")),
        ("..data/a.yaml".to_owned(), Ok("a")),
        ("./data/../..data//a.yaml".to_owned(), Ok("a")),
        (root.join("data/a.yaml").display().to_string(), Ok("a")),
        ("away/a.yaml".to_owned(), Err(leads_out)),
        (outside.path().join("a.yaml").display().to_string(), Err(leads_out)),
        (format!("../{name}/data/a.yaml"), Err(leads_out)),
        (root.join("../../etc/hostname").display().to_string(), Err(leads_out)),
        ("/proc/kmsg".to_owned(), Err(leads_out)),
        ("/proc/self/environ".to_owned(), Err(leads_out)),
        ("/dev/zero".to_owned(), Err(leads_out)),
        ("/nonexistent/a.yaml".to_owned(), Err(leads_out)),
        ("link.yaml".to_owned(), Err("cannot read this file: too many links lead from it to the next")),
        ("data".to_owned(), Err("this is not a regular file")),
    ] {
        symlink(&target, root.join("link.yaml")).unwrap();
        assert_eq!(reads(&root, "link.yaml"), expected.map(str::to_owned).map_err(str::to_owned), "{target}");
        fs::remove_file(root.join("link.yaml")).unwrap();
    }
    assert_eq!(reads(&root, "away/a.yaml"), Err(leads_out.to_owned()));
}

#[test]
fn pipes_and_sockets_are_refused_at_once() {
    let (_directory, root) = directory();
    assert!(std::process::Command::new("mkfifo").arg(root.join("pipe.yaml")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket.yaml")).unwrap();
    symlink("pipe.yaml", root.join("link.yaml")).unwrap();
    for name in ["pipe.yaml", "socket.yaml", "link.yaml"] {
        assert_eq!(reads(&root, name), Err("this is not a regular file".to_owned()), "{name}");
    }
}

/// As in Skipper CVE-2026-54247 and Traefik CVE-2026-26998, which read to the end whatever there was.
#[test]
fn a_file_is_read_up_to_its_bound_whatever_length_it_claims() {
    let (_directory, root) = directory();
    fs::write(root.join("a.yaml"), "x".repeat(FILE_BYTES)).unwrap();
    assert_eq!(reads(&root, "a.yaml").map(|text| text.len()), Ok(FILE_BYTES));
    fs::write(root.join("a.yaml"), "x".repeat(FILE_BYTES + 1)).unwrap();
    assert!(reads(&root, "a.yaml").unwrap_err().contains("longer than"));
}
