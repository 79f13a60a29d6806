//! The callbacks for the messages of one exchange: each calls the engine and carries out its step.

use crate::clock::HostClock;
use crate::host;
use crate::pairs;
use crate::request::HostRequest;
use crate::response::{HostData, HostResponse};
use crate::status::{DataStatus, HeadersStatus, TrailersStatus};
use crate::worker::Worker;
use brownout_core::id::{Direction, ExchangeId};
use brownout_core::step::{DataStep, DataThen, HeaderChange, HeadersStep, LocalReply, TrailersStep};

/// The message is held, and no callback comes for it until it is resumed or ends.
const HELD: HeadersStatus = HeadersStatus::StopAllIterationAndWatermark;

/// The filter state that marks a stream as reset: Envoy prefixes the name with `wasm.`.
const CLOSED: &str = "brownout.closed";
const BY_US: &[u8] = b"reset";

impl Worker {
    /// Handles the headers of a request.
    pub fn on_request_headers(&self, id: u32, end_of_stream: bool) -> HeadersStatus {
        let request = HostRequest::new(!end_of_stream, &self.habit);
        let step = self.ask(|engine| engine.on_request_headers(ExchangeId(id), &request, &HostClock));
        self.on_headers(id, Direction::Request, step)
    }

    /// Handles the headers of a response: the upstream's, one of ours, or one of the host's.
    pub fn on_response_headers(&self, id: u32, end_of_stream: bool) -> HeadersStatus {
        let response = HostResponse::new(!end_of_stream);
        let step = self.ask(|engine| engine.on_response_headers(ExchangeId(id), &response, &HostClock));
        self.on_headers(id, Direction::Response, step)
    }

    fn on_headers(&self, id: u32, direction: Direction, step: Option<HeadersStep>) -> HeadersStatus {
        // Before anything is counted: what the timer would never release does not happen.
        if let Some(HeadersStep::Forward(_) | HeadersStep::Hold(_)) = step
            && self.arm().is_err()
        {
            self.ask(|engine| engine.give_up(ExchangeId(id)));
            self.tell();
            return HeadersStatus::Continue;
        }
        self.tell();
        let done = match step {
            None => return HeadersStatus::Continue,
            Some(HeadersStep::Continue) => {
                // Arms the tick to renew the lease on a place it took. Nothing is held, so a failure does not matter.
                self.arm().ok();
                return HeadersStatus::Continue;
            }
            Some(HeadersStep::Forward(changes)) if self.change(direction, &changes) => {
                return HeadersStatus::Continue;
            }
            Some(HeadersStep::Hold(changes)) if self.change(direction, &changes) => {
                return HELD;
            }
            Some(HeadersStep::Forward(_) | HeadersStep::Hold(_)) => self.reset(ExchangeId(id)),
            Some(HeadersStep::Reply(reply)) => self.reply(&reply),
            Some(HeadersStep::Reset) => self.reset(ExchangeId(id)),
        };
        // If it cannot be ended, it goes on.
        if done.is_ok() { HELD } else { HeadersStatus::Continue }
    }

    /// Handles a piece of a body. Not called while the headers of the message are held.
    pub fn on_data(&self, id: u32, direction: Direction, size: u32, end_of_stream: bool) -> DataStatus {
        let id = ExchangeId(id);
        if end_of_stream && direction == Direction::Response {
            self.response_ended(id, false);
        }
        if !self.cares_for_body(id, direction) {
            return DataStatus::Continue;
        }
        let data = HostData { direction, size: usize::try_from(size).unwrap_or(usize::MAX) };
        let step = self.ask(|engine| engine.on_data(id, direction, &data, end_of_stream, &HostClock));
        self.tell();
        let DataStep { put, then } = step.unwrap_or(DataStep::FORWARD);
        let put = put.map_or(Ok(()), |put| self.counted(host::set_body(direction, data.size, &put)));
        if then == DataThen::Reset || put.is_err() || self.arm().is_err() {
            // What has been taken out of the body cannot be put back: a partial body would look complete.
            self.reset(id).ok();
            return DataThen::Reset.into();
        }
        then.into()
    }

    /// Handles the trailers of a message. Not called while its headers are held.
    pub fn on_trailers(&self, id: u32, direction: Direction) -> TrailersStatus {
        let id = ExchangeId(id);
        if direction == Direction::Response {
            self.response_ended(id, true);
        }
        if !self.cares_for_body(id, direction) {
            return TrailersStatus::Continue;
        }
        let step = self.ask(|engine| engine.on_trailers(id, direction, &HostClock));
        self.tell();
        let (put, status) = match step {
            None | Some(TrailersStep::Continue) => return TrailersStatus::Continue,
            Some(TrailersStep::Forward(put)) => (Some(put), Some(TrailersStatus::Continue)),
            Some(TrailersStep::Hold(put)) => (put, Some(TrailersStatus::StopIteration)),
            Some(TrailersStep::Reset) => (None, None),
        };
        let put = put.map_or(Ok(()), |put| self.counted(host::set_body(direction, 0, &put)));
        match status.filter(|_| put.is_ok() && self.arm().is_ok()) {
            Some(status) => status,
            None => {
                self.reset(id).ok();
                TrailersStatus::StopIteration
            }
        }
    }

    fn cares_for_body(&self, id: ExchangeId, direction: Direction) -> bool {
        self.ask(|engine| engine.cares_for_body(id, direction)) == Some(true)
    }

    /// Applies header changes. Returns `false` if the message would now be longer or shorter than its headers say.
    fn change(&self, direction: Direction, changes: &[HeaderChange]) -> bool {
        let mut sound = true;
        for change in changes {
            let (name, done) = match change {
                HeaderChange::Set(name, value) => (name, host::set_header(direction, name, value)),
                HeaderChange::Add(name, value) => (name, host::add_header(direction, name, value)),
                HeaderChange::Remove(name) => (name, host::remove_header(direction, name)),
            };
            sound &= self.counted(done).is_ok() || name != "content-length";
        }
        sound
    }

    /// Answers the request in place of the response that would have come.
    pub(crate) fn reply(&self, reply: &LocalReply) -> host::Result<()> {
        let headers = pairs::serialize(&reply.headers);
        let grpc_status = reply.grpc_status.map(|status| status.code());
        self.counted(host::send_local_response(
            reply.status,
            reply.details,
            &reply.body,
            &headers,
            grpc_status,
        ))
    }

    /// Resets the stream. The engine forgets the exchange first, so nothing else can follow.
    ///
    /// Resetting a stream twice crashes Envoy, and the module may be in a chain more than once. So the reset is
    /// recorded where all contexts of the stream see it.
    pub(crate) fn reset(&self, id: ExchangeId) -> host::Result<()> {
        self.end(id.0);
        if host::property(CLOSED.as_bytes()).ok().flatten().as_deref() == Some(BY_US) {
            return Ok(());
        }
        self.counted(host::set_property(CLOSED, BY_US)).ok();
        self.counted(host::close_stream())
    }
}
