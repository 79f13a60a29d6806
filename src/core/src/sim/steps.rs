//! Single host calls, for tests of individual steps.

use super::{Piece, Proxy};
use crate::entropy::Entropy;
use crate::id::{Direction, ExchangeId};
use crate::step::{DataStep, HeadersStep, Release, TrailersStep};
use crate::stop::Closing;
use crate::time::Instant;
use crate::view::{RequestView, ResponseView};

impl<E: Entropy> Proxy<E> {
    pub fn on_request_headers(&mut self, id: ExchangeId, request: &dyn RequestView) -> HeadersStep {
        self.engine.on_request_headers(id, request, &self.clocks)
    }

    pub fn on_response_headers(&mut self, id: ExchangeId, response: &dyn ResponseView) -> HeadersStep {
        self.engine.on_response_headers(id, response, &self.clocks)
    }

    /// Shows a piece of a body; `last` if nothing follows it, not even trailers.
    pub fn on_data(&mut self, id: ExchangeId, direction: Direction, bytes: &[u8], last: bool) -> DataStep {
        self.engine.on_data(id, direction, &Piece { bytes, is_readable: true }, last, &self.clocks)
    }

    pub fn on_trailers(&mut self, id: ExchangeId, direction: Direction) -> TrailersStep {
        self.engine.on_trailers(id, direction, &self.clocks)
    }

    /// Returns the next release that is due at `now`, which need not be the time of the clock.
    pub fn next_due(&mut self, now: Instant) -> Option<(ExchangeId, Release)> {
        self.engine.next_due(now)
    }

    /// Ends an exchange whose stream may still be open.
    pub fn end(&mut self, id: ExchangeId) {
        self.engine.end(id);
    }

    /// Closes an exchange whose stream is gone.
    pub fn close(&mut self, id: ExchangeId, closing: impl FnOnce() -> Option<Closing>) {
        self.engine.close(id, &self.clocks, closing);
    }
}
