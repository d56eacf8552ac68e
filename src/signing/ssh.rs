//! SSH's data types (RFC 4251 §5), as far as keys and signatures need them.

/// Texts or bytes, each after its length in four bytes.
pub(crate) fn strings(fields: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(fields.iter().map(|field| field.len() + 4).sum());
    for field in fields {
        // No field here comes near 4 GiB: keys, names and signatures.
        out.extend_from_slice(&(field.len() as u32).to_be_bytes());
        out.extend_from_slice(field);
    }
    out
}

/// ECDSA's two numbers (RFC 5656 §3.1.2) side by side, each as so many bytes.
pub(crate) fn ecdsa_signature(bytes: &[u8], width: usize) -> Option<Vec<u8>> {
    let mut fields = Reader(bytes);
    let numbers = [fields.positive(width)?, fields.positive(width)?];
    fields.end()?;
    Some(numbers.concat())
}

/// Reads such fields from the front of bytes.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of four bytes.
    pub(crate) fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.bytes(4)?.try_into().ok()?))
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.bytes(length)
    }

    /// A positive number in its one form, big-endian, as so many bytes.
    fn positive(&mut self, width: usize) -> Option<Vec<u8>> {
        let number = match self.string()? {
            [0, number @ ..] if number.first().is_some_and(|byte| *byte >= 0x80) => number,
            number @ [1..=0x7f, ..] => number,
            _ => return None,
        };
        let padding = width.checked_sub(number.len())?;
        Some([&vec![0; padding], number].concat())
    }

    /// That nothing is left.
    pub(crate) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
