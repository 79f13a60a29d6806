//! proxy-wasm's serialization of a header map: the number of pairs, the sizes of each name and value, then the names
//! and values, each followed by a zero byte. All numbers are 32 bits, little endian.

pub fn serialize(pairs: &[(String, Vec<u8>)]) -> Vec<u8> {
    let size: usize = pairs.iter().map(|(name, value)| name.len() + value.len() + 10).sum();
    let mut bytes = Vec::with_capacity(4 + size);
    let number = |bytes: &mut Vec<u8>, value: usize| {
        bytes.extend_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
    };
    number(&mut bytes, pairs.len());
    for (name, value) in pairs {
        number(&mut bytes, name.len());
        number(&mut bytes, value.len());
    }
    for (name, value) in pairs {
        for text in [name.as_bytes(), value] {
            bytes.extend_from_slice(text);
            bytes.push(0);
        }
    }
    bytes
}

/// Returns the pairs of a serialized map, as far as it is well-formed.
pub fn iterate(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut walk = Walk::new(bytes);
    std::iter::from_fn(move || {
        let (begin, name, value) = walk.next()?;
        Some((walk.text(begin, name)?, walk.text(begin + name + 1, value)?))
    })
}

/// Returns the values of a name, each with its index among all pairs.
pub fn values<'a>(bytes: &'a [u8], wanted: &'a str) -> impl Iterator<Item = (usize, &'a [u8])> {
    let mut walk = Walk::new(bytes);
    std::iter::from_fn(move || {
        loop {
            let (begin, name, value) = walk.next()?;
            // Nearly all names differ in length, so most need no comparison of their bytes.
            if name == wanted.len() && walk.text(begin, name)? == wanted.as_bytes() {
                return Some((walk.number, walk.text(begin + name + 1, value)?));
            }
        }
    })
}

/// An iterator over the sizes of names and values. Requests are scanned once for each header that rules ask for.
struct Walk<'a> {
    bytes: &'a [u8],
    /// The total number of pairs.
    count: usize,
    /// The number of pairs that have been passed.
    number: usize,
    /// The offset at which the next name begins.
    at: usize,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let count = number_at(bytes, 0).unwrap_or(0);
        Self { bytes, count, number: 0, at: count.saturating_mul(8).saturating_add(4) }
    }

    /// Returns where the next name begins, its size, and that of its value.
    #[inline]
    fn next(&mut self) -> Option<(usize, usize, usize)> {
        if self.number >= self.count {
            return None;
        }
        let (begin, sizes) = (self.at, self.number.checked_mul(8)?.checked_add(4)?);
        let (name, value) = (number_at(self.bytes, sizes)?, number_at(self.bytes, sizes + 4)?);
        self.number += 1;
        self.at = begin.saturating_add(name).saturating_add(value).saturating_add(2);
        Some((begin, name, value))
    }

    #[inline]
    fn text(&self, begin: usize, size: usize) -> Option<&'a [u8]> {
        self.bytes.get(begin..)?.get(..size)
    }
}

#[inline]
fn number_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(four)).ok()
}
