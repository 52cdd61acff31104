//! Runs of bytes of one kind: most of what a host or a path consists of needs no second look.

/// Which bytes are of a kind.
pub(crate) type Class = [bool; 256];

/// Where the run of bytes of this `class` ends that begins at `from`; at `from` if none stands there.
#[inline]
pub(crate) fn run_end(text: &[u8], from: usize, class: &Class) -> usize {
    let is_other = |byte: &u8| !class.get(usize::from(*byte)).is_some_and(|is_one| *is_one);
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(is_other).unwrap_or(rest.len())
}
