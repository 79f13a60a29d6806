//! The places of the values in JSON text.

use super::places::{Field, Places};
use jsonc_parser::ast::{ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use std::ops::Range;

/// Returns the places in a JSON text. The caller checks that it is JSON: this parser accepts more than that.
pub(super) fn places(text: &str) -> Option<Places> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default()).ok()?;
    Some(value(parsed.value.as_ref()?))
}

fn value(value: &Value<'_>) -> Places {
    let span = span(value);
    match value {
        Value::Object(object) => Places::object(span, object.properties.iter().map(field).collect()),
        Value::Array(array) => Places::list(span, array.elements.iter().map(self::value).collect()),
        _ => Places::leaf(span),
    }
}

fn field(field: &ObjectProp<'_>) -> Field {
    Field { name: field.name.as_str().into(), key: span(&field.name), value: value(&field.value) }
}

fn span(node: &impl Ranged) -> Range<usize> {
    node.range().start..node.range().end
}
