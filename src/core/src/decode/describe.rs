//! Building blocks of JSON Schemas, for types that describe themselves.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde_json::{Map, Value, json};

/// The schemas of the objects seen so far, by type name.
#[derive(Debug, Default)]
pub struct Definitions {
    objects: Map<String, Value>,
}

impl Definitions {
    /// Returns the schemas of all objects.
    pub fn into_objects(self) -> Map<String, Value> {
        self.objects
    }

    /// Returns a reference to an object's schema, which is built only once because types may be recursive.
    pub fn object(&mut self, name: &str, describe: impl FnOnce(&mut Self) -> Object) -> Value {
        if !self.objects.contains_key(name) {
            self.objects.insert(name.into(), Value::Null);
            let object = describe(self).into_value();
            self.objects.insert(name.into(), object);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }
}

/// The schema of an object with a fixed set of fields.
#[derive(Debug, Default)]
pub struct Object {
    description: String,
    properties: Map<String, Value>,
    camel: Map<String, Value>,
    required: Vec<Value>,
    all_of: Vec<Value>,
}

impl Object {
    /// Creates a schema without fields; `doc` holds the lines of a doc comment.
    pub fn new(doc: &[&str]) -> Self {
        Self { description: prose(doc), ..Self::default() }
    }

    pub fn add(&mut self, name: &str, doc: &[&str], required: bool, mut schema: Value) {
        let doc = prose(doc);
        if let (Value::Object(fields), false) = (&mut schema, doc.is_empty()) {
            fields.insert("description".into(), doc.into());
        }
        let camel = camel(name);
        if camel != name && !required {
            self.camel.insert(format!("^{camel}$"), schema.clone());
        }
        self.properties.insert(name.into(), schema);
        if required {
            self.required.push(name.into());
        }
    }

    /// Adds an optional field, and returns the schema.
    #[must_use]
    pub fn with(mut self, name: &str, doc: &str, schema: Value) -> Self {
        self.add(name, &[doc], false, schema);
        self
    }

    /// Requires exactly one of these fields.
    #[must_use]
    pub fn exactly_one(self, names: &[&str]) -> Self {
        self.demand("oneOf", names)
    }

    /// Requires at least one of these fields.
    #[must_use]
    pub fn at_least_one(self, names: &[&str]) -> Self {
        self.demand("anyOf", names)
    }

    fn demand(mut self, keyword: &str, names: &[&str]) -> Self {
        // A field may be spelled in camel case.
        let given = |name: &&str| match camel(name) {
            camel if camel == *name => json!({ "required": [name] }),
            camel => json!({ "anyOf": [{ "required": [name] }, { "required": [camel] }] }),
        };
        let alternatives: Vec<Value> = names.iter().map(given).collect();
        self.all_of.push(json!({ keyword: alternatives }));
        self
    }

    pub fn into_value(self) -> Value {
        let mut schema = Map::new();
        schema.insert("type".into(), "object".into());
        if !self.description.is_empty() {
            schema.insert("description".into(), self.description.into());
        }
        schema.insert("properties".into(), Value::Object(self.properties));
        if !self.camel.is_empty() {
            schema.insert("patternProperties".into(), Value::Object(self.camel));
        }
        schema.insert("additionalProperties".into(), false.into());
        if !self.required.is_empty() {
            schema.insert("required".into(), Value::Array(self.required));
        }
        if !self.all_of.is_empty() {
            schema.insert("allOf".into(), Value::Array(self.all_of));
        }
        Value::Object(schema)
    }
}

/// Describes a type without a schema of its own, by the text and the example that its error messages use.
pub fn by_words(expected: &str) -> Value {
    let example = expected.split('`').nth(1).and_then(|text| serde_json::from_str::<Value>(text).ok());
    match example {
        Some(example) => json!({ "description": expected, "examples": [example] }),
        None => json!({ "description": expected }),
    }
}

/// Returns the schema of a string; an empty `pattern` allows any.
pub fn text(pattern: &str, examples: &[&str]) -> Value {
    let mut schema = json!({ "type": "string", "examples": examples });
    if let (Value::Object(fields), false) = (&mut schema, pattern.is_empty()) {
        fields.insert("pattern".into(), pattern.into());
    }
    schema
}

/// Returns the schema for one of these strings.
pub fn one_of(names: &[&str]) -> Value {
    json!({ "enum": names })
}

/// Returns the schema of a whole number in this range.
pub fn integer(from: u64, to: Option<u64>) -> Value {
    let mut schema = json!({ "type": "integer", "minimum": from });
    if let (Value::Object(fields), Some(to)) = (&mut schema, to) {
        fields.insert("maximum".into(), to.into());
    }
    schema
}

/// Turns a doc comment into plain text: on one line, without the brackets of links.
fn prose(doc: &[&str]) -> String {
    let lines: Vec<&str> = doc.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    lines.join(" ").replace("[`", "`").replace("`]", "`")
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut text = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let mut letters = part.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}
