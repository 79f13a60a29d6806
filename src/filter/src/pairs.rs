//! proxy-wasm's serialization of a header map: the number of pairs, the sizes of each name and value, then names and
//! values, each with a zero after it. All numbers are 32 bits, little endian.

/// Serializes a map.
pub fn serialize(pairs: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let number = |bytes: &mut Vec<u8>, value: usize| {
        bytes.extend(u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
    };
    number(&mut bytes, pairs.len());
    for (name, value) in pairs {
        number(&mut bytes, name.len());
        number(&mut bytes, value.len());
    }
    for text in pairs.iter().flat_map(|(name, value)| [name.as_bytes(), value]) {
        bytes.extend_from_slice(text);
        bytes.push(0);
    }
    bytes
}

/// The pairs of a serialized map, as far as it is well-formed.
pub fn iterate(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let count = number_at(bytes, 0).unwrap_or(0);
    let mut at = count.saturating_mul(8).saturating_add(4);
    (0..count).map_while(move |index| {
        let sizes = index * 8 + 4;
        let mut text = |size: usize| {
            let text = bytes.get(at..at.checked_add(size)?)?;
            at += size + 1;
            Some(text)
        };
        let name = text(number_at(bytes, sizes)?)?;
        let value = text(number_at(bytes, sizes + 4)?)?;
        Some((name, value))
    })
}

fn number_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(four)).ok()
}
