//! Names for rules, made from the names of what is imported.

use std::collections::BTreeSet;

/// The longest name of a rule, in bytes.
const LONGEST: usize = 63;

/// The names given so far.
#[derive(Debug, Default)]
pub struct Names(BTreeSet<String>);

impl Names {
    /// Returns a valid, unused name similar to `wanted`.
    pub fn new_name(&mut self, wanted: &str) -> String {
        let legal = legal(wanted);
        let numbered = |number: u32| {
            let ending = format!("-{number}");
            format!("{}{ending}", cut(&legal, LONGEST - ending.len()))
        };
        let candidates = std::iter::once(legal.clone()).chain((2..).map(numbered));
        let name = candidates.into_iter().find(|name| !self.0.contains(name)).unwrap_or_default();
        self.0.insert(name.clone());
        name
    }
}

fn legal(wanted: &str) -> String {
    let inner = |character: char| match character {
        'a'..='z' | '0'..='9' | '_' | '.' | '-' => character,
        'A'..='Z' => character.to_ascii_lowercase(),
        _ => '-',
    };
    let name: String = wanted.chars().map(inner).collect();
    let name = name.trim_matches(['_', '.', '-']);
    if name.is_empty() { "rule".into() } else { cut(name, LONGEST).into() }
}

/// Truncates a valid name, which is ASCII: every byte is a character.
fn cut(name: &str, length: usize) -> &str {
    name[..name.len().min(length)].trim_end_matches(['_', '.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_and_unique_whatever_is_asked_for() {
        let mut names = Names::default();
        let given = ["Café Süß/1", "cafe", "CAFE", "-_-", "", "cafe-2"].map(|wanted| names.new_name(wanted));
        assert_eq!(given, ["caf--s---1", "cafe", "cafe-2", "rule", "rule-2", "cafe-2-2"]);
        let long = "x".repeat(80);
        assert_eq!(names.new_name(&long), "x".repeat(63));
        assert_eq!(names.new_name(&long), format!("{}-2", "x".repeat(61)));
    }
}
