//! A defect on demand, in tests alone: what is promised of one is only known once there was one.

/// The target of a request that meets the defect.
pub(crate) const TARGET: &str = "/failpoint";

/// Panics if the head is that of a request for [`TARGET`].
pub(crate) fn reach(head: &[u8]) {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    assert!(line.split(|byte| *byte == b' ').nth(1) != Some(TARGET.as_bytes()), "the failpoint was reached");
}
