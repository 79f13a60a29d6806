//! YAML with comments, as a person would write it: what Kubernetes' YAML 1.1 might read as something else is quoted.

use brownout_core::decode::json::Json;

/// The maximum width of a line of names.
const WIDTH: usize = 110;

/// A YAML value and the style in which it is printed.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// Text on one line, quoted if necessary.
    Text(String),
    /// Text that is always quoted.
    Quoted(String),
    /// Text that is printed unchanged: numbers, `true`, `null`, `{}`.
    Plain(String),
    /// Text over several lines, as a literal block.
    Block(String),
    List(Vec<Yaml>),
    Map(Map),
    /// A map from these names to empty maps, on as few lines as possible.
    Names(Vec<&'static str>),
}

/// A map in the order of its fields. A builder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map {
    fields: Vec<Entry>,
    comments: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    comments: Vec<String>,
    name: String,
    value: Yaml,
}

impl Map {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field, below the comments added since the last one.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Yaml>) -> Self {
        let comments = std::mem::take(&mut self.comments);
        self.fields.push(Entry { comments, name: name.into(), value: value.into() });
        self
    }

    /// Adds a field if there is a value.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl Into<Yaml>>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// Adds a comment on its own lines above the next field.
    #[must_use]
    pub fn comment(mut self, text: &str) -> Self {
        self.comments.extend(text.lines().map(str::to_owned));
        self
    }
}

impl From<Map> for Yaml {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<Vec<Yaml>> for Yaml {
    fn from(list: Vec<Yaml>) -> Self {
        Self::List(list)
    }
}

impl From<Vec<Map>> for Yaml {
    fn from(list: Vec<Map>) -> Self {
        Self::List(list.into_iter().map(Self::Map).collect())
    }
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Yaml {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Yaml {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for Yaml {
    fn from(value: bool) -> Self {
        Self::Plain(value.to_string())
    }
}

impl From<u16> for Yaml {
    fn from(value: u16) -> Self {
        Self::Plain(value.to_string())
    }
}

impl From<i32> for Yaml {
    fn from(value: i32) -> Self {
        Self::Plain(value.to_string())
    }
}

impl From<&Json> for Yaml {
    fn from(value: &Json) -> Self {
        match value {
            Json::Null => Self::Plain("null".into()),
            Json::Bool(value) => Self::Plain(value.to_string()),
            Json::Number(value) => Self::Plain(value.to_string()),
            Json::String(value) => Self::Text(value.clone()),
            Json::Array(elements) => Self::List(elements.iter().map(Self::from).collect()),
            Json::Object(fields) => {
                let add = |map: Map, (name, value): &(String, Json)| map.field(name, value);
                Self::Map(fields.iter().fold(Map::new(), add))
            }
        }
    }
}

/// The text of a YAML document, with a line feed at its end.
pub fn text(map: &Map) -> String {
    let mut out = String::new();
    print_map(map, 0, &mut out);
    out
}

fn print_map(map: &Map, indent: usize, out: &mut String) {
    for field in &map.fields {
        for comment in &field.comments {
            line(indent, &format!("# {comment}"), out);
        }
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(&scalar(&field.name));
        out.push(':');
        print_value(&field.value, indent, out);
    }
}

/// Prints what comes after a name and its colon.
fn print_value(value: &Yaml, indent: usize, out: &mut String) {
    match value {
        Yaml::Map(map) if !map.fields.is_empty() => {
            out.push('\n');
            print_map(map, indent + 2, out);
        }
        Yaml::List(list) if !list.is_empty() => {
            out.push('\n');
            list.iter().for_each(|element| print_element(element, indent, out));
        }
        Yaml::Block(text) => {
            out.push_str(" |\n");
            text.lines().for_each(|text| line(indent + 2, text, out));
        }
        Yaml::Names(names) => print_names(names, indent, out),
        other => {
            out.push(' ');
            out.push_str(&inline(other));
            out.push('\n');
        }
    }
}

fn print_element(element: &Yaml, indent: usize, out: &mut String) {
    let Yaml::Map(map) = element else {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push('-');
        return print_value(element, indent + 2, out);
    };
    let Some(first) = map.fields.first() else { return line(indent, "- {}", out) };
    for comment in &first.comments {
        line(indent, &format!("# {comment}"), out);
    }
    let mut bare = map.clone();
    bare.fields[0].comments.clear();
    let mut inner = String::new();
    print_map(&bare, indent + 2, &mut inner);
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str("- ");
    out.push_str(inner.trim_start());
}

fn print_names(names: &[&str], indent: usize, out: &mut String) {
    out.push_str(" {\n");
    let mut current = String::new();
    for (index, name) in names.iter().enumerate() {
        let comma = if index + 1 < names.len() { "," } else { "" };
        let item = format!("{name}: {{}}{comma}");
        if !current.is_empty() && indent + 3 + current.len() + item.len() > WIDTH {
            line(indent + 2, &std::mem::take(&mut current), out);
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(&item);
    }
    line(indent + 2, &format!("{current} }}"), out);
}

fn line(indent: usize, text: &str, out: &mut String) {
    if !text.is_empty() {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(text);
    }
    out.push('\n');
}

fn inline(value: &Yaml) -> String {
    match value {
        Yaml::Text(text) => scalar(text),
        Yaml::Quoted(text) => quoted(text),
        Yaml::Plain(text) => text.clone(),
        Yaml::List(_) => "[]".into(),
        _ => "{}".into(),
    }
}

/// Quotes a string if any YAML reader, of any version, might read it as something else.
pub fn scalar(text: &str) -> String {
    if is_plain(text) { text.into() } else { quoted(text) }
}

fn is_plain(text: &str) -> bool {
    let mut bytes = text.bytes();
    let Some(first) = bytes.next() else { return false };
    let begins = first.is_ascii_alphabetic() || matches!(first, b'/' | b'_');
    let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'.' | b'-' | b':');
    let is_text = begins && bytes.all(goes_on) && !text.ends_with(':') && !is_special(text);
    is_text || is_duration(text)
}

/// Returns what YAML 1.1 or 1.2 takes for something other than text.
fn is_special(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn is_duration(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < text.len() && matches!(unit, "ms" | "s" | "m" | "h")
}

fn quoted(text: &str) -> String {
    // JSON's strings are YAML's, but for characters that YAML wants escaped and JSON does not.
    escape(&serde_json::Value::from(text).to_string())
}

/// JSON with characters escaped that YAML does not print, or takes for the end of a line.
pub fn escape(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Map, Yaml, scalar, text};

    #[test]
    fn what_another_reader_might_take_for_something_else_is_quoted() {
        let plain =
            ["reviews", "500ms", "/var/x.wasm", "oci://r.example/a:1", "type.googleapis.com/a.B", "a:b"];
        assert_eq!(plain.map(scalar), plain.map(str::to_owned));
        let others = ["off", "No", "y", "1e3", "0123", "12", "", "a: b", "a b", "- a", "@type", "2030-01-01"];
        assert_eq!(others.map(scalar), others.map(|text| format!("\"{text}\"")));
        assert_eq!(scalar("a\u{85}\n"), "\"a\\u0085\\n\"");
    }

    #[test]
    fn comments_stand_before_what_they_are_about() {
        let element = Map::new().comment("which one").field("name", "a").field("list", vec![Yaml::from(1)]);
        let map = Map::new().field("empty", Map::new()).comment("why\nso").field("all", vec![element]);
        let expected = "empty: {}\n# why\n# so\nall:\n# which one\n- name: a\n  list:\n  - 1\n";
        assert_eq!(text(&map), expected);
    }

    #[test]
    fn long_text_keeps_its_lines() {
        let map = Map::new().field("a", Map::new().field("b", Yaml::Block("{\n\n  1\n}\n".into())));
        assert_eq!(text(&map), "a:\n  b: |\n    {\n\n      1\n    }\n");
    }
}
