//! Frames of RFC 6455 section 5.2.

/// Opcodes (RFC 6455 section 11.8).
pub(super) struct Opcode;

impl Opcode {
    pub(super) const CONTINUATION: u8 = 0;
    pub(super) const TEXT: u8 = 1;
    pub(super) const BINARY: u8 = 2;
    pub(super) const CLOSE: u8 = 8;
    pub(super) const PING: u8 = 9;
    pub(super) const PONG: u8 = 10;
}

/// A mask that changes every byte.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame that a server sent, unmasked.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) opcode: u8,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The frames that `bytes` are, `None` if the last one is not complete.
    pub(super) fn all(mut bytes: &[u8]) -> Option<Vec<Self>> {
        let mut frames = Vec::new();
        while let Some((first, rest)) = bytes.split_first() {
            let (short, rest) = rest.split_first()?;
            let (length, rest) = match short & 127 {
                126 => rest.split_first_chunk::<2>().map(|(n, rest)| (u64::from(u16::from_be_bytes(*n)), rest))?,
                127 => rest.split_first_chunk::<8>().map(|(n, rest)| (u64::from_be_bytes(*n), rest))?,
                short => (u64::from(short), rest),
            };
            let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            frames.push(Self { opcode: first & 15, payload: payload.to_vec() });
            bytes = rest;
        }
        Some(frames)
    }
}

/// A client's frame. `first` is its first byte but for the opcode: 0x80 for the last of a message, 0x40, 0x20, 0x10 reserved.
pub(super) fn raw(first: u8, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first | opcode];
    match payload.len() {
        short @ ..126 => frame.push(0x80 | short as u8),
        long if let Ok(long) = u16::try_from(long) => {
            frame.push(0x80 | 126);
            frame.extend(long.to_be_bytes());
        }
        longer => {
            frame.push(0x80 | 127);
            frame.extend((longer as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A frame that is the last of its message.
pub(super) fn last(opcode: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    raw(0x80, opcode, payload.as_ref())
}

/// A frame after which more of its message follows.
pub(super) fn more(opcode: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    raw(0, opcode, payload.as_ref())
}

/// A frame that closes with a code and a reason.
pub(super) fn close(code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    last(Opcode::CLOSE, [&code.to_be_bytes(), reason.as_ref()].concat())
}
