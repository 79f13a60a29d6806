//! What a decoder carries along.

use super::Decode;
use crate::decode::diagnostic::{Code, Diagnostic, Severity};
use crate::decode::json::Json;
use crate::decode::path::{Path, Segment};
use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

/// What a decoder carries along: where it stands, and what it has found wrong.
#[derive(Debug)]
pub struct Decoder {
    path: Path,
    diagnostics: Vec<Diagnostic>,
    /// How many more were found than are kept.
    dropped: usize,
    /// What is left of [`MEMORY`].
    memory: usize,
}

/// Proof that a mistake has been reported: only a [`Decoder`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(());

/// The most mistakes of one document that are told.
const MOST_MISTAKES: usize = 100;
/// The most memory that what is decoded of one document may take, in bytes. A few bytes of text can stand for some
/// hundreds, and for thousands where they are a regular expression.
const MEMORY: usize = 32 * 1024 * 1024;

impl Decoder {
    /// Decodes a whole document.
    ///
    /// # Errors
    /// Every mistake, in the order of the text; of more than 100, the first that were found, and how many more.
    pub fn decode<T: Decode>(json: &Json) -> Result<T, Vec<Diagnostic>> {
        Self::decode_weighed(json).map(|(value, _)| value)
    }

    /// The same, with the bytes that it takes.
    ///
    /// # Errors
    /// As above.
    pub fn decode_weighed<T: Decode>(json: &Json) -> Result<(T, usize), Vec<Diagnostic>> {
        let mut decoder = Self { path: Path::default(), diagnostics: Vec::new(), dropped: 0, memory: MEMORY };
        match T::decode(json, &mut decoder) {
            Ok(value) if decoder.diagnostics.is_empty() => Ok((value, MEMORY - decoder.memory)),
            _ => Err(decoder.mistakes(json)),
        }
    }

    fn mistakes(mut self, json: &Json) -> Vec<Diagnostic> {
        self.diagnostics = in_order(self.diagnostics, json);
        if self.dropped > 0 {
            self.path = Path::default();
            // One that was kept makes room for the sentence.
            self.diagnostics.truncate(MOST_MISTAKES - 1);
            let label = format!("and {} more", self.dropped + 1);
            self.dropped = 0;
            self.report(Code::TooMany, "too many mistakes to tell", label);
        }
        self.diagnostics
    }

    /// Takes memory for something decoded.
    ///
    /// # Errors
    /// There is not so much left.
    pub fn take_memory(&mut self, bytes: usize) -> Result<(), Refused> {
        self.memory = match self.memory.checked_sub(bytes) {
            Some(left) => left,
            None => {
                let label = "more than 32 MiB once decoded";
                return self.refuse(Code::OutOfRange, "the document takes too much memory", label);
            }
        };
        Ok(())
    }

    /// Stands for a mistake that has been reported before.
    pub(crate) fn refused(&self) -> Refused {
        debug_assert!(self.told() > 0, "a value is refused, and nobody has said why");
        Refused(())
    }

    /// How many mistakes there are so far.
    pub(super) fn told(&self) -> usize {
        self.diagnostics.len() + self.dropped
    }

    /// Does something one step further down.
    pub fn within<R>(&mut self, segment: Segment, work: impl FnOnce(&mut Self) -> R) -> R {
        self.enter(segment);
        let result = work(self);
        self.leave();
        result
    }

    #[inline(never)]
    fn enter(&mut self, segment: Segment) {
        self.path.push(segment);
    }

    #[inline(never)]
    fn leave(&mut self) {
        self.path.pop();
    }

    /// Does something at a field.
    pub fn field<R>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> R) -> R {
        self.enter_field(name);
        let result = work(self);
        self.leave();
        result
    }

    /// Apart from [`Self::field`], which is compiled anew for each type and inlined at each of its many callers.
    #[inline(never)]
    fn enter_field(&mut self, name: &str) {
        self.enter(Segment::Field(name.into()));
    }

    /// Reports a mistake at the present place, for a caller that goes on to look for others.
    pub fn report(
        &mut self,
        code: Code,
        message: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
    ) -> Refused {
        self.add(code, message.into(), label.into())
    }

    /// Reports a mistake at the present place and gives up on the value.
    ///
    /// # Errors
    /// Always, so that a decoder can end with it.
    pub fn refuse<T>(
        &mut self,
        code: Code,
        message: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
    ) -> Result<T, Refused> {
        Err(self.add(code, message.into(), label.into()))
    }

    /// The same with the way out.
    ///
    /// # Errors
    /// Always.
    pub fn refuse_with_help<T>(
        &mut self,
        code: Code,
        message: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Result<T, Refused> {
        let refused = self.add(code, message.into(), label.into());
        self.advise(help.into());
        Err(refused)
    }

    /// Apart from its callers, which are compiled anew for each type.
    #[inline(never)]
    fn add(&mut self, code: Code, message: Cow<'static, str>, label: Cow<'static, str>) -> Refused {
        if self.diagnostics.len() >= MOST_MISTAKES {
            self.dropped += 1;
            return Refused(());
        }
        let (severity, path) = (Severity::Error, self.path.clone());
        self.diagnostics.push(Diagnostic {
            severity,
            code,
            path,
            position: None,
            message: message.into(),
            label: label.into(),
            help: None,
        });
        Refused(())
    }

    /// Adds the way out to the mistake reported last.
    #[inline(never)]
    pub(super) fn advise(&mut self, help: Cow<'static, str>) {
        if self.dropped == 0
            && let Some(last) = self.diagnostics.last_mut()
        {
            last.help = Some(help.into());
        }
    }

    #[inline(never)]
    pub(super) fn miss(&mut self, name: &str, expected: &str, help: Option<&'static str>) -> Refused {
        let (message, label) = (format!("missing field `{name}`"), format!("expected {expected}"));
        let refused = self.add(Code::MissingField, message.into(), label.into());
        if let Some(help) = help {
            self.advise(help.into());
        }
        refused
    }

    /// Reports a value of the wrong type.
    ///
    /// # Errors
    /// Always.
    pub fn wrong_type<T>(&mut self, what: &str, found: &Json, expected: &str) -> Result<T, Refused> {
        Err(self.mistype(what, found, expected))
    }

    /// The same with the way out.
    ///
    /// # Errors
    /// Always.
    pub fn wrong_type_with_help<T>(
        &mut self,
        what: &str,
        found: &Json,
        expected: &str,
        help: impl Into<Cow<'static, str>>,
    ) -> Result<T, Refused> {
        let refused = self.mistype(what, found, expected);
        self.advise(help.into());
        Err(refused)
    }

    /// Reports a word that is none of those that it may be.
    #[inline(never)]
    pub(crate) fn no_word<T>(&mut self, what: &str, found: &Json, expected: &str) -> Result<T, Refused> {
        match found {
            Json::String(_) => {
                let label = format!("found {found}, expected {expected}");
                self.refuse(Code::InvalidValue, format!("invalid {what}"), label)
            }
            _ => self.wrong_type(what, found, expected),
        }
    }

    #[inline(never)]
    fn mistype(&mut self, what: &str, found: &Json, expected: &str) -> Refused {
        let label = format!("found {found}, expected {expected}");
        self.add(Code::WrongType, format!("invalid {what}").into(), label.into())
    }
}

/// In the order of the text, and those of one place as they were found.
fn in_order(mistakes: Vec<Diagnostic>, json: &Json) -> Vec<Diagnostic> {
    let mut ordered: Vec<(Vec<usize>, Diagnostic)> = Vec::with_capacity(mistakes.len());
    // Each put into its place: there are few, and each sort of the standard library takes some 6 KB of the module.
    for mistake in mistakes {
        let position = json.position_of(&mistake.path);
        let place = ordered.partition_point(|(other, _)| *other <= position);
        ordered.insert(place, (position, mistake));
    }
    ordered.into_iter().map(|(_, mistake)| mistake).collect()
}
