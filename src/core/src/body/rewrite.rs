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
/// The same where trailers may come after it: it has to fit into the host's buffer, which takes 1 MiB unless its
/// configuration says otherwise, together with the next piece.
const LONGEST_BEFORE_TRAILERS: usize = LONGEST_PATCHED - 64 * 1024;
/// Millionths.
const WHOLE: u64 = 1_000_000;

/// A change to one body, under way.
#[derive(Debug)]
pub enum Rewrite {
    /// Another body in its place.
    Replace {
        /// It; none once it has been put there.
        body: Option<Rc<[u8]>>,
        /// Whether the headers tell of its length.
        announced: bool,
    },
    /// A merge patch (RFC 7396), and what has come in so far.
    MergePatch {
        /// The patch; none once it has been applied.
        patch: Option<Rc<Json>>,
        /// The body, so far.
        kept: Kept,
        /// How long the body will be.
        length: BodyLength,
    },
    /// So many more bytes, and then no more.
    Truncate(u64),
    /// Each byte becomes another one with this probability, in millionths.
    Corrupt(u32, Sequence),
}

/// What is known beforehand of the length of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// It is so many bytes long: its end need not be waited for.
    Of(u64),
    /// Nothing, but it is chunked as in HTTP/1.1, and no trailers come after it: Envoy drops them there.
    Chunked,
    /// Nothing, and trailers may come after it.
    Unknown,
}

/// What becomes of a piece.
#[derive(Debug, PartialEq, Eq)]
pub enum Rewritten {
    /// It stays as it is.
    Same,
    /// This takes its place.
    To(Vec<u8>),
    /// Nothing yet; it has been kept. With trailers to come, the host has to be able to take it before those.
    Later {
        /// Whether they may come.
        trailers: bool,
    },
    /// The patch does not apply. This takes its place, if anything has been kept.
    Unpatched(Option<Vec<u8>>),
}

impl Rewrite {
    /// A piece has arrived.
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

    /// The trailers have arrived, and no more of the body comes.
    pub fn on_trailers(&mut self) -> Option<Rewritten> {
        match self {
            Self::MergePatch { patch, kept, .. } if !kept.is_empty() => {
                Some(patched(kept.take(), patch.take()))
            }
            _ => None,
        }
    }

    /// Whether the headers tell of a body that has not been put, since no piece has come whose place it could take.
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
            // Of what is left of the draw: anything but 0, so that the byte becomes another one.
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

/// What was kept goes on, and the piece after it.
fn given_up(kept: &mut Kept, piece: impl FnOnce() -> Option<Vec<u8>>) -> Rewritten {
    if kept.is_empty() {
        return Rewritten::Unpatched(None);
    }
    let mut all = kept.take();
    all.extend(piece().unwrap_or_default());
    Rewritten::Unpatched(Some(all))
}
