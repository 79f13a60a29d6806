//! The machine that runs a compiled pattern: an NFA simulation that tracks all active states, byte by byte.

use super::class::Class;
use alloc::vec;
use alloc::vec::Vec;

/// The action of a state before the machine continues with the next one.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// Consumes this byte.
    Byte(u8),
    /// Consumes one of these bytes.
    Class(Class),
    /// Consumes nothing, and continues only if the assertion holds.
    Look(Look),
    /// Continues with the next state and with this one.
    Fork(u16),
    /// Continues with this state instead of the next one.
    Jump(u16),
}

/// An assertion about the position between two bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Look {
    Start,
    End,
    LineStart,
    LineEnd,
    Boundary,
    NoBoundary,
    WordStart,
    WordEnd,
    NoWordBefore,
    NoWordAfter,
}

impl Look {
    fn holds(self, before: Option<u8>, after: Option<u8>) -> bool {
        let is_word = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        let (word_before, word_after) = (is_word(before), is_word(after));
        match self {
            Self::Start => before.is_none(),
            Self::End => after.is_none(),
            Self::LineStart => before.is_none_or(|byte| byte == b'\n'),
            Self::LineEnd => after.is_none_or(|byte| byte == b'\n'),
            Self::Boundary => word_before != word_after,
            Self::NoBoundary => word_before == word_after,
            Self::WordStart => !word_before && word_after,
            Self::WordEnd => word_before && !word_after,
            Self::NoWordBefore => !word_before,
            Self::NoWordAfter => !word_after,
        }
    }
}

/// The working memory of a run: the current states, the next ones, and those still to follow.
#[derive(Debug, Clone)]
pub(super) struct Scratch {
    now: Set,
    then: Set,
    open: Vec<u16>,
}

impl Scratch {
    pub(super) fn new(states: &[State]) -> Self {
        let set =
            || Set { members: Vec::with_capacity(states.len() + 1), has: vec![false; states.len() + 1] };
        Self { now: set(), then: set(), open: Vec::new() }
    }

    /// Returns the size of the working memory for this many states, in bytes.
    pub(super) fn memory(states: usize) -> usize {
        2 * (states + 1) * (size_of::<u16>() + size_of::<bool>())
    }
}

#[derive(Debug, Clone)]
struct Set {
    members: Vec<u16>,
    has: Vec<bool>,
}

impl Set {
    /// Inserts a state, and returns whether it is new.
    fn insert(&mut self, state: u16) -> bool {
        let Some(has) = self.has.get_mut(usize::from(state)).filter(|has| !**has) else { return false };
        *has = true;
        self.members.push(state);
        true
    }

    fn clear(&mut self) {
        for state in self.members.drain(..) {
            if let Some(has) = self.has.get_mut(usize::from(state)) {
                *has = false;
            }
        }
    }
}

/// Returns whether the whole value takes the machine from its first state past its last one. `spend` is called for each
/// byte with the number of active states, and can stop the run: then the value does not match.
pub(super) fn run(
    states: &[State],
    value: &[u8],
    scratch: &mut Scratch,
    spend: &mut dyn FnMut(usize) -> bool,
) -> bool {
    let Scratch { now, then, open } = scratch;
    now.clear();
    follow(states, 0, (None, value.first().copied()), now, open);
    for (place, byte) in value.iter().enumerate() {
        if now.members.is_empty() || !spend(now.members.len()) {
            return false;
        }
        let around = (Some(*byte), value.get(place + 1).copied());
        then.clear();
        for &state in &now.members {
            let takes = match states.get(usize::from(state)) {
                Some(State::Byte(expected)) => expected == byte,
                Some(State::Class(class)) => class.contains(*byte),
                _ => false,
            };
            if takes {
                follow(states, state + 1, around, then, open);
            }
        }
        core::mem::swap(now, then);
    }
    now.has.last().copied().unwrap_or(false)
}

/// Adds a state, and all states reachable from it without consuming a byte.
fn follow(
    states: &[State],
    from: u16,
    around: (Option<u8>, Option<u8>),
    reached: &mut Set,
    open: &mut Vec<u16>,
) {
    open.push(from);
    while let Some(state) = open.pop() {
        if !reached.insert(state) {
            continue;
        }
        match states.get(usize::from(state)) {
            Some(State::Fork(other)) => open.extend([*other, state + 1]),
            Some(State::Jump(to)) => open.push(*to),
            Some(State::Look(look)) if look.holds(around.0, around.1) => open.push(state + 1),
            _ => {}
        }
    }
}
