//! File descriptors: how many this process may have, and how many it has.

use std::fs;

use bulkhead_model::overload::Pressure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The descriptors of this process.
const OPEN: &str = "/proc/self/fd";

/// Lets this process have as many descriptors as it may ask for, and says how many; `None` is no bound. The lower bound that
/// a process begins with (often 1024) is for programs that cannot handle more.
pub fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // It goes on with what it has.
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
            tracing::warn!(%error, "cannot raise the number of file descriptors");
        }
    }
    getrlimit(Resource::Nofile).current
}

/// How many of the descriptors are in use.
pub(super) fn pressure() -> Option<Pressure> {
    Some(Pressure::of(open()?, getrlimit(Resource::Nofile).current?))
}

/// How many there are. Since Linux 6.2 the size of the directory says so; before, its entries have to be counted.
fn open() -> Option<u64> {
    match fs::metadata(OPEN).ok()?.len() {
        0 => u64::try_from(fs::read_dir(OPEN).ok()?.count()).ok(),
        size => Some(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_file_is_counted() {
        let before = open().unwrap();
        let files: Vec<_> = (0..50).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        // Other tests open and close files meanwhile.
        assert!(open().unwrap() + 25 > before + files.len() as u64);
        assert!(pressure().is_some_and(|pressure| pressure.thousandths() < 900));
    }
}
