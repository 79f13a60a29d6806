//! Spellings of names, and suggestions for misspelled ones.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Lists names as `a, b or c`, each in backticks.
pub fn listed(names: &[&str]) -> String {
    let mut text = String::new();
    for (position, name) in names.iter().enumerate() {
        let before = match position {
            0 => "",
            _ if position + 1 == names.len() => " or ",
            _ => ", ",
        };
        text.push_str(&format!("{before}`{name}`"));
    }
    text
}

/// Returns whether `written` spells `name`, in snake case as in Envoy's documentation or in camel case as in
/// protobuf's JSON.
pub fn is_spelling(written: &str, name: &str) -> bool {
    written == name || (written.bytes().any(|b| b.is_ascii_uppercase()) && snake(written) == name)
}

/// Converts a name to snake case.
pub fn snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}

/// Returns the name that was probably meant.
pub fn closest<'n>(written: &str, names: &[&'n str]) -> Option<&'n str> {
    let near = |name: &&str| distance(written, name);
    let best = names.iter().copied().min_by_key(near)?;
    (distance(written, best) <= 2 && best.len() > 2).then_some(best)
}

/// Returns the Levenshtein distance, counted in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.bytes().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            left = (left + 1).min(above + 1).min(diagonal + usize::from(x != y));
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}
