//! A body that is changed: replaced, patched, cut short or damaged.

use super::kept::Kept;
use super::{Around, merge_patch};
use crate::decode::json::Json;
use crate::entropy::{Entropy, Sequence};
use crate::view::DataView;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The longest body that a merge patch is applied to, in bytes.
pub const LONGEST_PATCHED: usize = 1024 * 1024;
/// The same if trailers may follow: together with the next piece, the body must fit into the host's buffer, which takes
/// 1 MiB unless configured otherwise.
const LONGEST_BEFORE_TRAILERS: usize = LONGEST_PATCHED - 64 * 1024;
/// A probability of 1, in millionths.
const WHOLE: u64 = 1_000_000;

/// A change to one body, in progress.
#[derive(Debug)]
pub enum Rewrite {
    Replace {
        /// The new body; `None` once it has been sent.
        body: Option<Rc<[u8]>>,
        /// True if the headers announce the length of the new body.
        announced: bool,
    },
    /// Applies a merge patch (RFC 7396) to the body received so far.
    MergePatch {
        /// The patch; `None` once it has been applied.
        patch: Option<Rc<Json>>,
        kept: Kept,
        /// The length of the body, as far as it is known.
        length: BodyLength,
    },
    /// Forwards this many more bytes, and drops the rest.
    Truncate(u64),
    /// Replaces each byte by a different one with this probability, in millionths.
    Corrupt(u32, Sequence),
}

/// The length of a body, as far as the headers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// It is this many bytes long, so there is no need to wait for its end.
    Of(u64),
    /// The length is unknown, but the body is chunked as in HTTP/1.1, where Envoy drops trailers, so none follow.
    Chunked,
    /// The length is unknown, and trailers may follow.
    Unknown,
}

/// The result for a piece.
#[derive(Debug, PartialEq, Eq)]
pub enum Rewritten {
    Same,
    /// These bytes replace the piece.
    To(Vec<u8>),
    /// Nothing yet: the piece has been kept. If trailers follow, the host must be able to send it before them.
    Later {
        /// True if trailers may follow the body.
        trailers: bool,
    },
    /// The patch does not apply. These bytes replace the piece, if anything has been kept.
    Unpatched(Option<Vec<u8>>),
}

impl Rewrite {
    /// Handles a piece of the body.
    pub fn on_data(&mut self, data: &dyn DataView, end: bool, around: &mut Around<'_>) -> Rewritten {
        match self {
            Self::Replace { body, .. } => match body.take() {
                Some(body) => Rewritten::To(body.to_vec()),
                None => Rewritten::To(Vec::new()),
            },
            Self::Truncate(left) => truncated(left, data),
            Self::Corrupt(share, draws) => match data.bytes() {
                Some(mut bytes) if !bytes.is_empty() => {
                    corrupt(&mut bytes, *share, draws);
                    Rewritten::To(bytes)
                }
                _ => Rewritten::Same,
            },
            Self::MergePatch { patch: None, .. } => Rewritten::Same,
            Self::MergePatch { patch: applied @ Some(_), kept, length } => {
                let trailers = *length == BodyLength::Unknown;
                let most = if trailers { LONGEST_BEFORE_TRAILERS } else { LONGEST_PATCHED };
                let fits = kept.len() + data.size() <= most;
                let Some(bytes) = fits.then(|| data.bytes()).flatten() else {
                    return given_up(kept, || data.bytes());
                };
                match kept.keep(bytes, around.memory) {
                    Err(bytes) => given_up(kept, || Some(bytes)),
                    Ok(()) if end || *length == BodyLength::Of(kept.len() as u64) => {
                        patched(kept.take(), applied.take())
                    }
                    Ok(()) => Rewritten::Later { trailers },
                }
            }
        }
    }

    /// Handles the trailers: the body is complete.
    pub fn on_trailers(&mut self) -> Option<Rewritten> {
        match self {
            Self::MergePatch { patch, kept, .. } if !kept.is_empty() => {
                Some(patched(kept.take(), patch.take()))
            }
            _ => None,
        }
    }

    /// Returns whether the headers announce a body that could not be sent, because no piece arrived that it could
    /// replace.
    pub fn is_owed(&self) -> bool {
        match self {
            Self::Replace { body: Some(body), announced } => *announced && !body.is_empty(),
            _ => false,
        }
    }
}

fn truncated(left: &mut u64, data: &dyn DataView) -> Rewritten {
    let size = data.size() as u64;
    if size <= *left {
        *left -= size;
        return Rewritten::Same;
    }
    let most = usize::try_from(core::mem::take(left)).unwrap_or(usize::MAX);
    let mut bytes = if most == 0 { Vec::new() } else { data.bytes().unwrap_or_default() };
    bytes.truncate(most);
    Rewritten::To(bytes)
}

fn corrupt(bytes: &mut [u8], share: u32, draws: &mut Sequence) {
    for byte in bytes {
        let draw = draws.next_u64();
        if draw % WHOLE < u64::from(share) {
            // From the rest of the draw: anything but 0, so that the byte changes.
            *byte ^= u8::try_from(1 + draw / WHOLE % 255).unwrap_or(1);
        }
    }
}

fn patched(body: Vec<u8>, patch: Option<Rc<Json>>) -> Rewritten {
    match patch.and_then(|patch| merge_patch::apply(&body, &patch)) {
        Some(patched) => Rewritten::To(patched),
        None => Rewritten::Unpatched(Some(body)),
    }
}

/// Forwards the kept bytes, followed by the piece.
fn given_up(kept: &mut Kept, piece: impl FnOnce() -> Option<Vec<u8>>) -> Rewritten {
    if kept.is_empty() {
        return Rewritten::Unpatched(None);
    }
    let mut all = kept.take();
    all.extend(piece().unwrap_or_default());
    Rewritten::Unpatched(Some(all))
}
