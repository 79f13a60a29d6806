//! The outcomes that named cases expect.

use crate::seen::Seen;

/// The expected outcome of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It is let through at once.
    Passes,
    /// It waits and is let through.
    Delayed,
    /// It is answered with an HTTP status.
    Aborted(u16),
    /// It waits and is answered with an HTTP status.
    DelayedAborted(u16),
    /// It is answered with a gRPC status.
    Grpc(u8),
    /// It is let through at once, and Envoy itself answers with an HTTP status.
    AnsweredByEnvoy(u16),
}

impl Expected {
    pub fn delays(self) -> bool {
        matches!(self, Self::Delayed | Self::DelayedAborted(_))
    }

    /// Asserts that this is what was seen.
    pub fn check(self, seen: &Seen, what: &str) {
        let status = seen.answered.as_ref().map(|answered| answered.status);
        let grpc_status = seen.header("grpc-status");
        let found = (seen.delayed, seen.aborted, seen.forwarded(), status, grpc_status);
        let expected = match self {
            Self::Passes | Self::Delayed => (self.delays(), false, true, Some(200), None),
            Self::AnsweredByEnvoy(status) => (false, false, false, Some(status), None),
            Self::Aborted(status) | Self::DelayedAborted(status) => {
                (self.delays(), true, false, Some(status), None)
            }
            Self::Grpc(status) => (false, true, false, Some(200), Some(status.to_string())),
        };
        assert_eq!(found, expected, "{what}: (delayed, aborted, forwarded, status, grpc-status)\n{seen}");
    }
}
