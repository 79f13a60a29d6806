//! A document as its author wrote it, in JSON or YAML: the JSON that the module would get, its mistakes, and their
//! places in the text.

mod body;
mod excerpt;
mod json;
mod places;
pub mod text;
pub mod yaml;

pub use body::Body;
pub use excerpt::Excerpt;
pub use places::Places;

use crate::input;
use brownout_core::decode::diagnostic::{Code, Diagnostic, Severity};
use brownout_core::decode::json::Json;
use brownout_core::decode::path::Path;
use brownout_core::lint;
use brownout_core::plan::{LONGEST_DOCUMENT, Plan};
use std::io;
use std::ops::Range;
use std::rc::Rc;

/// The longest configuration of another tool, in bytes: a dump of a whole Envoy can be longer than any document.
const LONGEST_INPUT: usize = 16 * 1024 * 1024;

/// A document, with its name for messages.
#[derive(Debug, Clone)]
pub struct DocumentFile {
    name: String,
    bytes: Vec<u8>,
    source: String,
    syntax: Syntax,
    /// The offset of the first byte that is not UTF-8.
    not_utf8: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Json,
    Yaml,
}

/// A document without mistakes.
#[derive(Debug)]
pub struct Checked {
    pub plan: Plan,
    /// The JSON text that the module gets.
    pub json: String,
    /// Maps messages about it to places in the file.
    pub body: Body,
}

/// A mistake and the part of the text that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub diagnostic: Diagnostic,
    /// The part of the text, in bytes.
    pub span: Range<usize>,
}

impl DocumentFile {
    /// Creates a document from a file's bytes. The file extension decides between JSON and YAML; without a known one, a
    /// text that begins with `{` is JSON.
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        let not_utf8 = str::from_utf8(bytes).err().map(|error| error.valid_up_to());
        let mut source = String::from_utf8_lossy(bytes).into_owned();
        // Editors on Windows put a byte order mark first, which is not part of the text.
        if source.starts_with('\u{feff}') {
            source.remove(0);
        }
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        let syntax = match ending.as_deref() {
            Some("json") => Syntax::Json,
            Some("yaml" | "yml") => Syntax::Yaml,
            _ if source.trim_start().starts_with('{') => Syntax::Json,
            _ => Syntax::Yaml,
        };
        let name = crate::terminal::harmless(name);
        Self { name, bytes: bytes.into(), source, syntax, not_utf8 }
    }

    /// Opens the document in a file; `-` is standard input.
    ///
    /// # Errors
    /// The name, and why the file cannot be read.
    pub fn open(path: &std::path::Path) -> Result<Self, (String, io::Error)> {
        if path != std::path::Path::new("-") {
            let name = path.display().to_string();
            return match input::file(path) {
                Ok(bytes) => Ok(Self::new(&name, &bytes)),
                Err(error) => Err((name, error)),
            };
        }
        let name = "<stdin>".to_owned();
        match input::all(io::stdin().lock()) {
            Ok(bytes) => Ok(Self::new(&name, &bytes)),
            Err(error) => Err((name, error)),
        }
    }

    /// Returns its name for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its bytes, as they were read.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns its text, without a byte order mark.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Checks it with the code that the module itself uses.
    ///
    /// # Errors
    /// Every mistake, in the order of the text.
    pub fn check(&self) -> Result<Checked, Vec<Mistake>> {
        if let Some(offset) = self.not_utf8 {
            return Err(vec![mistake(Code::Syntax, "not valid UTF-8", "", offset..offset)]);
        }
        let excerpt = Rc::new(Excerpt::whole(&self.source));
        let (json, body) = match self.syntax {
            Syntax::Json => (self.source.clone(), Body::of_json(excerpt)),
            Syntax::Yaml => match self.read_yaml() {
                Ok((json, places)) => (json, Body::of_value(excerpt, places)),
                Err(mistake) => return Err(vec![*mistake]),
            },
        };
        let plan = Plan::from_json(json.as_bytes()).map_err(|diagnostics| body.place(diagnostics))?;
        // Mistakes that the module tolerates in a document that it already has.
        let mut mistakes = lint::plan(&plan, lint::Context::default());
        mistakes.retain(|mistake| mistake.severity == Severity::Error);
        match mistakes.is_empty() {
            true => Ok(Checked { plan, json, body }),
            false => Err(body.place(mistakes)),
        }
    }

    /// Returns the values in a text that need not be a document of ours, such as another tool's configuration or a
    /// manifest. JSON has one, YAML any number.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn values(&self) -> Result<Vec<(Json, Places)>, Box<Mistake>> {
        if let Some(offset) = self.not_utf8 {
            return Err(Box::new(mistake(Code::Syntax, "not valid UTF-8", "", offset..offset)));
        }
        if self.source.len() > LONGEST_INPUT {
            let label = format!("{} bytes, at most {LONGEST_INPUT} are allowed", self.source.len());
            return Err(Box::new(mistake(Code::TooLong, "input too long", &label, 0..0)));
        }
        let yaml = || yaml::read_all(&self.source);
        match (self.syntax, Json::parse(self.source.as_bytes())) {
            (Syntax::Json, Ok(json)) => {
                let places = json::places(&self.source).unwrap_or_else(|| Places::leaf(0..0));
                Ok(vec![(json, places)])
            }
            (Syntax::Json, Err(diagnostic)) => match yaml() {
                Ok(values) if self.may_be_yaml() => {
                    Ok(values.into_iter().map(|v| (v.json, v.places)).collect())
                }
                _ => {
                    let body = Body::of_json(Rc::new(Excerpt::whole(&self.source)));
                    Err(Box::new(body.place(vec![diagnostic]).remove(0)))
                }
            },
            (Syntax::Yaml, _) => match yaml() {
                Ok(values) => Ok(values.into_iter().map(|v| (v.json, v.places)).collect()),
                Err(error) => {
                    Err(Box::new(mistake(Code::Syntax, "not valid YAML", &error.reason, error.span)))
                }
            },
        }
    }

    /// Returns whether a text in braces may be YAML rather than JSON with a mistake: nothing marks it as JSON.
    fn may_be_yaml(&self) -> bool {
        let inside = self.source.trim_start().trim_start_matches('{').trim_start();
        !self.name.to_ascii_lowercase().ends_with(".json") && !inside.starts_with('"')
    }

    /// Locates a mistake in this text, by looking up its path in `places`.
    pub fn locate(&self, diagnostic: Diagnostic, places: &Places, earlier: usize) -> Mistake {
        let span = self.first_line(places.find(&diagnostic.path, diagnostic.code, earlier));
        Mistake { diagnostic, span }
    }

    fn read_yaml(&self) -> Result<(String, Places), Box<Mistake>> {
        if self.source.len() > LONGEST_DOCUMENT {
            let label = format!("{} bytes, at most {LONGEST_DOCUMENT} are allowed", self.source.len());
            return Err(Box::new(mistake(Code::TooLong, "document too long", &label, 0..0)));
        }
        let value = yaml::read(&self.source)
            .map_err(|error| Box::new(mistake(Code::Syntax, "not valid YAML", &error.reason, error.span)))?;
        Ok(value.map_or_else(|| (String::new(), Places::leaf(0..0)), |value| (value.text(), value.places)))
    }

    /// Cuts a span to its first line, which is enough to find the value.
    fn first_line(&self, span: Range<usize>) -> Range<usize> {
        let text = self.source.get(span.clone()).unwrap_or_default();
        let first = text.lines().next().unwrap_or_default().trim_end();
        span.start..span.start + first.len()
    }

    /// Returns the line and column of an offset in the text, both from 1, the column in characters.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = self.source.get(..offset).unwrap_or(&self.source);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// Creates a mistake about the file itself.
pub(crate) fn mistake(code: Code, message: &str, label: &str, span: Range<usize>) -> Mistake {
    let diagnostic = Diagnostic {
        severity: Severity::Error,
        code,
        path: Path::default(),
        position: None,
        message: message.into(),
        label: label.into(),
        help: None,
    };
    Mistake { diagnostic, span }
}
