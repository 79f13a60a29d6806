//! Resolves scalars by the core schema of YAML 1.2 (section 10.3.2).

use brownout_core::decode::json::Json;
use saphyr_parser::{ScalarStyle, Tag};
use serde_json::Number;

/// Resolves a scalar. Returns `None` for a tag outside the core schema. Infinities and NaNs, which JSON does not have,
/// become strings, so that a message about them shows what was written.
pub(super) fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<Json> {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => Some(Json::String(text.into())),
        Some(tag) if !tag.is_yaml_core_schema() => None,
        _ if style != ScalarStyle::Plain => Some(Json::String(text.into())),
        _ => Some(plain(text)),
    }
}

fn plain(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Json::Null,
        "true" | "True" | "TRUE" => Json::Bool(true),
        "false" | "False" | "FALSE" => Json::Bool(false),
        _ => number(text).map_or_else(|| Json::String(text.into()), Json::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(Number::from);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().map(Number::from);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
        return None;
    }
    let unsigned = text.parse::<u64>().ok().map(Number::from);
    unsigned
        .or_else(|| text.parse::<i64>().ok().map(Number::from))
        .or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))
}

#[cfg(test)]
mod tests {
    use super::plain;
    use brownout_core::decode::json::Json;

    #[test]
    fn plain_scalars_are_what_yaml_1_2_says() {
        let number = |value: f64| Json::Number(serde_json::Number::from_f64(value).expect("a finite number"));
        assert_eq!(plain("off"), Json::String("off".into()));
        assert_eq!(plain("250ms"), Json::String("250ms".into()));
        assert_eq!(plain("~"), Json::Null);
        assert_eq!(plain("12"), Json::Number(12.into()));
        assert_eq!(plain("-3"), Json::Number((-3).into()));
        assert_eq!(plain("0x1f"), Json::Number(31.into()));
        assert_eq!(plain("12.5"), number(12.5));
        assert_eq!(plain("1e2"), number(100.0));
        assert_eq!(plain(".inf"), Json::String(".inf".into()));
        assert_eq!(plain("-"), Json::String("-".into()));
        assert_eq!(plain("1.2.3"), Json::String("1.2.3".into()));
    }
}
