//! A body that is slowed down to a rate.
//!
//! The total time is always right: no byte leaves before the rate allows all bytes up to it. How smooth the flow is
//! depends on the host. Pieces that are known to be small are kept here and leave in steps of 50 ms. Pieces that are,
//! or may be, larger stay with the host, which then applies backpressure to the sender; they leave all at once, as
//! soon as the rate allows all of them. So does the rest of a body once its end has been seen, because the host ends
//! the message with the next piece.
//!
//! Kept bytes can only be put back into a buffer that the host has been told to fill. The host adds the next piece to
//! that buffer before the module sees it, and fails if the piece does not fit: with 413 for a request, with a reset
//! for a response. In HTTP/1.1 a piece is whatever the host read at once, which may exceed the buffer by an unknown
//! amount, so nothing that comes over HTTP/1.1 is kept here. In HTTP/2 a piece is a frame, and the buffer holds a
//! stream's window.
//!
//! After that, the next piece goes through the host's buffer as well. Up to 1.38, Envoy loses a piece that was put
//! there and is forwarded at once, so the piece waits for the next step in which something leaves, and Envoy stops
//! buffering.

use super::kept::Kept;
use super::{Around, Due};
use crate::step::{DataStep, DataThen, TrailersStep};
use crate::time::{Clock, Instant};
use crate::view::DataView;
use alloc::vec::Vec;
use core::time::Duration;

/// The most that is kept of one body, in bytes. Together with one more piece it must fit into the host's buffer, in
/// case it is left there: the smallest window that Envoy can be configured with is 65 535 bytes.
const MOST_KEPT: usize = 32 * 1024;
/// The longest piece that is kept here, in bytes: the longest frame that Envoy allows its peers. A longer piece has
/// accumulated while Envoy could not forward it, and its sender has more.
const LONGEST_PIECE: usize = 16 * 1024;
/// The most idle time that is made up for, as in Envoy's own limiter.
const MADE_UP: Duration = Duration::from_secs(1);
/// The interval at which pieces leave, the same as in Envoy's own limiter.
const STEP: Duration = Duration::from_millis(50);

/// A rate, in bytes per second, greater than zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(u64);

impl Rate {
    /// Creates a rate of `kib` KiB per second, at least one.
    pub fn kib_per_second(kib: u64) -> Self {
        Self(kib.max(1).saturating_mul(1024))
    }

    /// Returns the time that `bytes` take.
    fn time(self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Returns the number of bytes that can leave in `time`.
    fn bytes(self, time: Duration) -> u64 {
        u64::try_from(time.as_nanos() * u128::from(self.0) / 1_000_000_000).unwrap_or(u64::MAX)
    }
}

/// The pace of one body.
#[derive(Debug)]
pub struct Pace {
    rate: Rate,
    /// The number of bytes that may still leave without delay.
    free: u64,
    /// True if small pieces are kept here instead of in the host's buffer.
    keeps: bool,
    /// True if the host has been told to buffer, and so puts the next piece into its buffer.
    buffers: bool,
    /// The time at which the rate allowed all bytes that have left so far.
    paid: Option<Instant>,
    waiting: Waiting,
}

/// The location of the waiting bytes.
#[derive(Debug)]
enum Waiting {
    Nothing,
    /// Kept here. The host has been told to buffer, and its buffer is empty.
    Here {
        kept: Kept,
        step: Instant,
    },
    /// Buffered by the host.
    There {
        bytes: u64,
        due: Instant,
    },
}

impl Pace {
    /// Slows a body down to `rate` after its first `free` bytes. `in_small_pieces` means that it comes over HTTP/2, and
    /// goes to the client over HTTP/2 as well, so that the host's buffer has room for any piece of it.
    pub fn new(rate: Rate, free: u64, in_small_pieces: bool) -> Self {
        Self { rate, free, keeps: in_small_pieces, buffers: false, paid: None, waiting: Waiting::Nothing }
    }

    /// Handles a piece of the body; `put` replaces `data`.
    pub fn on_data(
        &mut self,
        put: Option<Vec<u8>>,
        data: &dyn DataView,
        end: bool,
        around: &Around<'_>,
    ) -> DataStep {
        let size = put.as_ref().map_or(data.size(), Vec::len);
        let Some(now) = around.clock.now() else { return self.let_go(put, data) };
        let may_leave = self.may_leave(size as u64, now);
        if may_leave && !self.buffers {
            self.pay(size as u64);
            return DataStep { put, then: DataThen::Forward };
        }
        if end || may_leave || !self.keeps || matches!(self.waiting, Waiting::There { .. }) {
            return self.leave_there(put, data, size);
        }
        self.keep_here(put, data, now, around)
    }

    /// Returns whether `size` bytes may leave now, with nothing waiting before them.
    fn may_leave(&mut self, size: u64, now: Instant) -> bool {
        if !matches!(self.waiting, Waiting::Nothing) {
            return false;
        }
        let owed = size.saturating_sub(self.free);
        if owed == 0 {
            return true;
        }
        let paid = self.paid.map_or(now, |paid| paid.max(now.before(MADE_UP)));
        self.paid = Some(paid);
        paid.after(self.rate.time(owed)) <= now
    }

    /// Keeps a piece here, if there is room for it.
    fn keep_here(
        &mut self,
        put: Option<Vec<u8>>,
        data: &dyn DataView,
        now: Instant,
        around: &Around<'_>,
    ) -> DataStep {
        let (mut kept, step) = match core::mem::replace(&mut self.waiting, Waiting::Nothing) {
            Waiting::Here { kept, step } => (kept, step),
            _ => (Kept::nothing(), now.after(STEP)),
        };
        let size = put.as_ref().map_or(data.size(), Vec::len);
        let fits = size <= LONGEST_PIECE && kept.len() + size <= MOST_KEPT;
        let bytes = if fits { put.or_else(|| data.bytes()) } else { put };
        let refused = match (fits, bytes) {
            (true, Some(bytes)) => match kept.keep(bytes, around.memory) {
                Ok(()) => {
                    self.waiting = Waiting::Here { kept, step };
                    self.buffers = true;
                    return DataStep { put: Some(Vec::new()), then: DataThen::Buffer };
                }
                Err(bytes) => Some(bytes),
            },
            (_, bytes) => bytes,
        };
        if !kept.is_empty() {
            self.waiting = Waiting::Here { kept, step };
        }
        self.leave_there(refused, data, size)
    }

    /// Leaves a piece with the host, together with the bytes kept before it.
    fn leave_there(&mut self, put: Option<Vec<u8>>, data: &dyn DataView, size: usize) -> DataStep {
        let paid = self.paid.unwrap_or_default();
        let (before, put) = match core::mem::replace(&mut self.waiting, Waiting::Nothing) {
            Waiting::Nothing => (0, put),
            Waiting::There { bytes, .. } => (bytes, put),
            Waiting::Here { mut kept, .. } => {
                let mut all = kept.take();
                let before = all.len() as u64;
                if let Some(piece) = put.or_else(|| data.bytes()) {
                    all.extend_from_slice(&piece);
                }
                (before, Some(all))
            }
        };
        let bytes = before + size as u64;
        self.waiting =
            Waiting::There { bytes, due: paid.after(self.rate.time(bytes.saturating_sub(self.free))) };
        self.buffers = false;
        DataStep { put, then: DataThen::Watermark }
    }

    /// Forwards everything: without a clock, nothing is slowed down.
    fn let_go(&mut self, put: Option<Vec<u8>>, data: &dyn DataView) -> DataStep {
        let put = match core::mem::replace(&mut self.waiting, Waiting::Nothing) {
            // What the host has buffered leaves with the piece, and must not be resumed again.
            Waiting::Nothing | Waiting::There { .. } => put,
            Waiting::Here { mut kept, .. } => {
                let mut rest = kept.take();
                rest.extend(put.or_else(|| data.bytes()).unwrap_or_default());
                Some(rest)
            }
        };
        DataStep { put, then: DataThen::Forward }
    }

    /// Handles the trailers, which leave with the waiting bytes.
    pub fn on_trailers(&mut self, clock: &dyn Clock) -> TrailersStep {
        if matches!(self.waiting, Waiting::Nothing) {
            return TrailersStep::Continue;
        }
        let kept = self.take_rest();
        if let Some(kept) = &kept {
            let Some(paid) = self.paid.or_else(|| clock.now()) else { return TrailersStep::Reset };
            let bytes = kept.len() as u64;
            let due = paid.after(self.rate.time(bytes.saturating_sub(self.free)));
            self.waiting = Waiting::There { bytes, due };
        }
        TrailersStep::Hold(kept)
    }

    /// Takes the kept bytes, and stops keeping them here.
    fn take_rest(&mut self) -> Option<Vec<u8>> {
        match core::mem::replace(&mut self.waiting, Waiting::Nothing) {
            Waiting::Here { mut kept, .. } => Some(kept.take()),
            other => {
                self.waiting = other;
                None
            }
        }
    }

    /// Returns when to call [`Self::next_due`].
    pub fn due(&self) -> Option<Instant> {
        match &self.waiting {
            Waiting::Nothing => None,
            Waiting::Here { step, .. } => Some(*step),
            Waiting::There { due, .. } => Some(*due),
        }
    }

    /// Returns what may leave now.
    pub fn next_due(&mut self, now: Instant) -> Option<Due> {
        match &mut self.waiting {
            Waiting::There { bytes, due } if *due <= now => {
                let bytes = *bytes;
                self.waiting = Waiting::Nothing;
                self.pay(bytes);
                Some(Due::Resume)
            }
            Waiting::Here { kept, step } if *step <= now => {
                *step = now.after(STEP);
                let paid = self.paid.unwrap_or(now);
                let most = self.rate.bytes(paid.until(now)).saturating_add(self.free);
                let first = kept.take_first(usize::try_from(most).unwrap_or(usize::MAX));
                if kept.is_empty() {
                    self.waiting = Waiting::Nothing;
                }
                self.pay(first.len() as u64);
                (!first.is_empty()).then_some(Due::Emit(first))
            }
            _ => None,
        }
    }

    fn pay(&mut self, bytes: u64) {
        let free = self.free.min(bytes);
        self.free -= free;
        self.paid = self.paid.map(|paid| paid.after(self.rate.time(bytes - free)));
    }
}
