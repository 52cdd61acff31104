//! A reader of messages that shares nothing with ours: the narrowest grammar of RFC 9112, which only what we write ourselves must
//! fit. What it reads, every recipient reads alike.

/// A message.
#[derive(Default)]
pub struct Message<'b> {
    /// The line before the fields.
    pub start: &'b [u8],
    /// Names and values.
    pub fields: Vec<(&'b [u8], &'b [u8])>,
    /// The content without its framing.
    pub content: Vec<u8>,
    /// Names and values behind the content.
    pub trailers: Vec<(&'b [u8], &'b [u8])>,
    /// What follows the message.
    pub rest: &'b [u8],
}

impl<'b> Message<'b> {
    /// The message at the start of `bytes`, or what is wrong with it. Without Content-Length and Transfer-Encoding, or when
    /// `bodiless`, it has no content.
    pub fn read(bytes: &'b [u8], bodiless: bool) -> Result<Self, &'static str> {
        let (start, rest) = line(bytes)?;
        let (fields, rest) = fields(rest)?;
        let message = Self { start, fields, content: Vec::new(), trailers: Vec::new(), rest };
        let named = |name: &'static str| -> Vec<&[u8]> {
            let same = message.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
            same.map(|(_, value)| *value).collect()
        };
        let (lengths, codings) = (named("content-length"), named("transfer-encoding"));
        match (lengths.as_slice(), codings.as_slice()) {
            _ if bodiless => Ok(message),
            ([], []) => Ok(message),
            ([length], []) => message.with_sized(length),
            ([], [coding]) if *coding == b"chunked" => message.with_chunks(),
            _ => Err("framed twice, or by a coding that is not chunked"),
        }
    }

    fn with_sized(self, length: &[u8]) -> Result<Self, &'static str> {
        let length = std::str::from_utf8(length).map_err(|_| "a length that is no text")?;
        let number: usize = length.parse().map_err(|_| "a length that is no number")?;
        if number.to_string() != length {
            return Err("a length that is not written plainly");
        }
        let (content, rest) = self.rest.split_at_checked(number).ok_or("less content than its length")?;
        Ok(Self { content: content.to_vec(), rest, ..self })
    }

    fn with_chunks(mut self) -> Result<Self, &'static str> {
        loop {
            let (size, rest) = line(self.rest)?;
            let size = std::str::from_utf8(size).map_err(|_| "a chunk size that is no text")?;
            let number = usize::from_str_radix(size, 16).map_err(|_| "a chunk size that is no number")?;
            if format!("{number:x}") != size {
                return Err("a chunk size that is not written plainly");
            }
            if number == 0 {
                let (trailers, rest) = fields(rest)?;
                return Ok(Self { trailers, rest, ..self });
            }
            let (data, rest) = rest.split_at_checked(number).ok_or("less data than the chunk size")?;
            self.content.extend_from_slice(data);
            self.rest = rest.strip_prefix(b"\r\n").ok_or("a chunk without its end")?;
        }
    }
}

/// A line without its end, and what follows.
fn line(bytes: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n").ok_or("a line without end")?;
    let (line, rest) = bytes.split_at_checked(end).unwrap_or_default();
    let plain = line.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    let rest = rest.get(2..).unwrap_or_default();
    if plain { Ok((line, rest)) } else { Err("a control character") }
}

type Fields<'b> = (Vec<(&'b [u8], &'b [u8])>, &'b [u8]);

/// Field lines up to the empty one, and what follows.
fn fields(mut bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let mut fields = Vec::new();
    loop {
        let (field, rest) = line(bytes)?;
        bytes = rest;
        if field.is_empty() {
            return Ok((fields, bytes));
        }
        let colon = field.iter().position(|&byte| byte == b':').ok_or("a field without a colon")?;
        let (name, value) = field.split_at_checked(colon).unwrap_or_default();
        if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
            return Err("a field name that is no token");
        }
        let value = value.strip_prefix(b": ").ok_or("a colon without a space")?;
        fields.push((name, value));
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
