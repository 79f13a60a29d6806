//! Our own regular expressions beside regex-automata, on patterns and values that chance makes.

#![cfg(not(target_family = "wasm"))]

use brownout_core::predicate::regex::Regex;
use proptest::prelude::*;
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

/// Returns what the same pattern says elsewhere, if it is one there.
fn elsewhere(pattern: &str, value: &[u8]) -> Option<bool> {
    // As a group on lines of its own, in case the pattern ends in a comment.
    let whole = format!("\\A(?:{pattern}\n)\\z");
    let whole = if pattern.contains("(?x") { whole } else { whole.replace("\n)", ")") };
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let machine = PikeVM::builder().syntax(syntax).build(&whole).ok()?;
    Some(machine.is_match(&mut machine.create_cache(), Input::new(value).anchored(Anchored::Yes)))
}

fn atom() -> impl Strategy<Value = String> {
    let atoms = [
        "a",
        "b",
        "B",
        ".",
        "é",
        r"\xe9",
        r"\x{e9}",
        r"\d",
        r"\W",
        r"\s",
        r"\n",
        "^",
        "$",
        r"\b",
        r"\B",
        r"\A",
        r"\z",
        r"\b{start}",
        r"\b{end}",
        r"\b{start-half}",
        r"\b{end-half}",
        "[ab]",
        "[^a]",
        "[a-c_]",
        r"[^\x00-\x80]",
        "[[:alpha:]b]",
        "[[:^lower:]]",
        r"[\w-]",
        r"[^\Da]",
        "(?i)",
        "(?-i)",
        "(?s)",
        "(?m)",
        "(?s-m)",
        "()",
        "(?:)",
        "(?i:a|é)",
    ];
    proptest::sample::select(atoms.to_vec()).prop_map(str::to_owned)
}

fn pattern() -> impl Strategy<Value = String> {
    let counts = ["*", "+", "?", "*?", "{0}", "{2}", "{1,}", "{0,2}", "{1,3}?"];
    atom().prop_recursive(4, 24, 4, move |inner| {
        let group = proptest::sample::select(vec!["(", "(?:", "(?i:", "(?s:", "(?P<n>"]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            (group, proptest::collection::vec(inner.clone(), 1..4))
                .prop_map(|(group, parts)| format!("{group}{})", parts.join("|"))),
            (inner, proptest::sample::select(counts.to_vec()))
                .prop_map(|(part, count)| format!("(?:{part}){count}")),
        ]
    })
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let pieces: [&[u8]; 10] = [b"a", b"b", b"A", b"B", b"1", b"_", b" ", b"\n", "é".as_bytes(), b"\xe9"];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..7)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn a_pattern_says_of_a_value_what_it_says_elsewhere(
        pattern in pattern(),
        values in proptest::collection::vec(value(), 8),
    ) {
        for value in values {
            let ours = Regex::new(&pattern).ok().map(|regex| regex.matches(&value));
            prop_assert_eq!(ours, elsewhere(&pattern, &value), "{} {:?}", &pattern, value);
        }
    }

    #[test]
    fn a_pattern_without_counts_is_never_too_large(
        parts in proptest::collection::vec("[ab.?*+|]|\\(a|b\\)|\\[ab\\]", 0..1024),
    ) {
        let pattern: String = parts.concat().chars().take(1024).collect();
        let reason = Regex::new(&pattern).err().unwrap_or_default();
        prop_assert_ne!(reason, "too large once compiled");
    }
}
