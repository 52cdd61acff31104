//! Memory: how much this process may have, and how much it has.
//!
//! A control group of version 2 says both (`memory.max`, `memory.current`; Linux, Documentation/admin-guide/cgroup-v2.rst).
//! Without one, what is resident is held against a bound that the process was told.

use std::fs;
use std::path::{Path, PathBuf};

use bulkhead_model::overload::Pressure;

/// Where control groups are mounted.
const MOUNT: &str = "/sys/fs/cgroup";
/// From how many thousandths on it is worth asking how much of the memory is only a cache of files.
const NEAR: u16 = 700;

/// What bounds the memory of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Control groups, each inside the next one, that have a bound.
    Groups(Vec<PathBuf>),
    /// So many bytes.
    Told(u64),
    /// Nothing that is known.
    Unbounded,
}

impl Memory {
    /// Of the group whose directory is `group`, or of this process's own; where there is none, `told` bytes.
    #[must_use]
    pub fn find(group: Option<&Path>, told: Option<u64>) -> Self {
        let groups = group.map_or_else(own_groups, |group| vec![group.to_owned()]);
        let bounded: Vec<PathBuf> =
            groups.into_iter().filter(|group| number(&group.join("memory.max")).is_some()).collect();
        match (bounded.is_empty(), told) {
            (false, _) => Self::Groups(bounded),
            (true, Some(told)) => Self::Told(told),
            (true, None) => Self::Unbounded,
        }
    }

    /// Bytes that this process may have.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        match self {
            Self::Groups(groups) => groups.iter().filter_map(|group| number(&group.join("memory.max"))).min(),
            Self::Told(bytes) => Some(*bytes),
            Self::Unbounded => None,
        }
    }

    /// How much of it is in use.
    pub(super) fn pressure(&self) -> Option<Pressure> {
        match self {
            Self::Groups(groups) => groups.iter().filter_map(|group| group_pressure(group)).max(),
            Self::Told(bytes) => Some(Pressure::of(resident()?, *bytes)),
            Self::Unbounded => None,
        }
    }
}

/// The groups of this process, from its own to the outermost that can be seen. With a namespace of its own, as containers
/// have it, that is the mount itself.
fn own_groups() -> Vec<PathBuf> {
    let Ok(text) = fs::read_to_string("/proc/self/cgroup") else { return Vec::new() };
    let Some(path) = text.lines().find_map(|line| line.strip_prefix("0::/")) else { return Vec::new() };
    let innermost = Path::new(MOUNT).join(path);
    innermost.ancestors().take_while(|group| group.starts_with(MOUNT)).map(Path::to_owned).collect()
}

fn group_pressure(group: &Path) -> Option<Pressure> {
    // Read anew each time: a pod can be resized.
    let most = number(&group.join("memory.max"))?;
    let used = number(&group.join("memory.current"))?;
    let pressure = Pressure::of(used, most);
    if pressure.thousandths() < NEAR {
        return Some(pressure);
    }
    // The kernel takes back what caches files nobody has used lately before it ends any process; the kubelet leaves it out
    // as well.
    let cache = fs::read_to_string(group.join("memory.stat")).ok().and_then(|stat| inactive_file(&stat)).unwrap_or(0);
    Some(Pressure::of(used.saturating_sub(cache), most))
}

/// The number in a file; `None` also for `max`, which is no bound.
fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn inactive_file(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("inactive_file "))?.trim().parse().ok()
}

/// Resident bytes of this process.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?;
    kib.parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(files: &[(&str, &str)]) -> tempfile::TempDir {
        let group = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(group.path().join(name), content).unwrap();
        }
        group
    }

    fn of(group: &tempfile::TempDir) -> Memory {
        Memory::find(Some(group.path()), None)
    }

    fn thousandths(memory: &Memory) -> Option<u16> {
        memory.pressure().map(Pressure::thousandths)
    }

    #[test]
    fn a_group_says_how_full_it_is() {
        let group = group(&[("memory.max", "1000000\n"), ("memory.current", "250000\n")]);
        let memory = of(&group);
        assert_eq!((memory.limit(), thousandths(&memory)), (Some(1_000_000), Some(250)));
        // Whatever changes is seen.
        fs::write(group.path().join("memory.current"), "970001\n").unwrap();
        assert_eq!(thousandths(&memory), Some(970));
        fs::write(group.path().join("memory.max"), "2000000\n").unwrap();
        assert_eq!((memory.limit(), thousandths(&memory)), (Some(2_000_000), Some(485)));
    }

    #[test]
    fn files_that_are_only_cached_do_not_count() {
        let stat = "anon 100\nfile 900000\ninactive_file 500000\nactive_file 400000\n";
        let group = group(&[("memory.max", "1000000"), ("memory.current", "950000"), ("memory.stat", stat)]);
        assert_eq!(thousandths(&of(&group)), Some(450));
    }

    #[test]
    fn without_a_bound_nothing_is_full() {
        let unlimited = group(&[("memory.max", "max\n"), ("memory.current", "250000\n")]);
        let empty = group(&[]);
        for group in [&unlimited, &empty] {
            assert_eq!(of(group), Memory::Unbounded);
            assert_eq!((of(group).limit(), thousandths(&of(group))), (None, None));
        }
    }

    #[test]
    fn without_a_group_what_is_resident_counts_against_what_was_told() {
        let resident = resident().unwrap();
        assert!(resident > 1 << 20);
        let memory = Memory::find(Some(Path::new("/nowhere")), Some(resident * 2));
        assert_eq!(memory.limit(), Some(resident * 2));
        assert!(thousandths(&memory).is_some_and(|full| (300..=900).contains(&full)));
    }

    #[test]
    fn a_group_that_goes_away_is_no_pressure() {
        let group = group(&[("memory.max", "1000"), ("memory.current", "999")]);
        let memory = of(&group);
        drop(group);
        assert_eq!((memory.limit(), thousandths(&memory)), (None, None));
    }
}
