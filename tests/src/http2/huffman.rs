//! The Huffman code of HPACK (RFC 7541 appendix B). It is canonical: among codes of one length the smaller symbol has the smaller code,
//! and a shorter code is no beginning of a longer one. So the lengths alone are the code.

use std::sync::LazyLock;

use anyhow::{Context, ensure};

/// Bits of the code of each byte, and of the end of a string, which never stands in one.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12,
    10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6,
    5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22,
    22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28,
    27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28,
    27, 27, 27, 27, 27, 26, 30,
];

/// Longest code in bits.
const LONGEST: usize = 30;

/// Per length the first code and the symbols in order.
static CODE: LazyLock<Vec<(u32, Vec<u16>)>> = LazyLock::new(|| {
    let mut next = 0;
    let of_length = |length: usize| {
        let symbols = (0..).zip(LENGTHS).filter(|(_, own)| usize::from(*own) == length);
        symbols.map(|(symbol, _)| symbol).collect::<Vec<u16>>()
    };
    let mut row = |length| {
        next <<= 1;
        let (first, symbols) = (next, of_length(length));
        next += symbols.len() as u32;
        (first, symbols)
    };
    (0..=LONGEST).map(&mut row).collect()
});

/// The bytes that a coded string stands for.
///
/// # Errors
/// When a bit pattern is no code, or the padding is not the beginning of the end of a string.
pub(super) fn decode(coded: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (mut bytes, mut code, mut length) = (Vec::new(), 0_u32, 0);
    for bit in coded.iter().flat_map(|byte| (0..8).rev().map(move |at| u32::from(byte >> at & 1))) {
        (code, length) = (code << 1 | bit, length + 1);
        let (first, symbols) = CODE.get(length).context("a code that no symbol has")?;
        if let Some(symbol) = code.checked_sub(*first).and_then(|at| symbols.get(at as usize)) {
            bytes.push(u8::try_from(*symbol).context("an end of string inside a string")?);
            (code, length) = (0, 0);
        }
    }
    ensure!(length < 8 && code == (1 << length) - 1, "padding that is not all ones");
    Ok(bytes)
}
