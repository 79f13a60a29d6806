//! One message in a simulated proxy: what has arrived, what is held back, and what has been sent on.

use crate::step::{DataStep, DataThen, HeaderChange};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The progress of a message through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It flows, with nothing held back.
    Going,
    /// Its headers are held, with everything after them.
    HeadersHeld,
    /// Its body so far is kept, and shown again together with the next piece.
    Buffer,
    /// Its body so far is kept.
    Watermark,
    /// All of it has arrived, and its end is held.
    TrailersHeld,
    /// All of it has left.
    Ended,
}

#[derive(Debug)]
pub struct Message {
    pub state: Progress,
    /// Its headers as they are sent on.
    pub headers: Vec<(String, Vec<u8>)>,
    /// All bytes that its sender has.
    sent: Vec<u8>,
    /// The number of them that have arrived.
    pub come: usize,
    /// True once its sender is done.
    pub done: bool,
    has_body: bool,
    /// True if it has trailers, which come last.
    trailers: bool,
    /// The bytes that the proxy is buffering.
    kept: Vec<u8>,
    /// The bytes of the body that have left.
    left: Vec<u8>,
    broken: Option<String>,
}

impl Message {
    /// A message whose headers have arrived; `sent` is the body that its sender has, if it has one.
    pub fn new(headers: &[(String, Vec<u8>)], sent: Option<Vec<u8>>, trailers: bool) -> Self {
        let has_body = sent.is_some();
        Self {
            state: if has_body { Progress::Going } else { Progress::Ended },
            headers: headers.to_vec(),
            sent: sent.unwrap_or_default(),
            come: 0,
            done: !has_body,
            has_body,
            trailers: trailers && has_body,
            kept: Vec::new(),
            left: Vec::new(),
            broken: None,
        }
    }

    /// Returns the status, if it is a response.
    pub fn status(&self) -> Option<u16> {
        let (_, status) = self.headers.iter().find(|(name, _)| name == ":status")?;
        core::str::from_utf8(status).ok()?.parse().ok()
    }

    /// Returns what has left of its body.
    pub fn left(&self) -> &[u8] {
        &self.left
    }

    /// Returns the first step that no proxy would accept.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    fn breaks(&mut self, why: impl FnOnce() -> String) {
        self.broken.get_or_insert_with(why);
    }

    /// Holds its headers, if `held`.
    pub fn hold(&mut self, held: bool) {
        if held {
            self.state = Progress::HeadersHeld;
        }
    }

    /// Applies the engine's changes to its headers.
    pub fn change(&mut self, changes: &[HeaderChange]) {
        for change in changes {
            let name = change.name();
            if name.is_empty() || name.chars().any(|letter| letter.is_ascii_uppercase()) {
                self.breaks(|| format!("{change:?}"));
            }
            if !matches!(change, HeaderChange::Add(..)) {
                self.headers.retain(|(other, _)| other != name);
            }
            if let HeaderChange::Set(name, value) | HeaderChange::Add(name, value) = change {
                if value.iter().any(|byte| b"\r\n\0".contains(byte)) {
                    self.breaks(|| format!("{change:?}"));
                }
                self.headers.push((name.clone(), value.clone()));
            }
        }
    }

    /// Returns the next piece: at most `most` bytes, and whether they are the last.
    pub fn next_piece(&mut self, most: usize) -> (Vec<u8>, bool) {
        let from = self.come;
        self.come = self.sent.len().min(from.saturating_add(most));
        let last = self.come == self.sent.len() && !self.trailers;
        self.done |= last;
        (self.sent.get(from..self.come).unwrap_or_default().to_vec(), last)
    }

    /// Returns whether trailers come next.
    pub fn awaits_trailers(&self) -> bool {
        self.trailers && !self.done && self.come == self.sent.len()
    }

    /// Returns whether the message has trailers.
    pub fn awaited_trailers(&self) -> bool {
        self.trailers
    }

    /// Returns whether it has a body at all.
    pub fn had_body(&self) -> bool {
        self.has_body
    }

    /// Returns whether the proxy is buffering any of it.
    pub fn keeps(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Returns the part of the body that the engine is shown when a piece has arrived.
    pub fn shown(&mut self, piece: Vec<u8>) -> Vec<u8> {
        if self.state != Progress::Buffer {
            return piece;
        }
        let mut shown = core::mem::take(&mut self.kept);
        shown.extend(piece);
        shown
    }

    /// Buffers a piece that arrives while the headers are held: the engine is not called.
    pub fn keep(&mut self, piece: &[u8]) {
        self.kept.extend_from_slice(piece);
    }

    /// Returns what was held behind the headers, now that they have left: it is shown in one piece, with the end if
    /// that has arrived.
    pub fn resumed(&mut self) -> Option<(Vec<u8>, bool)> {
        self.state = Progress::Going;
        let piece = core::mem::take(&mut self.kept);
        let last = self.done && !self.trailers;
        (!piece.is_empty() || last).then_some((piece, last))
    }

    /// Applies the engine's step to what was shown.
    pub fn step(&mut self, shown: Vec<u8>, step: DataStep, last: bool) {
        let piece = step.put.unwrap_or(shown);
        self.kept.extend(piece);
        match step.then {
            DataThen::Forward => {
                self.leave();
                self.state = if last { Progress::Ended } else { Progress::Going };
            }
            DataThen::Buffer => self.state = Progress::Buffer,
            DataThen::Watermark => self.state = Progress::Watermark,
            DataThen::Reset => {}
        }
    }

    /// Puts bytes before what is kept. A proxy can do that only while it was told to buffer.
    pub fn put(&mut self, mut bytes: Vec<u8>) {
        if !bytes.is_empty() {
            if self.state != Progress::Buffer {
                self.breaks(|| format!("nowhere to put {} bytes", bytes.len()));
            }
            bytes.append(&mut self.kept);
            self.kept = bytes;
        }
    }

    /// Sends on what is kept of the body.
    pub fn leave(&mut self) {
        self.left.append(&mut self.kept);
    }

    /// Resumes after the body, or its end, was held.
    pub fn go_on(&mut self) {
        self.leave();
        let whole = self.state == Progress::TrailersHeld || (self.done && !self.trailers);
        self.state = match (whole, self.state) {
            (true, _) => Progress::Ended,
            // The next piece is shown with what is kept: nothing.
            (false, Progress::Buffer) => Progress::Buffer,
            (false, _) => Progress::Going,
        };
    }

    /// Checks that nothing was lost, reordered or duplicated on the way.
    ///
    /// # Errors
    /// The first difference found.
    pub fn is_faithful(&self) -> Result<(), String> {
        if !self.sent.starts_with(&self.left) {
            return Err(format!("{} bytes that nobody sent", self.left.len()));
        }
        let short = self.state == Progress::Ended && self.left.len() != self.sent.len();
        if short {
            Err(format!("cut short: {} of {} bytes", self.left.len(), self.sent.len()))
        } else {
            Ok(())
        }
    }

    /// Checks that a sent message is as long as its headers say.
    ///
    /// # Errors
    /// The length that they declare.
    pub fn is_as_long_as_told(&self) -> Result<(), String> {
        for (_, told) in self.headers.iter().filter(|(name, _)| name == "content-length") {
            let length = core::str::from_utf8(told).ok().and_then(|length| length.parse::<usize>().ok());
            if length.is_some_and(|length| length != self.left.len()) {
                return Err(format!("{} bytes have left: {self:?}", self.left.len()));
            }
        }
        Ok(())
    }
}
