//! Other tools' patterns as string matchers.

use super::built::Built;
use super::place::Place;

/// Converts a wildcard pattern: `*` is any run of characters and `?` any one. `None` if it matches everything.
pub fn wildcards(pattern: &str, place: &Place) -> Option<Built> {
    let plain = |text: &str| !text.contains(['*', '?']);
    let inner = pattern.trim_matches('*');
    if pattern.bytes().all(|byte| byte == b'*') && !pattern.is_empty() {
        return None;
    }
    let kind = match (pattern.starts_with('*'), pattern.ends_with('*')) {
        _ if !plain(inner) => return Some(matcher("safe_regex", &wildcard_regex(pattern), place)),
        (false, false) => "exact",
        (false, true) => "prefix",
        (true, false) => "suffix",
        (true, true) => "contains",
    };
    Some(matcher(kind, inner, place))
}

fn wildcard_regex(pattern: &str) -> String {
    let mut regex = String::new();
    for character in pattern.chars() {
        match character {
            '*' if regex.ends_with(".*") => {}
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            _ => escape(character, &mut regex),
        }
    }
    regex
}

/// Converts a regular expression that may match anywhere in the value. `None` if it matches everything.
pub fn anywhere(regex: &str, place: &Place) -> Option<Built> {
    const SPECIAL: &str = r"\.+*?()|[]{}^$";
    let plain = |text: &str| !text.is_empty() && !text.contains(|c| SPECIAL.contains(c));
    let begun = regex.strip_prefix('^').unwrap_or(regex);
    let inner = begun.strip_suffix('$').unwrap_or(begun);
    let (begins, ends) = (regex.starts_with('^'), regex.ends_with('$'));
    if regex.is_empty() || regex == ".*" {
        return None;
    }
    if !plain(inner) {
        return Some(matcher("safe_regex", &format!(".*(?:{regex}).*"), place));
    }
    let kind = match (begins, ends) {
        (true, true) => "exact",
        (true, false) => "prefix",
        (false, true) => "suffix",
        (false, false) => "contains",
    };
    Some(matcher(kind, inner, place))
}

fn escape(character: char, regex: &mut String) {
    if character.is_ascii_punctuation() && !"/-_~%&=,;:@!'\"<>`#".contains(character) {
        regex.push('\\');
    }
    regex.push(character);
}

fn matcher(kind: &str, text: &str, place: &Place) -> Built {
    Built::object([(kind, Built::text(text))]).from(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(built: Option<Built>) -> String {
        built.map_or_else(|| "all".to_owned(), |built| serde_json::to_string(&built.json()).expect("JSON"))
    }

    #[test]
    fn wildcards_become_the_plainest_matcher() {
        let place = Place::default();
        let cases = [
            ("*", "all"),
            ("/api", r#"{"exact":"/api"}"#),
            ("/api/*", r#"{"prefix":"/api/"}"#),
            ("*.png", r#"{"suffix":".png"}"#),
            ("*/v1/*", r#"{"contains":"/v1/"}"#),
            ("/a/*/b.c", r#"{"safe_regex":"/a/.*/b\\.c"}"#),
            ("/a/?", r#"{"safe_regex":"/a/."}"#),
        ];
        for (pattern, expected) in cases {
            assert_eq!(shown(wildcards(pattern, &place)), expected, "{pattern}");
        }
    }

    #[test]
    fn a_search_becomes_the_plainest_matcher() {
        let place = Place::default();
        let cases = [
            ("", "all"),
            ("/public", r#"{"contains":"/public"}"#),
            ("^/public", r#"{"prefix":"/public"}"#),
            ("/public$", r#"{"suffix":"/public"}"#),
            ("^/public$", r#"{"exact":"/public"}"#),
            ("/v[12]/|x$", r#"{"safe_regex":".*(?:/v[12]/|x$).*"}"#),
            ("^a|b$", r#"{"safe_regex":".*(?:^a|b$).*"}"#),
        ];
        for (pattern, expected) in cases {
            assert_eq!(shown(anywhere(pattern, &place)), expected, "{pattern}");
        }
    }
}
