//! Changes to the body of one message: it is rewritten, cut off and slowed down, in that order.
//!
//! Bytes pass through here only while a fault needs them. What the host buffers is bounded by its buffer limit, with
//! backpressure on the sender; what is taken out of the host's buffers ([`kept`]) is bounded here.

pub mod kept;
pub mod merge_patch;
pub mod pace;
pub mod rewrite;

use crate::step::{DataStep, DataThen, TrailersStep};
use crate::time::{Clock, Instant};
use crate::view::DataView;
use alloc::vec::Vec;
use core::time::Duration;
use kept::Memory;
use pace::Pace;
use rewrite::{Rewrite, Rewritten};

/// The time that bytes forwarded before a cut have to leave the proxy. A reset drops whatever has not been sent yet.
const BEFORE_A_CUT: Duration = Duration::from_millis(1);

/// The environment of the work on a body.
pub struct Around<'a> {
    pub clock: &'a dyn Clock,
    /// The memory for bytes taken out of the host's buffers.
    pub memory: &'a Memory,
}

/// The work on one body.
#[derive(Debug)]
pub struct Body {
    rewrite: Option<Rewrite>,
    pace: Option<Pace>,
    cut: Cut,
    /// True if a merge patch did not apply.
    unpatched: bool,
}

/// The point at which the stream is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Never,
    /// After this many more bytes.
    After(u64),
    /// As soon as the waiting bytes have been sent; `ended` if the message has no more anyway.
    Draining {
        ended: bool,
    },
    At(Instant),
}

/// An action that is due for a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    /// The bytes buffered by the host are forwarded.
    Resume,
    Emit(Vec<u8>),
    Reset,
}

/// Returns the length that a `content-length` header announces.
pub fn told_length(value: Option<Vec<u8>>) -> Option<u64> {
    core::str::from_utf8(&value?).ok()?.parse().ok()
}

impl Body {
    /// Returns the work on a body, or `None` if there is nothing to do. `cut` is the number of bytes before the reset.
    pub fn new(rewrite: Option<Rewrite>, cut: Option<u64>, pace: Option<Pace>) -> Option<Self> {
        let work = rewrite.is_some() || cut.is_some() || pace.is_some();
        work.then_some(Self { rewrite, pace, cut: cut.map_or(Cut::Never, Cut::After), unpatched: false })
    }

    /// Returns whether the body is slowed down.
    pub fn is_paced(&self) -> bool {
        self.pace.is_some()
    }

    /// Returns whether a merge patch has failed to apply since the last call.
    pub fn was_unpatched(&mut self) -> bool {
        core::mem::take(&mut self.unpatched)
    }

    /// Handles a piece of the body; `end` if it is the last one.
    pub fn on_data(&mut self, data: &dyn DataView, end: bool, around: &mut Around<'_>) -> DataStep {
        if self.is_cut(end) {
            return DataStep { put: Some(Vec::new()), then: DataThen::Watermark };
        }
        let put = match self.rewrite.as_mut().map(|rewrite| rewrite.on_data(data, end, around)) {
            None | Some(Rewritten::Same) => None,
            Some(Rewritten::To(bytes)) => Some(bytes),
            Some(Rewritten::Later { trailers }) => {
                let then = if trailers { DataThen::Buffer } else { DataThen::Watermark };
                return DataStep { put: Some(Vec::new()), then };
            }
            Some(Rewritten::Unpatched(bytes)) => {
                (self.rewrite, self.unpatched) = (None, true);
                bytes
            }
        };
        let size = put.as_ref().map_or(data.size(), Vec::len) as u64;
        match self.cut {
            Cut::After(left) if left <= size => self.cut_off(left, put, data, end, around),
            Cut::After(left) => {
                self.cut = Cut::After(left - size);
                self.pass(put, data, end, around)
            }
            _ => self.pass(put, data, end, around),
        }
    }

    /// Returns whether the body has been cut off, and records whether the message has ended since.
    fn is_cut(&mut self, end: bool) -> bool {
        if let Cut::Draining { ended } = &mut self.cut {
            *ended |= end;
        }
        matches!(self.cut, Cut::Draining { .. } | Cut::At(_))
    }

    fn pass(
        &mut self,
        put: Option<Vec<u8>>,
        data: &dyn DataView,
        end: bool,
        around: &mut Around<'_>,
    ) -> DataStep {
        match &mut self.pace {
            Some(pace) => pace.on_data(put, data, end, around),
            None => DataStep { put, then: DataThen::Forward },
        }
    }

    /// Forwards only the first `left` bytes. The last piece cannot be forwarded in part: the host would then end the
    /// message as if it were complete.
    fn cut_off(
        &mut self,
        left: u64,
        put: Option<Vec<u8>>,
        data: &dyn DataView,
        end: bool,
        around: &mut Around<'_>,
    ) -> DataStep {
        let (Some(now), false) = (around.clock.now(), end) else {
            return DataStep { put: None, then: DataThen::Reset };
        };
        let bytes = if left == 0 { Some(Vec::new()) } else { put.or_else(|| data.bytes()) };
        let Some(mut bytes) = bytes else { return DataStep { put: None, then: DataThen::Reset } };
        bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let step = match &mut self.pace {
            // As the last piece, because nothing comes after it.
            Some(pace) => pace.on_data(Some(bytes), data, true, around),
            None => DataStep { put: Some(bytes), then: DataThen::Forward },
        };
        let drained = step.then == DataThen::Forward;
        self.cut = if drained { Cut::At(now.after(BEFORE_A_CUT)) } else { Cut::Draining { ended: false } };
        step
    }

    /// Handles the trailers: the body is complete.
    pub fn on_trailers(&mut self, around: &mut Around<'_>) -> TrailersStep {
        if self.is_cut(true) {
            return TrailersStep::Hold(None);
        }
        if self.rewrite.as_ref().is_some_and(Rewrite::is_owed) {
            return TrailersStep::Reset;
        }
        let late = self.rewrite.as_mut().and_then(Rewrite::on_trailers);
        self.unpatched |= matches!(late, Some(Rewritten::Unpatched(_)));
        match (late, &mut self.pace) {
            (Some(Rewritten::To(rest) | Rewritten::Unpatched(Some(rest))), _) => TrailersStep::Forward(rest),
            (_, Some(pace)) => pace.on_trailers(around.clock),
            (_, None) => TrailersStep::Continue,
        }
    }

    /// Returns when to call [`Self::next_due`].
    pub fn due(&self) -> Option<Instant> {
        match self.cut {
            Cut::At(due) => Some(due),
            _ => self.pace.as_ref()?.due(),
        }
    }

    /// Returns the action that is due.
    pub fn next_due(&mut self, now: Instant) -> Option<Due> {
        if let Cut::At(due) = self.cut {
            return (due <= now).then_some(Due::Reset);
        }
        let due = self.pace.as_mut()?.next_due(now)?;
        match self.cut {
            // Forwarding the last piece would end the message.
            Cut::Draining { ended: true } => Some(Due::Reset),
            Cut::Draining { ended: false } => {
                self.cut = Cut::At(now.after(BEFORE_A_CUT));
                Some(due)
            }
            _ => Some(due),
        }
    }
}
