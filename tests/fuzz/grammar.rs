//! Documents generated from a fuzzer's bytes, according to the JSON Schema that `brownout schema` prints: new fields
//! are covered automatically.

use arbitrary::{Result, Unstructured};
use brownout_core::document::json_schema::schema;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

static SCHEMA: LazyLock<Value> = LazyLock::new(schema);

/// The nesting depth from which on only required fields are generated.
const DEEPEST: usize = 8;

/// Strings where the schema takes any.
const STRINGS: [&str; 16] = [
    "a",
    "b",
    "",
    "/",
    "/a",
    "shop",
    "GET",
    "a.*",
    "[a-z]+",
    "application/grpc",
    "\u{e9}",
    "a=b",
    "(",
    "x-a",
    "\n",
    "true",
];

/// The care taken to avoid mistakes in generated documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// About one value in 64 is arbitrary.
    Little,
    /// All values conform to the schema.
    Much,
}

/// The text of a document.
pub fn document(input: &mut Unstructured<'_>, care: Care) -> String {
    Maker { input, care, rules: 0 }.value(&SCHEMA, 0).unwrap_or_default().to_string()
}

/// Returns a value for one of the schema's definitions, as small as it would be inside a document.
pub fn of_definition(name: &str, input: &mut Unstructured<'_>, care: Care) -> Value {
    Maker { input, care, rules: 0 }.value(&SCHEMA["$defs"][name], 3).unwrap_or_default()
}

struct Maker<'m, 'i> {
    input: &'m mut Unstructured<'i>,
    care: Care,
    rules: usize,
}

impl Maker<'_, '_> {
    fn value(&mut self, schema: &'static Value, depth: usize) -> Result<Value> {
        if self.care == Care::Little && self.input.ratio(1, 64)? {
            return self.anything();
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.trim_start_matches("#/$defs/");
            let mut value = self.value(&SCHEMA["$defs"][name], depth)?;
            if let (true, Some(rule)) = (name == "Rule" && self.care == Care::Much, value.as_object_mut()) {
                self.rules += 1;
                rule.insert("name".into(), format!("r{}", self.rules).into());
            }
            return Ok(value);
        }
        for choice in ["enum", "examples"] {
            if let Some(values) = schema[choice].as_array().filter(|values| !values.is_empty())
                && (choice == "enum" || schema["pattern"].is_string() || self.input.ratio(1, 2)?)
            {
                return Ok(self.input.choose(values)?.clone());
            }
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(schemas) = schema[choice].as_array()
                && schema["properties"].is_null()
            {
                let chosen = self.input.choose_index(schemas.len())?;
                return self.value(&schemas[chosen], depth);
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => self.input.choose(kinds)?.as_str().unwrap_or_default(),
            kind => kind.as_str().unwrap_or_default(),
        };
        match kind {
            "object" => self.object(schema, depth),
            "array" => self.list(schema, depth),
            "string" => self.string(),
            "boolean" => Ok(self.input.arbitrary::<bool>()?.into()),
            "integer" => self.integer(schema),
            "number" => self.number(schema),
            "null" => Ok(Value::Null),
            _ => self.anything(),
        }
    }

    fn object(&mut self, schema: &'static Value, depth: usize) -> Result<Value> {
        let mut object = Map::new();
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        self.choose_fields(schema, &mut wanted, &mut unwanted)?;
        let fields = schema["properties"].as_object().into_iter().flatten();
        let patterns = schema["patternProperties"].as_object().into_iter().flatten();
        let patterns = patterns.map(|(pattern, schema)| (name_of(pattern), schema));
        for (name, schema) in fields.map(|(name, schema)| (name.as_str(), schema)).chain(patterns) {
            let known = object.contains_key(name) || unwanted.contains(&name);
            let added = wanted.contains(&name) || (!known && depth < DEEPEST && self.input.ratio(1, 8)?);
            if added {
                let value = if name == "percentage" && self.input.ratio(3, 4)? {
                    json!(100)
                } else {
                    self.value(schema, depth + 1)?
                };
                object.insert(name.to_owned(), value);
            }
        }
        if let Some(schema) = schema.get("additionalProperties").filter(|schema| schema.is_object()) {
            for _ in 0..self.input.int_in_range(0..=2)? {
                let name = (*self.input.choose(&["a", "b", "x-a", "set-cookie", "app"])?).to_owned();
                let value = self.value(schema, depth + 1)?;
                object.insert(name, value);
            }
        }
        Ok(object.into())
    }

    /// Chooses among fields that exclude each other, or of which one is required.
    fn choose_fields(
        &mut self,
        schema: &'static Value,
        wanted: &mut Vec<&'static str>,
        unwanted: &mut Vec<&'static str>,
    ) -> Result<()> {
        wanted.extend(names(&schema["required"]));
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.choose_fields(part, wanted, unwanted)?;
        }
        for (choice, exclusive) in [("oneOf", true), ("anyOf", false)] {
            let Some(schemas) = schema[choice].as_array() else { continue };
            let chosen = self.input.choose_index(schemas.len())?;
            for (place, schema) in schemas.iter().enumerate() {
                if place == chosen {
                    self.choose_fields(schema, wanted, unwanted)?;
                } else if exclusive || choice == "anyOf" && schemas.len() == 2 {
                    unwanted.extend(all_names(schema));
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, schema: &'static Value, depth: usize) -> Result<Value> {
        let least = schema["minItems"].as_u64().unwrap_or(0);
        let most = if depth < DEEPEST { least + 3 } else { least };
        let size = self.input.int_in_range(least..=most)?;
        let most_items = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
        (0..size.min(most_items)).map(|_| self.value(&schema["items"], depth + 1)).collect()
    }

    fn string(&mut self) -> Result<Value> {
        if self.input.ratio(7, 8)? {
            return Ok((*self.input.choose(&STRINGS)?).into());
        }
        let size = self.input.int_in_range(0..=12)?;
        let bytes = self.input.bytes(size.min(self.input.len()))?;
        Ok(String::from_utf8_lossy(bytes).into())
    }

    fn integer(&mut self, schema: &'static Value) -> Result<Value> {
        let least = schema["minimum"].as_i64().unwrap_or(0);
        let most = schema["maximum"].as_i64();
        if self.input.ratio(3, 4)? {
            let near = least.saturating_add(16);
            return Ok(self.input.int_in_range(least..=most.map_or(near, |most| most.min(near)))?.into());
        }
        Ok(self.input.int_in_range(least..=most.unwrap_or(i64::MAX))?.into())
    }

    fn number(&mut self, schema: &'static Value) -> Result<Value> {
        let least = schema["minimum"].as_f64().unwrap_or(0.0);
        let most = schema["maximum"].as_f64().unwrap_or(1000.0);
        let tenths = f64::from(self.input.int_in_range(0..=1000_u16)?) / 1000.0;
        Ok(json!(least + (most - least) * tenths))
    }

    fn anything(&mut self) -> Result<Value> {
        Ok(match self.input.int_in_range(0..=7)? {
            0 => Value::Null,
            1 => self.input.arbitrary::<i64>()?.into(),
            2 => self.input.arbitrary::<f64>()?.into(),
            3 => self.input.arbitrary::<bool>()?.into(),
            4 => json!([]),
            5 => json!({ "a": 1, "a b": { "b": [null, "c"] } }),
            6 => json!("x".repeat(self.input.int_in_range(0..=300)?)),
            _ => self.string()?,
        })
    }
}

fn names(list: &'static Value) -> impl Iterator<Item = &'static str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Returns all names in a condition on fields.
fn all_names(schema: &'static Value) -> Vec<&'static str> {
    let inner =
        ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|choice| schema[choice].as_array()).flatten();
    names(&schema["required"]).chain(inner.flat_map(all_names)).collect()
}

/// Returns a name that matches one of the schema's patterns.
fn name_of(pattern: &'static str) -> &'static str {
    let name = pattern.trim_start_matches('^').trim_end_matches('$');
    if name.contains('[') { "p99.9" } else { name }
}
