//! A Secret's bytes, as users with the hashes of their passwords.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::authentication::Users;
use bulkhead_model::password::{BadHash, PasswordHash};
use thiserror::Error;

/// Key of the users in a Secret of the form [`Form::File`].
pub const FILE: &str = "auth";
/// Most users of one list: what fits a Secret's entry in a lane's keyring, one and a half times.
pub const MOST_USERS: usize = 3_000;
/// Longest name of a user, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// How a Secret holds users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Form {
    /// Under the key `auth`, a user a line, as `htpasswd` writes them.
    #[default]
    File,
    /// Every key is a user, and its value the hash.
    Map,
}

/// Why a Secret lets nobody in. What it says never holds anything of the Secret's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadUsers {
    #[error("has no key {FILE}, under which users are, a line each")]
    NoFile,
    #[error("has no user whose password is hashed in a form that is taken")]
    Nobody,
}

/// Who is let in, and who is not although they are written there.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) users: Users,
    /// How many entries are no users that can be let in, and why the first one is not.
    pub(crate) left_out: Option<(usize, BadHash)>,
}

/// Whether a value is the hash of a password, which may be copied where a password may not.
#[must_use]
pub fn is_hashed(value: &[u8]) -> bool {
    PasswordHash::parse(value.trim_ascii()).is_ok()
}

/// The lines of a file that are users with hashes, and whether there are others that say anything. Those may hold passwords in the
/// clear, so they are not copied.
#[must_use]
pub fn hashed_lines(file: &[u8]) -> (Vec<u8>, bool) {
    let (mut kept, mut has_others) = (Vec::new(), false);
    for line in lines(file) {
        match read(line) {
            Ok((name, _)) => {
                kept.extend_from_slice(name);
                kept.push(b':');
                kept.extend_from_slice(hash_of(line));
                kept.push(b'\n');
            }
            Err(_) => has_others = true,
        }
    }
    (kept, has_others)
}

/// The users in the data of a Secret: of this namespace, and of this version.
pub(crate) fn parse(data: &BTreeMap<String, Vec<u8>>, form: Form, owner: (&Arc<str>, u64)) -> Result<List, BadUsers> {
    let (mut entries, mut left_out) = (Vec::new(), None);
    let mut add = |read: Result<(&[u8], PasswordHash), BadHash>| match read {
        Ok((name, hash)) if entries.len() < MOST_USERS => entries.push((name.into(), hash)),
        other => {
            let (count, _) = left_out.get_or_insert_with(|| (0, other.err().unwrap_or(BadHash::Unknown)));
            *count += 1;
        }
    };
    match form {
        Form::File => lines(data.get(FILE).ok_or(BadUsers::NoFile)?).for_each(|line| add(read(line))),
        Form::Map => {
            for (name, value) in data {
                add(PasswordHash::parse(value.trim_ascii()).map(|hash| (name.as_bytes(), hash)));
            }
        }
    }
    if entries.is_empty() {
        return Err(BadUsers::Nobody);
    }
    Ok(List { users: Users::new(Arc::clone(owner.0), owner.1, entries), left_out })
}

/// Lines that say anything. A `#` at the beginning makes a comment.
fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"))
}

/// A name, a colon and a hash; perhaps another colon and something that nobody reads.
fn read(line: &[u8]) -> Result<(&[u8], PasswordHash), BadHash> {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(BadHash::Unknown);
    }
    Ok((name, PasswordHash::parse(hash_of(line))?))
}

fn hash_of(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b':').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=";
    const COSTLY: &str = "$2y$31$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.";

    fn data(entries: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        entries.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
    }

    #[test]
    fn a_file_has_a_user_a_line_and_a_map_has_a_user_a_key() {
        let file = format!("# people\r\n\nzoe:{HASH}:Zoe the miller\r\n adam:{HASH}\nbad:secret\nold:{COSTLY}\n");
        let list = parse(&data(&[("auth", &file), ("zoe", "x")]), Form::File, (&"mill".into(), 1)).unwrap();
        assert_eq!(list.left_out, Some((2, BadHash::Unknown)));
        let list =
            parse(&data(&[("zoe", HASH), ("adam", &format!("{HASH}\n"))]), Form::Map, (&"mill".into(), 1)).unwrap();
        assert_eq!(list.left_out, None);
        for (entries, form, bad) in [
            (&[("users", HASH)][..], Form::File, BadUsers::NoFile),
            (&[("auth", "")], Form::File, BadUsers::Nobody),
            (&[("auth", "zoe:hunter2")], Form::File, BadUsers::Nobody),
            (&[("zoe", "hunter2")], Form::Map, BadUsers::Nobody),
            (&[], Form::Map, BadUsers::Nobody),
        ] {
            assert_eq!(parse(&data(entries), form, (&"mill".into(), 1)).unwrap_err(), bad, "{entries:?}");
        }
    }

    #[test]
    fn of_a_file_only_names_and_hashes_are_copied() {
        let file = format!("# token: abc\nzoe:{HASH}:password hunter2\nplain:{{PLAIN}}hunter2\n-----BEGIN KEY-----\n");
        assert_eq!(hashed_lines(file.as_bytes()), (format!("zoe:{HASH}\n").into_bytes(), true));
        assert_eq!(hashed_lines(b"\n# nothing\n"), (Vec::new(), false));
        assert!(is_hashed(format!("{HASH}\n").as_bytes()) && !is_hashed(b"hunter2") && !is_hashed(COSTLY.as_bytes()));
    }

    #[test]
    fn a_list_of_users_ends_somewhere() {
        let file: String = (0..MOST_USERS + 7).map(|n| format!("u{n}:{HASH}\n")).collect();
        let list = parse(&data(&[("auth", &file)]), Form::File, (&"mill".into(), 1)).unwrap();
        assert_eq!(list.left_out.map(|(count, _)| count), Some(7));
    }
}
