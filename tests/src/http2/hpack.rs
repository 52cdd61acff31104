//! Field blocks (RFC 7541). What we write are literals that no table remembers, so that a block is the bytes one sees in a test; what a
//! peer writes may use both tables and the Huffman code.

use std::collections::VecDeque;

use anyhow::{Context, bail, ensure};

use super::huffman;

/// Bytes of its dynamic table that a peer may use unless it was told otherwise (RFC 9113 section 6.5.2).
pub const TABLE_BYTES: usize = 4096;

/// What an entry costs besides its bytes (RFC 7541 section 4.1).
const ENTRY: usize = 32;

/// A field block of literals without indexing and without Huffman code (RFC 7541 section 6.2.2), in the given order.
pub fn encode(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        string(&mut block, name.as_bytes());
        string(&mut block, value.as_bytes());
    }
    block
}

/// A literal that the peer shall keep in its table (RFC 7541 section 6.2.1).
pub fn remembered(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0x40];
    string(&mut block, name.as_bytes());
    string(&mut block, value.as_bytes());
    block
}

/// One byte that stands for the field that was remembered last (RFC 7541 section 6.1).
pub const LATEST: u8 = 0x80 | (STATIC.len() as u8 + 1);

fn string(block: &mut Vec<u8>, bytes: &[u8]) {
    integer(block, 7, bytes.len());
    block.extend_from_slice(bytes);
}

/// An integer whose first byte has `bits` bits for it and zeros before them (RFC 7541 section 5.1).
fn integer(block: &mut Vec<u8>, bits: u32, value: usize) {
    let most = (1_usize << bits) - 1;
    if value < most {
        block.push(value as u8);
        return;
    }
    block.push(most as u8);
    let mut rest = value - most;
    while rest >= 128 {
        block.push(rest as u8 | 128);
        rest >>= 7;
    }
    block.push(rest as u8);
}

/// A field.
pub type Field = (String, String);

/// The reader of all field blocks of one connection.
#[derive(Debug)]
pub struct Decoder {
    /// The latest entry first.
    dynamic: VecDeque<Field>,
    /// Bytes the table may take now, which the peer may lower and raise again.
    bound: usize,
    /// Bytes that we allowed.
    allowed: usize,
}

impl Decoder {
    /// A reader whose peer may use so many bytes of a table.
    pub fn new(allowed: usize) -> Self {
        Self { dynamic: VecDeque::new(), bound: allowed, allowed }
    }

    /// The fields of a block, in order.
    ///
    /// # Errors
    /// When the block is not by RFC 7541, with what is wrong.
    pub fn decode(&mut self, mut block: &[u8]) -> anyhow::Result<Vec<Field>> {
        let mut fields = Vec::new();
        while let Some(first) = block.first().copied() {
            if first & 0x80 != 0 {
                let index = take_integer(&mut block, 7)?;
                fields.push(self.entry(index)?);
            } else if first & 0xc0 == 0x40 {
                let field = self.literal(&mut block, 6)?;
                self.dynamic.push_front(field.clone());
                self.evict();
                fields.push(field);
            } else if first & 0xe0 == 0x20 {
                ensure!(fields.is_empty(), "a table size in the middle of a field block");
                self.bound = take_integer(&mut block, 5)?;
                ensure!(self.bound <= self.allowed, "a table of {} bytes, {} are allowed", self.bound, self.allowed);
                self.evict();
            } else {
                fields.push(self.literal(&mut block, 4)?);
            }
        }
        Ok(fields)
    }

    fn literal(&self, block: &mut &[u8], bits: u32) -> anyhow::Result<Field> {
        let name = match take_integer(block, bits)? {
            0 => take_string(block)?,
            index => self.entry(index)?.0,
        };
        Ok((name, take_string(block)?))
    }

    fn entry(&self, index: usize) -> anyhow::Result<Field> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let fixed = index.checked_sub(1).and_then(|at| STATIC.get(at)).map(own);
        let dynamic = || self.dynamic.get(index.checked_sub(STATIC.len() + 1)?).cloned();
        fixed.or_else(dynamic).with_context(|| format!("the index {index}, which no table has"))
    }

    fn evict(&mut self) {
        let size = |field: &Field| field.0.len() + field.1.len() + ENTRY;
        while self.dynamic.iter().map(size).sum::<usize>() > self.bound {
            self.dynamic.pop_back();
        }
    }
}

fn take_integer(block: &mut &[u8], bits: u32) -> anyhow::Result<usize> {
    let most = (1_usize << bits) - 1;
    let mut value = usize::from(take_byte(block)?) & most;
    if value < most {
        return Ok(value);
    }
    for shift in (0..28).step_by(7) {
        let byte = take_byte(block)?;
        value += usize::from(byte & 127) << shift;
        if byte < 128 {
            return Ok(value);
        }
    }
    bail!("an integer of more than four further bytes")
}

fn take_string(block: &mut &[u8]) -> anyhow::Result<String> {
    let coded = block.first().is_some_and(|first| first & 0x80 != 0);
    let length = take_integer(block, 7)?;
    let (bytes, rest) = block.split_at_checked(length).context("a string that is cut off")?;
    *block = rest;
    let bytes = if coded { huffman::decode(bytes)? } else { bytes.to_vec() };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn take_byte(block: &mut &[u8]) -> anyhow::Result<u8> {
    let (first, rest) = block.split_first().context("a field block that is cut off")?;
    *block = rest;
    Ok(*first)
}

/// The static table (RFC 7541 appendix A).
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];
