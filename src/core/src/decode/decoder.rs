//! The state of decoding: the current path and the mistakes found so far.

use super::Decode;
use crate::decode::diagnostic::{Code, Diagnostic, Severity};
use crate::decode::json::Json;
use crate::decode::path::{Path, Segment};
use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

/// The state of decoding: the current path and the mistakes found so far.
#[derive(Debug)]
pub struct Decoder {
    path: Path,
    diagnostics: Vec<Diagnostic>,
    /// The number of mistakes found but not kept.
    dropped: usize,
    /// The bytes left of [`MEMORY`].
    memory: usize,
}

/// Proof that a mistake has been reported: only a [`Decoder`] can create one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(());

/// The most mistakes reported for one document.
const MOST_MISTAKES: usize = 100;
/// The most memory that one decoded document may take, in bytes. A few bytes of text can decode to hundreds of bytes,
/// or thousands for a regular expression.
const MEMORY: usize = 32 * 1024 * 1024;

impl Decoder {
    /// Decodes a whole document.
    ///
    /// # Errors
    /// Every mistake, in the order of the text. Past 100, the first 99 and the number of the rest.
    pub fn decode<T: Decode>(json: &Json) -> Result<T, Vec<Diagnostic>> {
        Self::decode_weighed(json).map(|(value, _)| value)
    }

    /// Decodes a whole document and returns the memory that it takes, in bytes.
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
            // Drop one kept mistake to make room for the summary.
            self.diagnostics.truncate(MOST_MISTAKES - 1);
            let label = format!("and {} more", self.dropped + 1);
            self.dropped = 0;
            self.report(Code::TooMany, "too many mistakes to list", label);
        }
        self.diagnostics
    }

    /// Takes `bytes` from the memory budget for a decoded value.
    ///
    /// # Errors
    /// The budget is exhausted.
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

    /// Returns the proof for a mistake that has already been reported.
    pub(crate) fn refused(&self) -> Refused {
        debug_assert!(self.told() > 0, "a value was refused without a reported mistake");
        Refused(())
    }

    /// Returns the number of mistakes found so far.
    pub(super) fn told(&self) -> usize {
        self.diagnostics.len() + self.dropped
    }

    /// Runs `work` with `segment` appended to the path.
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

    /// Runs `work` with a field appended to the path.
    pub fn field<R>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> R) -> R {
        self.enter_field(name);
        let result = work(self);
        self.leave();
        result
    }

    /// Separate from [`Self::field`], which is compiled for each type and inlined at each of its many callers.
    #[inline(never)]
    fn enter_field(&mut self, name: &str) {
        self.enter(Segment::Field(name.into()));
    }

    /// Reports a mistake at the current path, for a caller that keeps looking for others.
    pub fn report(
        &mut self,
        code: Code,
        message: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
    ) -> Refused {
        self.add(code, message.into(), label.into())
    }

    /// Reports a mistake at the current path and gives up on the value.
    ///
    /// # Errors
    /// Always, so that a decoder can return it directly.
    pub fn refuse<T>(
        &mut self,
        code: Code,
        message: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
    ) -> Result<T, Refused> {
        Err(self.add(code, message.into(), label.into()))
    }

    /// Like [`Self::refuse`], with a hint on how to fix the mistake.
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

    /// Separate from its callers, which are compiled for each type.
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

    /// Adds a hint to the last reported mistake.
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

    /// Like [`Self::wrong_type`], with a hint on how to fix the mistake.
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

    /// Reports a word that is not one of the allowed words.
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

/// Sorts mistakes by their position in the text, and those at the same position in the order in which they were found.
fn in_order(mistakes: Vec<Diagnostic>, json: &Json) -> Vec<Diagnostic> {
    let mut ordered: Vec<(Vec<usize>, Diagnostic)> = Vec::with_capacity(mistakes.len());
    // Insertion sort: there are few, and each sort of the standard library adds about 6 KB to the module.
    for mistake in mistakes {
        let position = json.position_of(&mistake.path);
        let place = ordered.partition_point(|(other, _)| *other <= position);
        ordered.insert(place, (position, mistake));
    }
    ordered.into_iter().map(|(_, mistake)| mistake).collect()
}
