//! `abort`: the request is answered instead of being forwarded.

use super::{About, Begins, Fault};
use crate::change::header_control::{self, Wanted};
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decoder, Fields, Nothing, object};
use crate::effect::{Effects, End, Ending};
use crate::entropy::Entropy;
use crate::kind::Kind;
use crate::step::LocalReply;
use crate::value::grpc::GrpcStatus;
use crate::value::header::{ReplyHeaders, is_reserved};
use crate::value::http_status::HttpStatus;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use crate::words::{anded, plural, quoted};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The body that Envoy's own fault filter sends, which existing monitoring may look for.
const DEFAULT_BODY: &str = "fault filter abort";
/// The longest body, in bytes.
const LONGEST_BODY: usize = 64 * 1024;

object! {
    /// The reply to a request, with exactly one of `http_status`, `grpc_status` and `header_abort`.
    #[derive(Debug, Clone)]
    pub struct Abort {
        /// The HTTP status, 200 to 599. A gRPC request gets a gRPC reply with the status that Envoy maps this one to.
        pub http_status: Option<HttpStatus>,
        /// The gRPC status, 0 to 16 or its name. A request that is not gRPC gets the corresponding HTTP status.
        pub grpc_status: Option<GrpcStatus>,
        /// Uses the status that the request asks for, with the headers of Envoy's fault filter.
        pub header_abort: Option<Nothing>,
        /// The body, at most 64 KiB; `fault filter abort` if absent. For gRPC, the `grpc-message`.
        pub body: Option<String>,
        /// The `grpc-message` for a gRPC request; `body` if absent. It is truncated to 4 KiB after percent-encoding.
        pub grpc_message: Option<String>,
        /// More headers for the reply. `content-type` is `text/plain` unless it is given here.
        pub headers: Option<ReplyHeaders>,
        /// The share of the rule's requests that are aborted: all if absent.
        pub percentage: Option<FractionalPercent>,
    }
    exactly_one ["http_status", "grpc_status", "header_abort"] else "an abort needs a status", "an abort has one status"
    fields(Self::check)
}

impl Abort {
    fn check(fields: &Fields<'_>, decoder: &mut Decoder) {
        for (field, message) in [("body", "body too long"), ("grpc_message", "gRPC message too long")] {
            if let Some((name, Json::String(text))) = fields.value(field)
                && text.len() > LONGEST_BODY
            {
                let label = format!("{} bytes, at most {LONGEST_BODY} are allowed", text.len());
                decoder.field(name, |d| d.report(Code::OutOfRange, message, label));
            }
        }
    }

    /// Returns the status for a request. The host can build a gRPC reply from either status.
    fn status(&self, request: &dyn RequestView) -> Option<(u16, Option<GrpcStatus>)> {
        let wanted = match (self.http_status, self.grpc_status) {
            (Some(http), _) => Wanted::Http(http.get()),
            (None, Some(grpc)) => Wanted::Grpc(grpc),
            (None, None) => header_control::abort(request)?,
        };
        Some(match wanted {
            Wanted::Http(http) => (http, None),
            // For a client that does not use gRPC, Envoy's filter would send 200 here: a failure that looks like
            // success. Send the HTTP status that corresponds to the gRPC status instead.
            Wanted::Grpc(grpc) if !request.is_grpc() => (grpc.http_status(), None),
            // Envoy itself sends 200 to gRPC clients. gRPC-Web and REST clients behind a transcoding filter need the
            // corresponding HTTP status.
            Wanted::Grpc(grpc) => (grpc.http_status(), Some(grpc)),
        })
    }
}

/// The longest `grpc-message` that is sent, in bytes. Clients limit the size of headers: from 16 KiB on, grpcio loses
/// the status, and other clients lose the whole connection.
pub const LONGEST_GRPC_MESSAGE: usize = 4 * 1024;

/// Returns the part of a `grpc-message` that is sent. Envoy percent-encodes it, which takes three bytes for each byte
/// that is not printable ASCII (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses>).
pub(crate) fn sendable(message: &str) -> &str {
    let mut sent = 0;
    let end = message.char_indices().find_map(|(at, letter)| {
        let plain = matches!(letter, ' '..='~') && letter != '%';
        sent += if plain { 1 } else { 3 * letter.len_utf8() };
        (sent > LONGEST_GRPC_MESSAGE).then_some(at)
    });
    end.and_then(|end| message.get(..end)).unwrap_or(message)
}

impl Fault for Abort {
    fn share(&self) -> Option<FractionalPercent> {
        self.percentage
    }

    fn percentage(&self, request: &dyn RequestView) -> FractionalPercent {
        let percentage = self.percentage.unwrap_or(FractionalPercent::ALWAYS);
        match self.header_abort {
            Some(Nothing) => header_control::limited(percentage, header_control::ABORT_PERCENTAGE, request),
            None => percentage,
        }
    }

    fn apply(&self, request: &dyn RequestView, _entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        let Some((status, grpc_status)) = self.status(request) else { return false };
        let headers = self.headers.iter().flat_map(ReplyHeaders::iter).filter(|(name, _)| !is_reserved(name));
        let message = self.grpc_message.as_deref().filter(|_| request.is_grpc());
        let body = message.or(self.body.as_deref()).unwrap_or(DEFAULT_BODY);
        let body = match (status, grpc_status) {
            // For gRPC it is the message.
            (204 | 304, None) if !request.is_grpc() => "",
            // A shorter message always fits, so there is no need to check whether the request is gRPC.
            _ if body.len() > LONGEST_GRPC_MESSAGE / 3 && request.is_grpc() => sendable(body),
            _ => body,
        };
        let reply = LocalReply {
            status,
            grpc_status,
            headers: headers.map(|(name, value)| (name.into(), value.into())).collect(),
            body: body.into(),
            details: "brownout_abort",
        };
        effects.end = Some(Ending { begins: Some(Kind::Abort), how: End::Reply(reply) });
        true
    }
}

impl About for Abort {
    const EXAMPLE: &'static str = r#"{"http_status": 503}"#;
    const BEGINS: Begins = Begins::WithEnd;
    const ENDS: bool = true;
    const CHANGES_REQUEST: bool = false;
    const NEEDS_REQUEST_BODY: bool = false;
    const SEEN: Option<&'static str> = None;

    fn is_conditional(&self) -> bool {
        self.header_abort.is_some()
    }

    fn resets(&self) -> bool {
        false
    }

    fn answers_with(&self, status: u16) -> bool {
        self.http_status.is_some_and(|own| own.get() == status)
    }

    fn reply_headers(&self, tell: &mut dyn FnMut(&str)) {
        self.headers.iter().flat_map(ReplyHeaders::iter).for_each(|(name, _)| tell(name));
    }

    fn words(&self) -> String {
        let Self { http_status, grpc_status, header_abort: _, body, grpc_message, headers, percentage: _ } =
            self;
        let status = match (http_status, grpc_status) {
            (Some(http), _) => format!("HTTP {}", http.get()),
            (None, Some(grpc)) => {
                format!("gRPC {} (HTTP {} if they are not gRPC)", grpc.name(), grpc.http_status())
            }
            (None, None) => "the status that their headers `x-envoy-fault-abort-…` ask for".into(),
        };
        let body = body.as_ref().map(|body| format!("the body {}", quoted(body)));
        let names: Vec<String> =
            headers.iter().flat_map(|headers| headers.iter()).map(|(name, _)| format!("`{name}`")).collect();
        let headers = (!names.is_empty())
            .then(|| format!("the header{} {}", plural(names.len() as u64), anded(&names)));
        let message = grpc_message.as_ref().map(|message| format!("the gRPC message {}", quoted(message)));
        let with: Vec<String> = body.into_iter().chain(message).chain(headers).collect();
        let with = if with.is_empty() { String::new() } else { format!(", with {}", anded(&with)) };
        format!("are answered with {status} in the backend's place{with}")
    }
}
