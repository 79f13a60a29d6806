//! Sets of bytes, for brackets and escapes in a pattern.

use super::compile::UNICODE;
use alloc::string::String;
use regex_syntax::ast::{
    ClassAsciiKind, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet, ClassSetItem, Literal,
};

/// A set of bytes, with one bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Class([u64; 4]);

impl Class {
    /// Returns the set of all bytes, or all bytes but one.
    pub(super) fn all_but(byte: Option<u8>) -> Self {
        let mut class = Self::default();
        byte.into_iter().for_each(|byte| class.add(byte, byte));
        class.negated()
    }

    /// Returns the set of a letter in both cases.
    pub(super) fn either_case(byte: u8) -> Self {
        let mut class = Self::default();
        class.add(byte, byte);
        class.folded()
    }

    /// Returns the set for `\d`, `\s`, `\w` or their negations.
    pub(super) fn perl(perl: &ClassPerl) -> Self {
        let mut class = Self::default();
        class.add_ranges(match perl.kind {
            ClassPerlKind::Digit => ranges(&ClassAsciiKind::Digit),
            ClassPerlKind::Space => ranges(&ClassAsciiKind::Space),
            ClassPerlKind::Word => ranges(&ClassAsciiKind::Word),
        });
        if perl.negated { class.negated() } else { class }
    }

    /// Returns the set for brackets.
    ///
    /// # Errors
    /// They contain something that is not a byte, or that Envoy would interpret differently.
    pub(super) fn bracketed(brackets: &ClassBracketed, ignore_case: bool) -> Result<Self, String> {
        let mut class = Self::default();
        match &brackets.kind {
            ClassSet::Item(item) => class.add_item(item, ignore_case)?,
            ClassSet::BinaryOp(_) => {
                return Err("`&&`, `--` and `~~` inside brackets are not operators in Envoy: \
                    escape them with a backslash"
                    .into());
            }
        }
        if ignore_case {
            class = class.folded();
        }
        Ok(if brackets.negated { class.negated() } else { class })
    }

    fn add_item(&mut self, item: &ClassSetItem, ignore_case: bool) -> Result<(), String> {
        match item {
            ClassSetItem::Empty(_) => {}
            ClassSetItem::Literal(literal) => {
                let byte = byte(literal)?;
                self.add(byte, byte);
            }
            ClassSetItem::Range(range) => self.add(byte(&range.start)?, byte(&range.end)?),
            ClassSetItem::Ascii(ascii) => {
                let mut named = Self::default();
                named.add_ranges(ranges(&ascii.kind));
                // Fold before negating: `(?i)[[:^lower:]]` has no letters.
                let named = if ignore_case { named.folded() } else { named };
                self.add_class(if ascii.negated { named.negated() } else { named });
            }
            ClassSetItem::Perl(perl) => self.add_class(Self::perl(perl)),
            ClassSetItem::Union(union) => {
                return union.items.iter().try_for_each(|item| self.add_item(item, ignore_case));
            }
            ClassSetItem::Unicode(_) => return Err(UNICODE.into()),
            ClassSetItem::Bracketed(_) => {
                return Err("brackets inside brackets are literal in Envoy: write `\\[`".into());
            }
        }
        Ok(())
    }

    fn add(&mut self, first: u8, last: u8) {
        for byte in first..=last {
            if let Some(word) = self.0.get_mut(usize::from(byte / 64)) {
                *word |= 1 << (byte % 64);
            }
        }
    }

    fn add_ranges(&mut self, ranges: &[(u8, u8)]) {
        ranges.iter().for_each(|(first, last)| self.add(*first, *last));
    }

    fn add_class(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, more)| *word |= more);
    }

    fn negated(self) -> Self {
        Self(self.0.map(|word| !word))
    }

    fn folded(mut self) -> Self {
        for byte in 0..=u8::MAX {
            if byte.is_ascii_alphabetic() && self.contains(byte) {
                self.add(byte ^ 0x20, byte ^ 0x20);
            }
        }
        self
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|word| word >> (byte % 64) & 1 == 1)
    }
}

/// Returns the byte for a character in brackets. A non-ASCII character would be several bytes.
fn byte(literal: &Literal) -> Result<u8, String> {
    let byte = literal.byte().or_else(|| u8::try_from(literal.c).ok().filter(u8::is_ascii));
    byte.ok_or_else(|| UNICODE.into())
}

fn ranges(kind: &ClassAsciiKind) -> &'static [(u8, u8)] {
    match kind {
        ClassAsciiKind::Alnum => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        ClassAsciiKind::Alpha => &[(b'A', b'Z'), (b'a', b'z')],
        ClassAsciiKind::Ascii => &[(0, 0x7f)],
        ClassAsciiKind::Blank => &[(b'\t', b'\t'), (b' ', b' ')],
        ClassAsciiKind::Cntrl => &[(0, 0x1f), (0x7f, 0x7f)],
        ClassAsciiKind::Digit => &[(b'0', b'9')],
        ClassAsciiKind::Graph => &[(b'!', b'~')],
        ClassAsciiKind::Lower => &[(b'a', b'z')],
        ClassAsciiKind::Print => &[(b' ', b'~')],
        ClassAsciiKind::Punct => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        ClassAsciiKind::Space => &[(b'\t', b'\r'), (b' ', b' ')],
        ClassAsciiKind::Upper => &[(b'A', b'Z')],
        ClassAsciiKind::Word => &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')],
        ClassAsciiKind::Xdigit => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
    }
}
