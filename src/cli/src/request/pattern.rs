//! An example string for a string matcher.

use brownout_core::predicate::string::{Pattern, StringMatcher};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Returns a string that it should match; the caller checks that.
pub fn example(matcher: &StringMatcher) -> String {
    match matcher.pattern() {
        Pattern::Exact(text) | Pattern::Prefix(text) | Pattern::Suffix(text) | Pattern::Contains(text) => {
            text.clone()
        }
        Pattern::Regex(regex) => {
            let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(regex.text());
            let mut bytes = Vec::new();
            if let Ok(hir) = hir {
                write(&hir, &mut bytes);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }
}

/// Writes the first alternative, and each repetition the minimum number of times.
fn write(hir: &Hir, out: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
        HirKind::Class(class) => out.extend(first_of(class)),
        HirKind::Repetition(repetition) => (0..repetition.min).for_each(|_| write(&repetition.sub, out)),
        HirKind::Capture(capture) => write(&capture.sub, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, out)),
        HirKind::Alternation(parts) => parts.iter().take(1).for_each(|part| write(part, out)),
    }
}

/// A letter or a digit, if there is one in it.
fn first_of(class: &Class) -> Option<u8> {
    let contains = |byte: u8| match class {
        Class::Bytes(class) => class.iter().any(|range| (range.start()..=range.end()).contains(&byte)),
        Class::Unicode(class) => {
            class.iter().any(|range| (range.start()..=range.end()).contains(&char::from(byte)))
        }
    };
    (b'a'..=b'z').chain(b'0'..=b'9').chain(b'A'..=b'Z').chain(b'!'..=b'~').find(|byte| contains(*byte))
}
