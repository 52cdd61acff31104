//! Where frames of a WebSocket begin and end (RFC 6455 §5.2). Nothing else of them is looked at.

/// A whole frame from a server: Close, with the status 1001 (RFC 6455 §7.4.1: the endpoint goes away).
pub(super) const CLOSE_GOING_AWAY: &[u8] = &[0x88, 2, 0x03, 0xe9];

/// Most bytes of a frame's head: two, a length of eight, and a mask of four.
const MOST_HEAD: usize = 14;

/// Follows the frames of one direction.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; MOST_HEAD],
    /// Bytes of `head` that are known.
    known: usize,
    /// Bytes of payload that are still to come.
    left: u64,
}

impl Frames {
    /// Takes the bytes that have passed.
    pub(super) fn look(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.left > 0 {
                let passed = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                self.left -= passed as u64;
                bytes = bytes.get(passed..).unwrap_or_default();
                continue;
            }
            if let Some(place) = self.head.get_mut(self.known) {
                *place = byte;
            }
            self.known += 1;
            bytes = rest;
            if let Some(left) = self.payload() {
                (self.left, self.known) = (left, 0);
            }
        }
    }

    /// Whether one frame has ended and no other has begun.
    pub(super) fn is_between(&self) -> bool {
        self.known == 0 && self.left == 0
    }

    /// Length of the payload, once the head is complete.
    fn payload(&self) -> Option<u64> {
        let head = self.head.get(..self.known)?;
        let (&[_, second], rest) = head.split_first_chunk::<2>()?;
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        let (length, extended) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 2),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 8),
            short => (short.into(), 0),
        };
        (rest.len() == extended + mask).then_some(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CLOSE_GOING_AWAY, Frames};

    fn frame(length: usize, masked: bool) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut bytes = vec![0x82];
        match length {
            0..126 => bytes.push(mask | length as u8),
            126..65536 => {
                bytes.push(mask | 126);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(mask | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.resize(bytes.len() + if masked { 4 } else { 0 } + length, 0xff);
        bytes
    }

    proptest! {
        #[test]
        fn the_end_of_a_frame_is_seen_and_nothing_else_is_taken_for_one(
            lengths in prop::collection::vec((prop_oneof![0_usize..4, 120_usize..130, 65530_usize..65540], any::<bool>()), 1..6),
            cut in 1_usize..5000,
        ) {
            let (mut bytes, mut ends) = (Vec::new(), vec![0]);
            for (length, masked) in lengths {
                bytes.extend(frame(length, masked));
                ends.push(bytes.len());
            }
            let (mut frames, mut passed) = (Frames::default(), 0);
            for part in bytes.chunks(cut) {
                frames.look(part);
                passed += part.len();
                prop_assert_eq!(frames.is_between(), ends.contains(&passed));
            }
        }
    }

    #[test]
    fn our_own_frame_is_one() {
        let mut frames = Frames::default();
        frames.look(CLOSE_GOING_AWAY);
        assert!(frames.is_between());
    }
}
