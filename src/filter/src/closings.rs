//! The ends of exchanges, for documents with `stop_when`.

use crate::clock::HostClock;
use crate::host;
use crate::properties;
use crate::worker::Worker;
use brownout_core::id::ExchangeId;
use brownout_core::stop::Closing;

impl Worker {
    /// Closes a stream that is over: it cannot be changed any more, but the host still knows how it ended.
    pub fn close(&self, id: u32) {
        let closing = || {
            let status = self.counted(properties::number(&["response", "code"])).ok()?;
            let flags = self.counted(properties::number(&["response", "flags"])).ok()?;
            let status = status.and_then(|status| u16::try_from(status).ok());
            Some(Closing { status, flags: flags.unwrap_or_default() })
        };
        self.ask(|engine| engine.close(ExchangeId(id), &HostClock, closing));
        self.tell();
        self.arm().ok();
    }

    /// Records the end of a response: its trailers, or the end of its body if it has none.
    pub(crate) fn response_ended(&self, id: ExchangeId, has_trailers: bool) {
        if self.ask(|engine| engine.watches()) != Some(true) {
            return;
        }
        let status = has_trailers.then(|| self.counted(host::response_trailer("grpc-status")).ok()).flatten();
        self.ask(|engine| engine.response_ended(id, status.flatten().as_deref()));
    }
}
