//! Values of annotations, as ingress-nginx reads them: booleans as Go does, sizes with a letter, durations in seconds.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::settings::Network;

use super::row::PREFIX;
use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::lane;

/// Longest value that is read, in bytes. The API server takes 256 KiB of all annotations of an object; no list of addresses or
/// origins that people keep by hand is longer than this.
const MAX_VALUE_BYTES: usize = 64 << 10;

/// What it means that a value cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stake {
    /// The route is less comfortable: it is served with the default.
    Comfort,
    /// The route may be open to somebody who it was meant to keep out: it answers 503.
    Protection,
    /// A canary may take requests that it was not meant to: it takes none.
    Share,
    /// Somebody else may answer as a backend: every route answers 503.
    BackendTls,
    /// A client without a certificate may be let in: the routes that ask for one answer 503.
    ClientCertificate,
}

/// The annotations of one Ingress.
pub(crate) struct Reader<'r, 'n> {
    annotations: &'r BTreeMap<String, String>,
    /// Of the Ingress.
    pub(crate) namespace: &'r str,
    pub(crate) notes: &'r mut Notes<'n>,
    /// A protection, or a share, is asked for in a way that cannot be obeyed.
    pub(crate) refused: bool,
}

impl<'r, 'n> Reader<'r, 'n> {
    pub(crate) const fn new(
        annotations: &'r BTreeMap<String, String>,
        namespace: &'r str,
        notes: &'r mut Notes<'n>,
    ) -> Self {
        Self { annotations, namespace, notes, refused: false }
    }

    /// A reader of the same annotations for a policy that stands or falls by itself.
    pub(crate) const fn apart(&mut self) -> Reader<'_, 'n> {
        Reader::new(self.annotations, self.namespace, self.notes)
    }

    /// What is read, and whether any of that is refused.
    pub(crate) fn watched<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> (T, bool) {
        let before = std::mem::take(&mut self.refused);
        let read = read(self);
        let refused = self.refused;
        self.refused |= before;
        (read, refused)
    }

    /// The value without spaces around it, however long and whatever is in it. An empty one is as good as none.
    pub(crate) fn written(&self, name: &str) -> Option<&'r str> {
        Some(self.annotations.get(&key(name))?.trim()).filter(|value| !value.is_empty())
    }

    /// The same of one that is neither too long nor has control characters other than line ends: otherwise that is noted, with what is at
    /// stake.
    pub(crate) fn text(&mut self, name: &str, stake: Stake) -> Option<&'r str> {
        let value = self.annotations.get(&key(name))?.trim();
        if value.len() > MAX_VALUE_BYTES {
            return self.bad(name, stake, &format!("it is longer than {} KiB", MAX_VALUE_BYTES >> 10));
        }
        if value.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return self.bad(name, stake, "it has control characters in it");
        }
        if stake == Stake::Protection {
            self.tell_empty(name, "it protects nothing");
        }
        Some(value).filter(|value| !value.is_empty())
    }

    /// Whether the annotation is written at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.annotations.contains_key(&key(name))
    }

    /// Whether the annotation is written, and says nothing.
    pub(crate) fn is_empty(&self, name: &str) -> bool {
        self.annotations.get(&key(name)).is_some_and(|value| value.trim().is_empty())
    }

    /// Notes an annotation that is written and says nothing, with what that comes to. ingress-nginx takes it for one that is not written, but
    /// whoever wrote it may believe in it.
    pub(crate) fn tell_empty(&mut self, name: &str, so: &str) {
        if self.is_empty(name) {
            let why = || format!("The annotation {name} is empty, so {so}.");
            self.notes.add(FindingCode::AnnotationUnreadable, &key(name), why);
        }
    }

    /// As Go's `strconv.ParseBool` has it. One that is neither is noted, with what it comes to, and is none.
    pub(crate) fn preference(&mut self, name: &str, so: &str) -> Option<bool> {
        let value = self.written(name)?;
        let known = parse_bool(value);
        if known.is_none() {
            self.not_served(name, || format!("{} is neither true nor false, so {so}.", quote(value)));
        }
        known
    }

    /// As Go's `strconv.ParseBool` has it.
    pub(crate) fn switch(&mut self, name: &str, stake: Stake) -> Option<bool> {
        let value = self.text(name, stake)?;
        match parse_bool(value) {
            None => self.bad(name, stake, &format!("{} is neither true nor false", quote(value))),
            known => known,
        }
    }

    /// A whole number within bounds.
    pub(crate) fn number(&mut self, name: &str, within: RangeInclusive<u64>, stake: Stake) -> Option<u64> {
        let value = self.text(name, stake)?;
        match value.parse().ok().filter(|number| within.contains(number)) {
            None => {
                let (least, most) = (within.start(), within.end());
                self.bad(name, stake, &format!("{} is not a whole number from {least} to {most}", quote(value)))
            }
            known => known,
        }
    }

    /// How many intermediate certificates a chain may have.
    pub(crate) fn depth(&mut self, name: &str, stake: Stake) -> Option<u8> {
        let value = self.written(name)?;
        match value.parse() {
            Err(_) => self.bad(name, stake, &format!("{} is not a number from 0 to 255", quote(value))),
            Ok(depth) => Some(depth),
        }
    }

    /// Seconds.
    pub(crate) fn seconds(&mut self, name: &str, within: RangeInclusive<u64>, stake: Stake) -> Option<Duration> {
        self.number(name, within, stake).map(Duration::from_secs)
    }

    /// Bytes: a number, and perhaps `b`, `k`, `m` or `g` in any case.
    pub(crate) fn bytes(&mut self, name: &str, stake: Stake) -> Option<u64> {
        let value = self.text(name, stake)?;
        match parse_bytes(value) {
            None => self.bad(name, stake, &format!("{} is not a size such as 8m", quote(value))),
            known => known,
        }
    }

    /// The elements of a list that commas or line ends divide; empty ones are left out.
    pub(crate) fn list(&mut self, name: &str, stake: Stake) -> Option<Vec<&'r str>> {
        let value = self.text(name, stake)?;
        Some(value.split([',', '\n', '\r']).map(str::trim).filter(|element| !element.is_empty()).collect())
    }

    /// A list of address blocks; an address alone is a block of one.
    pub(crate) fn networks(&mut self, name: &str, stake: Stake) -> Option<Box<[Network]>> {
        let mut networks = Vec::new();
        for element in self.list(name, stake)? {
            let single = |address: IpAddr| Network { address, prefix: if address.is_ipv4() { 32 } else { 128 } };
            let network = lane::network(element).or_else(|| element.parse().ok().map(single));
            match network {
                Some(network) => networks.push(network),
                None => return self.bad(name, stake, &format!("{} is no address or address block", quote(element))),
            }
        }
        Some(networks.into())
    }

    /// One of a few words, in any case.
    pub(crate) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)], stake: Stake) -> Option<T> {
        let value = self.text(name, stake)?;
        match words.iter().find(|(word, _)| word.eq_ignore_ascii_case(value)) {
            Some((_, meant)) => Some(*meant),
            None => {
                let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                self.bad(name, stake, &format!("{} is none of {}", quote(value), all.join(", ")))
            }
        }
    }

    /// The name of an object of the Ingress's own namespace, which may be written before it.
    pub(crate) fn beside(&mut self, name: &str, stake: Stake) -> Option<&'r str> {
        let value = self.text(name, stake)?;
        match in_namespace(value, self.namespace) {
            None => self.bad(name, stake, "only objects of the Ingress's own namespace can be referred to"),
            known => known,
        }
    }

    /// The same of a Secret with certificates, however its name is written.
    pub(crate) fn secret(&mut self, name: &str, stake: Stake) -> Option<Arc<str>> {
        let value = self.written(name)?;
        match in_namespace(value, self.namespace) {
            None => self.bad(name, stake, "only Secrets of the Ingress's own namespace can be referred to"),
            known => known.map(Into::into),
        }
    }

    /// Notes what an annotation does not change.
    pub(crate) fn not_served(&mut self, name: &str, said: impl FnOnce() -> String) {
        self.notes.add(FindingCode::AnnotationNotServed, &key(name), said);
    }

    /// Notes that a part of a value cannot be obeyed; the others are.
    pub(crate) fn left_out(&mut self, name: &str, why: &str) {
        let said = || format!("The annotation {name} cannot be obeyed as it is written: {why}.");
        self.notes.add(FindingCode::AnnotationUnreadable, &key(name), said);
    }

    /// Notes that a value cannot be obeyed, and what comes of it.
    pub(crate) fn bad<T>(&mut self, name: &str, stake: Stake, why: &str) -> Option<T> {
        let (code, then) = match stake {
            Stake::Comfort => (FindingCode::AnnotationUnreadable, "it is as if it were not written"),
            Stake::Protection => (FindingCode::ProtectionUnreadable, "every route of this Ingress answers 503"),
            Stake::Share => (FindingCode::CanaryNotServed, "this canary takes no requests"),
            Stake::BackendTls => (FindingCode::BackendTlsBroken, "every route of this Ingress answers 503"),
            Stake::ClientCertificate => {
                (FindingCode::ClientCertificateBroken, "the routes that it is to protect answer 503")
            }
        };
        self.refused |= stake != Stake::Comfort;
        self.notes.add(code, &key(name), || format!("The annotation {name} cannot be obeyed: {why}, so {then}."));
        None
    }
}

/// The annotation as it is written.
pub(crate) fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// The name of an object of this namespace, which may be written before it; `None`: it is of another.
fn in_namespace<'r>(value: &'r str, namespace: &str) -> Option<&'r str> {
    match value.split_once('/') {
        None => Some(value),
        Some((place, object)) => {
            Some(object).filter(|object| place == namespace && !object.is_empty() && !object.contains('/'))
        }
    }
}

/// As Go's `strconv.ParseBool` has it, which is what ingress-nginx reads annotations and settings with.
#[must_use]
pub fn parse_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn parse_bytes(value: &str) -> Option<u64> {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match value.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| is_plain)?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;

    fn with<T>(value: &str, read: impl FnOnce(&mut Reader<'_, '_>) -> T) -> (T, bool, usize) {
        let annotations = BTreeMap::from([(key("a"), value.to_owned())]);
        let name = Name::new("mill", "web");
        let mut notes = Notes::new("Ingress", &name);
        let mut reader = Reader::new(&annotations, "mill", &mut notes);
        let read = read(&mut reader);
        let refused = reader.refused;
        (read, refused, notes.into_list().len())
    }

    #[test]
    fn sizes_have_a_letter_or_none() {
        for (written, bytes) in
            [("0", Some(0)), ("8m", Some(8 << 20)), ("1K", Some(1024)), ("2g", Some(2 << 30)), ("7b", Some(7))]
        {
            assert_eq!(with(written, |r| r.bytes("a", Stake::Comfort)), (bytes, false, 0), "{written}");
        }
        for written in ["m", "-1", "+1", "1mm", "1.5m", "99999999999999999999", "20000000000g", "1 m"] {
            assert_eq!(with(written, |r| r.bytes("a", Stake::Comfort)), (None, false, 1), "{written}");
        }
    }

    #[test]
    fn an_unreadable_protection_refuses_and_an_empty_value_is_none() {
        assert_eq!(with("yes", |r| r.switch("a", Stake::Protection)), (None, true, 1));
        assert_eq!(with("  ", |r| r.switch("a", Stake::Protection)), (None, false, 1));
        assert_eq!(with("  ", |r| r.switch("a", Stake::Comfort)), (None, false, 0));
        assert_eq!(with("T", |r| r.switch("a", Stake::Protection)), (Some(true), false, 0));
        assert_eq!(with("a\u{7}b", |r| r.text("a", Stake::Protection).is_some()), (false, true, 1));
        let long = "1".repeat(MAX_VALUE_BYTES + 1);
        assert_eq!(with(&long, |r| r.list("a", Stake::Comfort).is_some()), (false, false, 1));
    }

    #[test]
    fn objects_are_of_the_same_namespace() {
        assert_eq!(with("mill/users", |r| r.beside("a", Stake::Protection).map(str::len)), (Some(5), false, 0));
        assert_eq!(with("other/users", |r| r.beside("a", Stake::Protection).is_some()), (false, true, 1));
    }

    #[test]
    fn an_address_alone_is_a_block_of_one() {
        let (networks, _, _) = with("10.0.0.0/8,\n192.0.2.7 , ::1", |r| r.networks("a", Stake::Protection));
        let prefixes: Vec<u8> = networks.unwrap().iter().map(|network| network.prefix).collect();
        assert_eq!(prefixes, [8, 32, 128]);
        assert_eq!(with("10.0.0.0/33", |r| r.networks("a", Stake::Protection).is_some()), (false, true, 1));
    }
}
