//! A range of the buffer that a head was parsed from.

/// A range of the buffer that a head was parsed from. Holds no borrow, so that heads can be pooled and the buffer can
/// move; it means something only together with the same bytes at the same offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The bytes of this range; empty if `buf` is too short to be the buffer that the span was made from.
    #[inline]
    pub fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// How many bytes the range has.
    #[inline]
    pub const fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether the range has no bytes.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Offset of the first byte.
    #[inline]
    pub const fn start(self) -> usize {
        self.start as usize
    }

    /// Offset behind the last byte.
    #[inline]
    pub const fn end(self) -> usize {
        self.end as usize
    }

    /// The range of `part` in `buf`, of which it must be a subslice; empty otherwise.
    #[inline]
    pub(crate) fn within(buf: &[u8], part: &[u8]) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(buf.as_ptr().addr());
        Self::new(start, start.wrapping_add(part.len()), buf.len())
    }

    /// The `len` bytes at `start` of a buffer that is not larger than 4 GiB.
    #[inline]
    pub(crate) const fn at(start: usize, len: usize) -> Self {
        Self { start: start as u32, end: (start + len) as u32 }
    }

    /// The range `start..end` of a buffer of `len` bytes; empty if it is not inside.
    #[inline]
    pub(crate) fn new(start: usize, end: usize, len: usize) -> Self {
        if start <= end && end <= len && len <= u32::MAX as usize {
            Self { start: start as u32, end: end as u32 }
        } else {
            Self::default()
        }
    }
}
